//! Reading files that an operator names: no further than their bound. For control, and for commands; the data
//! path reads no files.

use std::fs::File;
use std::io::{self, Read as _};
use std::path::Path;

/// A file's bytes, where there are no more than `bytes_max`. Counted while they are read: a device, or a file
/// that grows meanwhile, has another length than its metadata says.
///
/// # Errors
/// What the file system says, and a file that is larger.
pub fn read_at_most(path: &Path, bytes_max: usize) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    File::open(path)?
        .take(bytes_max as u64 + 1)
        .read_to_end(&mut bytes)?;
    if bytes.len() > bytes_max {
        let reason = format!("more than {bytes_max} bytes");
        return Err(io::Error::new(io::ErrorKind::FileTooLarge, reason));
    }
    Ok(bytes)
}

/// [`read_at_most`] for text.
///
/// # Errors
/// As there, and bytes that are no UTF-8. None of them is repeated.
pub fn read_text_at_most(path: &Path, bytes_max: usize) -> io::Result<String> {
    let bytes = read_at_most(path, bytes_max)?;
    String::from_utf8(bytes).map_err(|_| io::Error::other("it is not UTF-8"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_is_read_no_further_than_its_bound() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("a");
        for (content, expected) in [
            (&b""[..], Ok("")),
            (b"1234", Ok("1234")),
            (b"12345", Err("more than 4 bytes")),
            (b"\xff", Err("it is not UTF-8")),
        ] {
            std::fs::write(&path, content).unwrap();
            let found = read_text_at_most(&path, 4).map_err(|error| error.to_string());
            let expected = expected.map(str::to_owned).map_err(str::to_owned);
            assert_eq!(found, expected, "{}", content.escape_ascii());
        }
        // Its metadata says that it is empty, and it never ends.
        let endless = read_at_most(Path::new("/dev/zero"), 4).unwrap_err();
        assert_eq!(endless.kind(), io::ErrorKind::FileTooLarge);
        assert!(read_at_most(&directory.path().join("gone"), 4).is_err());
    }
}
