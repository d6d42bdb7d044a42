//! The kernel part with real connections: what it counts is exact, and nothing of it stays behind.
//!
//! Each test runs in a process of its own, because the kernel part belongs to a process: this
//! program starts itself again with one test selected. Needs root and a cgroup v2 mount; where
//! that is missing, a test says so and is skipped.

#![cfg(feature = "ebpf")]

#[path = "kernel/process.rs"]
mod process;
#[path = "kernel/traffic.rs"]
mod traffic;

use process::{
    alone, alone_with, note, program_is_loaded, read_all, read_until, start, wait_until,
};
use std::fs;
use std::io::{Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::Command;
use std::time::Duration;
use stoa_gateway::kernel::{Kernel, Mode, Unavailable, doctor};
use traffic::{Totals, counted};

/// Set in the process that takes a test's place with fewer capabilities.
const STEP: &str = "STOA_KERNEL_STEP";

#[test]
fn every_connection_and_byte_is_counted_once() {
    alone("every_connection_and_byte_is_counted_once", || {
        let kernel = start()?;
        for address in ["127.0.0.1:0", "[::1]:0"] {
            let Ok(listener) = TcpListener::bind(address) else {
                note(&format!("{address} is not to be had here; not tested"));
                continue;
            };
            let port = port_of(&listener);
            let before = counted(&kernel, 0, "upstreams");
            let expected = traffic::run(&listener, 240);
            // A socket may live a moment longer than its last system call.
            wait_until("every connection is closed", || {
                counted(&kernel, port, "agents").closed == expected.opened
                    && counted(&kernel, 0, "upstreams").closed == before.closed + expected.opened
            });
            let agents = counted(&kernel, port, "agents");
            assert_eq!(agents, expected, "agents on {address}");
            assert_eq!(agents.active, 0);
            // The other end of each connection is ours too: what one side sent, the other received.
            let upstreams = counted(&kernel, 0, "upstreams").since(&before);
            assert_eq!(upstreams, expected.mirrored(), "upstreams on {address}");
            assert_eq!(upstreams.active, 0);
        }
        Ok(())
    });
}

#[test]
fn an_open_connection_is_active() {
    alone("an_open_connection_is_active", || {
        let kernel = start()?;
        let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
        let port = port_of(&listener);
        let mut open = Vec::new();
        for count in 1..=3 {
            let agent = TcpStream::connect(("127.0.0.1", port)).expect("our own listener");
            open.push((agent, listener.accept().expect("an agent waits")));
            let totals = counted(&kernel, port, "agents");
            assert_eq!(
                (totals.opened, totals.active, totals.closed),
                (count, count, 0)
            );
        }
        drop(open);
        wait_until("all are closed", || {
            counted(&kernel, port, "agents").active == 0
        });
        Ok(())
    });
}

/// Agents of the same machine are outside of our cgroup; their sockets are none of ours.
#[test]
fn only_our_own_sockets_are_counted() {
    const CONNECTIONS: u64 = 20;
    let body = || {
        let kernel = start()?;
        let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
        let port = port_of(&listener);
        note(&format!("port={port}"));
        for _ in 0..CONNECTIONS {
            let (mut agent, _) = listener.accept().expect("an agent waits");
            let mut request = Vec::new();
            agent.read_to_end(&mut request).expect("readable");
            agent.write_all(&request).expect("writable");
        }
        wait_until("all are closed", || {
            counted(&kernel, port, "agents").closed == CONNECTIONS
        });
        let totals = counted(&kernel, port, "agents");
        assert_eq!(
            (totals.received_bytes, totals.sent_bytes),
            (CONNECTIONS * 5, CONNECTIONS * 5)
        );
        assert_eq!(counted(&kernel, 0, "upstreams"), Totals::default());
        Ok(())
    };
    alone_with("only_our_own_sockets_are_counted", body, |gateway| {
        let (mut seen, port) = read_until(gateway, "port=");
        let Some(port) = port else { return seen };
        let port: u16 = port.parse().expect("a port");
        for _ in 0..CONNECTIONS {
            let mut agent = TcpStream::connect(("127.0.0.1", port)).expect("it listens");
            agent.write_all(b"hello").expect("writable");
            agent.shutdown(Shutdown::Write).expect("open");
            let mut answer = String::new();
            agent.read_to_string(&mut answer).expect("readable");
            assert_eq!(answer, "hello");
        }
        seen += &read_all(gateway);
        seen
    });
}

#[test]
fn dropping_detaches_and_leaves_no_cgroup() {
    alone("dropping_detaches_and_leaves_no_cgroup", || {
        let before = own_cgroup();
        let kernel = start()?;
        let program = kernel.program_id().expect("attached");
        assert!(program_is_loaded(program));
        let during = own_cgroup();
        drop(kernel);
        // The kernel frees a program a moment after its last link.
        wait_until("the program is gone", || !program_is_loaded(program));
        assert_eq!(before, own_cgroup());
        if during != before {
            let made = format!("stoa-gateway-{}", std::process::id());
            assert!(during.contains(&made), "{during}");
        }
        Ok(())
    });
}

#[test]
fn a_killed_gateway_leaves_nothing_attached() {
    let body = || {
        let kernel = start()?;
        let program = kernel.program_id().expect("attached");
        let place = kernel.features().remove(0).reason;
        note(&format!("program={program} {place}"));
        // Until the other side has seen enough and ends this process.
        let _ = std::io::stdin().read(&mut [0; 1]);
        Ok(())
    };
    let name = "a_killed_gateway_leaves_nothing_attached";
    let seen = alone_with(name, body, |gateway| {
        let (seen, program) = read_until(gateway, "program=");
        gateway.kill().expect("it was started here");
        program.unwrap_or(seen)
    });
    let Some((program, place)) = seen.as_deref().and_then(|seen| seen.split_once(" in ")) else {
        return; // This is the other process, or it was skipped and said so.
    };
    let program = program.parse().expect("a number");
    wait_until("the program is gone", || !program_is_loaded(program));
    // What a kill does leave, an empty cgroup, the next gateway beside it takes away.
    let cgroup = place.split(',').next().expect("a path");
    if cgroup.contains("stoa-gateway-") {
        let next = "dropping_detaches_and_leaves_no_cgroup";
        alone(next, || unreachable!("runs in a process of its own"));
        assert!(!Path::new(cgroup).exists(), "{cgroup} stays");
    }
}

#[test]
fn messages_of_programs_reach_the_log() {
    let body = || {
        tracing_subscriber::fmt()
            .with_max_level(tracing::Level::DEBUG)
            .with_ansi(false)
            .with_writer(std::io::stdout)
            .init();
        let mut kernel = start()?;
        let messages = kernel.messages().expect("given once");
        assert!(kernel.messages().is_none());
        let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
        let port = port_of(&listener);
        traffic::run(&listener, 1);
        wait_until("it is closed", || {
            counted(&kernel, port, "agents").closed == 1
        });
        note(&format!("expect=first connection: port {port} (agents)"));
        note(&format!("expect=closed: port {port} (agents)"));
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .expect("a runtime");
        // The messages are in the ring already, so they come in the first round.
        let forward =
            async { tokio::time::timeout(Duration::from_millis(200), messages.forward()).await };
        assert!(
            runtime.block_on(forward).is_err(),
            "forwarding goes on for ever"
        );
        Ok(())
    };
    let seen = alone_with("messages_of_programs_reach_the_log", body, read_all);
    let seen = seen.unwrap_or_default();
    for (_, expected) in seen.lines().filter_map(|line| line.split_once("expect=")) {
        let is_logged = seen
            .lines()
            .any(|line| line.contains(expected) && line.contains("kernel::program"));
        assert!(is_logged, "no log line with {expected:?} in\n{seen}");
    }
}

/// What a DaemonSet gives: three capabilities, and a cgroup in which the gateway is alone.
#[test]
fn three_capabilities_are_enough() {
    let name = "three_capabilities_are_enough";
    alone(name, || {
        if std::env::var_os(STEP).is_none() {
            // The program that takes this process's place is alone in the cgroup that is made
            // here; the program and its link go with the descriptors, at exec.
            std::mem::forget(start()?);
            return Err(in_place(name, "-all,+bpf,+perfmon,+net_admin"));
        }
        let kernel = Kernel::start(Mode::Require).expect("three capabilities are enough");
        let place = kernel.features().remove(0).reason;
        assert!(!place.contains("made for"), "it was alone: {place}");
        let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
        let port = port_of(&listener);
        let expected = traffic::run(&listener, 12);
        wait_until("all are closed", || {
            counted(&kernel, port, "agents").closed == expected.opened
        });
        assert_eq!(counted(&kernel, port, "agents"), expected);
        Ok(())
    });
    if std::env::var_os(STEP).is_none() {
        // The cgroup that was made first has no owner now; any start removes it.
        let next = "dropping_detaches_and_leaves_no_cgroup";
        alone(next, || unreachable!("runs in a process of its own"));
    }
}

#[test]
fn without_capabilities_the_gateway_runs_and_says_why() {
    let name = "without_capabilities_the_gateway_runs_and_says_why";
    alone(name, || {
        if std::env::var_os(STEP).is_none() && process::is_root() {
            return Err(in_place(name, "-all"));
        }
        let refused = Kernel::start(Mode::Require).expect_err("nothing is permitted");
        if matches!(refused, Unavailable::WithoutObject) {
            return Err(refused.to_string());
        }
        assert!(refused.to_string().contains("CAP_BPF"), "{refused}");
        let kernel = Kernel::start(Mode::Auto).expect("auto does without");
        let feature = kernel.features().remove(0);
        assert_eq!((feature.name, feature.on), ("accounting", false));
        assert!(feature.reason.contains("CAP_BPF"), "{}", feature.reason);
        assert!(kernel.counters().is_empty());
        let rows = doctor::examine(&doctor::Inputs::default());
        let row = rows.iter().find(|row| row.what == "kernel accounting");
        assert_eq!(row.expect("looked at").state, doctor::State::Off);
        Ok(())
    });
}

#[test]
fn off_touches_nothing() {
    alone("off_touches_nothing", || {
        let before = own_cgroup();
        let kernel = Kernel::start(Mode::Off).expect("off is no error");
        assert!(!kernel.features().remove(0).on);
        assert!(kernel.program_id().is_none());
        assert_eq!(before, own_cgroup());
        Ok(())
    });
}

/// Runs this test again in place of this process, with the given bounding set. Returns, with the
/// reason, only if that cannot be done.
fn in_place(name: &str, bounding_set: &str) -> String {
    let error = Command::new("setpriv")
        .arg(format!("--bounding-set={bounding_set}"))
        .arg("--inh-caps=-all")
        .arg(std::env::current_exe().expect("this program has a path"))
        .args(["--exact", name, "--nocapture"])
        .env(STEP, "2")
        .exec();
    format!("setpriv cannot be run: {error}")
}

fn port_of(listener: &TcpListener) -> u16 {
    listener.local_addr().expect("bound").port()
}

fn own_cgroup() -> String {
    fs::read_to_string("/proc/self/cgroup").expect("readable")
}
