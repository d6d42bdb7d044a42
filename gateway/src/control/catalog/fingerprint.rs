//! Whether a file may have changed, without reading it.

use std::fs::{self, Metadata};
use std::io;
use std::os::unix::fs::MetadataExt;
use std::path::Path;
use std::time::{Duration, SystemTime};

/// A file that was touched so recently may change again within the same tick of its clock, and then
/// look the same. Two seconds is the coarsest clock of a file system in use.
const SETTLED_AFTER: Duration = Duration::from_secs(2);

/// What of a file differs when its content does: links are followed, so the swap of a link to another
/// file (as Kubernetes mounts ConfigMaps) is a change, and so is a replacement with the old dates.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Fingerprint {
    device: u64,
    inode: u64,
    bytes: u64,
    modified: (i64, i64),
    changed: (i64, i64),
    is_settled: bool,
}

impl Fingerprint {
    /// Looks at a file. `now` is the wall clock.
    ///
    /// # Errors
    /// What the file system says.
    pub fn of(path: &Path, now: SystemTime) -> io::Result<Self> {
        fs::metadata(path).map(|metadata| Self::from_metadata(&metadata, now))
    }

    /// The same, of what was already looked at.
    #[must_use]
    pub fn from_metadata(metadata: &Metadata, now: SystemTime) -> Self {
        let age = metadata
            .modified()
            .ok()
            .and_then(|modified| now.duration_since(modified).ok());
        Self {
            device: metadata.dev(),
            inode: metadata.ino(),
            bytes: metadata.len(),
            modified: (metadata.mtime(), metadata.mtime_nsec()),
            changed: (metadata.ctime(), metadata.ctime_nsec()),
            is_settled: age.is_some_and(|age| age > SETTLED_AFTER),
        }
    }

    /// Whether a file that looked like this needs no second look while it still does. A file that had
    /// just been written is read again until it has settled.
    #[must_use]
    pub fn proves_unchanged(&self, now: &Self) -> bool {
        self.is_settled && self == now
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    #[allow(clippy::disallowed_methods, reason = "a test of files")]
    fn every_kind_of_change_shows() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("a");
        let later = SystemTime::now() + Duration::from_secs(10);
        let look = || Fingerprint::of(&path, later).unwrap();
        fs::write(&path, "one").unwrap();
        let first = look();
        assert!(first.proves_unchanged(&look()));
        assert!(
            !Fingerprint::of(&path, SystemTime::now())
                .unwrap()
                .proves_unchanged(&look()),
            "not settled"
        );
        // Another file of the same length takes its place, with its dates.
        let other = directory.path().join("b");
        fs::write(&other, "two").unwrap();
        let file = fs::File::options().write(true).open(&other).unwrap();
        file.set_modified(fs::metadata(&path).unwrap().modified().unwrap())
            .unwrap();
        fs::rename(&other, &path).unwrap();
        assert!(!first.proves_unchanged(&look()));
        let second = look();
        fs::write(&path, "three").unwrap();
        assert!(!second.proves_unchanged(&look()));
    }
}
