//! Embeds the kernel object, if there is one.
//!
//! `cargo xtask ebpf` leaves it in `target/ebpf/gateway-ebpf.o`; `EBPF_OBJECT` names another.
//! Without it the gateway is built without the kernel part, and says so when it starts. Compiles
//! nothing itself: a plain `cargo build` must work on a machine without the kernel toolchain.

use std::env;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

/// Sources from which the object is made, from the workspace's root.
const SOURCES: [&str; 2] = ["gateway-ebpf/src", "gateway-common/src"];

fn main() {
    println!("cargo::rustc-check-cfg=cfg(kernel_object)");
    println!("cargo::rerun-if-env-changed=EBPF_OBJECT");
    let Some(workspace) = Path::new(env!("CARGO_MANIFEST_DIR")).parent() else {
        return;
    };
    let named = env::var_os("EBPF_OBJECT").map(PathBuf::from);
    let object = named
        .clone()
        .unwrap_or_else(|| workspace.join("target/ebpf/gateway-ebpf.o"));
    // Cargo watches a missing file too: the build after `cargo xtask ebpf` finds it.
    println!("cargo::rerun-if-changed={}", object.display());
    if !object.is_file() {
        if named.is_some() {
            println!(
                "cargo::error=EBPF_OBJECT names {}, which is no file",
                object.display()
            );
        }
        return;
    }
    if named.is_none() {
        warn_if_stale(workspace, &object);
    }
    println!("cargo::rustc-cfg=kernel_object");
    println!("cargo::rustc-env=EBPF_OBJECT_EMBEDDED={}", object.display());
}

/// An object older than its sources may count into fields that have moved.
fn warn_if_stale(workspace: &Path, object: &Path) {
    let modified = |path: &Path| fs::metadata(path).and_then(|data| data.modified()).ok();
    let Some(made) = modified(object) else {
        return;
    };
    let newest: Option<SystemTime> = SOURCES
        .iter()
        .filter_map(|folder| fs::read_dir(workspace.join(folder)).ok())
        .flatten()
        .filter_map(Result::ok)
        .filter_map(|entry| modified(&entry.path()))
        .max();
    for folder in SOURCES {
        println!(
            "cargo::rerun-if-changed={}",
            workspace.join(folder).display()
        );
    }
    if newest.is_some_and(|newest| newest > made) {
        println!(
            "cargo::warning=the kernel object is older than its sources; `cargo xtask ebpf` makes it anew"
        );
    }
}
