//! Mistakes that cost time at every call, where they can be seen from outside.

use serde_json::json;

use crate::support::{Agent, Setup};
use crate::{gateway, mirror, reading};

#[test]
fn pitfall_30_a_call_is_not_logged_unless_that_was_asked_for() {
    let api = mirror();
    let (gateway, key) = gateway(Setup::new(), &reading(&api, &["orders"]));
    let agent = Agent::new(&gateway, &key);
    assert_eq!(agent.result("orders", json!({}))["isError"], false);
    let before = gateway.log();
    for number in 0..100 {
        let agent = Agent::new(&gateway, &key).with("x-request-id", &format!("call-{number}"));
        assert_eq!(agent.result("orders", json!({}))["isError"], false);
    }
    // By the time an event is in the spool, a line of a log would have been written.
    gateway.event_of("call-99");
    let log = gateway.log();
    assert_eq!(log.strip_prefix(&before), Some(""), "after {before}");
}

#[test]
fn pitfall_31_tools_of_one_api_share_its_connections() {
    let api = mirror();
    let names = ["one", "two", "three"];
    let (gateway, key) = gateway(Setup::new().set("workers", 1), &reading(&api, &names));
    for _ in 0..10 {
        let agent = Agent::new(&gateway, &key);
        for name in names {
            assert_eq!(agent.result(name, json!({}))["isError"], false);
        }
    }
    assert_eq!((api.requests().len(), api.connections()), (30, 1));
}
