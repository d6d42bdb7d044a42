//! How often. [`admit`] is the only way to get an [`Admission`].
//!
//! Limits stack: the role tier's, the consumer's, the tenant's, the tool's, in this order, each a
//! [`bucket::Bucket`] of its own. Every core takes from the same buckets, so a rate holds across
//! cores exactly; it does not hold across machines, which share nothing.

pub mod bucket;
pub mod headers;
pub mod rate;
pub mod stack;

pub use rate::Rate;
pub use stack::{Admission, admit};

/// Which limit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LimitScope {
    /// Of the caller, by its role or as its key says.
    Tier,
    /// Of the consumer: all keys of one client together.
    Consumer,
    /// Of the tenant: all its callers together.
    Tenant,
    /// Of the tool: all its callers together.
    Tool,
}

impl LimitScope {
    /// One word: the policy's name in `RateLimit-Policy`, a label in metrics.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Tier => "tier",
            Self::Consumer => "consumer",
            Self::Tenant => "tenant",
            Self::Tool => "tool",
        }
    }

    /// Whose limit it is, for a person or a model.
    #[must_use]
    pub fn describe(self) -> &'static str {
        match self {
            Self::Tier => "the limit of this caller",
            Self::Consumer => "the limit of this consumer, all its keys together",
            Self::Tenant => "the limit of this tenant, all its callers together",
            Self::Tool => "the limit of this tool, all its callers together",
        }
    }
}

/// What a limit looks like to a caller at one moment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RateState {
    /// Requests a minute.
    pub limit: u32,
    /// Requests that would be admitted right now.
    pub remaining: u32,
    /// Seconds until the whole burst is there again, rounded up.
    pub reset_s: u32,
    /// Seconds until the next request would be admitted, rounded up: at least 1 where this one was
    /// refused, 0 where one more would be admitted at once.
    pub retry_after_s: u32,
    /// Which limit.
    pub scope: LimitScope,
}
