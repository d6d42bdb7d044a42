//! Where things are: the workspace, its `target`, and the cache shared by all clones.
//!
//! Names paths only; creates nothing.

use std::env;
use std::ffi::OsString;
use std::path::{Path, PathBuf};

/// The folder of the workspace's `Cargo.toml`.
///
/// Known at compile time, because xtask is always compiled in the clone that it serves.
pub(crate) fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .parent()
        .unwrap_or_else(|| Path::new("."))
}

/// `target` of the workspace, where commands leave what people and tests look for.
pub(crate) fn target() -> PathBuf {
    root().join("target")
}

/// Tools that cost minutes to make and are the same for every clone:
/// `$XDG_CACHE_HOME/stoa-gateway`, else `~/.cache/stoa-gateway`, else `target/cache`.
pub(crate) fn cache() -> PathBuf {
    let absolute = |name: &str| {
        env::var_os(name)
            .map(PathBuf::from)
            .filter(|path| path.is_absolute())
    };
    absolute("XDG_CACHE_HOME")
        .or_else(|| absolute("HOME").map(|home| home.join(".cache")))
        .map_or_else(|| target().join("cache"), |base| base.join("stoa-gateway"))
}

/// The folder in the cache that holds programs made with `cargo install`.
pub(crate) fn cargo_tools() -> PathBuf {
    cache().join("cargo")
}

/// `PATH` with the cache's own programs last, so that a person's own version of a tool wins.
pub(crate) fn path_with_tools() -> OsString {
    let own = cargo_tools().join("bin");
    let inherited = env::var_os("PATH").unwrap_or_default();
    env::join_paths(env::split_paths(&inherited).chain([own])).unwrap_or(inherited)
}

/// The first file called `name` on `PATH` or among the cache's own programs.
pub(crate) fn find_program(name: &str) -> Option<PathBuf> {
    env::split_paths(&path_with_tools())
        // A distribution keeps daemons such as nginx where a plain user's PATH may not look.
        .chain(["/usr/sbin".into(), "/usr/local/sbin".into()])
        .map(|folder| folder.join(name))
        .find(|path| path.is_file())
}
