use std::net::Ipv4Addr;
use std::sync::mpsc::{Receiver, Sender, channel};

use super::*;
use crate::meter::record::Status;

/// An output that can be read, that waits, or that fails.
struct Output {
    written: Sender<Vec<u8>>,
    go: Option<Receiver<()>>,
    fails: bool,
}

impl Write for Output {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if let Some(go) = &self.go {
            go.recv().map_err(|_| io::ErrorKind::Interrupted).ok();
        }
        if self.fails {
            return Err(io::ErrorKind::StorageFull.into());
        }
        self.written.send(bytes.to_vec()).unwrap();
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

fn start(
    mode: AccessMode,
    go: Option<Receiver<()>>,
    fails: bool,
) -> (AccessWriter, AccessLog, Receiver<Vec<u8>>) {
    let (written, read) = channel();
    let output = Box::new(Output { written, go, fails });
    let (writer, mut logs) = AccessWriter::start_with(mode, output, 1).unwrap();
    (writer, logs.remove(0), read)
}

fn record<'a>() -> Record<'a> {
    Record {
        tenant: "acme",
        tool: "get\n\"order\"",
        action: "tools/call",
        status: Status::Success,
        request_id: "req-1",
        latency_us: 80,
        trace_id: Some([1; 16]),
        ..Record::default()
    }
}

fn write(log: &mut AccessLog, record: &Record<'_>) {
    log.write(
        &AccessLine {
            remote: IpAddr::V4(Ipv4Addr::LOCALHOST),
            http_status: 200,
            record,
        },
        1_781_518_830_007,
    );
}

fn lines(read: &Receiver<Vec<u8>>) -> Vec<serde_json::Value> {
    let text: Vec<u8> = read.try_iter().flatten().collect();
    String::from_utf8(text)
        .unwrap()
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect()
}

#[test]
fn a_line_says_who_what_and_how_long() {
    let (writer, mut log, read) = start(AccessMode::Full, None, false);
    write(&mut log, &record());
    assert!(log.flush());
    drop(writer);
    let expected = serde_json::json!({
        "time": "2026-06-15T10:20:30.007Z", "remote": "127.0.0.1", "request_id": "req-1", "tenant": "acme",
        "consumer": "", "transport": "streamable-http", "action": "tools/call", "tool": "get\n\"order\"",
        "status": "success", "trace_id": "01".repeat(16), "http_status": 200, "latency_us": 80, "backend_us": 0,
        "request_bytes": 0, "response_bytes": 0,
    });
    assert_eq!(lines(&read), [expected]);
}

#[test]
fn off_full_and_sampled() {
    let third = AccessMode::Sampled(NonZeroU32::new(3).unwrap());
    for (mode, expected) in [(AccessMode::Off, 0), (AccessMode::Full, 100), (third, 33)] {
        let (writer, mut log, read) = start(mode, None, false);
        for _ in 0..100 {
            write(&mut log, &record());
        }
        log.flush();
        drop(writer);
        assert_eq!(lines(&read).len(), expected, "{mode:?}");
    }
}

#[test]
fn a_callers_text_is_bounded() {
    let long = "é".repeat(10_000);
    let mut out = Vec::new();
    let record = Record {
        tool: &long,
        action: &long,
        request_id: &long,
        ..record()
    };
    render(
        &AccessLine {
            remote: IpAddr::V4(Ipv4Addr::LOCALHOST),
            http_status: 404,
            record: &record,
        },
        0,
        &mut out,
    );
    assert!(out.len() < 1_000, "{}", out.len());
}

#[test]
fn a_slow_reader_costs_lines_and_never_waits() {
    let (go, wait) = channel();
    let (writer, mut log, read) = start(AccessMode::Full, Some(wait), false);
    for _ in 0..ACCESS_LINES_MAX + 10 {
        write(&mut log, &record());
    }
    let dropped = writer.dropped();
    assert!(dropped.load(Ordering::Relaxed) >= 10, "{dropped:?}");
    drop(go);
    log.flush();
    drop(writer);
    let dropped = dropped.load(Ordering::Relaxed);
    assert_eq!(
        lines(&read).len() as u64 + dropped,
        (ACCESS_LINES_MAX + 10) as u64
    );
}

#[test]
fn an_output_that_fails_costs_lines_that_are_counted() {
    let (writer, mut log, _read) = start(AccessMode::Full, None, true);
    for _ in 0..10 {
        write(&mut log, &record());
    }
    log.flush();
    let dropped = Arc::clone(&writer.dropped);
    drop(writer);
    assert_eq!(dropped.load(Ordering::Relaxed), 10);
}

#[test]
fn modes_are_read() {
    assert_eq!("off".parse(), Ok(AccessMode::Off));
    assert_eq!("full".parse(), Ok(AccessMode::Full));
    assert_eq!(
        "1/100".parse(),
        Ok(AccessMode::Sampled(NonZeroU32::new(100).unwrap()))
    );
    for wrong in ["", "1/0", "1/-1", "0.5", "all"] {
        assert!(wrong.parse::<AccessMode>().is_err(), "{wrong}");
    }
}
