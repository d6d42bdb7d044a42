use std::collections::BTreeMap;
use std::path::Path;

use super::*;
use crate::control::config::File;
use crate::limits;

fn pairs(text: &[(&str, &str)]) -> BTreeMap<String, String> {
    text.iter()
        .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
        .collect()
}

fn layers(flags: &[(&str, &str)], environment: &[(&str, &str)], file: &str) -> Layers {
    let file = File::parse(Path::new("stoa.yaml"), file).unwrap();
    Layers::new(&pairs(flags), &pairs(environment), Some(&file))
}

fn problems(flags: &[(&str, &str)], environment: &[(&str, &str)], file: &str) -> Vec<String> {
    let found = match File::parse(Path::new("stoa.yaml"), file) {
        Ok(file) => resolve(&mut Layers::new(
            &pairs(flags),
            &pairs(environment),
            Some(&file),
        ))
        .err(),
        Err(problems) => Some(problems),
    };
    found
        .unwrap_or_default()
        .iter()
        .map(ToString::to_string)
        .collect()
}

#[test]
fn every_default_can_be_read() {
    let settings = resolve(&mut Layers::new(&pairs(&[]), &pairs(&[]), None)).unwrap();
    assert_eq!(settings.listening.host.to_string(), "127.0.0.1");
    assert_eq!(
        (settings.listening.port, settings.listening.metrics_port),
        (3001, Some(9090))
    );
    assert_eq!(settings.rates.tiers.viewer.to_string(), "60/min:10");
    assert_eq!(
        settings.metering.spool.fsync,
        crate::meter::spool::Fsync::IntervalMs(1_000)
    );
    assert!(!settings.gateway_id.is_empty());
}

#[test]
fn the_default_of_a_bound_is_that_of_the_limits() {
    let settings = resolve(&mut Layers::new(&pairs(&[]), &pairs(&[]), None)).unwrap();
    let bounds = settings.bounds;
    for (found, expected) in [
        (
            bounds.body_bytes_max as u64,
            limits::BODY_BYTES_MAX_DEFAULT as u64,
        ),
        (bounds.head_timeout_ms, limits::HEAD_TIMEOUT_MS_DEFAULT),
        (bounds.body_timeout_ms, limits::BODY_TIMEOUT_MS_DEFAULT),
        (bounds.idle_timeout_ms, limits::IDLE_TIMEOUT_MS_DEFAULT),
        (bounds.write_timeout_ms, limits::WRITE_TIMEOUT_MS_DEFAULT),
        (
            bounds.connections_max.into(),
            limits::CONNECTIONS_MAX_DEFAULT.into(),
        ),
        (
            bounds.connections_per_address_max.into(),
            limits::CONNECTIONS_PER_ADDRESS_MAX_DEFAULT.into(),
        ),
        (
            bounds.requests_per_connection_max.into(),
            limits::REQUESTS_PER_CONNECTION_MAX_DEFAULT.into(),
        ),
        (
            settings.listening.grace_period_ms,
            limits::GRACE_PERIOD_MS_DEFAULT,
        ),
        (
            settings.catalog.upstream_timeout_ms,
            limits::UPSTREAM_TOTAL_TIMEOUT_MS_DEFAULT,
        ),
        (
            settings.metering.spool.bytes_max,
            limits::SPOOL_BYTES_MAX_DEFAULT,
        ),
        (
            settings.metering.spool.segment_bytes_max,
            limits::SPOOL_SEGMENT_BYTES_MAX,
        ),
    ] {
        assert_eq!(found, expected);
    }
}

#[test]
fn one_past_the_bound_of_a_setting_is_refused() {
    for (key, most) in [
        ("workers", limits::WORKERS_MAX as u64),
        ("upstream_timeout_ms", limits::UPSTREAM_TOTAL_TIMEOUT_MS_MAX),
    ] {
        let set = |value: u64| problems(&[(key, &value.to_string())], &[], "");
        assert_eq!(set(most), [""; 0], "{key}");
        let refused = set(most + 1);
        assert!(
            refused[0].contains(&format!("must be at most {most}")),
            "{refused:?}"
        );
    }
}

#[test]
fn one_past_the_bytes_of_a_secret_file_is_refused() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("secret");
    let read = |text: String| {
        std::fs::write(&path, text).unwrap();
        secret::read_secret(&path)
    };
    let longest = "x".repeat(limits::SECRET_FILE_BYTES_MAX);
    assert_eq!(read(longest.clone()).as_ref(), Ok(&longest));
    let error = read(longest + "x").unwrap_err();
    assert!(error.contains("more than 65536 bytes"), "{error}");
    let endless = secret::read_secret(Path::new("/dev/zero")).unwrap_err();
    assert!(endless.contains("more than 65536 bytes"), "{endless}");
}

#[test]
fn every_key_has_one_row_and_every_row_is_read() {
    let keys: Vec<_> = rows::rows().map(|row| row.key).collect();
    let unique: std::collections::BTreeSet<_> = keys
        .iter()
        .copied()
        .chain(rows::ABSENT.iter().map(|absent| absent.key))
        .collect();
    assert_eq!(unique.len(), keys.len() + rows::ABSENT.len());
    for row in rows::rows() {
        assert!(
            row.help.ends_with('.') && !row.value.is_empty(),
            "{}",
            row.key
        );
        // A value that no parser takes is refused, unless the setting is free text or a path.
        // Those of Kafka are refused without a broker, whatever they say.
        let is_free = ["DIR", "FILE", "HOST[:PORT]", "ORIGIN"].contains(&row.value)
            && !row.key.starts_with("kafka_");
        let found = problems(&[(row.key, "\u{7f} ?")], &[], "");
        assert_eq!(
            found.is_empty(),
            is_free && !row.key.ends_with("secret_file") && row.key != "session_key_file",
            "{} {found:?}",
            row.key
        );
    }
}

/// flag > environment > file > default; `None` leaves a layer out.
#[test]
fn precedence() {
    for (flag, variables, file, expected, source) in [
        (None, &[][..], "", "3001", "default"),
        (None, &[], "port: 1", "1", "stoa.yaml:1"),
        (None, &[("PORT", "2")], "port: 1", "2", "environment PORT"),
        (
            None,
            &[("PORT", "2"), ("MCP_GATEWAY_PORT", "3")],
            "",
            "3",
            "environment MCP_GATEWAY_PORT",
        ),
        (
            None,
            &[("PORT", "2"), ("GATEWAY_PORT", "4")],
            "",
            "4",
            "environment GATEWAY_PORT",
        ),
        (
            None,
            &[("GATEWAY_PORT", "4"), ("STOA_PORT", "5")],
            "",
            "5",
            "environment STOA_PORT",
        ),
        (None, &[("STOA_PORT", "")], "port: 1", "1", "stoa.yaml:1"),
        (
            Some("6"),
            &[("STOA_PORT", "5")],
            "port: 1",
            "6",
            "flag --port",
        ),
        (Some("6"), &[], "", "6", "flag --port"),
    ] {
        let flags: Vec<_> = flag.map(|flag| ("port", flag)).into_iter().collect();
        let layers = layers(&flags, variables, file);
        let found = layers.sourced("port").unwrap();
        assert_eq!(
            (found.text.as_str(), found.source.to_string().as_str()),
            (expected, source)
        );
    }
}

#[test]
fn the_three_spellings_mean_the_same() {
    for (key, text, yaml) in [
        (
            "upstream_allow",
            "10.0.0.0/8,::1",
            "upstream_allow:\n- 10.0.0.0/8\n- ::1\n",
        ),
        (
            "tenant_limits",
            "acme=100/min:20",
            "tenant_limits: {acme: \"100/min:20\"}",
        ),
        (
            "tenant_limits",
            "acme=100/min:20",
            "tenant_limits: {acme: {requests_per_minute: 100, burst: 20}}",
        ),
        ("metering_enabled", "false", "metering_enabled: false"),
        ("cost_base", "0.5", "cost_base: 0.5"),
    ] {
        let variable = format!("STOA_{}", key.to_ascii_uppercase());
        let all = [
            layers(&[(key, text)], &[], ""),
            layers(&[], &[(&variable, text)], ""),
            layers(&[], &[], yaml),
        ];
        for mut layers in all {
            assert_eq!(layers.sourced(key).unwrap().text, text);
            resolve(&mut layers).unwrap();
        }
    }
}

#[test]
fn nothing_is_ignored() {
    let check =
        |flags: &[(&str, &str)], environment: &[(&str, &str)], file: &str, expected: &[&str]| {
            let found = problems(flags, environment, file);
            assert_eq!(found.len(), expected.len(), "{found:#?}");
            for (found, expected) in found.iter().zip(expected) {
                assert!(found.contains(expected), "{found}\nlacks {expected}");
            }
        };
    check(
        &[],
        &[],
        "port: 1\nhots: a\n",
        &["stoa.yaml:2:1: unknown key `hots` (did you mean `host`?)"],
    );
    check(
        &[],
        &[],
        "colour: red\n",
        &["stoa.yaml:1:1: unknown key `colour`"],
    );
    check(
        &[],
        &[],
        "port: [1, 2]\n",
        &["stoa.yaml:1:1: port: expected one value, found a list"],
    );
    check(&[], &[], "- port\n", &["stoa.yaml:1:1: "]);
    check(
        &[],
        &[],
        "port: 1\nport: 2\n",
        &["stoa.yaml:2:1: `port` is given twice"],
    );
    check(
        &[],
        &[],
        "port: seventy\n",
        &["stoa.yaml:1:7: port: `seventy` is no number"],
    );
    check(
        &[],
        &[],
        "port: 70000\nworkers: x\n",
        &["stoa.yaml:1:7: port: ", "stoa.yaml:2:10: workers: "],
    );
    check(
        &[],
        &[("STOA_PROT", "1")],
        "",
        &[
            "STOA_PROT: unknown variable: names that begin with `STOA_` are settings of the gateway (did you mean `STOA_PORT`?)",
        ],
    );
    check(
        &[],
        &[("STOA_PORT", "x")],
        "",
        &["STOA_PORT: `x` is no number"],
    );
    check(&[("port", "x")], &[], "", &["--port: `x` is no number"]);
    check(
        &[("mode", "sidecar")],
        &[],
        "",
        &["--mode: this version does not have the mode `sidecar`, only edge-mcp"],
    );
    check(&[("mode", "edge")], &[], "", &["--mode: `edge` is no mode"]);
    check(
        &[],
        &[("GATEWAY_MODE", "proxy")],
        "",
        &["GATEWAY_MODE: this version does not have the mode"],
    );
    check(
        &[],
        &[],
        "role_tiers: {admin: 1/min}\n",
        &["stoa.yaml:1:13: role_tiers: `admin` is none of cpi-admin"],
    );
    check(
        &[("upstream_timeout_ms", "600s")],
        &[],
        "",
        &["--upstream-timeout-ms: must be at most 300000 ms"],
    );
}

/// Pitfall 26: operators believed that a protection was on.
#[test]
fn pitfall_26_a_setting_of_another_version_stops_the_start() {
    for (name, value) in [
        ("OPA_URL", "http://o"),
        ("OPA_ENABLED", "true"),
        ("OPA_EMBEDDED", "true"),
        ("K8S_WATCHER_ENABLED", "true"),
        ("CONTROL_PLANE_URL", "https://c"),
    ] {
        let found = problems(&[], &[(name, value)], "");
        assert!(
            found.len() == 1
                && found[0].starts_with(&format!("{name}: this version does not have")),
            "{found:?}"
        );
    }
    for (name, value) in [
        ("OPA_ENABLED", "false"),
        ("OPA_EMBEDDED", "False"),
        ("K8S_WATCHER_ENABLED", "false"),
    ] {
        assert_eq!(
            problems(&[], &[(name, value)], ""),
            Vec::<String>::new(),
            "{name}"
        );
    }
    let found = problems(&[("opa_endpoint", "http://o")], &[], "opa_enabled: true\n");
    assert_eq!(found.len(), 2, "{found:?}");
    assert!(
        found[0].starts_with("stoa.yaml:1:14: opa_enabled: ")
            && found[1].starts_with("--opa-endpoint: "),
        "{found:?}"
    );
}

/// The issuers, with their tenants, and the audiences that settings give.
fn oidc(variables: &[(&str, &str)], file: &str) -> (Vec<String>, Vec<String>) {
    let settings = resolve(&mut layers(&[], variables, file)).unwrap();
    let oidc = settings.identity.oidc.unwrap();
    let issuers = oidc.issuers.into_iter();
    let issuers = issuers.map(|issuer| issuer.tenant.unwrap_or_default() + "@" + &issuer.url);
    (issuers.collect(), oidc.audiences)
}

#[test]
fn issuers_and_audiences_are_named_in_every_way_that_deployments_do() {
    let local = ["http://127.0.0.1:3001/mcp", "http://localhost:3001/mcp"];
    for (variables, file, issuers, audiences) in [
        (
            &[("KEYCLOAK_URL", "https://k/"), ("OIDC_AUDIENCE", "gw")][..],
            "",
            &["@https://k/realms/stoa"][..],
            &["gw"][..],
        ),
        (
            &[
                ("KEYCLOAK_URL", "https://k/auth"),
                ("KEYCLOAK_REALM", "r"),
                ("OIDC_AUDIENCE", "b,a"),
            ],
            "",
            &["@https://k/auth/realms/r"],
            &["a", "b"],
        ),
        (
            &[("BASE_DOMAIN", "example.com"), ("OIDC_AUDIENCE", "gw")],
            "",
            &["@https://auth.example.com/realms/stoa"],
            &["gw"],
        ),
        (
            &[
                ("KEYCLOAK_URL", "https://k"),
                ("BASE_DOMAIN", "d"),
                ("OIDC_AUDIENCE", "gw"),
            ],
            "",
            &["@https://k/realms/stoa"],
            &["gw"],
        ),
        (
            &[],
            "oidc_issuer: https://i/\npublic_url: https://gw/\n",
            &["@https://i/"],
            &["https://gw/mcp"],
        ),
        (
            &[],
            "oidc_tenant_issuers: {acme: 'https://a', tenant-globex: 'https://g'}\nhost: 127.0.0.1\n",
            &["acme@https://a", "globex@https://g"],
            &local,
        ),
        (
            &[("KEYCLOAK_URL", "https://k")],
            "oidc_tenant_issuers: {acme: 'https://a'}\noidc_audience: [x, y]\n",
            &["@https://k/realms/stoa", "acme@https://a"],
            &["x", "y"],
        ),
    ] {
        let (found, heard) = oidc(variables, file);
        assert_eq!(found, issuers, "{variables:?} {file}");
        assert_eq!(heard, audiences, "{variables:?} {file}");
    }
    let settings = resolve(&mut layers(
        &[],
        &[("KEYCLOAK_URL", "https://k"), ("OIDC_AUDIENCE", "g")],
        "",
    ))
    .unwrap();
    assert!(!settings.is_anonymous());
    assert_eq!(settings.listening.host.to_string(), "0.0.0.0");
    assert!(
        resolve(&mut layers(&[], &[("KEYCLOAK_URL", "")], ""))
            .unwrap()
            .identity
            .oidc
            .is_none()
    );
}

#[test]
fn issuers_are_bounded_and_have_their_defaults() {
    let named = |count: usize| {
        let urls: Vec<String> = (0..count)
            .map(|number| format!("https://i{number}"))
            .collect();
        let file = format!("oidc_issuer: [{}]\noidc_audience: a\n", urls.join(", "));
        (problems(&[], &[], &file), file)
    };
    let (found, file) = named(limits::ISSUERS_MAX);
    assert_eq!(found, Vec::<String>::new());
    let (found, _) = named(limits::ISSUERS_MAX + 1);
    assert!(
        found.len() == 1 && found[0].contains("more than 1024 issuers"),
        "{found:?}"
    );
    let oidc = resolve(&mut layers(&[], &[], &file))
        .unwrap()
        .identity
        .oidc
        .unwrap();
    assert_eq!(oidc.refresh_ms, limits::ISSUER_REFRESH_MS_DEFAULT);
    assert_eq!(oidc.keys_kept_ms, limits::ISSUER_KEYS_KEPT_MS_DEFAULT);
}

#[test]
fn mistakes_with_issuers_stop_the_start() {
    let keycloak = ("KEYCLOAK_URL", "https://k");
    let prod = ("ENVIRONMENT", "prod");
    for (variables, file, expected) in [
        // What listens on every address has no name of its own.
        (
            &[keycloak][..],
            "",
            "which tokens are for this gateway is not said",
        ),
        (
            &[("OIDC_AUDIENCE", "a")],
            "",
            "OIDC_AUDIENCE: says nothing without an issuer",
        ),
        (
            &[("KEYCLOAK_REALM", "a")],
            "",
            "KEYCLOAK_REALM: says nothing without an issuer",
        ),
        (
            &[("KEYCLOAK_URL", "k")],
            "",
            "KEYCLOAK_URL: the URL has no scheme",
        ),
        (
            &[("KEYCLOAK_URL", "https://k?x")],
            "",
            "no issuer: it has a query",
        ),
        (
            &[keycloak, ("KEYCLOAK_REALM", "a/b")],
            "host: 127.0.0.1\n",
            "no realm's name",
        ),
        (
            &[keycloak],
            "host: 127.0.0.1\noidc_issuer: https://k/realms/stoa\n",
            "named twice",
        ),
        (
            &[keycloak],
            "host: 127.0.0.1\noidc_tenant_issuers: {a: 'https://k/realms/stoa'}\n",
            "named twice",
        ),
        (
            &[keycloak],
            "host: 127.0.0.1\noidc_tenant_issuers: {A: 'https://g'}\n",
            "no namespace",
        ),
        (
            &[keycloak],
            "host: 127.0.0.1\noidc_tenant_issuers: {a: x}\n",
            "no scheme",
        ),
        (
            &[keycloak],
            "host: 127.0.0.1\noidc_audience: 'a\"b'\n",
            "no visible ASCII, or a quote",
        ),
        (
            &[keycloak],
            "host: 127.0.0.1\noidc_scopes_grant: maybe\n",
            "neither `true` nor `false`",
        ),
        (
            &[
                prod,
                ("KEYCLOAK_URL", "http://keycloak:8080"),
                ("OIDC_AUDIENCE", "a"),
            ],
            "",
            "prod refuses the issuer http://keycloak:8080",
        ),
    ] {
        let found = problems(&[], variables, file);
        assert!(
            found.len() == 1 && found[0].contains(expected),
            "{found:?} lacks {expected}"
        );
    }
    let local = [
        prod,
        ("KEYCLOAK_URL", "http://127.0.0.1:8080"),
        ("OIDC_AUDIENCE", "a"),
    ];
    assert_eq!(problems(&[], &local, ""), Vec::<String>::new());
}

#[test]
fn variables_of_kubernetes_services_are_nobodys_settings() {
    let environment = [
        ("STOA_GATEWAY_SERVICE_HOST", "10.0.0.1"),
        ("STOA_GATEWAY_SERVICE_PORT", "80"),
        ("STOA_GATEWAY_SERVICE_PORT_HTTP", "80"),
        ("STOA_GATEWAY_PORT", "tcp://10.0.0.1:80"),
        ("STOA_GATEWAY_PORT_80_TCP", "tcp://10.0.0.1:80"),
        ("STOA_GATEWAY_PORT_80_TCP_PROTO", "tcp"),
        ("STOA_GATEWAY_PORT_80_TCP_PORT", "80"),
        ("STOA_GATEWAY_PORT_80_TCP_ADDR", "10.0.0.1"),
        ("STOA_PORT", "tcp://10.0.0.1:80"),
        ("GATEWAY_PORT", "tcp://10.0.0.1:80"),
    ];
    let mut layers = layers(&[], &environment, "");
    assert_eq!(resolve(&mut layers).unwrap().listening.port, 3001);
}

/// Pitfall 27: bound to all interfaces, whatever the setting said.
#[test]
fn pitfall_27_who_may_be_reached_from_where() {
    let secret = "0123456789abcdef0123456789abcdef";
    for (flags, expected) in [
        (&[][..], Ok("127.0.0.1")),
        (&[("keys", "k")], Ok("0.0.0.0")),
        (&[("keys", "k"), ("host", "127.0.0.1")], Ok("127.0.0.1")),
        (&[("keys", "k"), ("host", "::")], Ok("::")),
        (&[("host", "localhost")], Ok("127.0.0.1")),
        (&[("host", "::1")], Ok("::1")),
        (
            &[("host", "0.0.0.0")],
            Err(
                "--host: without --keys or an issuer of tokens everyone who reaches 0.0.0.0 may call",
            ),
        ),
        (
            &[("host", "0.0.0.0"), ("insecure_anonymous", "true")],
            Ok("0.0.0.0"),
        ),
        (&[("environment", "prod")], Err("--keys: prod refuses")),
        (&[("environment", "prod"), ("keys", "k")], Ok("0.0.0.0")),
        (
            &[("environment", "prod"), ("keys", "k"), ("debug", "true")],
            Err("--debug: refused in prod"),
        ),
        (
            &[
                ("environment", "prod"),
                ("keys", "k"),
                ("insecure_anonymous", "true"),
            ],
            Err("--insecure-anonymous: refused in prod"),
        ),
        (
            &[
                ("environment", "prod"),
                ("keys", "k"),
                ("allowed_origins", "*"),
            ],
            Err("--allowed-origins: prod refuses"),
        ),
        (
            &[("metrics_port", "3001")],
            Err("--metrics-port: is the port of the endpoint too"),
        ),
        (&[("session_key", secret)], Ok("127.0.0.1")),
    ] {
        match (resolve(&mut layers(flags, &[], "")), expected) {
            (Ok(settings), Ok(host)) => {
                assert_eq!(settings.listening.host.to_string(), host, "{flags:?}")
            }
            (Err(problems), Err(text)) => {
                assert!(
                    problems.len() == 1 && problems[0].to_string().contains(text),
                    "{problems:?}"
                );
            }
            (found, _) => panic!("{flags:?}: {found:?}"),
        }
    }
}

#[test]
fn secrets_are_read_and_never_shown() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("secret");
    let secret = "correct-horse-battery-staple-0123456789";
    std::fs::write(&path, format!("{secret}\n")).unwrap();
    let path = path.to_str().unwrap();
    let mut layers = layers(
        &[("session_key_file", path)],
        &[("STOA_KEY_HASH_SECRET", secret)],
        "",
    );
    let settings = resolve(&mut layers).unwrap();
    assert_eq!(
        settings.identity.session_key.as_ref().unwrap().expose(),
        secret
    );
    assert_eq!(
        settings.identity.key_hash_secret.as_ref().unwrap().expose(),
        secret
    );
    let printed = print::print(&layers, &settings);
    assert!(!printed.contains(secret) && !format!("{settings:?}").contains(secret));
    assert!(
        printed.contains("# key_hash_secret: \"***\"  # environment STOA_KEY_HASH_SECRET"),
        "{printed}"
    );
    for (flags, expected) in [
        (
            &[("session_key", "hunter2")][..],
            "--session-key: the value cannot be read",
        ),
        (
            &[("session_key_file", "/nonexistent")],
            "--session-key-file: cannot read the secret in /nonexistent",
        ),
        (
            &[("session_key", secret), ("session_key_file", path)],
            "are both set",
        ),
    ] {
        let found = problems(flags, &[], "");
        assert!(
            found.len() == 1 && found[0].contains(expected) && !found[0].contains("hunter2"),
            "{found:?}"
        );
    }
}

#[test]
fn what_is_printed_can_be_read_again() {
    let mut first = layers(
        &[("upstream_allow", "10.0.0.0/8,::1"), ("port", "1234")],
        &[("STOA_DEBUG", "true")],
        "tenant_limits: {acme: 100/min}\n",
    );
    let settings = resolve(&mut first).unwrap();
    let printed = print::print(&first, &settings);
    assert!(printed.contains("port: 1234  # flag --port\n"), "{printed}");
    assert!(
        printed.contains("tenant_limits: \"acme=100/min\"  # stoa.yaml:1\n"),
        "{printed}"
    );
    assert!(
        printed.contains("log_level: \"debug\"  # default\n"),
        "{printed}"
    );
    let again = resolve(&mut layers(&[], &[], &printed)).unwrap();
    assert_eq!(format!("{again:?}"), format!("{settings:?}"));
}
