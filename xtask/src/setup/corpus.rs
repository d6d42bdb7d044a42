//! Public API documents for tests: files of npm packages, named in
//! `gateway/tests/corpus/manifest.json`, under `target/corpus/node_modules`. The documents are not
//! ours to copy into the repository.
//!
//! Packed and extracted rather than installed: the packages have 800 MB and dependencies, the
//! documents 64 MB and none.

use super::clients::expect_npm_version;
use super::system::{Machine, place};
use crate::{process, workspace};
use anyhow::{Context, Result};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

/// A package and the files wanted of it.
#[derive(Debug, PartialEq)]
struct Package {
    name: String,
    version: String,
    paths: Vec<String>,
}

/// How many packages are there, in words.
///
/// # Errors
/// If the manifest is wrong, a package is missing or of another version, or a file is missing.
pub(super) fn find(_: &Machine) -> Result<String> {
    let wanted = wanted()?;
    let modules = folder().join("node_modules");
    let mut count = 0;
    for package in &wanted {
        expect_npm_version(&modules, &package.name, &package.version)?;
        for path in &package.paths {
            let file = modules.join(&package.name).join(unpacked(path));
            fs::metadata(&file).with_context(|| format!("{} is missing", file.display()))?;
            count += 1;
        }
    }
    Ok(match count {
        0 => "no corpus in this tree".to_owned(),
        count => format!("{count} documents in {}", folder().display()),
    })
}

/// # Errors
/// If npm, tar or gzip is missing or fails.
pub(super) fn install(_: &Machine) -> Result<()> {
    for package in wanted()? {
        install_one(&package).with_context(|| format!("{}@{}", package.name, package.version))?;
    }
    Ok(())
}

fn install_one(package: &Package) -> Result<()> {
    let packed = folder().join("packed");
    if packed.exists() {
        fs::remove_dir_all(&packed)
            .with_context(|| format!("cannot empty {}", packed.display()))?;
    }
    let target = folder().join("node_modules").join(&package.name);
    for new in [&packed, &target] {
        fs::create_dir_all(new).with_context(|| format!("cannot make {}", new.display()))?;
    }
    let mut npm = Command::new(place("npm")?);
    npm.args(["pack", "--loglevel=error", "--pack-destination"])
        .arg(&packed)
        .arg(format!("{}@{}", package.name, package.version));
    process::quiet("openapi-corpus", &mut npm)?;

    let mut tar = Command::new(place("tar")?);
    tar.args(["--strip-components=1", "-xzf"])
        .arg(only_file(&packed)?)
        .arg("-C")
        .arg(&target)
        .arg("package/package.json")
        .args(package.paths.iter().map(|path| format!("package/{path}")));
    process::quiet("openapi-corpus", &mut tar)?;
    for path in package.paths.iter().filter(|path| path.ends_with(".gz")) {
        let mut gzip = Command::new(place("gzip")?);
        gzip.arg("-df").arg(target.join(path));
        process::quiet("openapi-corpus", &mut gzip)?;
    }
    fs::remove_dir_all(&packed).with_context(|| format!("cannot remove {}", packed.display()))
}

/// npm names the file by rules of its own, so it is looked for.
fn only_file(folder: &Path) -> Result<PathBuf> {
    let mut entries =
        fs::read_dir(folder).with_context(|| format!("cannot read {}", folder.display()))?;
    let entry = entries.next().context("npm packed nothing")??;
    Ok(entry.path())
}

fn unpacked(path: &str) -> &str {
    path.strip_suffix(".gz").unwrap_or(path)
}

fn folder() -> PathBuf {
    workspace::target().join("corpus")
}

/// Packages of the manifest, each once with all its paths; nothing if there is no manifest.
fn wanted() -> Result<Vec<Package>> {
    let path = workspace::root().join("gateway/tests/corpus/manifest.json");
    if !path.exists() {
        return Ok(Vec::new());
    }
    let text =
        fs::read_to_string(&path).with_context(|| format!("cannot read {}", path.display()))?;
    parse(&text).with_context(|| format!("in {}", path.display()))
}

fn parse(text: &str) -> Result<Vec<Package>> {
    let document: serde_json::Value = serde_json::from_str(text).context("not JSON")?;
    let entries = document.as_array().context("not an array")?;
    let mut packages: Vec<Package> = Vec::new();
    for (index, entry) in entries.iter().enumerate() {
        let field = |name: &str| {
            entry[name]
                .as_str()
                .map(str::to_owned)
                .with_context(|| format!("entry {index} has no text `{name}`"))
        };
        let (name, version, path) = (field("package")?, field("version")?, field("path")?);
        let known = packages
            .iter_mut()
            .find(|package| package.name == name && package.version == version);
        match known {
            Some(package) => package.paths.push(path),
            None => packages.push(Package {
                name,
                version,
                paths: vec![path],
            }),
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
                       {"package": "c", "version": "2.0.0", "path": "z.json.gz"},
                       {"package": "@a/b", "version": "1.0.0", "path": "y.json"}]"#;
        let packages = parse(text).expect("well-formed");
        assert_eq!(packages.len(), 2);
        assert_eq!(packages[0].name, "@a/b");
        assert_eq!(packages[0].paths, ["x.json", "y.json"]);
        assert_eq!(unpacked(&packages[1].paths[0]), "z.json");
    }

    #[test]
    fn an_entry_without_a_version_is_named() {
        let error = parse(r#"[{"package": "a"}]"#).expect_err("no version");
        assert_eq!(error.to_string(), "entry 0 has no text `version`");
    }
}
