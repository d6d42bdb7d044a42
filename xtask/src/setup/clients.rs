//! The MCP clients that tests call the gateway with, the libraries that tests hold its requests to APIs
//! against, and what runs them.
//!
//! Packages go into the cache; `target/tools` links to them under fixed names, which is all that
//! tests know: `python/bin/python`, `node`, `node_modules`.

use super::system::{Machine, find, place};
use crate::{process, workspace};
use anyhow::{Context, Result, bail};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

const NODE_MAJOR_MIN: u32 = 22;
/// Taken from the npm registry where the system's Node.js is older.
const NODE_VERSION: &str = "22.23.3";
const PYTHON_PACKAGES: &[(&str, &str)] = &[
    ("mcp", "2.3.0"),
    // What `gateway/tests/corpus/checker.py` is made of.
    ("bravado-core", "6.4.1"),
    ("openapi-core", "0.23.1"),
    ("qs-codec", "1.6.3"),
];
const NPM_PACKAGES: &[(&str, &str)] = &[
    ("@modelcontextprotocol/sdk", "1.32.2"),
    ("@modelcontextprotocol/client", "2.4.0"),
    ("@modelcontextprotocol/inspector", "2.12.0"),
    ("@modelcontextprotocol/conformance", "0.2.0-alpha.12"),
];

/// Python, if it is new enough and can make virtual environments.
///
/// # Errors
/// If not.
pub(super) fn find_python(_: &Machine) -> Result<String> {
    let script = "import sys, venv, ensurepip; \
                  assert sys.version_info >= (3, 10), 'Python 3.10 or newer is needed'; \
                  print('Python', sys.version.split()[0])";
    process::capture(Command::new("python3").args(["-c", script]))
}

/// The Python packages, in words.
///
/// # Errors
/// If one is missing or of another version.
pub(super) fn find_python_packages(_: &Machine) -> Result<String> {
    let python = virtual_environment().join("bin/python");
    if !python.is_file() {
        bail!(
            "no virtual environment in {}",
            virtual_environment().display()
        );
    }
    for (package, version) in PYTHON_PACKAGES {
        let script = format!(
            "import importlib.metadata as m; v = m.version('{package}'); \
             assert v == '{version}', '{package} is ' + v + ', wanted {version}'"
        );
        process::capture(Command::new(&python).args(["-c", &script]))?;
    }
    Ok(pinned(PYTHON_PACKAGES, "=="))
}

/// # Errors
/// If the environment cannot be made or the packages cannot be fetched.
pub(super) fn install_python_packages(_: &Machine) -> Result<()> {
    let environment = virtual_environment();
    process::quiet(
        "python-venv",
        Command::new("python3")
            .args(["-m", "venv", "--clear"])
            .arg(&environment),
    )?;
    let wanted = PYTHON_PACKAGES
        .iter()
        .map(|(name, version)| format!("{name}=={version}"));
    process::quiet(
        "python-packages",
        Command::new(environment.join("bin/python"))
            .args(["-m", "pip", "install", "--quiet"])
            .args(wanted),
    )
}

/// Where npm is.
///
/// # Errors
/// If it is nowhere.
pub(super) fn find_npm(_: &Machine) -> Result<String> {
    find("npm")
}

/// Links what was found into `target/tools`.
///
/// # Errors
/// If a link cannot be made.
pub(super) fn link() -> Result<()> {
    let tools = workspace::target().join("tools");
    if let Ok((node, _)) = node() {
        replace_link(&node, &tools.join("node"))?;
    }
    let modules = javascript().join("node_modules");
    if modules.is_dir() {
        replace_link(&modules, &tools.join("node_modules"))?;
    }
    // A folder, not the program: Python looks for its environment beside the path it is called by.
    if virtual_environment().is_dir() {
        replace_link(&virtual_environment(), &tools.join("python"))?;
    }
    Ok(())
}

/// Node.js, in words.
///
/// # Errors
/// If there is none that is new enough.
pub(super) fn find_node(_: &Machine) -> Result<String> {
    node().map(|(path, version)| format!("{version} ({})", path.display()))
}

/// A Node.js that is new enough, and its version: the system's, else the cache's.
fn node() -> Result<(PathBuf, String)> {
    let mut seen = Vec::new();
    for candidate in [place("node").ok(), Some(own_node())].into_iter().flatten() {
        let Ok(version) = process::capture(Command::new(&candidate).arg("--version")) else {
            continue;
        };
        if major(&version).is_some_and(|number| number >= NODE_MAJOR_MIN) {
            return Ok((candidate, version));
        }
        seen.push(version);
    }
    match seen.as_slice() {
        [] => bail!("no Node.js here"),
        versions => bail!(
            "Node.js is {}, wanted {NODE_MAJOR_MIN} or newer",
            versions.join(", ")
        ),
    }
}

/// Brings Node.js as an npm package for this one purpose; the system's stays as it is. The
/// package of the platform is taken, which is only the program and runs no install script.
///
/// # Errors
/// If npm cannot fetch it.
pub(super) fn install_node(_: &Machine) -> Result<()> {
    let package = format!("{}@{NODE_VERSION}", node_package());
    npm_install(&workspace::cache().join("node"), "node", &[package])
}

/// The JavaScript packages, in words.
///
/// # Errors
/// If one is missing or of another version.
pub(super) fn find_javascript_clients(_: &Machine) -> Result<String> {
    let modules = javascript().join("node_modules");
    for (name, version) in NPM_PACKAGES {
        expect_npm_version(&modules, name, version)?;
    }
    Ok(pinned(NPM_PACKAGES, "@").replace("@modelcontextprotocol/", ""))
}

/// # Errors
/// If npm cannot fetch them.
pub(super) fn install_javascript_clients(_: &Machine) -> Result<()> {
    let wanted: Vec<String> = NPM_PACKAGES
        .iter()
        .map(|(name, version)| format!("{name}@{version}"))
        .collect();
    npm_install(&javascript(), "javascript-clients", &wanted)
}

/// Installs npm packages into `folder/node_modules`. No package's own scripts are run: none of
/// ours needs them, and an install script is somebody else's program.
///
/// # Errors
/// If npm is missing or fails.
pub(super) fn npm_install(folder: &Path, log_name: &str, packages: &[String]) -> Result<()> {
    fs::create_dir_all(folder).with_context(|| format!("cannot make {}", folder.display()))?;
    let mut command = Command::new(place("npm")?);
    command
        .args(["install", "--no-audit", "--no-fund", "--no-save"])
        .args(["--ignore-scripts", "--loglevel=error", "--prefix"])
        .arg(folder)
        .args(packages);
    process::quiet(log_name, &mut command)
}

/// Checks the version of an installed npm package.
///
/// # Errors
/// If it is missing or another.
pub(super) fn expect_npm_version(modules: &Path, name: &str, version: &str) -> Result<()> {
    let file = modules.join(name).join("package.json");
    let text = fs::read_to_string(&file).with_context(|| format!("{name} is not installed"))?;
    let document: serde_json::Value =
        serde_json::from_str(&text).with_context(|| format!("{} is damaged", file.display()))?;
    let found = document["version"].as_str().unwrap_or("without a version");
    if found != version {
        bail!("{name} is {found}, wanted {version}");
    }
    Ok(())
}

/// Makes `link` point to `target`, replacing an older link.
///
/// # Errors
/// If the link's place is taken by something else or cannot be written.
pub(super) fn replace_link(target: &Path, link: &Path) -> Result<()> {
    if fs::read_link(link).is_ok_and(|current| current == target) {
        return Ok(());
    }
    if let Some(parent) = link.parent() {
        fs::create_dir_all(parent).with_context(|| format!("cannot make {}", parent.display()))?;
    }
    if fs::symlink_metadata(link).is_ok_and(|data| data.is_symlink()) {
        fs::remove_file(link).with_context(|| format!("cannot replace {}", link.display()))?;
    }
    std::os::unix::fs::symlink(target, link)
        .with_context(|| format!("cannot link {} to {}", link.display(), target.display()))
}

fn virtual_environment() -> PathBuf {
    workspace::cache().join("python")
}

fn javascript() -> PathBuf {
    workspace::cache().join("javascript")
}

fn own_node() -> PathBuf {
    workspace::cache()
        .join("node/node_modules")
        .join(node_package())
        .join("bin/node")
}

fn node_package() -> String {
    let architecture = match std::env::consts::ARCH {
        "x86_64" => "x64",
        "aarch64" => "arm64",
        other => other,
    };
    format!("node-{}-{architecture}", std::env::consts::OS)
}

fn pinned(packages: &[(&str, &str)], separator: &str) -> String {
    let texts: Vec<String> = packages
        .iter()
        .map(|(name, version)| format!("{name}{separator}{version}"))
        .collect();
    texts.join(", ")
}

/// The major number of `v22.1.0`.
fn major(version: &str) -> Option<u32> {
    version
        .trim_start_matches('v')
        .split('.')
        .next()?
        .parse()
        .ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn major_of_a_version() {
        let check = |text, expected| assert_eq!(major(text), expected, "{text}");
        check("v22.23.3", Some(22));
        check("20.1.0", Some(20));
        check("v8", Some(8));
        check("nightly", None);
        check("", None);
    }
}
