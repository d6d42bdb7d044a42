//! Public API documents for tests: npm packages named in `gateway/tests/corpus/manifest.json`,
//! installed under `target/corpus`. The documents are not ours to copy into the repository.

use super::clients::{expect_npm_version, npm_install};
use super::system::Machine;
use crate::{process, workspace};
use anyhow::{Context, Result, bail};
use serde::Deserialize;
use std::fs;
use std::path::PathBuf;
use std::process::Command;

/// `manifest.json`, as far as it concerns installing.
#[derive(Debug, Deserialize)]
struct Manifest {
    packages: Vec<Package>,
}

#[derive(Debug, Deserialize)]
struct Package {
    name: String,
    version: String,
    documents: Vec<Document>,
}

#[derive(Debug, Deserialize)]
struct Document {
    /// Inside the package; tests read it without the `.gz`.
    path: String,
}

/// How many documents are there, in words.
///
/// # Errors
/// If the manifest is wrong, or a package or document is missing or a package is of another version.
pub(super) fn find(_: &Machine) -> Result<String> {
    let wanted = wanted()?;
    let modules = folder().join("node_modules");
    let mut documents = 0;
    for package in &wanted {
        expect_npm_version(&modules, &package.name, &package.version)?;
        for document in &package.documents {
            let path = package.place(document);
            let path = path.strip_suffix(".gz").unwrap_or(&path);
            if !modules.join(path).is_file() {
                bail!("{path} is missing");
            }
            documents += 1;
        }
    }
    Ok(format!("{documents} documents in {}", folder().display()))
}

/// # Errors
/// If npm or gzip is missing, or npm cannot fetch a package.
pub(super) fn install(_: &Machine) -> Result<()> {
    let wanted = wanted()?;
    let names: Vec<String> = wanted
        .iter()
        .map(|package| format!("{}@{}", package.name, package.version))
        .collect();
    npm_install(&folder(), "openapi-corpus", &names)?;
    for package in &wanted {
        for document in &package.documents {
            let path = folder().join("node_modules").join(package.place(document));
            if document.path.ends_with(".gz") {
                let mut unpack = Command::new("gzip");
                unpack.args(["--decompress", "--keep", "--force"]).arg(path);
                process::run(&mut unpack)?;
            }
        }
    }
    Ok(())
}

impl Package {
    /// Where npm puts a document, below `node_modules`.
    fn place(&self, document: &Document) -> String {
        format!("{}/{}", self.name, document.path)
    }
}

fn folder() -> PathBuf {
    workspace::target().join("corpus")
}

fn wanted() -> Result<Vec<Package>> {
    let path = workspace::root().join("gateway/tests/corpus/manifest.json");
    let text =
        fs::read_to_string(&path).with_context(|| format!("cannot read {}", path.display()))?;
    parse(&text).with_context(|| format!("in {}", path.display()))
}

fn parse(text: &str) -> Result<Vec<Package>> {
    Ok(serde_json::from_str::<Manifest>(text)?.packages)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_manifest_of_this_tree_is_understood() {
        let packages = wanted().expect("well-formed");
        assert!(packages.len() >= 3, "{packages:?}");
        assert!(packages.iter().all(|package| !package.documents.is_empty()));
    }

    #[test]
    fn a_package_without_a_version_is_an_error_that_says_so() {
        let error =
            parse(r#"{"packages": [{"name": "a", "documents": []}]}"#).expect_err("no version");
        assert!(error.to_string().contains("version"), "{error}");
    }
}
