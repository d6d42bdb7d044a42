//! Protocol revisions and the two eras they fall into.

/// Up to 2025-11-25 (sessions, `initialize`), or 2026-07-28 and later (stateless).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Era {
    /// `initialize`, sessions, GET streams.
    Legacy,
    /// Every request carries its own `_meta`.
    Modern,
}
