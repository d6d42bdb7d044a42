//! Public API documents for tests: npm packages named in `gateway/tests/corpus/manifest.json`,
//! installed under `target/corpus`. The documents are not ours to copy into the repository.

use super::clients::{expect_npm_version, npm_install};
use super::system::Machine;
use crate::workspace;
use anyhow::{Context, Result};
use std::fs;
use std::path::PathBuf;

/// How many packages are there, in words.
///
/// # Errors
/// If the manifest is wrong, or a package is missing or of another version.
pub(super) fn find(_: &Machine) -> Result<String> {
    let wanted = wanted()?;
    let modules = folder().join("node_modules");
    for (name, version) in &wanted {
        expect_npm_version(&modules, name, version)?;
    }
    Ok(match wanted.len() {
        0 => "no corpus in this tree".to_owned(),
        count => format!("{count} packages in {}", folder().display()),
    })
}

/// # Errors
/// If npm is missing or cannot fetch a package.
pub(super) fn install(_: &Machine) -> Result<()> {
    let packages: Vec<String> = wanted()?
        .into_iter()
        .map(|(name, version)| format!("{name}@{version}"))
        .collect();
    npm_install(&folder(), "openapi-corpus", &packages)
}

fn folder() -> PathBuf {
    workspace::target().join("corpus")
}

/// Names and versions in the manifest, each package once; nothing if there is no manifest.
fn wanted() -> Result<Vec<(String, String)>> {
    let path = workspace::root().join("gateway/tests/corpus/manifest.json");
    if !path.exists() {
        return Ok(Vec::new());
    }
    let text =
        fs::read_to_string(&path).with_context(|| format!("cannot read {}", path.display()))?;
    parse(&text).with_context(|| format!("in {}", path.display()))
}

fn parse(text: &str) -> Result<Vec<(String, String)>> {
    let document: serde_json::Value = serde_json::from_str(text).context("not JSON")?;
    let entries = document.as_array().context("not an array")?;
    let mut packages = Vec::new();
    for (index, entry) in entries.iter().enumerate() {
        let field = |name: &str| {
            entry[name]
                .as_str()
                .map(str::to_owned)
                .with_context(|| format!("entry {index} has no text `{name}`"))
        };
        let package = (field("package")?, field("version")?);
        // One package may hold several documents.
        if !packages.contains(&package) {
            packages.push(package);
        }
    }
    Ok(packages)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_package_is_taken_once() {
        let text = r#"[{"package": "@a/b", "version": "1.0.0", "path": "x.json"},
                       {"package": "@a/b", "version": "1.0.0", "path": "y.json"},
                       {"package": "c", "version": "2.0.0"}]"#;
        let packages = parse(text).expect("well-formed");
        assert_eq!(packages.len(), 2);
        assert_eq!(packages[1], ("c".to_owned(), "2.0.0".to_owned()));
    }

    #[test]
    fn an_entry_without_a_version_is_named() {
        let error = parse(r#"[{"package": "a"}]"#).expect_err("no version");
        assert_eq!(error.to_string(), "entry 0 has no text `version`");
    }
}
