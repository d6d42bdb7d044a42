//! `stoa_usage`: what a caller has used, and what is left of its limits.

use serde_json::{Value, json};

use crate::adapter::result::ToolResult;
use crate::auth::Principal;
use crate::limit::LimitScope;
use crate::limit::bucket::Bucket;
use crate::snapshot::tenant::Tenant;
use crate::worker::clock::Now;

/// Millionths in one unit of cost.
const MICRO: f64 = 1e6;

/// Answers a call: the caller's own numbers since this gateway started. This call itself is counted when
/// it ends, so it is not yet among them.
#[must_use]
pub fn call(principal: &Principal, tenant: &Tenant, now: Now) -> ToolResult {
    let identity = principal.identity();
    let usage = &identity.usage;
    let mut limits = vec![limit(&identity.tier_bucket, LimitScope::Tier, now)];
    limits.extend(
        identity
            .consumer_bucket
            .as_deref()
            .map(|bucket| limit(bucket, LimitScope::Consumer, now)),
    );
    limits.extend(
        tenant
            .bucket
            .as_deref()
            .map(|bucket| limit(bucket, LimitScope::Tenant, now)),
    );
    let answer = json!({
        "caller": &*identity.subject,
        "tenant": &*tenant.name,
        "calls": usage.calls(),
        "errors": usage.errors(),
        "cost_units": usage.cost_microunits() as f64 / MICRO,
        "limits": limits,
    });
    ToolResult::json(answer.to_string().into_bytes())
}

fn limit(bucket: &Bucket, scope: LimitScope, now: Now) -> Value {
    let state = bucket.peek(now.mono_ns, scope);
    json!({
        "scope": scope.name(),
        "requests_per_minute": state.limit,
        "remaining": state.remaining,
        "reset_seconds": state.reset_s,
    })
}
