//! The REST API behind the official conformance suite's tools: `conformance-fixture ADDRESS CATALOG_DIR`.
//!
//! Each path is what one tool of the suite needs. `POST /deploy` puts a tool into the gateway's catalog, or
//! takes it out again, as a deployment would: so the suite sees a list change that a call has caused.

use std::convert::Infallible;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::rc::Rc;

use anyhow::{Context, bail};
use bytes::Bytes;
use http_body_util::{BodyExt, Full, Limited};
use hyper::body::Incoming;
use hyper::header::{CONTENT_TYPE, HeaderValue};
use hyper::service::service_fn;
use hyper::{Method, Request, Response, StatusCode};
use hyper_util::rt::TokioIo;
use serde_json::json;
use tokio::net::TcpListener;

/// Bytes of a request body; the suite's are small.
const BODY_BYTES_MAX: usize = 64 * 1024;
/// A PNG of one red pixel.
const RED_PIXEL: [&[u8]; 3] = [
    b"\x89PNG\x0d\x0a\x1a\x0a\x00\x00\x00\x0dIHDR\x00\x00\x00\x01\x00\x00\x00\x01\x08\x06\x00\x00\x00\x1f\x15\xc4\x89",
    b"\x00\x00\x00\x0dIDATx\xdac\xfc\xcf\xc0\xf0\x1f\x00\x05\x05\x02\x00_\xc8\xf1\xd2",
    b"\x00\x00\x00\x00IEND\xaeB`\x82",
];
/// The file that `/deploy` writes and removes.
const DEPLOYED_FILE: &str = "deployed.yaml";
/// The tool in it.
const DEPLOYED_TOOL: &str = "apiVersion: gostoa.dev/v1alpha1
kind: Tool
metadata:
  name: deployed-by-a-call
  namespace: tenant-default
spec:
  name: deployed_by_a_call
  description: Was not there when the suite began.
  endpoint: http://ADDRESS/text
  method: GET
";

/// Status, media type, body.
type Reply = (u16, &'static str, Vec<u8>);

struct Fixture {
    address: SocketAddr,
    catalog: PathBuf,
}

fn main() -> anyhow::Result<()> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [address, catalog] = &arguments[..] else {
        bail!("usage: conformance-fixture ADDRESS CATALOG_DIR");
    };
    let fixture = Fixture {
        address: address.parse().context("the address")?,
        catalog: catalog.into(),
    };
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    tokio::task::LocalSet::new().block_on(&runtime, serve(Rc::new(fixture)))
}

async fn serve(fixture: Rc<Fixture>) -> anyhow::Result<()> {
    let listener = TcpListener::bind(fixture.address).await?;
    loop {
        let (stream, _) = listener.accept().await?;
        stream.set_nodelay(true)?;
        let fixture = Rc::clone(&fixture);
        tokio::task::spawn_local(async move {
            let service = service_fn(|request| handle(Rc::clone(&fixture), request));
            let connection = hyper::server::conn::http1::Builder::new();
            // A caller that breaks off is no news.
            let _ = connection
                .serve_connection(TokioIo::new(stream), service)
                .await;
        });
    }
}

async fn handle(
    fixture: Rc<Fixture>,
    request: Request<Incoming>,
) -> Result<Response<Full<Bytes>>, Infallible> {
    let (parts, body) = request.into_parts();
    let Ok(body) = Limited::new(body, BODY_BYTES_MAX).collect().await else {
        return Ok(respond((
            413,
            "text/plain",
            b"the body is too large".to_vec(),
        )));
    };
    let query = parts.uri.query().unwrap_or_default();
    Ok(respond(fixture.answer(
        &parts.method,
        parts.uri.path(),
        query,
        &body.to_bytes(),
    )))
}

impl Fixture {
    fn answer(&self, method: &Method, path: &str, query: &str, body: &[u8]) -> Reply {
        match (method, path) {
            (&Method::GET, "/text") => (
                200,
                "text/plain; charset=utf-8",
                b"This is a simple text response for testing.".to_vec(),
            ),
            (&Method::GET, "/image") => (200, "image/png", RED_PIXEL.concat()),
            (&Method::GET, "/audio") => (200, "audio/wav", silence()),
            (&Method::GET, "/file") => (
                200,
                "application/pdf",
                b"%PDF-1.4\nThis is an embedded resource content.\n%%EOF\n".to_vec(),
            ),
            (&Method::GET, "/error") => (
                500,
                "text/plain",
                b"This tool intentionally returns an error for testing".to_vec(),
            ),
            (&Method::GET, "/echo") => (
                200,
                "application/json",
                json!({"query": query}).to_string().into_bytes(),
            ),
            (&Method::POST, "/echo") => (200, "application/json", body.to_vec()),
            (&Method::POST, "/deploy") => deploy(&self.catalog, self.address),
            _ => (404, "text/plain", b"there is nothing here".to_vec()),
        }
    }
}

/// Puts the tool in, or takes it out; the file is there as a whole or not at all.
fn deploy(catalog: &Path, address: SocketAddr) -> Reply {
    let file = catalog.join(DEPLOYED_FILE);
    let changed = if file.exists() {
        std::fs::remove_file(&file)
    } else {
        let unfinished = catalog.with_file_name(DEPLOYED_FILE);
        let text = DEPLOYED_TOOL.replace("ADDRESS", &address.to_string());
        std::fs::write(&unfinished, text).and_then(|()| std::fs::rename(&unfinished, &file))
    };
    match changed {
        Ok(()) => (
            200,
            "application/json",
            json!({"deployed": file.exists()}).to_string().into_bytes(),
        ),
        Err(error) => (500, "text/plain", error.to_string().into_bytes()),
    }
}

/// A WAV file of 8 samples of silence: 8 kHz, one channel, 8 bits (RIFF, fields little-endian).
fn silence() -> Vec<u8> {
    const SAMPLES: [u8; 8] = [128; 8];
    let mut file = Vec::new();
    for part in [
        &b"RIFF"[..],
        &44_u32.to_le_bytes(),
        b"WAVEfmt ",
        &16_u32.to_le_bytes(),
        &1_u16.to_le_bytes(),
        &1_u16.to_le_bytes(),
        &8_000_u32.to_le_bytes(),
        &8_000_u32.to_le_bytes(),
        &1_u16.to_le_bytes(),
        &8_u16.to_le_bytes(),
        b"data",
        &8_u32.to_le_bytes(),
        &SAMPLES,
    ] {
        file.extend_from_slice(part);
    }
    file
}

fn respond((status, content_type, body): Reply) -> Response<Full<Bytes>> {
    let mut response = Response::new(Full::new(Bytes::from(body)));
    *response.status_mut() = StatusCode::from_u16(status).unwrap_or_default();
    response
        .headers_mut()
        .insert(CONTENT_TYPE, HeaderValue::from_static(content_type));
    response
}
