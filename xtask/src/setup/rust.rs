//! What the Rust side needs: components of the pinned toolchain, and two tools made with cargo.
//!
//! Both tools are compiled without optimisation: cargo-deny then takes 49 s instead of minutes on
//! two cores and runs in a few seconds; bpf-linker 26 s instead of 58 s, and links in one. (The
//! only packaged cargo-deny, 0.14.2, panics on what today's cargo prints.)

use super::system::{Machine, place};
use crate::{process, workspace};
use anyhow::{Context, Result, bail};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

const CARGO_DENY_VERSION: &str = "0.20.2";
const BPF_LINKER_VERSION: &str = "0.13.0";
/// The linker must know an LLVM at least as new as rustc's, which for the pinned 1.95 is 22.
const BPF_LINKER_FEATURE: &str = "llvm-22";

/// rustfmt and clippy, in words.
///
/// # Errors
/// If either is missing.
pub(super) fn find_lint_components(_: &Machine) -> Result<String> {
    process::capture(Command::new("cargo").args(["fmt", "--version"]))?;
    process::capture(Command::new("cargo").args(["clippy", "--version"]))
}

/// # Errors
/// If rustup is missing or cannot fetch them.
pub(super) fn install_lint_components(_: &Machine) -> Result<()> {
    add_components(&["rustfmt", "clippy"])
}

/// Where the standard library's source is.
///
/// # Errors
/// If the pinned toolchain has none.
pub(super) fn find_source(_: &Machine) -> Result<String> {
    let folder = sysroot()?.join("lib/rustlib/src/rust/library/core");
    if !folder.is_dir() {
        bail!("{} is not there", folder.display());
    }
    Ok(format!(
        "for {}",
        process::capture(Command::new("rustc").arg("--version"))?
    ))
}

/// # Errors
/// If rustup is missing or cannot fetch it.
pub(super) fn install_source(_: &Machine) -> Result<()> {
    add_components(&["rust-src"])
}

/// bpf-linker, if it runs.
///
/// # Errors
/// If it is missing, or the LLVM it was linked with went away with an old toolchain.
pub(super) fn find_bpf_linker(_: &Machine) -> Result<String> {
    process::capture(Command::new(place("bpf-linker")?).arg("--version"))
}

/// Compiles bpf-linker against the LLVM that rustc itself brings, so that no LLVM package of the
/// system is needed. The program keeps looking for LLVM in [`llvm_folder`], so that stays.
///
/// # Errors
/// If rustc has no shared LLVM, or the build fails.
pub(super) fn install_bpf_linker(_: &Machine) -> Result<()> {
    link_llvm(&llvm_folder().join("lib"))?;
    let mut command = Command::new("cargo");
    command
        .env("LLVM_PREFIX", llvm_folder())
        .args(["install", "bpf-linker", "--version", BPF_LINKER_VERSION])
        .args(["--no-default-features", "--features", BPF_LINKER_FEATURE]);
    cargo_install("bpf-linker", &mut command)
}

/// The folder that stands for an LLVM installation: links to rustc's own library.
pub(crate) fn llvm_folder() -> PathBuf {
    workspace::cache().join("llvm")
}

/// cargo-deny, if it runs.
///
/// # Errors
/// If it is missing.
pub(super) fn find_cargo_deny(_: &Machine) -> Result<String> {
    process::capture(Command::new(place("cargo-deny")?).arg("--version"))
}

/// # Errors
/// If the build fails.
pub(super) fn install_cargo_deny(_: &Machine) -> Result<()> {
    let mut command = Command::new("cargo");
    command.args(["install", "cargo-deny", "--version", CARGO_DENY_VERSION]);
    cargo_install("cargo-deny", &mut command)
}

fn cargo_install(name: &str, command: &mut Command) -> Result<()> {
    command
        // Flags meant for the workspace (such as `-D warnings`) are not for other people's code.
        .env_remove("RUSTFLAGS")
        .env_remove("CARGO_ENCODED_RUSTFLAGS")
        .env_remove("CARGO_TARGET_DIR")
        .args(["--locked", "--debug", "--force", "--root"])
        .arg(workspace::cargo_tools());
    process::quiet(name, command)
}

fn add_components(names: &[&str]) -> Result<()> {
    process::quiet(
        "rustup",
        Command::new("rustup")
            .current_dir(workspace::root())
            .args(["component", "add"])
            .args(names),
    )
    .with_context(|| format!("rustup cannot add {}", names.join(", ")))
}

/// Fills `folder` with the two names under which the linker and the loader look for LLVM.
fn link_llvm(folder: &Path) -> Result<()> {
    let libraries = sysroot()?.join("lib");
    let real = fs::read_dir(&libraries)
        .with_context(|| format!("cannot read {}", libraries.display()))?
        .filter_map(Result::ok)
        .map(|entry| entry.path())
        .find(|path| {
            path.file_name()
                .is_some_and(|name| name.to_string_lossy().starts_with("libLLVM.so."))
        })
        .with_context(|| format!("no libLLVM.so.* in {}", libraries.display()))?;
    fs::create_dir_all(folder).with_context(|| format!("cannot make {}", folder.display()))?;
    let real_name = real.file_name().context("a library has a name")?;
    for link in [folder.join("libLLVM.so"), folder.join(real_name)] {
        super::clients::replace_link(&real, &link)?;
    }
    Ok(())
}

/// The pinned toolchain's folder.
///
/// # Errors
/// If rustc does not run.
pub(crate) fn sysroot() -> Result<PathBuf> {
    process::capture(
        Command::new("rustc")
            .current_dir(workspace::root())
            .args(["--print", "sysroot"]),
    )
    .map(PathBuf::from)
}
