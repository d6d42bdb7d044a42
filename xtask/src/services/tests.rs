//! The table of services and what a person may type; nothing is started.

use super::*;
use clap::Parser;

#[derive(Parser)]
struct Line {
    #[command(flatten)]
    arguments: Arguments,
}

fn parse(words: &str) -> Result<Arguments, String> {
    Line::try_parse_from(format!("services {words}").split_whitespace())
        .map(|line| line.arguments)
        .map_err(|error| error.to_string())
}

#[test]
fn names_and_ports_are_each_used_once() {
    let mut names: Vec<&str> = SERVICES.iter().map(|service| service.name).collect();
    let mut ports: Vec<u16> = SERVICES
        .iter()
        .flat_map(|service| service.ports)
        .map(|port| port.number)
        .collect();
    let (name_count, port_count) = (names.len(), ports.len());
    names.sort_unstable();
    names.dedup();
    ports.sort_unstable();
    ports.dedup();
    assert_eq!((names.len(), ports.len()), (name_count, port_count));
}

#[test]
fn a_cache_folder_is_named_after_service_and_version() {
    for service in SERVICES {
        if let Some(artifact) = &service.artifact {
            let begin = format!("{}-{}-", service.name, service.version);
            assert!(artifact.folder.starts_with(&begin), "{}", artifact.folder);
        }
    }
}

#[test]
fn names_are_chosen_in_the_order_of_the_table() {
    let check = |names: &[&str], expected: &[&str]| {
        let chosen: Vec<&str> = choose(names)
            .expect("known names")
            .iter()
            .map(|service| service.name)
            .collect();
        assert_eq!(chosen, expected, "{names:?}");
    };
    check(&[], &["keycloak", "kafka", "opa", "redis"]);
    check(&["redis", "kafka", "redis"], &["kafka", "redis"]);
    let error = choose(&["kafka", "rabbit"])
        .map(|_| ())
        .expect_err("unknown");
    assert_eq!(
        error.to_string(),
        "no service `rabbit`; there are: keycloak, kafka, opa, redis"
    );
}

#[test]
fn the_command_line_is_read() {
    let Action::Up(names) = parse("up kafka redis").expect("valid").action else {
        panic!("another action than up");
    };
    assert_eq!(names.as_texts(), ["kafka", "redis"]);
    let Action::Logs(logs) = parse("logs opa -f -n 7").expect("valid").action else {
        panic!("another action than logs");
    };
    assert_eq!(
        (logs.names.as_texts().as_slice(), logs.follow, logs.lines),
        (["opa"].as_slice(), true, 7)
    );
    let Action::Wipe(names) = parse("wipe").expect("valid").action else {
        panic!("another action than wipe");
    };
    assert!(names.as_texts().is_empty());
}

#[test]
fn a_wrong_word_is_named() {
    let check = |words: &str, expected: &str| {
        let said = parse(words).map(|_| ()).expect_err("not valid");
        assert!(said.contains(expected), "{words}: {said}");
    };
    check("up kafak", "keycloak, kafka, opa, redis");
    check("restart", "unrecognized subcommand 'restart'");
    check("logs -n many", "invalid digit");
}

#[test]
fn the_help_names_every_service_and_port() {
    for service in SERVICES {
        assert!(EXAMPLES.contains(service.name));
        assert!(EXAMPLES.contains(&service.ports[0].number.to_string()));
    }
}
