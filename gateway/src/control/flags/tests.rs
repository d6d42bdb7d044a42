use clap::CommandFactory as _;

use super::*;
use crate::control::settings::rows::rows;

fn parse(line: &str) -> Result<Arguments, clap::Error> {
    Arguments::try_parse_from(std::iter::once("stoa-gateway").chain(line.split_whitespace()))
}

#[test]
fn the_command_line_is_well_formed() {
    Arguments::command().debug_assert();
}

#[test]
fn flags_of_settings_are_read_before_and_after_the_command() {
    for (line, expected) in [
        ("", ""),
        ("--mode=edge-mcp --port=3001", "mode=edge-mcp port=3001"),
        ("--port 1 serve", "port=1"),
        ("serve --port 1", "port=1"),
        ("--port 1 check --port 2", "port=2"),
        ("--debug check", "debug=true"),
        ("--debug=false", "debug=false"),
        ("--metering-enabled=true", "metering_enabled=true"),
        (
            "--upstream-allow 10.0.0.0/8,::1 --upstream-allow 127.0.0.1",
            "upstream_allow=10.0.0.0/8,::1,127.0.0.1",
        ),
        (
            "--mode=sidecar --primary-gateway=kong",
            "mode=sidecar primary_gateway=kong",
        ),
        (
            "--mode=proxy --upstream=http://b:1 --opa-endpoint=http://o:1",
            "mode=proxy opa_endpoint=http://o:1 upstream=http://b:1",
        ),
        (
            "--mode=shadow --target=http://l:1 --output=/o",
            "mode=shadow output=/o target=http://l:1",
        ),
    ] {
        let given = parse(line).unwrap().setting_flags();
        let found: Vec<_> = given
            .values
            .iter()
            .map(|(key, value)| format!("{key}={value}"))
            .collect();
        assert_eq!(found.join(" "), expected, "{line}");
    }
}

#[test]
fn what_is_no_flag_is_refused() {
    for line in [
        "--prot 1",
        "serve --colour",
        "key create --name n",
        "key list --port 1",
        "frobnicate",
        "import openapi",
    ] {
        let error = parse(line).unwrap_err();
        assert_eq!(error.exit_code(), 2, "{line}");
    }
    assert!(
        parse("--prot 1")
            .unwrap_err()
            .to_string()
            .contains("--port")
    );
}

#[test]
fn commands_of_other_parts_are_read() {
    let line = "key create --tenant acme --name ci --role viewer --expires 90d --keys k";
    assert!(matches!(
        parse(line).unwrap().command,
        Some(Command::Key(KeyCommand::Create(_)))
    ));
    let Some(Command::Events(events)) = parse("events --spool s --follow").unwrap().command else {
        panic!()
    };
    assert!(events.follow && events.spool.as_os_str() == "s");
    let line = "import openapi a.json --namespace tenant-x --emit yaml";
    let Some(Command::Import(ImportCommand::Openapi(import))) = parse(line).unwrap().command else {
        panic!()
    };
    assert_eq!(
        (import.namespace.as_str(), import.emit),
        ("tenant-x", Emit::Yaml)
    );
}

#[test]
fn help_teaches_every_setting() {
    let help = Arguments::command().render_long_help().to_string();
    for row in rows() {
        assert!(help.contains(&format!("--{}", row.flag())), "{}", row.key);
        for variable in row.variables() {
            assert!(help.contains(&variable), "{variable}");
        }
        assert!(help.contains(row.group), "{}", row.group);
    }
    assert!(help.contains("Examples:"));
    assert!(
        !help.contains("--opa-endpoint"),
        "what is not there is not offered"
    );
}
