//! Which tests guard against which mistake.

use std::fs;
use std::path::Path;

/// One mistake.
struct Pitfall {
    number: usize,
    name: &'static str,
    /// `FILE FUNCTION`, below `gateway/`; a function of tests, so that it cannot be lost unseen.
    guards: &'static [&'static str],
}

const fn pitfall(number: usize, name: &'static str, guards: &'static [&'static str]) -> Pitfall {
    Pitfall {
        number,
        name,
        guards,
    }
}

const PITFALLS: &[Pitfall] = &[
    // Security.
    pitfall(
        1,
        "a second pipeline that skips checks",
        &[
            "tests/pipeline/identity.rs every_way_asks_for_a_key",
            "tests/pipeline/limit.rs the_viewer_s_tier_on_both_transports",
            "tests/pipeline/visibility.rs hidden_and_missing_answer_alike_in_sessions",
            "tests/pitfalls/security.rs pitfall_01_each_message_of_a_batch_goes_through_every_check",
        ],
    ),
    pitfall(
        2,
        "the tenant taken from a header or a role",
        &[
            "tests/pipeline/visibility.rs a_tenant_is_not_taken_from_headers",
            "src/auth/compile/tests.rs a_role_never_names_a_tenant",
        ],
    ),
    pitfall(
        3,
        "the caller's credential forwarded, or good beyond its end",
        &[
            "tests/pipeline/upstream.rs ids_and_traces_are_passed_on",
            "tests/pipeline/identity.rs a_key_expires",
            "tests/pipeline/identity.rs keys_come_and_go_while_the_gateway_runs",
            "tests/pipeline/identity.rs a_revoked_key_s_stream_ends",
        ],
    ),
    pitfall(
        4,
        "limits that skip because nobody is known yet",
        &[
            "tests/pipeline/limit.rs the_viewer_s_tier_on_both_transports",
            "tests/pipeline/limit.rs a_consumer_s_limit_is_shared_by_its_keys",
            "tests/pitfalls/security.rs pitfall_04_who_comes_without_a_key_is_limited_too",
        ],
    ),
    pitfall(
        5,
        "an error or an empty list that lets calls through",
        &[
            "src/auth/tests.rs a_gateway_without_any_keys_refuses_everyone",
            "src/auth/compile/tests.rs without_role_and_scope_a_key_may_nothing",
            "src/policy/tests.rs lists_of_a_key_hide_tools",
            "src/control/catalog/tests.rs a_start_that_cannot_be_meant_is_refused",
            "src/control/catalog/tests.rs keys_are_live_and_a_broken_file_lets_nobody_new_in",
            "tests/pipeline/reload.rs a_bad_keys_file_keeps_the_keys_there_were",
        ],
    ),
    pitfall(
        6,
        "lists, batches and errors that tell of other tenants' tools",
        &[
            "tests/pipeline/visibility.rs a_tenant_sees_its_own_tools_and_the_platform_s",
            "tests/pipeline/visibility.rs hidden_and_missing_answer_alike",
            "tests/pitfalls/security.rs pitfall_06_categories_tags_and_batches_tell_of_no_hidden_tool",
        ],
    ),
    pitfall(
        7,
        "an answer given to somebody else, or a write that was not made",
        &["tests/pitfalls/security.rs pitfall_07_every_call_reaches_the_api"],
    ),
    pitfall(
        8,
        "an unguarded path beside the guarded one",
        &[
            "tests/pitfalls/security.rs pitfall_08_no_spelling_of_a_path_is_unguarded",
            "src/control/admin.rs the_documented_paths_and_no_others",
        ],
    ),
    pitfall(
        9,
        "secrets in logs, errors and settings",
        &[
            "tests/pipeline/secret.rs secrets_are_told_nowhere",
            "tests/pipeline/secret.rs settings_are_shown_without_secrets",
            "src/auth/keys_file/tests.rs secrets_are_taken_and_never_shown",
        ],
    ),
    pitfall(
        10,
        "hints that are shown and not enforced",
        &[
            "src/policy/tests.rs effects_that_contradict_each_other_are_taken_at_their_worst",
            "tests/pipeline/visibility.rs a_missing_scope_is_named",
        ],
    ),
    pitfall(
        11,
        "requests forged on behalf of the gateway (SSRF)",
        &[
            "tests/pipeline/upstream.rs private_addresses_need_a_setting",
            "tests/pipeline/upstream.rs redirects_are_not_followed",
            "src/upstream/tests.rs addresses_outside_the_allowed_ranges_are_never_connected_to",
            "src/control/fetch/tests.rs pitfall_11_an_address_that_is_not_permitted_is_not_connected_to",
            "src/control/fetch/tests.rs redirects_stay_within_the_origin",
            "src/control/import/openapi/reference.rs what_cannot_be_found_says_why",
        ],
    ),
    pitfall(
        12,
        "memory that grows with what callers send",
        &[
            "tests/pitfalls/security.rs pitfall_12_one_past_the_streams_of_a_principal_is_refused",
            "tests/pitfalls/security.rs pitfall_12_nothing_that_a_caller_names_becomes_a_series",
            "src/mcp/revocation.rs one_past_the_bound_the_table_is_as_large_as_before",
            "src/telemetry/counter.rs labels_are_found_again_and_bounded",
        ],
    ),
    pitfall(
        13,
        "keys that are compared carelessly, kept in clear, or dead too early",
        &[
            "tests/pipeline/identity.rs a_key_that_is_not_exactly_right_is_none",
            "tests/pipeline/identity.rs both_keys_work_while_one_is_rotated",
            "tests/pipeline/secret.rs what_is_stored_of_a_key_is_no_key",
            "src/auth/tests.rs unknown_ids_cost_the_same_as_wrong_secrets",
        ],
    ),
    pitfall(
        14,
        "headers of proxies believed from anyone",
        &["tests/pitfalls/security.rs pitfall_14_headers_of_proxies_say_nothing"],
    ),
    pitfall(
        15,
        "request smuggling",
        &[
            "tests/http/smuggling.rs ambiguous_requests_are_refused_and_the_connection_is_closed",
            "src/http/differential.rs we_accept_nothing_that_hyper_refuses",
        ],
    ),
    // Correctness.
    pitfall(
        16,
        "large bodies replaced by empty ones",
        &["tests/pitfalls/correctness.rs pitfall_16_bodies_of_any_size_arrive_whole"],
    ),
    pitfall(
        17,
        "parameters lost on the way",
        &[
            "src/adapter/rest/tests/styles.rs the_table_of_the_specification",
            "src/adapter/rest/tests/properties.rs queries_decode_to_the_arguments",
            "src/control/catalog/prepared/tests.rs an_argument_that_could_only_be_dropped_is_refused",
            "src/control/import/openapi/tests/parameters.rs levels_are_merged_and_the_nearer_one_wins",
            "src/control/import/openapi/tests/parameters.rs path_parameters_follow_the_template",
            "src/control/import/openapi/reference.rs references_are_found_however_they_are_written",
        ],
    ),
    pitfall(
        18,
        "a breaker that a caller opens, or that grows with traffic",
        &[
            "tests/pipeline/upstream.rs a_caller_s_mistakes_do_not_open_the_breaker",
            "src/upstream/breaker.rs pitfall_18_a_breaker_does_not_grow_with_traffic",
        ],
    ),
    pitfall(
        19,
        "a round robin that always picks the first",
        &["src/upstream/tests/bounds.rs pitfall_19_connections_go_to_each_address_in_turn"],
    ),
    pitfall(
        20,
        "lists without an order, with removed tools, or one page deep",
        &[
            "tests/pitfalls/correctness.rs pitfall_20_one_past_a_page_is_on_the_next_one",
            "tests/pitfalls/correctness.rs pitfall_20_lists_have_one_order_on_every_worker",
            "tests/pipeline/reload.rs files_come_change_and_go",
        ],
    ),
    pitfall(
        21,
        "a refresh that clears what was good",
        &[
            "src/control/catalog/directory/tests.rs pitfall_21_what_is_broken_keeps_its_last_good_version",
            "src/control/catalog/tests.rs a_document_behind_a_url_is_fetched_refreshed_and_kept",
            "tests/pipeline/reload.rs a_bad_file_keeps_its_last_good_version_and_costs_no_other",
        ],
    ),
    pitfall(
        22,
        "lists that wait for an upstream, and cancels that do not reach it",
        &[
            "tests/pitfalls/correctness.rs pitfall_22_a_silent_api_delays_nobody_else",
            "tests/http/deadlines.rs a_caller_that_goes_away_stops_the_upstream_call",
        ],
    ),
    pitfall(
        23,
        "careless answers of the protocol",
        &[
            "tests/pitfalls/correctness.rs pitfall_23_statuses_mean_what_they_say",
            "src/mcp/tests/legacy_table.rs legacy_table",
            "src/mcp/tests/legacy_table.rs initialize_echoes_old_versions_and_offers_the_latest_legacy_one",
            "src/mcp/tests/modern_table.rs modern_table",
        ],
    ),
    pitfall(
        24,
        "metering with holes",
        &[
            "tests/pipeline/metering.rs every_outcome_has_its_event",
            "tests/pipeline/metering.rs a_killed_gateway_loses_nothing_older_than_its_flush_interval",
            "tests/pipeline/metering.rs events_go_on_after_a_restart",
            "tests/kafka/outage.rs a_killed_broker_gets_everything_in_order_when_it_is_back",
            "tests/kafka/outage.rs a_killed_gateway_loses_no_acknowledged_call",
            "tests/pipeline/limit.rs a_rate_holds_across_workers",
        ],
    ),
    pitfall(
        26,
        "settings that are ignored",
        &[
            "src/control/settings/tests.rs pitfall_26_a_setting_of_another_version_stops_the_start",
            "src/control/settings/tests.rs nothing_is_ignored",
            "tests/pipeline/secret.rs a_setting_that_is_unknown_stops_the_start",
        ],
    ),
    pitfall(
        27,
        "help that starts a server, and a host that is not kept",
        &[
            "tests/pitfalls/correctness.rs pitfall_27_help_starts_nothing",
            "tests/pitfalls/correctness.rs pitfall_27_only_the_host_that_was_set_is_listened_on",
            "src/control/settings/tests.rs pitfall_27_who_may_be_reached_from_where",
        ],
    ),
    // Speed.
    pitfall(
        28,
        "arguments that are written anew for the upstream",
        &[
            "src/adapter/rest/tests/bodies.rs whole_arguments_travel_byte_for_byte",
            "src/mcp/envelope/tests.rs nothing_without_escapes_is_copied",
        ],
    ),
    pitfall(
        29,
        "rate limits that are lists of times",
        &["src/limit/bucket/tests.rs pitfall_29_a_bucket_is_one_cache_line"],
    ),
    pitfall(
        30,
        "work for observers whom nobody asked for",
        &["tests/pitfalls/speed.rs pitfall_30_a_call_is_not_logged_unless_that_was_asked_for"],
    ),
    pitfall(
        31,
        "a new connection for each call or tool",
        &["tests/pitfalls/speed.rs pitfall_31_tools_of_one_api_share_its_connections"],
    ),
    pitfall(
        32,
        "streams that are gathered before they are sent",
        &[
            "tests/http/framing.rs event_streams_are_chunked",
            "src/worker/connection/tests.rs a_silent_stream_is_kept_alive_by_comments",
        ],
    ),
];

/// What a gateway without Kubernetes cannot do wrong (25), and what is no matter of the gateway's code but of
/// how it is measured (33).
const ELSEWHERE: [usize; 2] = [25, 33];

#[test]
fn every_pitfall_has_its_tests() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    for Pitfall {
        number,
        name,
        guards,
    } in PITFALLS
    {
        assert!(!guards.is_empty(), "{number}, {name}: nothing guards");
        for guard in *guards {
            let (file, function) = guard.split_once(' ').expect("FILE FUNCTION");
            let text = fs::read_to_string(root.join(file))
                .unwrap_or_else(|error| panic!("{number}, {name}: {file}: {error}"));
            assert!(
                is_test(&text, function),
                "{number}, {name}: {file} has no test {function}"
            );
        }
    }
    let mut numbers: Vec<usize> = PITFALLS.iter().map(|pitfall| pitfall.number).collect();
    numbers.extend(ELSEWHERE);
    numbers.sort_unstable();
    assert_eq!(numbers, (1..=33).collect::<Vec<_>>());
}

#[test]
fn every_test_that_names_a_pitfall_is_listed() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut folders = vec![root.join("src"), root.join("tests")];
    let mut found = 0;
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).expect("a folder of ours") {
            let path = entry.expect("an entry").path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                let text = fs::read_to_string(&path).expect("a source");
                let file = path.strip_prefix(root).expect("below the root").display();
                for (number, name) in named(&text) {
                    let guard = format!("{file} {name}");
                    let pitfall = PITFALLS.iter().find(|pitfall| pitfall.number == number);
                    let listed = pitfall.is_some_and(|one| one.guards.contains(&guard.as_str()));
                    assert!(listed, "{guard} does not stand under {number}");
                    found += 1;
                }
            }
        }
    }
    assert!(found >= 20, "only {found} were found");
}

/// Number and name of each function that is called after a pitfall.
fn named(text: &str) -> impl Iterator<Item = (usize, &str)> {
    text.lines().filter_map(|line| {
        let name = line.trim().strip_prefix("fn ")?.split('(').next()?;
        let number = name.strip_prefix("pitfall_")?.get(..2)?;
        Some((number.parse().ok()?, name))
    })
}

/// Whether a file has a function of this name that is run as a test.
fn is_test(text: &str, function: &str) -> bool {
    let head = format!("fn {function}(");
    text.split("#[test]").skip(1).any(|after| {
        let mut lines = after.lines().map(str::trim);
        let first = lines.find(|line| !line.is_empty() && !line.starts_with("#["));
        first.is_some_and(|line| line.starts_with(&head))
    })
}

#[test]
fn a_test_is_told_from_what_is_none() {
    assert!(is_test("#[test]\nfn a() {\n}", "a"));
    assert!(is_test(
        "x\n    #[test]\n    #[cfg(unix)]\n    fn a() {\n}",
        "a"
    ));
    assert!(!is_test("fn a() {\n}\n#[test]\nfn b() {\n}", "a"));
    assert!(!is_test("#[test]\nfn ab() {\n}", "a"));
    assert!(!is_test("// #[test]", "a"));
}
