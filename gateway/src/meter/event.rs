//! An event as people and programs read it: one JSON object a line, the fields of the schema in
//! `deploy/schema/metering-event.schema.json`, in its order.
//!
//! Written by hand rather than by a serializer because the numbers of a bill are decimals: a cost of
//! one millionth is `0.000001`, not `1e-6`.

use std::fmt::Write as _;

use super::record::codec::StoredRecord;

/// Appends the event of `stored`, without a line end. Optional fields that are unknown are left out.
pub fn write_json(stored: &StoredRecord<'_>, gateway_id: &str, out: &mut String) {
    let record = &stored.record;
    out.push_str("{\"event_id\":\"");
    let _ = write!(
        out,
        "{}",
        uuid::Uuid::from_bytes(stored.event_id).hyphenated()
    );
    out.push_str("\",\"timestamp\":\"");
    out.push_str(&timestamp(stored.unix_ms));
    out.push('"');
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
    out.push_str(",\"cost_units\":");
    put_decimal(out, record.cost_microunits);
    put_text(out, "request_id", record.request_id);
    if let Some(trace_id) = record.trace_id {
        out.push_str(",\"trace_id\":\"");
        let _ = write!(out, "{:032x}", u128::from_be_bytes(trace_id));
        out.push('"');
    }
    out.push_str(",\"metadata\":{");
    for (index, (key, value)) in stored.metadata.iter().enumerate() {
        if index > 0 {
            out.push(',');
        }
        quote(out, key);
        out.push(':');
        quote(out, value);
    }
    out.push_str("}}");
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
pub fn put_decimal(out: &mut String, microunits: u64) {
    let (units, fraction) = (microunits / 1_000_000, microunits % 1_000_000);
    let _ = write!(out, "{units}");
    if fraction > 0 {
        let digits = format!("{fraction:06}");
        out.push('.');
        out.push_str(digits.trim_end_matches('0'));
    }
}

fn put_text(out: &mut String, name: &str, value: &str) {
    let _ = write!(out, ",\"{name}\":");
    quote(out, value);
}

fn put_optional_text(out: &mut String, name: &str, value: Option<&str>) {
    if let Some(value) = value {
        put_text(out, name, value);
    }
}

fn put_number(out: &mut String, name: &str, value: u64) {
    let _ = write!(out, ",\"{name}\":{value}");
}

fn put_optional_number(out: &mut String, name: &str, value: Option<u64>) {
    if let Some(value) = value {
        put_number(out, name, value);
    }
}

/// A JSON string.
pub(crate) fn quote(out: &mut String, text: &str) {
    out.push('"');
    for character in text.chars() {
        match character {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            control if control < ' ' => {
                let _ = write!(out, "\\u{:04x}", u32::from(control));
            }
            other => out.push(other),
        }
    }
    out.push('"');
}

#[cfg(test)]
mod tests;
