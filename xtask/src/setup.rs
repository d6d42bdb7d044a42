//! `cargo xtask setup`: brings what a new machine lacks, and says what and why.
//!
//! Each tool is a [`Need`]: how to find it, how to install it, and what is lost without it. What
//! is there already is left alone, so a second run takes a second. Versions are pinned in the
//! files below this one. Tools that cost minutes to compile, and packages that tests use, live in
//! the cache of [`crate::workspace::cache`]; `target/tools` links to them, which is where tests
//! look. Nothing outside the cache, `target` and the system's packages is touched.

mod clients;
mod corpus;
mod rust;
mod servers;
mod system;

pub(crate) use rust::{llvm_folder, sysroot};
pub(crate) use system::place;

use crate::{process, workspace};
use anyhow::{Result, bail};
use system::Machine;

/// What `setup` takes.
#[derive(clap::Args, Default)]
pub(crate) struct Arguments {
    /// Only report what is there and what is missing; exit 1 if anything is missing
    #[arg(long)]
    check: bool,
}

/// What a command needs a tool for: the groups that [`ensure`] takes.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Group {
    Bench,
    Build,
    Clients,
    Go,
    Java,
    Kernel,
    Lint,
    Maven,
    Redis,
}

/// One tool or set of packages.
struct Need {
    name: &'static str,
    group: Group,
    why: &'static str,
    /// What does not work without it; `None` if nothing works without it.
    without: Option<&'static str>,
    /// A short text (version, place) if it is there, else why it is not.
    find: fn(&Machine) -> Result<String>,
    install: fn(&Machine) -> Result<()>,
}

/// Every need, in the order of installing: later ones use earlier ones.
const NEEDS: &[Need] = &[
    Need {
        name: "C compiler",
        group: Group::Build,
        why: "the crypto library and the allocator are C",
        without: None,
        find: system::find_c_compiler,
        install: |machine| machine.install(system::C_COMPILER),
    },
    Need {
        name: "C++ compiler, make",
        group: Group::Build,
        why: "Kafka's client library builds with them",
        without: None,
        find: system::find_cxx_compiler,
        install: |machine| machine.install(system::CXX_COMPILER),
    },
    Need {
        name: "OpenSSL headers",
        group: Group::Build,
        why: "TLS and SCRAM towards Kafka: its client library knows no other",
        without: None,
        find: system::find_openssl_headers,
        install: |machine| machine.install(system::OPENSSL_HEADERS),
    },
    Need {
        name: "rustfmt, clippy",
        group: Group::Lint,
        why: "`cargo xtask lint`",
        without: None,
        find: rust::find_lint_components,
        install: rust::install_lint_components,
    },
    Need {
        name: "rust-src",
        group: Group::Kernel,
        why: "the kernel programs build their own `core`",
        without: Some("the gateway is built without the kernel part"),
        find: rust::find_source,
        install: rust::install_source,
    },
    Need {
        name: "bpf-linker",
        group: Group::Kernel,
        why: "links the kernel programs; compiled here, about half a minute",
        without: Some("the gateway is built without the kernel part"),
        find: rust::find_bpf_linker,
        install: rust::install_bpf_linker,
    },
    Need {
        name: "cargo-deny",
        group: Group::Lint,
        why: "checks dependencies and licences; compiled here, about a minute",
        without: None,
        find: rust::find_cargo_deny,
        install: rust::install_cargo_deny,
    },
    Need {
        name: "Python",
        group: Group::Clients,
        why: "runs the Python MCP client and the OpenAPI checker of tests",
        without: Some("tests with the Python client or the OpenAPI checker are skipped"),
        find: clients::find_python,
        install: |machine| machine.install(system::PYTHON),
    },
    Need {
        name: "Python packages",
        group: Group::Clients,
        why: "an MCP client for tests; libraries that check requests against OpenAPI documents",
        without: Some("tests with the Python client or the OpenAPI checker are skipped"),
        find: clients::find_python_packages,
        install: clients::install_python_packages,
    },
    Need {
        name: "npm",
        group: Group::Clients,
        why: "installs the JavaScript MCP clients and the OpenAPI corpus",
        without: Some("tests with JavaScript clients are skipped"),
        find: clients::find_npm,
        install: |machine| machine.install(system::NPM),
    },
    Need {
        name: "Node.js 22",
        group: Group::Clients,
        why: "runs the JavaScript MCP clients in tests",
        without: Some("tests with JavaScript clients are skipped"),
        find: clients::find_node,
        install: clients::install_node,
    },
    Need {
        name: "JavaScript MCP clients",
        group: Group::Clients,
        why: "tests call the gateway with them; the official conformance suite",
        without: Some("tests with JavaScript clients are skipped"),
        find: clients::find_javascript_clients,
        install: clients::install_javascript_clients,
    },
    Need {
        name: "OpenAPI corpus",
        group: Group::Clients,
        why: "public API documents that tests import and call",
        without: Some("tests with public API documents are skipped"),
        find: corpus::find,
        install: corpus::install,
    },
    Need {
        name: "nginx",
        group: Group::Bench,
        why: "`cargo xtask bench` compares with it (installed without starting it)",
        without: Some("`cargo xtask bench` has nothing to compare with"),
        find: |_| system::find("nginx"),
        install: |machine| machine.install(system::NGINX),
    },
    Need {
        name: "wrk",
        group: Group::Bench,
        why: "`cargo xtask bench` makes load with it",
        without: Some("`cargo xtask bench` cannot make load"),
        find: |_| system::find("wrk"),
        install: |machine| machine.install(system::WRK),
    },
    Need {
        name: "Java 17",
        group: Group::Java,
        why: "runs Kafka and Keycloak (`cargo xtask services`)",
        without: Some("no real Kafka and Keycloak to test against"),
        find: servers::find_java,
        install: |machine| machine.install(system::JAVA),
    },
    Need {
        name: "Maven",
        group: Group::Maven,
        why: "brings Kafka and Keycloak",
        without: Some("no real Kafka and Keycloak to test against"),
        find: |_| system::find("mvn"),
        install: |machine| machine.install(system::MAVEN),
    },
    Need {
        name: "OpenSSL",
        group: Group::Java,
        why: "makes the certificates of Kafka",
        without: Some("no real Kafka to test against"),
        find: |_| system::find("openssl"),
        install: |machine| machine.install(system::OPENSSL),
    },
    Need {
        name: "Go 1.21",
        group: Group::Go,
        why: "compiles the OPA server",
        without: Some("no real OPA server to test against"),
        find: servers::find_go,
        install: |machine| machine.install(system::GO),
    },
    Need {
        name: "Redis",
        group: Group::Redis,
        why: "limits of several gateways (installed without starting it)",
        without: Some("no real Redis to test against"),
        find: |_| system::find("redis-server"),
        install: |machine| machine.install(system::REDIS),
    },
];

/// Runs the command.
///
/// # Errors
/// If something that everything needs is missing and cannot be installed, or, with `--check`, if
/// anything is missing.
pub(crate) fn run(arguments: &Arguments) -> Result<()> {
    if arguments.check {
        return check();
    }
    println!(
        "setup: what building and testing need (cache: {})",
        workspace::cache().display()
    );
    let begun = process::now();
    bring(&Machine::look(), |_| true)?;
    println!("setup took {:.1} s", begun.elapsed().as_secs_f32());
    Ok(())
}

/// Installs what is missing of one group; silent if nothing is.
///
/// # Errors
/// As [`run`].
pub(crate) fn ensure(group: Group) -> Result<()> {
    if is_there(group) {
        return Ok(());
    }
    bring(&Machine::look(), |need| need.group == group)
}

/// Whether nothing of one group is missing.
pub(crate) fn is_there(group: Group) -> bool {
    let machine = Machine::look();
    NEEDS
        .iter()
        .filter(|need| need.group == group)
        .all(|need| (need.find)(&machine).is_ok())
}

fn check() -> Result<()> {
    let machine = Machine::look();
    let mut missing = 0;
    for need in NEEDS {
        match (need.find)(&machine) {
            Ok(found) => println!("  ok       {:<23} {found}", need.name),
            Err(reason) => {
                missing += 1;
                println!("  missing  {:<23} {reason:#}", need.name);
                println!("           {:<23} for: {}", "", need.why);
                if let Some(loss) = need.without {
                    println!("           {:<23} without it: {loss}", "");
                }
            }
        }
    }
    if missing > 0 {
        bail!(
            "{missing} of {} missing; `cargo xtask setup` installs them",
            NEEDS.len()
        );
    }
    println!("nothing is missing");
    Ok(())
}

/// Finds or installs every chosen need. A need that something can do without is reported and
/// passed over; one that nothing can do without ends the run, after all others were tried.
fn bring(machine: &Machine, chosen: impl Fn(&Need) -> bool) -> Result<()> {
    let mut fatal = Vec::new();
    for need in NEEDS.iter().filter(|need| chosen(need)) {
        if let Ok(found) = (need.find)(machine) {
            println!("  ok       {:<23} {found}", need.name);
            continue;
        }
        println!("  install  {:<23} {}", need.name, need.why);
        let begun = process::now();
        let outcome = (need.install)(machine).and_then(|()| (need.find)(machine));
        match outcome {
            Ok(found) => println!(
                "  done     {:<23} {found} ({:.1} s)",
                need.name,
                begun.elapsed().as_secs_f32()
            ),
            Err(reason) => {
                println!("  off      {:<23} {reason:#}", need.name);
                match need.without {
                    Some(loss) => println!("           {:<23} without it: {loss}", ""),
                    None => fatal.push(need.name),
                }
            }
        }
    }
    clients::link()?;
    if !fatal.is_empty() {
        bail!(
            "could not install {}; the reason is above",
            fatal.join(", ")
        );
    }
    Ok(())
}
