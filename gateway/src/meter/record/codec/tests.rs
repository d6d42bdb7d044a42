use proptest::prelude::*;

use super::*;

fn full<'a>(metadata: &'a [(&'a str, &'a str)]) -> Record<'a> {
    Record {
        tenant: "acme",
        project: Some("billing"),
        consumer: "agent-7",
        user_id: Some("key-one"),
        tool: "get_order",
        action: "tools/call",
        mode: Mode::EdgeMcp,
        transport: Transport::Rest,
        status: Status::Timeout,
        latency_us: 30_000_123,
        backend_us: 30_000_001,
        request_bytes: 188,
        response_bytes: 0,
        tokens_in: Some(12),
        tokens_out: Some(u64::MAX),
        cost_microunits: 31_000,
        request_id: "01980000-0000-7000-8000-000000000000",
        trace_id: Some([7; 16]),
        metadata,
    }
}

#[track_caller]
fn check(record: &Record<'_>) {
    let mut bytes = Vec::new();
    encode(record, [9; 16], 1_780_000_000_123, &mut bytes);
    assert!(bytes.len() <= RECORD_BYTES_MAX);
    let stored = decode(&bytes).unwrap();
    assert_eq!(stored.event_id, [9; 16]);
    assert_eq!(stored.unix_ms, 1_780_000_000_123);
    assert_eq!(stored.metadata, record.metadata);
    let consumer = if record.consumer.is_empty() {
        "unknown"
    } else {
        record.consumer
    };
    assert_eq!(
        stored.record,
        Record {
            metadata: &[],
            consumer,
            ..record.clone()
        }
    );
    for length in 0..bytes.len() {
        assert_eq!(decode(&bytes[..length]), None, "cut at {length}");
    }
}

#[test]
fn what_was_written_is_read() {
    check(&Record::default());
    check(&full(&[]));
    check(&full(&[("reason", "tool_limit"), ("http_status", "429")]));
    check(&Record {
        user_id: None,
        trace_id: None,
        tokens_in: None,
        ..full(&[])
    });
    for status in Status::ALL {
        check(&Record {
            status,
            ..full(&[])
        });
        assert_eq!(Status::ALL[status.index()], status);
    }
    for transport in Transport::ALL {
        check(&Record {
            transport,
            ..full(&[])
        });
        assert_eq!(Transport::ALL[transport.index()], transport);
    }
}

#[test]
fn strings_of_callers_are_cut_at_a_character() {
    let long = "é".repeat(500);
    let pairs: Vec<(&str, &str)> = vec![(&long, &long); METADATA_PAIRS_MAX + 1];
    let record = Record {
        tenant: &long,
        project: Some(&long),
        consumer: &long,
        user_id: Some(&long),
        tool: &long,
        action: &long,
        request_id: &long,
        latency_us: u64::MAX,
        ..full(&pairs)
    };
    let mut bytes = Vec::new();
    encode(&record, [0; 16], u64::MAX, &mut bytes);
    assert!(bytes.len() <= RECORD_BYTES_MAX, "{} bytes", bytes.len());
    let stored = decode(&bytes).unwrap();
    assert_eq!(stored.record.tool, "é".repeat(NAME_BYTES_MAX / 2));
    assert_eq!(stored.record.request_id, "é".repeat(IDENTITY_BYTES_MAX / 2));
    assert_eq!(stored.metadata.len(), METADATA_PAIRS_MAX);
    assert_eq!(stored.metadata[0].1.len(), METADATA_VALUE_BYTES_MAX);
    // One byte off a border: the whole character goes.
    let odd = format!("x{long}");
    let mut bytes = Vec::new();
    encode(
        &Record {
            tool: &odd,
            ..Record::default()
        },
        [0; 16],
        0,
        &mut bytes,
    );
    assert_eq!(
        decode(&bytes).unwrap().record.tool.len(),
        NAME_BYTES_MAX - 1
    );
}

#[test]
fn what_a_newer_gateway_wrote_is_refused() {
    let mut bytes = Vec::new();
    encode(&full(&[]), [0; 16], 0, &mut bytes);
    for (position, value) in [(0, RECORD_VERSION + 1), (2, 99), (3, 99), (4, 99)] {
        let mut changed = bytes.clone();
        changed[position] = value;
        assert_eq!(decode(&changed), None, "byte {position}");
    }
}

proptest! {
    #[test]
    fn any_bytes_are_read_without_a_panic(bytes in proptest::collection::vec(any::<u8>(), 0..400)) {
        let _ = decode(&bytes);
        let mut versioned = vec![RECORD_VERSION, bytes.first().copied().unwrap_or(0) & 0x1f, 0, 0, 0];
        versioned.extend_from_slice(&bytes);
        if let Some(stored) = decode(&versioned) {
            prop_assert!(stored.metadata.len() <= METADATA_PAIRS_MAX);
        }
    }

    #[test]
    fn any_strings_survive(tool in ".{0,20}", consumer in ".{1,20}", latency_us: u64, tokens_in: Option<u64>) {
        check(&Record { tool: &tool, consumer: &consumer, latency_us, tokens_in, ..full(&[]) });
    }
}
