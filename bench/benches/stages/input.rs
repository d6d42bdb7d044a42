//! What is measured with: one order in three sizes, its schema, and a message that carries it.

use serde_json::{Value, json};

/// Bytes of arguments: a small call, an ordinary document, and one that somebody pasted.
pub(crate) const SIZES: [usize; 3] = [200, 2_000, 100_000];

/// Arguments of about `bytes` bytes: an order with as many lines as fit, as a client writes it.
pub(crate) fn arguments(bytes: usize) -> String {
    let mut items = Vec::new();
    loop {
        let text = order(&items);
        if text.len() >= bytes {
            return text;
        }
        let number = items.len();
        items.push(json!({
            "sku": format!("ETH-{:03}", number % 1_000),
            "quantity": number % 9 + 1,
            "price_cents": 1_290 + number,
            "gift": number % 3 == 0,
            "note": "ground for a filter \u{2013} medium, please",
        }));
    }
}

fn order(items: &[Value]) -> String {
    json!({"order_id": "A-1001", "customer": {"name": "Anna Berg", "email": "anna@example.com"}, "items": items})
        .to_string()
}

/// The order's schema: what an import of a careful API document gives.
pub(crate) fn schema() -> Value {
    json!({
        "type": "object",
        "properties": {
            "order_id": {"type": "string", "minLength": 1, "maxLength": 40},
            "customer": {
                "type": "object",
                "properties": {"name": {"type": "string", "maxLength": 100}, "email": {"type": "string"}},
                "required": ["email"]
            },
            "items": {
                "type": "array",
                "items": {
                    "type": "object",
                    "properties": {
                        "sku": {"type": "string", "maxLength": 40},
                        "quantity": {"type": "integer", "minimum": 1, "maximum": 1_000},
                        "price_cents": {"type": "integer", "minimum": 0},
                        "gift": {"type": "boolean"},
                        "note": {"type": "string", "maxLength": 200}
                    },
                    "required": ["sku", "quantity"],
                    "additionalProperties": false
                }
            }
        },
        "required": ["order_id", "items"],
        "additionalProperties": false
    })
}

/// A `tools/call` of 2026-07-28 with these arguments.
pub(crate) fn message(arguments: &str) -> String {
    format!(
        r#"{{"jsonrpc":"2.0","id":17,"method":"tools/call","params":{{"name":"create_order","arguments":{arguments},"_meta":{{"io.modelcontextprotocol/protocolVersion":"2026-07-28","io.modelcontextprotocol/clientInfo":{{"name":"bench","version":"1"}},"io.modelcontextprotocol/clientCapabilities":{{}}}}}}}}"#
    )
}
