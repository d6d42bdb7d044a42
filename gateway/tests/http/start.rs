//! The start: a port that is taken is not shared, and readiness tells when there is something to serve.

use std::net::TcpListener;

use crate::World;
use crate::support::Setup;

/// `SO_REUSEPORT` would let a second gateway take half of the first one's calls.
#[test]
fn a_taken_port_stops_the_start() {
    let world = World::start();
    let other = TcpListener::bind("127.0.0.1:0").expect("a free port");
    let ports = [
        world.gateway.address().port(),
        other.local_addr().expect("its address").port(),
    ];
    for port in ports {
        let refused = Setup::new().set("port", port).start_refused();
        let said = String::from_utf8_lossy(&refused.stderr).into_owned();
        assert!(!refused.status.success(), "{said}");
        assert!(said.contains("in use") && said.contains("--port"), "{said}");
    }
    let mut wire = world.gateway.connect();
    wire.send(world.alive());
    assert_eq!(wire.answer().status, 200, "the first is not disturbed");
}

#[test]
fn a_thousand_tools_are_ready_at_once() {
    let tool = |number: usize| {
        crate::Tool::new(&format!("tool_{number}"), "GET", "https://api.example/x")
            .of("tenant-default")
    };
    let tools: Vec<_> = (0..1_000).map(tool).collect();
    let gateway = Setup::new()
        .catalog("tools.yaml", &crate::tool::file(&tools))
        .start();
    let listed = gateway.get("/mcp/v1/tools?limit=1").json();
    assert_eq!(
        listed["totalCount"], 1_002,
        "with the two that are built in"
    );
}

/// The kernel part may make a cgroup for the process; a clean stop takes it away again. The support module
/// looks for it after every stop; this is the stop that can leave one.
#[test]
fn a_clean_stop_leaves_no_cgroup() {
    let gateway = Setup::new().set("ebpf", "auto").start();
    let mut wire = gateway.connect();
    wire.send("GET /livez HTTP/1.1\r\nhost: localhost\r\n\r\n");
    assert_eq!(wire.answer().status, 200);
    drop(wire);
    drop(gateway);
}
