//! `cargo xtask ebpf`: the kernel object, `target/ebpf/gateway-ebpf.o`.
//!
//! Two recipes are tried in this order, and the one taken is named. A: the pinned toolchain
//! builds its own `core` from `rust-src`. B: Debian's `rustc-web` brings a `core` made for the
//! kernel's virtual machine. If neither is there, there is no object, and the gateway's build
//! script builds a gateway without the kernel part.

use crate::{process, setup, workspace};
use anyhow::{Context, Result, bail};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

const TARGET: &str = "bpfel-unknown-none";
/// Debian's compiler with its prebuilt `core`: packages `rustc-web`, `libstd-rust-web-dev-bpf`.
const DEBIAN_RUSTC: &str = "/usr/bin/rustc";
const DEBIAN_CORE: &str = "/usr/lib/rustlib/bpfel-unknown-none/lib";

/// What [`build`] came to.
pub(crate) enum Outcome {
    /// The object is in place.
    Built,
    /// This machine has no toolchain for it; the text says what is missing.
    Impossible(String),
}

#[derive(Clone, Copy, Debug)]
enum Recipe {
    SourceOfCore,
    DebianCore,
}

/// Runs the command.
///
/// # Errors
/// If the programs do not compile, or nothing here can compile them.
pub(crate) fn run() -> Result<()> {
    match build()? {
        Outcome::Built => Ok(()),
        Outcome::Impossible(reason) => bail!("{reason}; `cargo xtask setup` brings it"),
    }
}

/// Builds the object and puts it in its place. The file is left alone if nothing changed, so that
/// the gateway is not compiled again for nothing.
///
/// # Errors
/// If the programs do not compile. A missing toolchain is [`Outcome::Impossible`].
pub(crate) fn build() -> Result<Outcome> {
    let recipe = match choose() {
        Ok(recipe) => recipe,
        Err(reason) => {
            // An object of an older source must not be embedded by the build that follows.
            let _ = fs::remove_file(object());
            return Ok(Outcome::Impossible(format!("{reason:#}")));
        }
    };
    println!("kernel object: {}", recipe.text());
    process::run(&mut recipe.cargo("build"))?;
    let made = workspace::target()
        .join(TARGET)
        .join("release/gateway-ebpf");
    install(&strip(&made)?, &object())?;
    Ok(Outcome::Built)
}

/// Takes out what only debuggers read (nine tenths of the file), with the tool that rustc itself
/// strips with; what the kernel reads (BTF) stays. Without the tool the file is taken as it is.
fn strip(made: &Path) -> Result<PathBuf> {
    let sysroot = setup::sysroot()?;
    let host = format!(
        "lib/rustlib/{}-unknown-linux-gnu/bin",
        std::env::consts::ARCH
    );
    let tool = sysroot.join(host).join("rust-objcopy");
    if !tool.is_file() {
        return Ok(made.to_owned());
    }
    let stripped = made.with_extension("stripped");
    process::capture(
        Command::new(tool)
            .env("LD_LIBRARY_PATH", sysroot.join("lib"))
            .arg("--strip-debug")
            .args([made, stripped.as_path()]),
    )?;
    Ok(stripped)
}

/// `cargo clippy` for the kernel programs, if this machine can compile them.
pub(crate) fn clippy() -> Option<Command> {
    let mut command = choose().ok()?.cargo("clippy");
    command.args(["--", "-D", "warnings"]);
    Some(command)
}

/// Where the object stands for the gateway's build script.
fn object() -> PathBuf {
    workspace::target().join("ebpf/gateway-ebpf.o")
}

impl Recipe {
    fn text(self) -> &'static str {
        match self {
            Self::SourceOfCore => "recipe A, the pinned toolchain with rust-src",
            Self::DebianCore => "recipe B, Debian's rustc-web with its own core",
        }
    }

    /// A cargo command that works on the kernel programs.
    fn cargo(self, verb: &str) -> Command {
        let mut command = Command::new("cargo");
        command
            // The folder's own .cargo/config.toml names target, linker and profile.
            .current_dir(workspace::root().join("gateway-ebpf"))
            .env("PATH", workspace::path_with_tools())
            // Both recipes use a stable compiler for what is a tier 3 target: build-std and the
            // intrinsics behind the kernel's atomic instructions need this.
            .env("RUSTC_BOOTSTRAP", "1")
            .env_remove("RUSTFLAGS")
            .env_remove("CARGO_ENCODED_RUSTFLAGS")
            .env_remove("CARGO_TARGET_DIR")
            .env("CARGO_TARGET_DIR", workspace::target())
            .args([verb, "--release", "--target", TARGET]);
        match self {
            Self::SourceOfCore => command.args(["-Z", "build-std=core"]),
            Self::DebianCore => command.env("RUSTC", DEBIAN_RUSTC),
        };
        command
    }
}

fn choose() -> Result<Recipe> {
    let linker = workspace::find_program("bpf-linker").context("bpf-linker is not installed")?;
    process::capture(Command::new(&linker).arg("--version")).with_context(|| {
        let folder = setup::llvm_folder();
        format!(
            "bpf-linker does not run (its LLVM is looked for in {})",
            folder.display()
        )
    })?;
    let core = setup::sysroot()?.join("lib/rustlib/src/rust/library/core");
    if core.is_dir() {
        return Ok(Recipe::SourceOfCore);
    }
    if Path::new(DEBIAN_RUSTC).is_file() && Path::new(DEBIAN_CORE).is_dir() {
        return Ok(Recipe::DebianCore);
    }
    bail!("neither rust-src nor Debian's libstd-rust-web-dev-bpf is installed")
}

fn install(made: &Path, place: &Path) -> Result<()> {
    let bytes = fs::read(made).with_context(|| format!("cannot read {}", made.display()))?;
    if !fs::read(place).is_ok_and(|current| current == bytes) {
        if let Some(folder) = place.parent() {
            fs::create_dir_all(folder)
                .with_context(|| format!("cannot make {}", folder.display()))?;
        }
        fs::write(place, &bytes).with_context(|| format!("cannot write {}", place.display()))?;
    }
    println!("kernel object: {} ({} bytes)", place.display(), bytes.len());
    Ok(())
}
