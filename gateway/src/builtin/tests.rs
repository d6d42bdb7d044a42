use std::sync::Arc;

use serde_json::{Value, json};

use super::{catalog, usage};
use crate::adapter::result::ToolResult;
use crate::auth::fixture::{ACME, GLOBEX, bucket, identity, principal, snapshot, tool};
use crate::auth::scope::Roles;
use crate::limits::{TOOLS_PER_PAGE_DEFAULT, TOOLS_PER_PAGE_MAX};
use crate::meter::record::Status;
use crate::snapshot::Snapshot;
use crate::snapshot::identity::Identity;
use crate::snapshot::tenant::TenantId;
use crate::snapshot::tool::{Tool, ToolId};
use crate::worker::clock::Now;

/// A snapshot whose tables find these tools.
fn holding(tools: Vec<Tool>) -> Snapshot {
    let mut snapshot = snapshot(tools);
    for (position, tool) in snapshot.tools.iter().enumerate() {
        let id = ToolId(u32::try_from(position).unwrap());
        let tenant = &mut snapshot.tenants[tool.tenant.0 as usize];
        tenant.tools.push(id);
        tenant.tools_by_name.insert(Arc::clone(&tool.name), id);
    }
    snapshot
}

fn described(tenant: TenantId, name: &str, description: &str) -> Tool {
    Tool {
        description: description.into(),
        search_text: format!("{name} {description}").to_lowercase().into(),
        ..tool(tenant, name, true)
    }
}

fn shop() -> Snapshot {
    holding(vec![
        described(TenantId::PLATFORM, "clock", "Tells the time"),
        described(ACME, "get_order", "Reads one order"),
        described(
            ACME,
            "list_refunds",
            "Lists refunds of an order\nand much more",
        ),
        described(GLOBEX, "payroll", "Pays everyone, in order"),
    ])
}

fn document(result: &ToolResult) -> Value {
    serde_json::from_slice(result.structured.as_ref().expect("a document")).unwrap()
}

fn asked(snapshot: &Snapshot, roles: Roles, arguments: &str) -> ToolResult {
    catalog::call(snapshot, &principal(identity(ACME, roles)), arguments)
}

/// Names that an answer lists, in its order.
fn names(arguments: &str) -> Vec<String> {
    let found = document(&asked(&shop(), Roles::VIEWER, arguments));
    let tools = found["tools"].as_array().unwrap();
    let name = |tool: &Value| tool["name"].as_str().unwrap().to_owned();
    tools.iter().map(name).collect()
}

#[test]
fn lists_and_searches_find_what_the_caller_may_see() {
    let check =
        |arguments: &str, expected: &[&str]| assert_eq!(names(arguments), expected, "{arguments}");
    let all = ["get_order", "list_refunds", "clock"];
    check("{}", &all);
    check(r#"{"action":"list"}"#, &all);
    check(r#"{"action":"list","status":"active"}"#, &all);
    check(r#"{"action":"list","status":"all"}"#, &all);
    check(r#"{"action":"list","status":"retired"}"#, &[]);
    check(r#"{"action":"list","limit":2}"#, &all[..2]);
    // A word in the name counts more than one in the description.
    check(
        r#"{"action":"search","query":"order"}"#,
        &["get_order", "list_refunds"],
    );
    check(
        r#"{"action":"search","query":"Refunds!"}"#,
        &["list_refunds"],
    );
    check(
        r#"{"action":"search","query":"refunds order time"}"#,
        &["list_refunds", "get_order", "clock"],
    );
    check(r#"{"action":"search","query":"payroll"}"#, &[]);
    check(
        r#"{"action":"search","query":"order","limit":1}"#,
        &["get_order"],
    );
}

#[test]
fn a_list_says_how_many_there_are_and_shows_one_line_of_each() {
    let found = document(&asked(&shop(), Roles::VIEWER, r#"{"limit":2}"#));
    assert_eq!(found["total"], 3);
    assert_eq!(
        found["tools"][1],
        json!({"name": "list_refunds", "description": "Lists refunds of an order", "category": "general",
               "readOnly": true, "destructive": false})
    );
    let long = holding(vec![described(ACME, "long", &"ü".repeat(161))]);
    let found = document(&asked(&long, Roles::VIEWER, "{}"));
    let shown = found["tools"][0]["description"].as_str().unwrap();
    assert_eq!(shown, format!("{}…", "ü".repeat(159)));
}

#[test]
fn a_list_is_bounded() {
    let tools =
        (0..=TOOLS_PER_PAGE_MAX).map(|number| described(ACME, &format!("t{number:04}"), ""));
    let many = holding(tools.collect());
    let count = |arguments: &str| {
        let found = document(&asked(&many, Roles::VIEWER, arguments));
        assert_eq!(found["total"], TOOLS_PER_PAGE_MAX + 1);
        found["tools"].as_array().unwrap().len()
    };
    assert_eq!(count("{}"), TOOLS_PER_PAGE_DEFAULT);
    assert_eq!(
        count(&format!(r#"{{"limit":{TOOLS_PER_PAGE_MAX}}}"#)),
        TOOLS_PER_PAGE_MAX
    );
}

#[test]
fn a_tool_is_shown_in_full_and_a_hidden_one_is_none() {
    let get = |name: &str| {
        asked(
            &shop(),
            Roles::VIEWER,
            &json!({"action": "get", "name": name}).to_string(),
        )
    };
    for name in ["get_order", "clock"] {
        let found = document(&get(name));
        assert_eq!(found["name"], name);
        assert_eq!(found["inputSchema"], json!({"type": "object"}));
    }
    let text = |result: &ToolResult| String::from_utf8(result.content.clone()).unwrap();
    let (hidden, missing) = (get("payroll"), get("nothing"));
    assert!(hidden.is_error && missing.is_error);
    assert_eq!(
        text(&hidden).replace("payroll", "NAME"),
        text(&missing).replace("nothing", "NAME")
    );
    // A name is repeated, never all of it.
    assert!(text(&get(&"n".repeat(200))).len() < 200);
    for (arguments, needs) in [
        (r#"{"action":"get"}"#, "name"),
        (r#"{"action":"search"}"#, "query"),
        (r#"{"action":"search","query":" "}"#, "query"),
    ] {
        let refused = asked(&shop(), Roles::VIEWER, arguments);
        assert!(
            refused.is_error && text(&refused).contains(needs),
            "{arguments}"
        );
    }
}

#[test]
fn usage_is_the_callers_own_with_each_of_its_limits() {
    let mut snapshot = shop();
    let mut caller = identity(ACME, Roles::VIEWER);
    caller.tier_bucket = bucket(60, 10);
    let now = Now {
        mono_ns: 1_000_000_000,
        unix_ms: 0,
    };
    let limits = |found: &Value| -> Vec<String> {
        let limits = found["limits"].as_array().unwrap();
        limits
            .iter()
            .map(|limit| limit["scope"].as_str().unwrap().to_owned())
            .collect()
    };
    let used = Arc::clone(&caller.usage);
    let tier = Arc::clone(&caller.tier_bucket);
    let one = principal(caller);
    let found = document(&usage::call(&one, &snapshot.tenants[1], now));
    assert_eq!(
        (&found["caller"], &found["tenant"]),
        (&json!("agent"), &json!("acme"))
    );
    assert_eq!(
        (&found["calls"], &found["errors"], &found["cost_units"]),
        (&json!(0), &json!(0), &json!(0.0))
    );
    assert_eq!(limits(&found), ["tier"]);
    assert_eq!(found["limits"][0]["requests_per_minute"], 60);
    assert_eq!(found["limits"][0]["remaining"], 10);

    used.add(Status::Success, 1_500_000, 1);
    used.add(Status::Timeout, 500_000, 2);
    let _ = tier.take(now.mono_ns, crate::limit::LimitScope::Tier);
    let caller = Identity {
        usage: used,
        tier_bucket: tier,
        consumer_bucket: Some(bucket(6, 1)),
        ..identity(ACME, Roles::VIEWER)
    };
    snapshot.tenants[1].bucket = Some(bucket(600, 5));
    let found = document(&usage::call(&principal(caller), &snapshot.tenants[1], now));
    assert_eq!(
        (&found["calls"], &found["errors"], &found["cost_units"]),
        (&json!(2), &json!(1), &json!(2.0))
    );
    assert_eq!(limits(&found), ["tier", "consumer", "tenant"]);
    assert_eq!(
        found["limits"][0]["remaining"], 9,
        "to be shown costs nothing"
    );
    assert_eq!(found["limits"][2]["remaining"], 5);
}
