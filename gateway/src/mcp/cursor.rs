//! Where the next page of a list begins, sealed: opaque, stateless, and of no use to another caller or
//! after the catalog has changed.

use super::seal::{Purpose, Sealer};
use super::session::Binding;
use crate::refusal::Refusal;

/// What a cursor is good for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Scope {
    /// [`crate::snapshot::Snapshot::catalog_version`]: positions shift when the catalog changes.
    pub catalog_version: u64,
    /// Who asked for the page before.
    pub binding: Binding,
}

/// `catalog version (8) | binding (16) | position (4)`, numbers little-endian.
const CONTENT_BYTES: usize = 28;

impl Scope {
    /// A cursor for the page that begins at `position`.
    ///
    /// # Errors
    /// [`Refusal::Internal`] where the system gives no random bytes.
    pub fn seal(&self, sealer: &Sealer, position: u32) -> Result<String, Refusal> {
        let mut content = [0; CONTENT_BYTES];
        content[..8].copy_from_slice(&self.catalog_version.to_le_bytes());
        content[8..24].copy_from_slice(self.binding.as_bytes());
        content[24..].copy_from_slice(&position.to_le_bytes());
        sealer.seal(Purpose::Cursor, &content)
    }

    /// The position in a cursor.
    ///
    /// # Errors
    /// [`Refusal::CursorInvalid`] for what is forged, another caller's, or of another catalog: the
    /// client asks for the first page again. The empty string is refused, too: it is a valid cursor to
    /// the specification, hence not the same as none, and none of ours is empty.
    pub fn open(&self, sealer: &Sealer, cursor: &str) -> Result<u32, Refusal> {
        sealer
            .open(Purpose::Cursor, cursor.as_bytes())
            .and_then(|content| self.position(content.as_slice()))
            .ok_or(Refusal::CursorInvalid)
    }

    fn position(&self, content: &[u8]) -> Option<u32> {
        let content: &[u8; CONTENT_BYTES] = content.try_into().ok()?;
        let fits = content[..8] == self.catalog_version.to_le_bytes()
            && &content[8..24] == self.binding.as_bytes();
        let position = u32::from_le_bytes(content[24..].try_into().ok()?);
        fits.then_some(position)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn scope(catalog_version: u64, caller: u8) -> Scope {
        Scope {
            catalog_version,
            binding: Binding::from([caller; 16]),
        }
    }

    #[test]
    fn a_cursor_opens_for_its_caller_and_catalog_only() {
        let sealer = Sealer::with_random_key().unwrap();
        let mine = scope(7, 1);
        let cursor = mine.seal(&sealer, 4_000_000_000).unwrap();
        assert_eq!(mine.open(&sealer, &cursor), Ok(4_000_000_000));
        for other in [scope(8, 1), scope(7, 2)] {
            assert_eq!(other.open(&sealer, &cursor), Err(Refusal::CursorInvalid));
        }
        let stranger = Sealer::with_random_key().unwrap();
        assert_eq!(mine.open(&stranger, &cursor), Err(Refusal::CursorInvalid));
    }

    #[test]
    fn what_we_did_not_seal_as_a_cursor_is_none() {
        let sealer = Sealer::with_random_key().unwrap();
        let mine = scope(7, 1);
        let session = sealer.seal(Purpose::Session, &[0; CONTENT_BYTES]).unwrap();
        let short = sealer
            .seal(Purpose::Cursor, &[0; CONTENT_BYTES - 1])
            .unwrap();
        let long = "A".repeat(1 << 20);
        for bogus in ["", "0", "MTAw", "page-2", &session, &short, &long] {
            let bogus_start = &bogus[..bogus.len().min(40)];
            assert_eq!(
                mine.open(&sealer, bogus),
                Err(Refusal::CursorInvalid),
                "{bogus_start}"
            );
        }
    }
}
