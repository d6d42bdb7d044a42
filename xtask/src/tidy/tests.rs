//! Each check on a few lines of text: what it finds, and what it must leave alone.

use super::limits::Limits;
use super::source::Source;
use super::{Violation, headers, layers, paths, runtime, sizes};

fn reasons(found: Vec<Violation>) -> Vec<String> {
    found
        .iter()
        .map(|violation| format!("{}: {}", violation.line, violation.reason))
        .collect()
}

#[track_caller]
fn expect_one(found: Vec<Violation>, line: usize, part: &str) {
    let found = reasons(found);
    assert_eq!(found.len(), 1, "{found:?}");
    assert!(found[0].starts_with(&format!("{line}: ")), "{found:?}");
    assert!(found[0].contains(part), "{found:?}");
}

#[track_caller]
fn expect_none(found: Vec<Violation>) {
    let found = reasons(found);
    assert!(found.is_empty(), "{found:?}");
}

#[test]
fn code_is_told_from_what_is_not() {
    let check = |text: &str, expected: &str| {
        assert_eq!(Source::new("a.rs", text).code, expected, "{text}");
    };
    check("a // b\nc", "a     \nc");
    check("a /* b /* c */ d */ e", "a                   e");
    check(r#"f("a\"b") + g"#, r#"f(      ) + g"#);
    check("r#\"a\"b\"# + c", "         + c");
    check("b'x' + 'y' + '\\'' + c", "     +     +      + c");
    check("fn f<'a>(x: &'a str) {}", "fn f<'a>(x: &'a str) {}");
    check("'é' x", "     x");
    check("br\"a\\\" z", "       z");
    check(
        "#[cfg(test)]\nmod t { fn x() {} }\ny",
        "            \n                   \ny",
    );
    check("#[cfg(test)] mod t;\ny", "                   \ny");
    check("\"open\nstring\" z", "     \n        z");
}

#[test]
fn a_file_begins_with_what_it_is() {
    let check = |text: &str| headers::check(&Source::new("gateway/src/a.rs", text));
    assert!(check("//! What it is.\n").is_none());
    assert!(check("use std::fmt;\n").is_some());
    assert!(check("\n//! Late.\n").is_some());
    assert!(check("//!\n").is_some());
    assert!(check("").is_some());
    assert!(headers::check(&Source::new("gateway/src/a/tests.rs", "use super::*;\n")).is_none());
    assert!(headers::check(&Source::new("gateway/tests/a.rs", "use std::fmt;\n")).is_some());
}

#[test]
fn only_the_io_file_names_the_runtime() {
    let check = |path: &str, text: &str| runtime::check(&Source::new(path, text));
    let text = "//! x\nuse monoio::io;\n";
    expect_one(check("gateway/src/worker/connection.rs", text), 2, "monoio");
    expect_one(
        check("gateway/src/main.rs", "use io_uring::IoUring;"),
        1,
        "io_uring",
    );
    expect_none(check("gateway/src/worker/io.rs", text));
    expect_none(check("gateway/src/worker/io/timer.rs", text));
    expect_none(check("bench/src/lib.rs", text));
    expect_none(check(
        "gateway/src/a.rs",
        "// monoio\nlet a = \"monoio\"; SYS_io_uring_setup;",
    ));
}

#[test]
fn every_limit_is_named_by_a_test() {
    let check = |path: &str, text: &str| {
        let mut limits = Limits::default();
        let declared = "//! x\n/// Bytes, see `B_MAX`.\npub const A_MAX: u8 = 1;\n";
        limits.read(&Source::new("gateway/src/limits.rs", declared));
        limits.read(&Source::new(path, text));
        limits.check()
    };
    let used = "fn f() -> u8 { A_MAX }\n#[cfg(test)]\nmod tests { /* A_MAX */ fn t() { \"A_MAX\"; AA_MAX } }";
    expect_one(check("gateway/src/a.rs", used), 3, "`A_MAX`");
    expect_one(check("bench/tests/a.rs", "A_MAX + 1"), 3, "`A_MAX`");
    expect_none(check(
        "gateway/src/a.rs",
        "#[cfg(test)]\nmod tests { fn t() { A_MAX + 1 } }",
    ));
    expect_none(check("gateway/src/a/tests.rs", "fn t() { A_MAX + 1 }"));
    expect_none(check("gateway/tests/a.rs", "const A_MAX: u8 = 1;"));
}

#[test]
fn nothing_of_one_machine() {
    let check = |line: &str| paths::check("README.md", line);
    for folder in [
        concat!("/", "home/ada"),
        concat!("/", "root/.cargo"),
        concat!("/", "work/x"),
    ] {
        expect_one(check(&format!("a\nb `{folder}`")), 2, "one machine");
        expect_one(check(folder), 1, "one machine");
    }
    expect_none(check("https://example.com/home/page"));
    expect_none(check("GET {base}/work/items and ~/home/x"));
    expect_none(paths::check("Cargo.lock", concat!("/", "root/x")));
}

#[test]
fn one_line_past_a_size_is_found() {
    let check = |path: &str, text: &str| sizes::check(&Source::new(path, text));
    let function = |lines: usize| format!("fn long() {{\n{}}}\n", "    x;\n".repeat(lines - 2));
    expect_none(check("a.rs", &function(100)));
    expect_one(
        check("a.rs", &format!("\n{}", function(101))),
        2,
        "`long` has 101 lines",
    );
    expect_none(check("gateway/tests/a.rs", &function(101)));
    expect_none(check(
        "a.rs",
        &format!("#[cfg(test)]\nmod tests {{\n{}}}\n", function(101)),
    ));

    expect_none(check("a.rs", &"x;\n".repeat(600)));
    expect_one(check("a.rs", &"x;\n".repeat(601)), 1, "601 lines");
    expect_none(check("gateway/src/a/tests.rs", &"x;\n".repeat(601)));
    let tests = format!("#[cfg(test)]\nmod tests {{\n{}}}\n", "x;\n".repeat(300));
    expect_none(check("a.rs", &format!("{}{tests}", "x;\n".repeat(599))));
    expect_one(
        check("a.rs", &format!("{}{tests}", "x;\n".repeat(602))),
        1,
        "602 lines",
    );
}

#[test]
fn a_brace_in_a_text_is_no_brace() {
    let body = "    let a = \"}\"; let b = '{'; // }\n".repeat(99);
    let text = format!("fn f() {{\n{body}}}\n");
    expect_one(
        sizes::check(&Source::new("a.rs", &text)),
        1,
        "`f` has 101 lines",
    );
    // A declaration and a function type have no body.
    let text = format!(
        "trait T {{ fn g(&self); }}\ntype F = fn(u8) -> u8;\nstruct S {{\n{}}}\n",
        "    a: fn(),\n".repeat(120)
    );
    expect_none(sizes::check(&Source::new("a.rs", &text)));
}

#[test]
fn layers_point_one_way() {
    let check = |path: &str, text: &str| layers::check(&Source::new(path, text));
    // A stage never calls a stage, whichever way the path is written.
    let stage = "only exchange.rs calls stages";
    expect_one(
        check("gateway/src/policy.rs", "use crate::limit::admit;"),
        1,
        stage,
    );
    expect_one(
        check(
            "gateway/src/policy.rs",
            "\nfn f() { crate::auth::authenticate(k) }",
        ),
        2,
        stage,
    );
    expect_one(
        check("gateway/src/policy.rs", "use super::limit::admit;"),
        1,
        stage,
    );
    expect_one(
        check(
            "gateway/src/policy/rego.rs",
            "use super::super::limit::admit;",
        ),
        1,
        stage,
    );
    expect_one(
        check(
            "gateway/src/policy.rs",
            "use crate::{snapshot::Tool, limit::{Admission, admit}};",
        ),
        1,
        "limit::admit",
    );
    // Proofs travel.
    expect_none(check(
        "gateway/src/policy.rs",
        "use crate::auth::Principal;\nuse crate::limit::{Admission};",
    ));
    // A module under its own name is a door to its functions.
    let text = "use crate::auth::{self as identity, Principal};";
    expect_one(check("gateway/src/policy.rs", text), 1, stage);
    let text = "use crate::auth::{Principal, self};";
    expect_one(check("gateway/src/policy.rs", text), 1, stage);
    expect_none(check(
        "gateway/src/limit.rs",
        "crate::meter::record::Status::Refused",
    ));
    expect_none(check(
        "gateway/src/limit/bucket.rs",
        "use super::Rate; use crate::worker::clock::Now;",
    ));
    // The data path never uses control or the kernel.
    for path in [
        "worker/io.rs",
        "exchange.rs",
        "auth.rs",
        "http/head.rs",
        "upstream.rs",
        "snapshot.rs",
    ] {
        let path = format!("gateway/src/{path}");
        expect_one(
            check(&path, "use crate::control::config::File;"),
            1,
            "never uses `control`",
        );
        expect_one(
            check(&path, "use crate::kernel::Kernel;"),
            1,
            "never uses `kernel`",
        );
    }
    // Everything else that points upwards.
    let direction = "against the direction";
    expect_one(
        check(
            "gateway/src/http/head.rs",
            "use crate::mcp::version::Version;",
        ),
        1,
        direction,
    );
    expect_one(
        check("gateway/src/auth.rs", "use crate::exchange::exchange;"),
        1,
        direction,
    );
    expect_one(
        check("gateway/src/auth.rs", "use crate::worker::io;"),
        1,
        direction,
    );
    expect_one(
        check(
            "gateway/src/control/admin.rs",
            "use crate::worker::state::Core;",
        ),
        1,
        direction,
    );
    expect_one(
        check(
            "gateway/src/kernel/load.rs",
            "use crate::snapshot::Snapshot;",
        ),
        1,
        direction,
    );
    expect_one(
        check("gateway/src/main.rs", "use stoa_gateway::limit::admit;"),
        1,
        direction,
    );
    expect_one(check("gateway/src/novel.rs", "//! x"), 1, "has no layer");
    // What is allowed, and what is no path of ours.
    expect_none(check(
        "gateway/src/exchange.rs",
        "use crate::{auth, limit, policy::decide};",
    ));
    expect_none(check(
        "gateway/src/worker/state.rs",
        "use crate::exchange::Core;",
    ));
    expect_none(check(
        "gateway/src/control/compile.rs",
        "use crate::guard::schema::ArgumentSchema;",
    ));
    expect_none(check(
        "gateway/src/main.rs",
        "use stoa_gateway::{control, kernel, worker};",
    ));
    expect_none(check(
        "gateway/src/http.rs",
        "//! [`crate::control`]\nlet a = \"crate::control::x\";",
    ));
    expect_none(check(
        "gateway/src/http.rs",
        "#[cfg(test)]\nmod tests { use crate::control::x; }",
    ));
    expect_none(check("gateway/src/http/tests.rs", "use crate::control::x;"));
    expect_none(check("gateway/src/lib.rs", "pub use crate::control::x;"));
    expect_none(check("bench/src/lib.rs", "use crate::control::x;"));
    // Exceptions hold for the one place that has the reason.
    let text = "use crate::control::spec::RequestPlan;";
    expect_none(check("gateway/src/snapshot/operation/compile.rs", text));
    expect_one(
        check("gateway/src/snapshot/tool.rs", text),
        1,
        "never uses `control`",
    );
    let text = "use crate::{auth, tenant};";
    expect_none(check("gateway/src/worker/stream.rs", text));
    assert_eq!(check("gateway/src/worker/connection.rs", text).len(), 2);
}
