//! The machine and its package manager: what runs as root, through which command.
//!
//! Knows Debian's and Fedora's families. Elsewhere it says which programs to install by hand.

use crate::{process, workspace};
use anyhow::{Context, Result, anyhow, bail};
use std::cell::Cell;
use std::path::PathBuf;
use std::process::Command;

/// One thing under its name in each family of distributions.
pub(super) struct Package {
    programs: &'static str,
    debian: &'static [&'static str],
    fedora: &'static [&'static str],
}

pub(super) const C_COMPILER: &Package = &Package {
    programs: "cc",
    debian: &["gcc", "libc6-dev", "make"],
    fedora: &["gcc", "glibc-devel", "make"],
};
pub(super) const CXX_COMPILER: &Package = &Package {
    programs: "c++ and make",
    debian: &["g++", "make"],
    fedora: &["gcc-c++", "make"],
};
pub(super) const OPENSSL_HEADERS: &Package = &Package {
    programs: "pkg-config and the headers of OpenSSL 1.1.1 or newer",
    debian: &["pkg-config", "libssl-dev"],
    fedora: &["pkgconf-pkg-config", "openssl-devel"],
};
pub(super) const PYTHON: &Package = &Package {
    programs: "python3 (3.10 or newer, with venv)",
    debian: &["python3", "python3-venv"],
    fedora: &["python3", "python3-pip"],
};
pub(super) const NPM: &Package = &Package {
    programs: "node and npm",
    debian: &["nodejs", "npm"],
    fedora: &["nodejs", "nodejs-npm"],
};
pub(super) const NGINX: &Package = &Package {
    programs: "nginx",
    debian: &["nginx"],
    fedora: &["nginx"],
};
pub(super) const WRK: &Package = &Package {
    programs: "wrk",
    debian: &["wrk"],
    fedora: &["wrk"],
};
pub(super) const JAVA: &Package = &Package {
    programs: "java (17 or newer)",
    debian: &["default-jre-headless"],
    fedora: &["java-latest-openjdk-headless"],
};
pub(super) const MAVEN: &Package = &Package {
    programs: "mvn",
    debian: &["maven"],
    fedora: &["maven"],
};
pub(super) const OPENSSL: &Package = &Package {
    programs: "openssl",
    debian: &["openssl"],
    fedora: &["openssl"],
};
pub(super) const GO: &Package = &Package {
    programs: "go (1.21 or newer)",
    debian: &["golang-go"],
    fedora: &["golang"],
};
pub(super) const REDIS: &Package = &Package {
    programs: "redis-server",
    debian: &["redis-server"],
    fedora: &["redis"],
};

/// Installing a daemon on Debian starts it. A `policy-rc.d` that answers 101 is Debian's own way
/// to say no; one that is there already is respected, ours goes away again whatever happens.
const APT_SCRIPT: &str = r#"set -e
policy=/usr/sbin/policy-rc.d
if [ ! -e "$policy" ]; then
    trap 'rm -f "$policy"' EXIT INT TERM
    printf '#!/bin/sh\nexit 101\n' > "$policy"
    chmod 755 "$policy"
fi
export DEBIAN_FRONTEND=noninteractive
[ "$1" = update ] && apt-get update -q
shift
apt-get install -q -y --no-install-recommends "$@"
"#;

#[derive(Clone, Copy, Debug, PartialEq)]
enum Manager {
    Apt,
    Dnf,
}

/// What was found out about the machine once, for all needs.
pub(super) struct Machine {
    manager: Option<Manager>,
    is_root: bool,
    /// Whether apt's lists were renewed in this run: once is enough.
    updated: Cell<bool>,
}

impl Machine {
    pub(super) fn look() -> Self {
        let manager = [("apt-get", Manager::Apt), ("dnf", Manager::Dnf)]
            .into_iter()
            .find(|(program, _)| workspace::find_program(program).is_some())
            .map(|(_, manager)| manager);
        let is_root = process::capture(Command::new("id").arg("-u")).is_ok_and(|id| id == "0");
        Self {
            manager,
            is_root,
            updated: Cell::new(false),
        }
    }

    /// Installs a package of the system, with `sudo` only where we are not root.
    ///
    /// # Errors
    /// If there is no known package manager, no right to use it, or it fails.
    pub(super) fn install(&self, package: &Package) -> Result<()> {
        let programs = package.programs;
        let mut words: Vec<&str> = match self.manager {
            Some(Manager::Apt) => {
                let update = if self.updated.replace(true) {
                    "keep"
                } else {
                    "update"
                };
                let mut words = vec!["sh", "-c", APT_SCRIPT, "install", update];
                words.extend(package.debian);
                words
            }
            Some(Manager::Dnf) => {
                let mut words = vec![
                    "dnf",
                    "install",
                    "-q",
                    "-y",
                    "--setopt=install_weak_deps=False",
                ];
                words.extend(package.fedora);
                words
            }
            None => bail!("no apt-get or dnf here: please install {programs} by hand"),
        };
        if !self.is_root {
            workspace::find_program("sudo").ok_or_else(|| {
                anyhow!("not root and no sudo here: please install {programs} as root")
            })?;
            println!("             asking sudo for the right to install {programs}");
            words.insert(0, "sudo");
        }
        let mut command = Command::new(words[0]);
        command.args(&words[1..]);
        process::quiet(&format!("install-{}", package.debian[0]), &mut command)
            .with_context(|| format!("cannot install {programs}"))
    }
}

/// Where a program is.
///
/// # Errors
/// If it is nowhere on the path.
pub(super) fn find(program: &str) -> Result<String> {
    place(program).map(|path| path.display().to_string())
}

/// The same as a path.
///
/// # Errors
/// If it is nowhere on the path.
pub(crate) fn place(program: &str) -> Result<PathBuf> {
    workspace::find_program(program).ok_or_else(|| anyhow!("`{program}` is not on the path"))
}

/// What librdkafka is compiled with: its configure wants a C++ compiler too.
///
/// # Errors
/// If a program is missing.
pub(super) fn find_cxx_compiler(_: &Machine) -> Result<String> {
    place("make")?;
    find("c++")
}

/// The version of OpenSSL that would be linked.
///
/// # Errors
/// If there is no pkg-config, or it knows no OpenSSL.
pub(super) fn find_openssl_headers(_: &Machine) -> Result<String> {
    place("pkg-config")?;
    process::capture(Command::new("pkg-config").args(["--modversion", "openssl"]))
        .context("pkg-config knows no openssl")
}

/// The C compiler, in words.
///
/// # Errors
/// If there is none.
pub(super) fn find_c_compiler(_: &Machine) -> Result<String> {
    place("cc")?;
    let text = process::capture(Command::new("cc").arg("--version"))?;
    Ok(text.lines().next().unwrap_or("cc").to_owned())
}
