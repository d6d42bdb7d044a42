use super::*;
use crate::auth::fixture::{ACME, GLOBEX, identity, principal, snapshot, tool};
use crate::auth::scope::Roles;
use crate::limit;
use crate::snapshot::tenant::TenantId;
use crate::worker::clock::Now;

const NOW: Now = Now {
    mono_ns: 1,
    unix_ms: 1,
};

/// What a call gives, by the order in which `exchange` asks.
fn call(principal: &Principal, snapshot: &Snapshot, tool: &Tool) -> Result<(), Refusal> {
    let (_, tenant) = tenant::identify(snapshot, principal)?;
    let admission = limit::admit(principal, tenant, NOW)?;
    let known = find(principal, snapshot, tool)?;
    let admission = admission.for_tool(known, NOW)?;
    let permit = decide(principal, admission, Target::Tool(known))?;
    assert!(std::ptr::eq(permit.tool().unwrap(), tool));
    Ok(())
}

/// Checks a call and that the list agrees with it.
fn check(caller: Identity, tool: Tool, expected: Result<(), Refusal>) {
    let name = format!(
        "{:?} as {:?} calls {:?} of {:?}",
        caller.roles, caller.scopes, tool.name, tool.tenant
    );
    let snapshot = snapshot(vec![tool]);
    let caller = principal(caller);
    assert_eq!(
        call(&caller, &snapshot, &snapshot.tools[0]),
        expected,
        "{name}"
    );
    assert_eq!(
        visible(&caller, &snapshot, &snapshot.tools[0]),
        expected.is_ok(),
        "listed: {name}"
    );
}

const UNKNOWN: Result<(), Refusal> = Err(Refusal::ToolUnknown);
const SCOPE: Result<(), Refusal> = Err(Refusal::ScopeInsufficient(Scopes::TOOLS_EXECUTE));

#[test]
fn roles_call_what_they_should() {
    for (roles, reading, writing) in [
        (Roles::VIEWER, Ok(()), SCOPE),
        (Roles::DEVOPS, Ok(()), Ok(())),
        (Roles::TENANT_ADMIN, Ok(()), Ok(())),
        (Roles::CPI_ADMIN, Ok(()), Ok(())),
        (Roles::NONE, UNKNOWN, UNKNOWN),
    ] {
        for owner in [ACME, TenantId::PLATFORM] {
            check(identity(ACME, roles), tool(owner, "get", true), reading);
            check(identity(ACME, roles), tool(owner, "put", false), writing);
        }
    }
}

/// Pitfalls 2 and 6: other tenants' tools answer as tools that do not exist, whatever the role.
#[test]
fn tenants_do_not_see_each_other() {
    for roles in [Roles::VIEWER, Roles::DEVOPS, Roles::TENANT_ADMIN] {
        for read_only in [true, false] {
            check(
                identity(ACME, roles),
                tool(GLOBEX, "get", read_only),
                UNKNOWN,
            );
            check(
                identity(TenantId::PLATFORM, roles),
                tool(GLOBEX, "get", read_only),
                UNKNOWN,
            );
        }
    }
    check(
        identity(ACME, Roles::CPI_ADMIN),
        tool(GLOBEX, "put", false),
        Ok(()),
    );
    check(
        identity(ACME, Roles::CPI_ADMIN.union(Roles::VIEWER)),
        tool(GLOBEX, "put", false),
        Ok(()),
    );
}

#[test]
fn scopes_decide_where_there_is_no_role() {
    for (scope, reading, writing) in [
        ("stoa:tools:read", Ok(()), SCOPE),
        ("stoa:tools:execute", Ok(()), Ok(())),
        ("stoa:tools:write", Ok(()), SCOPE),
        ("stoa:catalog:write", UNKNOWN, UNKNOWN),
        ("stoa:read", Ok(()), SCOPE),
        ("stoa:admin", Ok(()), Ok(())),
    ] {
        let caller = || Identity {
            scopes: Scopes::parse(scope).unwrap(),
            ..identity(ACME, Roles::NONE)
        };
        check(caller(), tool(ACME, "get", true), reading);
        check(caller(), tool(ACME, "put", false), writing);
        // A scope is not a role: even all scopes stay within the tenant.
        check(caller(), tool(GLOBEX, "get", true), UNKNOWN);
    }
}

#[test]
fn effects_that_contradict_each_other_are_taken_at_their_worst() {
    let mut odd = tool(ACME, "wipe", true);
    odd.annotations.destructive = true;
    check(identity(ACME, Roles::VIEWER), odd, SCOPE);
}

fn list(names: &[&str]) -> Box<[Arc<str>]> {
    names.iter().map(|name| Arc::from(*name)).collect()
}

#[test]
fn lists_of_a_key_hide_tools() {
    let lists = |allowed: Option<&[&str]>, refused: &[&str]| Identity {
        tools_allowed: allowed.map(list),
        tools_refused: list(refused),
        ..identity(ACME, Roles::DEVOPS)
    };
    for (allowed, refused, expected) in [
        (None, &[][..], Ok(())),
        (Some(&["get"][..]), &[], Ok(())),
        (Some(&["acme:get"]), &[], Ok(())),
        (Some(&["a", "get", "z"]), &[], Ok(())),
        (Some(&["acme:a", "acme:get", "globex:get"]), &[], Ok(())),
        // Pitfall 5: an empty allow list admits nothing.
        (Some(&[]), &[], UNKNOWN),
        (Some(&["ge", "gets"]), &[], UNKNOWN),
        (Some(&["globex:get"]), &[], UNKNOWN),
        (None, &["get"], UNKNOWN),
        (None, &["acme:get"], UNKNOWN),
        (None, &["globex:get", "put"], Ok(())),
        // What is in both is refused.
        (Some(&["get"]), &["get"], UNKNOWN),
    ] {
        check(lists(allowed, refused), tool(ACME, "get", true), expected);
    }
    // A list never opens another tenant.
    check(
        lists(Some(&["globex:get", "get"]), &[]),
        tool(GLOBEX, "get", true),
        UNKNOWN,
    );
    check(
        lists(None, &["get"]),
        tool(TenantId::PLATFORM, "get", true),
        UNKNOWN,
    );
}

/// Who sees every tenant is opened another tenant's tools only by their full name.
#[test]
fn bare_names_allow_near_and_refuse_everywhere() {
    for (allowed, refused, owner, expected) in [
        (Some(&["get"][..]), &[][..], ACME, Ok(())),
        (Some(&["get"]), &[], TenantId::PLATFORM, Ok(())),
        (Some(&["get"]), &[], GLOBEX, UNKNOWN),
        (Some(&["globex:get"]), &[], GLOBEX, Ok(())),
        (None, &["get"], GLOBEX, UNKNOWN),
        (None, &["acme:get"], GLOBEX, Ok(())),
        (None, &["stoa-system:get"], TenantId::PLATFORM, UNKNOWN),
    ] {
        let caller = Identity {
            tools_allowed: allowed.map(list),
            tools_refused: list(refused),
            ..identity(ACME, Roles::CPI_ADMIN)
        };
        check(caller, tool(owner, "get", true), expected);
    }
}

#[test]
fn lists_and_protocol_need_what_they_need() {
    for (scopes, protocol, listing) in [
        (
            Scopes::NONE,
            true,
            Some(Refusal::ScopeInsufficient(Scopes::TOOLS_READ)),
        ),
        (Scopes::TOOLS_READ, true, None),
    ] {
        let caller = principal(Identity {
            scopes,
            ..identity(ACME, Roles::NONE)
        });
        let snapshot = snapshot(Vec::new());
        let admission = || limit::admit(&caller, snapshot.tenant(ACME), NOW).unwrap();
        assert_eq!(
            decide(&caller, admission(), Target::Protocol).is_ok(),
            protocol
        );
        assert_eq!(decide(&caller, admission(), Target::List).err(), listing);
    }
}

/// A call whose admission went past the tool's limit, or through another tool's, is not permitted.
#[test]
fn the_admission_must_be_for_the_tool() {
    let caller = principal(identity(ACME, Roles::DEVOPS));
    let snapshot = snapshot(vec![tool(ACME, "one", true), tool(ACME, "other", true)]);
    let one = find(&caller, &snapshot, &snapshot.tools[0]).unwrap();
    let other = find(&caller, &snapshot, &snapshot.tools[1]).unwrap();
    let admission = || limit::admit(&caller, snapshot.tenant(ACME), NOW).unwrap();
    let past = decide(&caller, admission(), Target::Tool(one));
    assert_eq!(past.err(), Some(Refusal::Internal));
    let through_other = decide(
        &caller,
        admission().for_tool(other, NOW).unwrap(),
        Target::Tool(one),
    );
    assert_eq!(through_other.err(), Some(Refusal::Internal));
}

#[test]
fn a_tenant_that_is_not_in_the_snapshot_is_refused() {
    let caller = principal(identity(TenantId(99), Roles::CPI_ADMIN));
    let snapshot = snapshot(Vec::new());
    assert_eq!(
        tenant::identify(&snapshot, &caller).err(),
        Some(Refusal::TenantUnknown)
    );
    let caller = principal(identity(GLOBEX, Roles::VIEWER));
    let (id, tenant) = tenant::identify(&snapshot, &caller).unwrap();
    assert_eq!((id, &*tenant.name), (GLOBEX, "globex"));
}
