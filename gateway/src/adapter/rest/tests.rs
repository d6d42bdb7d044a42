//! Shared by the tables below: plans built in one line, calls encoded and taken apart again.

use std::sync::Arc;

use crate::json::raw::Raw;
use serde_json::json;

use super::*;
use crate::control::spec::{
    BinaryBody, BodyPlan, BodySource, FormBody, JsonBody, Location, MultipartBody, ParameterPlan,
    PropertyEncoding, RequestPlan, Style, TextBody,
};
use crate::guard;
use crate::guard::schema::ArgumentSchema;
use crate::limits;
use crate::snapshot::operation::RestOperation;
use crate::snapshot::upstream::{Upstream, UpstreamId};

mod bodies;
mod decoding;
mod hostile;
mod properties;
mod speed;
mod styles;

fn upstream() -> Upstream {
    Upstream {
        key: Arc::from("http://api.example:8080"),
        tls: false,
        host: Arc::from("api.example"),
        port: 8080,
        authority: Arc::from("api.example:8080"),
        allow: Arc::from([]),
        addresses: Arc::default(),
    }
}

fn plan(method: &str, path: &str) -> RequestPlan {
    RequestPlan {
        method: method.to_owned(),
        path: path.to_owned(),
        parameters: Vec::new(),
        body: BodyPlan::None,
        fixed_headers: Vec::new(),
        credential: crate::control::spec::Credential::None,
    }
}

fn parameter(name: &str, location: Location) -> ParameterPlan {
    ParameterPlan {
        argument: name.to_owned(),
        name: name.to_owned(),
        location,
        style: location.default_style(),
        explode: location.default_style() == Style::Form,
        allow_reserved: false,
        required: false,
        json_content: false,
    }
}

/// A request taken apart.
#[derive(Debug)]
struct Sent {
    line: String,
    headers: Vec<(String, String)>,
    body: Vec<u8>,
}

impl Sent {
    fn header(&self, name: &str) -> Option<&str> {
        self.headers
            .iter()
            .find(|(header, _)| header.eq_ignore_ascii_case(name))
            .map(|(_, value)| value.as_str())
    }

    fn target(&self) -> &str {
        self.line.split(' ').nth(1).unwrap()
    }
}

const CONTEXT: CallContext<'_> = CallContext {
    request_id: "req-1",
    traceparent: None,
};

fn try_send(plan: &RequestPlan, arguments: &str) -> Result<Sent, String> {
    let operation = RestOperation::compile(plan, UpstreamId(0))?;
    try_send_with(&operation, arguments, &CONTEXT)
}

fn try_send_with(
    operation: &RestOperation,
    arguments: &str,
    context: &CallContext<'_>,
) -> Result<Sent, String> {
    let schema = ArgumentSchema::compile(&json!({})).unwrap();
    let raw = Raw::parse(arguments).unwrap();
    let arguments = guard::validate(&schema, Some(raw)).map_err(|invalid| invalid.to_string())?;
    let mut out = b"before".to_vec();
    let result = encode(operation, &upstream(), &arguments, context, &mut out);
    if let Err(invalid) = result {
        assert_eq!(out, b"before", "an error must leave the buffer as it was");
        return Err(invalid.to_string());
    }
    Ok(take_apart(&out[6..]))
}

/// Exactly one request, its length right, nothing after it.
fn take_apart(bytes: &[u8]) -> Sent {
    let mut headers = [httparse::EMPTY_HEADER; 64];
    let mut request = httparse::Request::new(&mut headers);
    let head = match request.parse(bytes).unwrap() {
        httparse::Status::Complete(head) => head,
        httparse::Status::Partial => panic!("unfinished: {}", String::from_utf8_lossy(bytes)),
    };
    let line = format!(
        "{} {} HTTP/1.{}",
        request.method.unwrap(),
        request.path.unwrap(),
        request.version.unwrap()
    );
    let headers: Vec<(String, String)> = request
        .headers
        .iter()
        .map(|header| {
            (
                header.name.to_owned(),
                String::from_utf8(header.value.to_vec()).unwrap(),
            )
        })
        .collect();
    let body = bytes[head..].to_vec();
    let count = |name: &str| {
        headers
            .iter()
            .filter(|(header, _)| header.eq_ignore_ascii_case(name))
            .count()
    };
    assert_eq!(count("host"), 1);
    assert_eq!(count("transfer-encoding"), 0);
    match headers.iter().find(|(name, _)| name == "content-length") {
        Some((_, length)) => assert_eq!(*length, body.len().to_string()),
        None => assert!(body.is_empty()),
    }
    assert!(count("content-length") <= 1);
    assert!(count("cookie") <= 1);
    Sent {
        line,
        headers,
        body,
    }
}

#[test]
fn a_whole_request() {
    let mut plan = plan("POST", "/v1/orders/{id}/items");
    plan.parameters = vec![
        parameter("id", Location::Path),
        parameter("dry", Location::Query),
    ];
    plan.body = BodyPlan::Json(JsonBody {
        source: BodySource::WholeArguments,
        content_type: "application/json".to_owned(),
    });
    let operation = RestOperation::compile(&plan, UpstreamId(0)).unwrap();
    let schema = ArgumentSchema::compile(&json!({})).unwrap();
    let raw =
        Raw::parse(r#"{"id":"o 1","sku": "a\u0062c" ,"dry":true,"big":12345678901234567890123}"#)
            .unwrap();
    let arguments = guard::validate(&schema, Some(raw)).unwrap();
    let trace = b"00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
    let context = CallContext {
        request_id: "req-1",
        traceparent: Some(trace),
    };
    let mut out = Vec::new();
    encode(&operation, &upstream(), &arguments, &context, &mut out).unwrap();
    assert_eq!(
        String::from_utf8(out).unwrap(),
        format!(
            "POST /v1/orders/o%201/items?dry=true HTTP/1.1\r\n\
             host: api.example:8080\r\n\
             user-agent: stoa-gateway/{}\r\n\
             accept-encoding: identity\r\n\
             accept: application/json, */*;q=0.8\r\n\
             x-request-id: req-1\r\n\
             traceparent: 00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01\r\n\
             content-type: application/json\r\n\
             content-length: 48\r\n\
             \r\n\
             {{\"sku\":\"a\\u0062c\",\"big\":12345678901234567890123}}",
            env!("CARGO_PKG_VERSION")
        )
    );
}
