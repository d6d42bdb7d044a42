//! An event as people and programs read it: one JSON object a line, the fields of the schema in
//! `deploy/schema/metering-event.schema.json`, in its order.
//!
//! Written by hand rather than by a serializer because the numbers of a bill are decimals: a cost of
//! one millionth is `0.000001`, not `1e-6`.

use std::io::Write as _;

use super::record::codec::StoredRecord;

/// Appends the event of `stored`, without a line end. Optional fields that are unknown are left out.
pub fn write_json(stored: &StoredRecord<'_>, gateway_id: &str, out: &mut Vec<u8>) {
    let record = &stored.record;
    out.extend_from_slice(b"{\"event_id\":\"");
    let _ = write!(
        out,
        "{}",
        uuid::Uuid::from_bytes(stored.event_id).hyphenated()
    );
    out.extend_from_slice(b"\",\"timestamp\":\"");
    out.extend_from_slice(timestamp(stored.unix_ms).as_bytes());
    out.push(b'"');
    put_text(out, "gateway_id", gateway_id);
    put_text(out, "tenant", record.tenant);
    put_optional_text(out, "project", record.project);
    put_text(out, "consumer", record.consumer);
    put_optional_text(out, "user_id", record.user_id);
    put_text(out, "tool", record.tool);
    put_text(out, "action", record.action);
    put_text(out, "mode", record.mode.as_str());
    put_text(out, "transport", record.transport.as_str());
    put_text(out, "status", record.status.as_str());
    put_number(out, "latency_us", record.latency_us);
    put_number(
        out,
        "gateway_us",
        record.latency_us.saturating_sub(record.backend_us),
    );
    put_number(out, "backend_us", record.backend_us);
    put_number(out, "request_bytes", record.request_bytes);
    put_number(out, "response_bytes", record.response_bytes);
    put_optional_number(out, "tokens_in", record.tokens_in);
    put_optional_number(out, "tokens_out", record.tokens_out);
    out.extend_from_slice(b",\"cost_units\":");
    put_decimal(out, record.cost_microunits);
    put_text(out, "request_id", record.request_id);
    if let Some(trace_id) = record.trace_id {
        out.extend_from_slice(b",\"trace_id\":\"");
        let _ = write!(out, "{:032x}", u128::from_be_bytes(trace_id));
        out.push(b'"');
    }
    out.extend_from_slice(b",\"metadata\":{");
    for (index, (key, value)) in stored.metadata.iter().enumerate() {
        if index > 0 {
            out.push(b',');
        }
        quote(out, key);
        out.push(b':');
        quote(out, value);
    }
    out.extend_from_slice(b"}}");
}

/// RFC 3339 in UTC, with milliseconds. Times beyond year 9999 show as its end.
#[must_use]
pub fn timestamp(unix_ms: u64) -> String {
    /// 9999-12-31T23:59:59.999Z, the last that RFC 3339 can write.
    const UNIX_MS_MAX: u64 = 253_402_300_799_999;
    let since = std::time::Duration::from_millis(unix_ms.min(UNIX_MS_MAX));
    humantime::format_rfc3339_millis(std::time::UNIX_EPOCH + since).to_string()
}

/// Millionths as a decimal number: at most six decimals, no exponent, no zeros at the end.
pub fn put_decimal(out: &mut Vec<u8>, microunits: u64) {
    let (units, fraction) = (microunits / 1_000_000, microunits % 1_000_000);
    let _ = write!(out, "{units}");
    if fraction > 0 {
        let digits = format!("{fraction:06}");
        out.push(b'.');
        out.extend_from_slice(digits.trim_end_matches('0').as_bytes());
    }
}

fn put_text(out: &mut Vec<u8>, name: &str, value: &str) {
    let _ = write!(out, ",\"{name}\":");
    quote(out, value);
}

fn put_optional_text(out: &mut Vec<u8>, name: &str, value: Option<&str>) {
    if let Some(value) = value {
        put_text(out, name, value);
    }
}

fn put_number(out: &mut Vec<u8>, name: &str, value: u64) {
    let _ = write!(out, ",\"{name}\":{value}");
}

fn put_optional_number(out: &mut Vec<u8>, name: &str, value: Option<u64>) {
    if let Some(value) = value {
        put_number(out, name, value);
    }
}

/// A JSON string.
pub(crate) fn quote(out: &mut Vec<u8>, text: &str) {
    out.push(b'"');
    let bytes = text.as_bytes();
    let mut copied = 0;
    for (index, byte) in bytes.iter().enumerate() {
        if *byte >= b' ' && *byte != b'"' && *byte != b'\\' {
            continue;
        }
        out.extend_from_slice(&bytes[copied..index]);
        copied = index + 1;
        match byte {
            b'"' | b'\\' => out.extend_from_slice(&[b'\\', *byte]),
            // Writing to memory does not fail.
            control => drop(write!(out, "\\u{control:04x}")),
        }
    }
    out.extend_from_slice(&bytes[copied..]);
    out.push(b'"');
}

#[cfg(test)]
mod tests;
