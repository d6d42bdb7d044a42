use super::*;
use crate::auth::fixture::{ACME, bucket, identity, principal, snapshot, tool};
use crate::auth::scope::Roles;
use crate::policy;
use crate::snapshot::identity::Identity;

const NOW: Now = Now {
    mono_ns: 9_000_000_000,
    unix_ms: 1_800_000_000_000,
};

/// A caller, a tenant and a tool whose limits have so much left; `None` is no such limit.
fn check(
    tier: u32,
    consumer: Option<u32>,
    tenant: Option<u32>,
    of_tool: Option<u32>,
    expected: &[&str],
) {
    // One a minute: nothing is refilled while the test runs.
    let left = |burst: u32| bucket(1, burst);
    let caller = principal(Identity {
        tier_bucket: left(tier),
        consumer_bucket: consumer.map(left),
        ..identity(ACME, Roles::DEVOPS)
    });
    let mut limited = tool(ACME, "orders", true);
    limited.bucket = of_tool.map(left);
    let mut snapshot = snapshot(vec![limited]);
    snapshot.tenants[ACME.0 as usize].bucket = tenant.map(left);
    let tool = policy::find(&caller, &snapshot, &snapshot.tools[0]).unwrap();
    for expected in expected {
        let outcome = admit(&caller, snapshot.tenant(ACME), NOW)
            .and_then(|admission| admission.for_tool(tool, NOW));
        let shown = match outcome {
            Ok(admission) => admission.state().map_or_else(
                || "admitted".to_owned(),
                |state| format!("{} {}", state.scope.name(), state.remaining),
            ),
            Err(Refusal::RateLimited(state)) => format!("refused by {}", state.scope.name()),
            Err(other) => format!("{other:?}"),
        };
        assert_eq!(shown, *expected);
    }
}

#[test]
fn each_limit_refuses_for_itself() {
    check(
        2,
        None,
        None,
        None,
        &["tier 1", "tier 0", "refused by tier"],
    );
    check(
        9,
        Some(1),
        None,
        None,
        &["consumer 0", "refused by consumer"],
    );
    check(9, None, Some(1), None, &["tenant 0", "refused by tenant"]);
    check(9, None, None, Some(1), &["tool 0", "refused by tool"]);
}

#[test]
fn the_tightest_is_shown_and_the_first_empty_one_refuses() {
    check(
        5,
        Some(4),
        Some(3),
        Some(2),
        &["tool 1", "tool 0", "refused by tool", "refused by tenant"],
    );
    check(
        3,
        Some(3),
        Some(3),
        Some(3),
        &["tier 2", "tier 1", "tier 0", "refused by tier"],
    );
}

#[test]
fn what_was_given_before_a_refusal_stays_taken() {
    // The tool refuses from the second on; the caller's own limit pays for each try, and then
    // protects the tenant's.
    check(
        3,
        None,
        Some(9),
        Some(1),
        &[
            "tool 0",
            "refused by tool",
            "refused by tool",
            "refused by tier",
        ],
    );
}

#[test]
fn a_limit_that_is_not_asked_gives_nothing_away() {
    let shared = bucket(1, 5);
    let caller = principal(Identity {
        tier_bucket: bucket(1, 1),
        ..identity(ACME, Roles::DEVOPS)
    });
    let mut snapshot = snapshot(Vec::new());
    snapshot.tenants[ACME.0 as usize].bucket = Some(std::sync::Arc::clone(&shared));
    assert!(admit(&caller, snapshot.tenant(ACME), NOW).is_ok());
    for _ in 0..10 {
        assert!(admit(&caller, snapshot.tenant(ACME), NOW).is_err());
    }
    assert_eq!(shared.peek(NOW.mono_ns, LimitScope::Tenant).remaining, 4);
}
