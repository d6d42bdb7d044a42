//! Protocol revisions, the two eras they fall into, and which revision answers which.

/// Up to 2025-11-25 (sessions, `initialize`), or 2026-07-28 and later (stateless).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Era {
    /// `initialize`, sessions, GET streams.
    Legacy,
    /// Every request carries its own `_meta`.
    Modern,
}

/// A revision that this gateway speaks, oldest first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Revision {
    /// 2024-11-05. Its own transport was HTTP+SSE, but clients name it over Streamable HTTP too.
    V20241105,
    /// 2025-03-26: Streamable HTTP, and the only revision with batches.
    V20250326,
    /// 2025-06-18: `structuredContent`, the version header.
    V20250618,
    /// 2025-11-25: the last with sessions.
    V20251125,
    /// 2026-07-28: stateless.
    V20260728,
}

/// First revision of [`Era::Modern`].
const MODERN_SINCE: &[u8] = b"2026-07-28";

impl Revision {
    /// Every revision, oldest first.
    pub const ALL: [Self; 5] = [
        Self::V20241105,
        Self::V20250326,
        Self::V20250618,
        Self::V20251125,
        Self::V20260728,
    ];
    /// What `initialize` is answered with where the client's own revision is not ours.
    pub const LATEST_LEGACY: Self = Self::V20251125;
    /// What `server/discover` and -32022 name.
    ///
    /// Only revisions that work in a request's `_meta`: a client picks one of these and sends it in
    /// its next envelope, where an older one is refused. Older clients never see this list; they
    /// negotiate with `initialize`.
    pub const MODERN: [Self; 1] = [Self::V20260728];

    /// The revision of this name.
    #[must_use]
    pub fn parse(name: &[u8]) -> Option<Self> {
        Self::ALL
            .into_iter()
            .find(|revision| revision.as_str().as_bytes() == name)
    }

    /// The name on the wire.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::V20241105 => "2024-11-05",
            Self::V20250326 => "2025-03-26",
            Self::V20250618 => "2025-06-18",
            Self::V20251125 => "2025-11-25",
            Self::V20260728 => "2026-07-28",
        }
    }

    /// The era it falls into.
    #[must_use]
    pub fn era(self) -> Era {
        if self >= Self::V20260728 {
            Era::Modern
        } else {
            Era::Legacy
        }
    }

    /// Whether a body may be an array of messages.
    #[must_use]
    pub fn has_batches(self) -> bool {
        self == Self::V20250326
    }

    /// Whether a tool's result may have `structuredContent`.
    #[must_use]
    pub fn has_structured_content(self) -> bool {
        self >= Self::V20250618
    }
}

/// What `initialize` is answered with: the client's own revision where we speak it, else our latest of
/// the era that has `initialize` at all. The client then decides whether it can live with that.
#[must_use]
pub fn negotiate(requested: &str) -> Revision {
    Revision::parse(requested.as_bytes())
        .filter(|revision| revision.era() == Era::Legacy)
        .unwrap_or(Revision::LATEST_LEGACY)
}

/// Whether a version header names 2026-07-28 or a later date, known to us or not.
#[must_use]
pub fn is_modern_name(name: &[u8]) -> bool {
    is_date(name) && name >= MODERN_SINCE
}

/// `NNNN-NN-NN`: dates of this form sort as text.
fn is_date(name: &[u8]) -> bool {
    name.len() == MODERN_SINCE.len()
        && name.iter().enumerate().all(|(index, byte)| match index {
            4 | 7 => *byte == b'-',
            _ => byte.is_ascii_digit(),
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_read_back_and_sorted_by_age() {
        for revision in Revision::ALL {
            assert_eq!(
                Revision::parse(revision.as_str().as_bytes()),
                Some(revision)
            );
        }
        assert!(Revision::ALL.is_sorted());
        assert!(
            Revision::MODERN
                .iter()
                .all(|revision| revision.era() == Era::Modern)
        );
    }

    #[test]
    fn initialize_echoes_what_it_knows_and_offers_its_latest_otherwise() {
        for (requested, answer) in [
            ("2024-11-05", "2024-11-05"),
            ("2025-03-26", "2025-03-26"),
            ("2025-06-18", "2025-06-18"),
            ("2025-11-25", "2025-11-25"),
            ("2026-07-28", "2025-11-25"),
            ("2024-10-07", "2025-11-25"),
            ("1.0.0", "2025-11-25"),
            ("", "2025-11-25"),
        ] {
            assert_eq!(negotiate(requested).as_str(), answer, "{requested}");
        }
    }

    #[test]
    fn modern_names() {
        for (name, modern) in [
            ("2026-07-28", true),
            ("2026-07-29", true),
            ("2099-01-01", true),
            ("2026-07-27", false),
            ("2025-11-25", false),
            ("v999.0.0", false),
            ("2026-07-28x", false),
            ("2026_07_28", false),
            ("9999999999", false),
            ("", false),
        ] {
            assert_eq!(is_modern_name(name.as_bytes()), modern, "{name}");
        }
    }
}
