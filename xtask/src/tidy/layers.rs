//! Who may use whom inside `gateway/src`, from the paths in the code.
//!
//! Direction: `main → control, worker, kernel`; `worker → exchange → stages → snapshot, mcp,
//! http, refusal`; `control → snapshot, kernel`; `kernel → gateway-common`. A stage never calls
//! another stage, but proofs travel from stage to stage, so a stage may name another stage's
//! *types*. The data path never uses `control` or `kernel`.

use super::source::is_name;
use super::{Source, Violation};

/// What a module may name of another.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Use {
    /// Types, constants and functions.
    All(&'static str),
    /// Types and constants (`UpperCamelCase`, `UPPER_CASE`), never functions.
    Types(&'static str),
}
use Use::{All, Types};

/// One module, or several that stand on the same step.
struct Layer {
    modules: &'static [&'static str],
    may_use: &'static [Use],
}

/// What everything may use.
const COMMON: &[Use] = &[
    All("limits"),
    All("refusal"),
    All("json"),
    Types("worker::clock"),
];

/// The modules between identification and the answer; each does one thing with what it is given.
const STAGES: &[&str] = &[
    "auth", "tenant", "limit", "route", "policy", "guard", "adapter", "meter",
];

/// Every module of the gateway stands here once; one that does not is a violation.
const LAYERS: &[Layer] = &[
    Layer {
        modules: &["limits", "json", "file"],
        may_use: &[],
    },
    Layer {
        modules: &["refusal"],
        may_use: &[
            Types("http"),
            Types("mcp"),
            Types("limit"),
            Types("meter"),
            Types("auth"),
        ],
    },
    Layer {
        modules: &["http"],
        may_use: &[],
    },
    Layer {
        modules: &["mcp"],
        may_use: &[All("http"), Types("snapshot"), Types("adapter::result")],
    },
    Layer {
        modules: &["snapshot"],
        may_use: &[
            Types("limit"),
            Types("guard"),
            Types("adapter"),
            Types("policy"),
            Types("auth"),
            Types("mcp"),
            Types("meter"),
        ],
    },
    Layer {
        modules: STAGES,
        may_use: &[All("snapshot"), All("mcp"), All("http"), All("telemetry")],
    },
    // What the transports share: a finished answer, the REST facade's words, our own tools.
    Layer {
        modules: &["answer"],
        may_use: &[Types("worker::stream")],
    },
    Layer {
        modules: &["facade"],
        may_use: &[
            All("snapshot"),
            All("mcp"),
            All("http"),
            Types("adapter::result"),
        ],
    },
    Layer {
        modules: &["builtin"],
        may_use: &[
            All("snapshot"),
            All("facade"),
            All("limit"),
            All("policy"),
            All("route"),
            Types("auth"),
            Types("adapter::result"),
        ],
    },
    Layer {
        modules: &["telemetry"],
        may_use: &[All("snapshot"), All("meter"), All("http")],
    },
    Layer {
        modules: &["upstream"],
        may_use: &[
            All("snapshot"),
            All("http"),
            All("worker"),
            All("telemetry"),
            Types("policy"),
            Types("adapter"),
            Types("meter"),
        ],
    },
    Layer {
        modules: &["exchange"],
        may_use: &[
            All("auth"),
            All("tenant"),
            All("limit"),
            All("route"),
            All("policy"),
            All("guard"),
            All("adapter"),
            All("meter"),
            All("upstream"),
            All("snapshot"),
            All("mcp"),
            All("http"),
            All("telemetry"),
            All("worker"),
            All("answer"),
            All("facade"),
            All("builtin"),
        ],
    },
    Layer {
        modules: &["worker"],
        may_use: &[
            All("answer"),
            All("exchange"),
            All("http"),
            All("snapshot"),
            All("telemetry"),
            All("upstream"),
            All("meter"),
            All("mcp"),
            Types("auth"),
            Types("limit"),
            Types("policy"),
            Types("route"),
        ],
    },
    Layer {
        modules: &["kernel"],
        may_use: &[],
    },
    Layer {
        modules: &["control"],
        may_use: &[
            All("file"),
            All("snapshot"),
            All("kernel"),
            All("telemetry"),
            All("meter"),
            All("guard"),
            All("adapter"),
            All("limit"),
            All("auth"),
            All("policy"),
            All("http"),
            All("mcp"),
            Types("route"),
            Types("upstream"),
        ],
    },
    Layer {
        modules: &["main"],
        may_use: &[
            All("control"),
            All("worker"),
            All("kernel"),
            All("telemetry"),
            All("meter"),
            All("snapshot"),
        ],
    },
];

/// What goes against the table for a reason: from, to, and the reason.
const EXCEPTIONS: &[(&str, &str, &str)] = &[
    (
        "auth",
        "file",
        "keys files, which control and the key commands read",
    ),
    (
        "main",
        "auth",
        "the key commands belong to the part that reads keys files",
    ),
    (
        "control",
        "upstream::address",
        "which addresses are allowed is one rule, for downloads too",
    ),
    (
        "snapshot",
        "upstream::address",
        "the addresses that control resolves and workers read",
    ),
    (
        "policy",
        "tenant",
        "what a tenant sees is one question with one answer",
    ),
    (
        "snapshot::operation",
        "control::spec",
        "compiles what control has normalised: plain data",
    ),
    (
        "worker::stream",
        "auth",
        "a long answer's credential is verified again with each snapshot",
    ),
    (
        "worker::stream",
        "tenant",
        "and so is what its caller may see",
    ),
    (
        "route",
        "tenant",
        "whether a caller sees every tenant is one question with one answer",
    ),
    (
        "control::serve",
        "worker",
        "starts and drains the workers: it is the body of main",
    ),
    ("control::sight", "worker", "shows the workers' numbers"),
    (
        "control::sight",
        "route::landing",
        "the page says how the gateway is",
    ),
];

const FOLDER: &str = "gateway/src/";

pub(super) fn check(source: &Source) -> Vec<Violation> {
    let Some(own) = module_path(source) else {
        return Vec::new();
    };
    let top = own[0].as_str();
    let Some(layer) = LAYERS.iter().find(|layer| layer.modules.contains(&top)) else {
        return vec![violation(
            source,
            0,
            format!("module `{top}` has no layer; give it one in xtask/src/tidy/layers.rs"),
        )];
    };
    let mut found = Vec::new();
    for (offset, path) in paths(&source.code, own.len(), top) {
        if let Some(reason) = refuse(&own, layer, &path) {
            found.push(violation(source, offset, reason));
        }
    }
    found.dedup();
    found
}

/// `["worker", "io"]` for `gateway/src/worker/io.rs`; none for what has no layer: the crate root,
/// which only declares modules, tests, and other crates.
fn module_path(source: &Source) -> Option<Vec<String>> {
    if source.is_test() {
        return None;
    }
    let inner = source.path.strip_prefix(FOLDER)?.strip_suffix(".rs")?;
    (inner != "lib").then(|| inner.split('/').map(str::to_owned).collect())
}

/// Why the module `own` may not use `path` (both from the crate's root), if so.
fn refuse(own: &[String], layer: &Layer, path: &[String]) -> Option<String> {
    let top = own.first()?.as_str();
    let target = path.first()?.as_str();
    // Something of the crate's root itself (`crate::VERSION`) is no module.
    let is_module = LAYERS.iter().any(|layer| layer.modules.contains(&target));
    if target == top || !is_module {
        return None;
    }
    let shown = path.join("::");
    let names_type = path.last().is_some_and(|last| last.starts_with(char::is_uppercase))
        // An associated function or variant: the type before it is what is named.
        || path.iter().rev().nth(1).is_some_and(|name| name.starts_with(char::is_uppercase));
    let granted = |rule: &Use| match rule {
        All(prefix) => begins_with(path, prefix),
        Types(prefix) => names_type && begins_with(path, prefix),
    };
    let excepted =
        |(from, to, _): &(&str, &str, &str)| begins_with(own, from) && begins_with(path, to);
    if COMMON.iter().chain(layer.may_use).any(granted) || EXCEPTIONS.iter().any(excepted) {
        return None;
    }
    let stages = |name: &str| STAGES.contains(&name);
    if stages(top) && stages(target) {
        // Proofs and the vocabulary of other stages.
        return (!names_type).then(|| {
            format!("stage `{top}` uses `{shown}`; a stage may name another stage's types, only exchange.rs calls stages")
        });
    }
    if matches!(target, "control" | "kernel") {
        return Some(format!(
            "`{top}` uses `{shown}`; the data path never uses `{target}`"
        ));
    }
    Some(format!(
        "`{top}` uses `{shown}`, which is against the direction of layers (xtask/src/tidy/layers.rs)"
    ))
}

fn begins_with(path: &[String], prefix: &str) -> bool {
    prefix
        .split("::")
        .zip(path.iter().map(Some).chain(std::iter::repeat(None)))
        .all(|(wanted, given)| given.is_some_and(|given| given == wanted))
}

fn violation(source: &Source, offset: usize, reason: String) -> Violation {
    Violation {
        path: source.path.clone(),
        line: source.line(offset),
        reason,
    }
}

/// Every path from the crate's root in `code`, with its offset: `crate::...`, `stoa_gateway::...`
/// (the binary's name for the library), and chains of `super::` that leave the module. `depth` is
/// how deep the file's module lies. A `use` with braces gives one path for each leaf.
fn paths(code: &str, depth: usize, top: &str) -> Vec<(usize, Vec<String>)> {
    let mut found = Vec::new();
    let root = if top == "main" {
        "stoa_gateway::"
    } else {
        "crate::"
    };
    for (offset, _) in code.match_indices(root) {
        if offset > 0
            && (is_name(code.as_bytes()[offset - 1]) || code.as_bytes()[offset - 1] == b':')
        {
            continue;
        }
        leaves(code, offset + root.len(), &mut Vec::new(), &mut |path| {
            found.push((offset, path))
        });
    }
    let climb = "super::".repeat(depth);
    for (offset, _) in code.match_indices(&climb) {
        let before = &code[..offset];
        // A longer chain of `super` inside an inline module is seen at its own beginning.
        if before.ends_with("super::") || before.as_bytes().last().copied().is_some_and(is_name) {
            continue;
        }
        leaves(code, offset + climb.len(), &mut Vec::new(), &mut |path| {
            found.push((offset, path))
        });
    }
    found
}

/// Walks the path that begins at `at` and reports each of its leaves; returns where it ends.
fn leaves(
    code: &str,
    mut at: usize,
    prefix: &mut Vec<String>,
    report: &mut dyn FnMut(Vec<String>),
) -> usize {
    let bytes = code.as_bytes();
    let known = prefix.len();
    loop {
        at += blanks(&bytes[at..]);
        if bytes.get(at) == Some(&b'{') {
            at += 1;
            loop {
                at += blanks(&bytes[at..]);
                match bytes.get(at) {
                    Some(b',') => at += 1,
                    Some(b'}') => {
                        at += 1;
                        break;
                    }
                    Some(_) => {
                        let next = leaves(code, at, prefix, report);
                        // Whatever this is, it is no path; do not stand still.
                        at = next.max(at + 1);
                    }
                    None => break,
                }
            }
            break;
        }
        let length = bytes[at..]
            .iter()
            .take_while(|byte| is_name(**byte))
            .count();
        let is_leaf = !code[at + length..].starts_with("::");
        // `a::{self, b}` uses `a` itself.
        let is_self = &code[at..at + length] == "self";
        if length > 0 && !is_self {
            prefix.push(code[at..at + length].to_owned());
        }
        at += length;
        // `use a::b as c`, `a::*`: the name so far is what is used.
        if is_leaf || length == 0 {
            if prefix.len() > known || is_self || bytes.get(at) == Some(&b'*') {
                report(prefix.clone());
            }
            at += code[at..].find([',', '}', ';', '\n', ')']).unwrap_or(0);
            break;
        }
        at += 2;
    }
    prefix.truncate(known);
    at
}

fn blanks(bytes: &[u8]) -> usize {
    bytes
        .iter()
        .take_while(|byte| byte.is_ascii_whitespace())
        .count()
}
