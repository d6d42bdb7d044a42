//! The stack of limits, and the proof that a request came through it.
//!
//! Order: tier, consumer, tenant (all three in [`admit`]), then the tool ([`Admission::for_tool`]).
//! The first that is empty refuses, and what the ones before it gave **stays taken**: a refused
//! request has cost its caller. The caller's own limits stand first, so nobody drains a shared limit
//! faster than its own allows, and a shared limit that is empty takes nothing from the next.

use super::bucket::Bucket;
use super::{LimitScope, RateState};
use crate::auth::Principal;
use crate::policy::Known;
use crate::refusal::Refusal;
use crate::snapshot::tenant::Tenant;
use crate::snapshot::tool::Tool;
use crate::worker::clock::Now;

/// Proof that a request is within its limits: [`crate::policy::decide`] asks for one.
///
/// It comes from [`admit`] alone, is spent by the decision, and cannot be copied:
///
/// ```
/// use stoa_gateway::{auth::Principal, limit, snapshot::tenant::Tenant, worker::clock::Now};
/// fn admitted(principal: &Principal, tenant: &Tenant, now: Now) -> bool {
///     limit::admit(principal, tenant, now).is_ok()
/// }
/// ```
///
/// ```compile_fail,E0451
/// use stoa_gateway::limit::Admission;
/// let forged = Admission { state: None, tool: None };
/// ```
///
/// ```compile_fail,E0277
/// use stoa_gateway::limit::Admission;
/// fn twice<'s>(admission: &Admission<'s>) -> Admission<'s> {
///     Admission::clone(admission)
/// }
/// ```
#[derive(Debug)]
#[must_use = "an admission that nobody decides on was taken for nothing"]
pub struct Admission<'s> {
    /// The limit with the least left.
    state: Option<RateState>,
    /// The tool whose limit was asked, too.
    tool: Option<&'s Tool>,
}

/// Takes from the caller's, the consumer's and the tenant's bucket.
///
/// # Errors
/// [`Refusal::RateLimited`] with the state of the limit that is empty.
pub fn admit(
    principal: &Principal,
    tenant: &Tenant,
    now: Now,
) -> Result<Admission<'static>, Refusal> {
    let identity = principal.identity();
    let mut admission = Admission {
        state: None,
        tool: None,
    };
    admission.take(Some(&identity.tier_bucket), now, LimitScope::Tier)?;
    admission.take(
        identity.consumer_bucket.as_deref(),
        now,
        LimitScope::Consumer,
    )?;
    admission.take(tenant.bucket.as_deref(), now, LimitScope::Tenant)?;
    Ok(admission)
}

impl Admission<'_> {
    /// Takes from the tool's bucket, too. It asks for proof that the caller may know of the tool:
    /// a limit that answers 429 would tell that a hidden tool exists, and guessing names would drain
    /// another tenant's tools.
    ///
    /// # Errors
    /// [`Refusal::RateLimited`] with the state of the tool's limit.
    pub fn for_tool<'s>(self, tool: Known<'s>, now: Now) -> Result<Admission<'s>, Refusal> {
        let tool = tool.tool();
        let mut admission = Admission {
            state: self.state,
            tool: Some(tool),
        };
        admission.take(tool.bucket.as_deref(), now, LimitScope::Tool)?;
        Ok(admission)
    }

    fn take(
        &mut self,
        bucket: Option<&Bucket>,
        now: Now,
        scope: LimitScope,
    ) -> Result<(), Refusal> {
        let Some(bucket) = bucket else { return Ok(()) };
        let state = bucket
            .take(now.mono_ns, scope)
            .map_err(Refusal::RateLimited)?;
        if self
            .state
            .is_none_or(|tightest| state.remaining < tightest.remaining)
        {
            self.state = Some(state);
        }
        Ok(())
    }
}

impl<'s> Admission<'s> {
    /// The limit with the least left, for the `RateLimit-*` headers.
    #[must_use]
    pub fn state(&self) -> Option<RateState> {
        self.state
    }

    /// The tool whose limit was asked.
    #[must_use]
    pub fn tool(&self) -> Option<&'s Tool> {
        self.tool
    }
}

#[cfg(test)]
mod tests;
