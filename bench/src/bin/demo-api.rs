//! The quickstart's API as a process of its own: `demo-api [127.0.0.1:3002]`.

use std::cell::RefCell;
use std::convert::Infallible;
use std::net::SocketAddr;
use std::rc::Rc;

use bench::demo::desk::Desk;
use bench::demo::route;
use bytes::Bytes;
use http_body_util::{BodyExt, Full, Limited};
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper::{Request, Response};
use hyper_util::rt::TokioIo;
use tokio::net::TcpListener;

/// Bytes of a request body; orders are small.
const BODY_BYTES_MAX: usize = 1024 * 1024;

fn main() -> anyhow::Result<()> {
    let address: SocketAddr = std::env::args()
        .nth(1)
        .as_deref()
        .unwrap_or("127.0.0.1:3002")
        .parse()?;
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    tokio::task::LocalSet::new().block_on(&runtime, serve(address))
}

async fn serve(address: SocketAddr) -> anyhow::Result<()> {
    let listener = TcpListener::bind(address).await?;
    let desk = Rc::new(RefCell::new(Desk::default()));
    loop {
        let (stream, _) = listener.accept().await?;
        stream.set_nodelay(true)?;
        let desk = Rc::clone(&desk);
        tokio::task::spawn_local(async move {
            let service = service_fn(|request| handle(Rc::clone(&desk), request));
            // A caller that breaks off is no news for the desk.
            let _ = hyper::server::conn::http1::Builder::new()
                .serve_connection(TokioIo::new(stream), service)
                .await;
        });
    }
}

async fn handle(
    desk: Rc<RefCell<Desk>>,
    request: Request<Incoming>,
) -> Result<Response<Full<Bytes>>, Infallible> {
    let (parts, body) = request.into_parts();
    let Ok(body) = Limited::new(body, BODY_BYTES_MAX).collect().await else {
        return Ok(respond((
            413,
            "text/plain",
            "the body is too large\n".to_owned(),
        )));
    };
    let query = parts.uri.query().unwrap_or_default();
    let mut desk = desk.borrow_mut();
    Ok(respond(route::answer(
        &mut desk,
        parts.method.as_str(),
        parts.uri.path(),
        query,
        &body.to_bytes(),
    )))
}

fn respond((status, content_type, body): route::Reply) -> Response<Full<Bytes>> {
    let mut response = Response::new(Full::new(Bytes::from(body)));
    *response.status_mut() = hyper::StatusCode::from_u16(status).unwrap_or_default();
    response.headers_mut().insert(
        "content-type",
        hyper::header::HeaderValue::from_static(content_type),
    );
    response
}
