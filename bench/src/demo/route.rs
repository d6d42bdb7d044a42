//! From a method, path, query and body to the desk and back.

use serde_json::{Value, json};

use super::desk::{Desk, Problem};

/// The API's own description, served at `/openapi.json`.
pub const OPENAPI: &str = include_str!("../../../deploy/quickstart/openapi.json");

/// Orders in a list when none is asked for.
const LIMIT_DEFAULT: usize = 20;

/// An answer: status, content type, body.
pub type Reply = (u16, &'static str, String);

/// Answers one request. `query` is the raw text behind the `?`.
pub fn answer(desk: &mut Desk, method: &str, path: &str, query: &str, body: &[u8]) -> Reply {
    if (method, path) == ("GET", "/openapi.json") {
        return (200, "application/json", OPENAPI.to_owned());
    }
    let created = if method == "POST" && matches!(path, "/orders" | "/payments") {
        201
    } else {
        200
    };
    match handle(desk, method, path, query, body) {
        Ok(value) => (created, "application/json", value.to_string()),
        Err(problem) => {
            let title = if problem.status == 404 {
                "Not found"
            } else {
                "Not possible"
            };
            let body = json!({"title": title, "status": problem.status, "detail": problem.detail});
            (problem.status, "application/problem+json", body.to_string())
        }
    }
}

fn handle(
    desk: &mut Desk,
    method: &str,
    path: &str,
    query: &str,
    body: &[u8],
) -> Result<Value, Problem> {
    let segments: Vec<&str> = path.trim_matches('/').split('/').collect();
    let parameter = |name: &str| query_value(query, name);
    match (method, segments.as_slice()) {
        ("GET", ["products"]) => {
            let in_stock = parameter("in_stock").as_deref() == Some("true");
            Ok(desk.products(parameter("search").as_deref(), in_stock))
        }
        ("GET", ["orders"]) => {
            let limit = parameter("limit")
                .and_then(|text| text.parse().ok())
                .unwrap_or(LIMIT_DEFAULT);
            Ok(desk.orders(
                parameter("status").as_deref(),
                parameter("customer").as_deref(),
                limit,
            ))
        }
        ("POST", ["orders"]) => place(desk, &parse(body)?),
        ("GET", ["orders", id]) => desk.order(id),
        ("POST", ["orders", id, "cancel"]) => desk.cancel(id),
        ("POST", ["payments"]) => {
            let body = parse(body)?;
            let order = text(&body, "order_id")?;
            let amount = number(&body, "amount_cents")?;
            desk.pay(order, amount, text(&body, "method")?)
        }
        ("GET", ["payments", id]) => desk.payment(id),
        ("DELETE", ["payments", id]) => desk.refund(id),
        _ => Err(Problem::new(
            404,
            format!("there is no {method} {path}; see /openapi.json"),
        )),
    }
}

fn place(desk: &mut Desk, body: &Value) -> Result<Value, Problem> {
    let items = body["items"]
        .as_array()
        .ok_or_else(|| Problem::new(422, "items must be a list"))?;
    let items = items
        .iter()
        .map(|item| Ok((text(item, "sku")?.to_owned(), number(item, "quantity")?)))
        .collect::<Result<Vec<_>, Problem>>()?;
    desk.place(text(body, "customer")?, &items)
}

fn parse(body: &[u8]) -> Result<Value, Problem> {
    serde_json::from_slice(body)
        .map_err(|error| Problem::new(400, format!("the body is not JSON: {error}")))
}

fn text<'a>(body: &'a Value, name: &str) -> Result<&'a str, Problem> {
    body[name]
        .as_str()
        .ok_or_else(|| Problem::new(422, format!("{name} must be a text")))
}

fn number(body: &Value, name: &str) -> Result<u64, Problem> {
    body[name]
        .as_u64()
        .ok_or_else(|| Problem::new(422, format!("{name} must be a whole number")))
}

/// The first value of a query parameter, percent-decoded (`+` is a space, as forms write it).
fn query_value(query: &str, name: &str) -> Option<String> {
    let value = query
        .split('&')
        .find_map(|pair| pair.strip_prefix(name)?.strip_prefix('='))?;
    let spaced = value.replace('+', " ");
    Some(
        percent_encoding::percent_decode_str(&spaced)
            .decode_utf8_lossy()
            .into_owned(),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_desk_answers_over_http() {
        let mut desk = Desk::default();
        let cases: [(&str, &str, &str, &str, u16, &str); 9] = [
            ("GET", "/openapi.json", "", "", 200, "list_orders"),
            ("GET", "/products", "search=jasmine", "", 200, "ETH-250"),
            ("GET", "/orders", "customer=Anna%20Berg", "", 200, "A-1001"),
            ("GET", "/orders/A-1001", "", "", 200, "Anna Berg"),
            ("GET", "/orders/A-1", "", "", 404, "there is no order A-1"),
            (
                "POST",
                "/orders",
                "",
                r#"{"customer":"Test","items":[{"sku":"BRA-250","quantity":1}]}"#,
                201,
                "A-1004",
            ),
            ("POST", "/orders", "", "{", 400, "not JSON"),
            (
                "POST",
                "/payments",
                "",
                r#"{"order_id":"A-1004","amount_cents":890,"method":"card"}"#,
                201,
                "booked",
            ),
            ("DELETE", "/payments/P-1", "", "", 200, "refunded"),
        ];
        for (method, path, query, body, status, part) in cases {
            let (got, _, text) = answer(&mut desk, method, path, query, body.as_bytes());
            assert_eq!(got, status, "{method} {path}: {text}");
            assert!(text.contains(part), "{method} {path}: {text}");
        }
    }
}
