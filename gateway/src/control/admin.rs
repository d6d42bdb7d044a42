//! The metrics port (9090): `GET /metrics`, `/health`, `/ready`, `/live` and their `z` forms, for
//! scrapers and probes that should not share the callers' port.
//!
//! Runs on the control thread, over hyper: nothing here is on the data path. Not here: what the
//! answers say ([`crate::telemetry`]); anything that changes the gateway.

use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http_body_util::Full;
use hyper::header::{ACCEPT, ALLOW, CACHE_CONTROL, CONTENT_TYPE, HeaderValue};
use hyper::service::service_fn;
use hyper::{Method, Request, Response, StatusCode};
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{Semaphore, watch};

use crate::limits::{
    ADMIN_CONNECTION_MS_MAX, ADMIN_CONNECTIONS_MAX, ADMIN_HEAD_BYTES_MAX, ADMIN_HEAD_TIMEOUT_MS,
};
use crate::telemetry::scrape;

/// Pause after `accept` failed, e.g. for want of file descriptors.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);

/// An answer that may be a refusal: status and JSON body.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StatusBody {
    /// HTTP status.
    pub http_status: u16,
    /// JSON text.
    pub body: Vec<u8>,
}

/// What the port answers with. Called on the control thread, for each request.
pub struct AdminRoutes {
    /// Text of all metrics.
    pub metrics: Box<dyn Fn() -> Vec<u8> + Send + Sync>,
    /// Whether calls may be sent here; see [`crate::telemetry::health::Readiness`].
    pub ready: Box<dyn Fn() -> StatusBody + Send + Sync>,
    /// Whether the process is worth keeping.
    pub live: Box<dyn Fn() -> StatusBody + Send + Sync>,
}

/// How long a caller of the port may take.
#[derive(Clone, Copy, Debug)]
pub struct Patience {
    /// For a request's head, and for the next one on a kept connection.
    pub head: Duration,
    /// For a whole connection.
    pub connection: Duration,
}

impl Default for Patience {
    fn default() -> Self {
        Self {
            head: Duration::from_millis(ADMIN_HEAD_TIMEOUT_MS),
            connection: Duration::from_millis(ADMIN_CONNECTION_MS_MAX),
        }
    }
}

impl std::fmt::Debug for AdminRoutes {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter
            .debug_struct("AdminRoutes")
            .finish_non_exhaustive()
    }
}

/// Serves until `stop` turns true or its sender is gone; connections under way are then given up.
pub async fn serve(
    listener: TcpListener,
    routes: Arc<AdminRoutes>,
    patience: Patience,
    mut stop: watch::Receiver<bool>,
) {
    let places = Arc::new(Semaphore::new(ADMIN_CONNECTIONS_MAX));
    let mut connections = tokio::task::JoinSet::new();
    let stopped = async move {
        // An error is a sender that is gone, which means the same.
        let _ = stop.wait_for(|stop| *stop).await;
    };
    let accepting = async {
        loop {
            while connections.try_join_next().is_some() {}
            // The semaphore is never closed.
            let Ok(place) = Arc::clone(&places).acquire_owned().await else {
                return;
            };
            match listener.accept().await {
                Ok((stream, _)) => {
                    let routes = Arc::clone(&routes);
                    connections.spawn(async move {
                        connection(stream, routes, patience).await;
                        drop(place);
                    });
                }
                Err(error) => {
                    tracing::warn!(%error, "the metrics port cannot accept");
                    tokio::time::sleep(ACCEPT_PAUSE).await;
                }
            }
        }
    };
    tokio::select! {
        () = stopped => {}
        () = accepting => {}
    }
}

async fn connection(stream: TcpStream, routes: Arc<AdminRoutes>, patience: Patience) {
    let service = service_fn(move |request| {
        let response = answer(&request, &routes);
        async move { Ok::<_, Infallible>(response) }
    });
    let serving = hyper::server::conn::http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(patience.head)
        .max_buf_size(ADMIN_HEAD_BYTES_MAX)
        .serve_connection(TokioIo::new(stream), service);
    // A peer that misbehaves or goes away is no event of ours.
    let _ = tokio::time::timeout(patience.connection, serving).await;
}

/// The answer to one request. hyper leaves the body out for HEAD.
fn answer<B>(request: &Request<B>, routes: &AdminRoutes) -> Response<Full<Bytes>> {
    const JSON: &str = "application/json";
    const TEXT: &str = "text/plain; charset=utf-8";
    let path = request.uri().path();
    let is_known = matches!(
        path,
        "/metrics" | "/health" | "/healthz" | "/ready" | "/readyz" | "/live" | "/livez"
    );
    if !is_known {
        return response(
            404,
            TEXT,
            Bytes::from_static(b"not found; here are /metrics, /health, /ready and /live\n"),
        );
    }
    if !matches!(*request.method(), Method::GET | Method::HEAD) {
        let mut refusal = response(405, TEXT, Bytes::from_static(b"only GET and HEAD\n"));
        refusal
            .headers_mut()
            .insert(ALLOW, HeaderValue::from_static("GET, HEAD"));
        return refusal;
    }
    let status = |answer: StatusBody| response(answer.http_status, JSON, answer.body.into());
    match path {
        "/metrics" => {
            let accept = request.headers().get(ACCEPT).map(HeaderValue::as_bytes);
            response(200, scrape::content_type(accept), (routes.metrics)().into())
        }
        "/ready" | "/readyz" => status((routes.ready)()),
        _ => status((routes.live)()),
    }
}

fn response(http_status: u16, content_type: &'static str, body: Bytes) -> Response<Full<Bytes>> {
    let mut response = Response::new(Full::new(body));
    *response.status_mut() =
        StatusCode::from_u16(http_status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static(content_type));
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicU16, Ordering};

    use tokio::io::{AsyncReadExt, AsyncWriteExt};

    use super::*;

    fn routes(ready: Arc<AtomicU16>) -> Arc<AdminRoutes> {
        let body = |http_status| StatusBody {
            http_status,
            body: b"{\"status\":\"x\"}".to_vec(),
        };
        Arc::new(AdminRoutes {
            metrics: Box::new(|| b"# EOF\n".to_vec()),
            ready: Box::new(move || body(ready.load(Ordering::Relaxed))),
            live: Box::new(move || body(200)),
        })
    }

    fn run<F: Future>(
        test: impl FnOnce(std::net::SocketAddr, watch::Sender<bool>, Arc<AtomicU16>) -> F,
    ) -> F::Output {
        run_with(Patience::default(), test)
    }

    fn run_with<F: Future>(
        patience: Patience,
        test: impl FnOnce(std::net::SocketAddr, watch::Sender<bool>, Arc<AtomicU16>) -> F,
    ) -> F::Output {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .unwrap();
        runtime.block_on(async {
            let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
            let address = listener.local_addr().unwrap();
            let (stop, stopping) = watch::channel(false);
            let ready = Arc::new(AtomicU16::new(200));
            let test = test(address, stop, Arc::clone(&ready));
            let serving = serve(listener, routes(ready), patience, stopping);
            let (output, ()) = tokio::join!(test, serving);
            output
        })
    }

    async fn exchange(address: std::net::SocketAddr, request: &str) -> String {
        let mut stream = TcpStream::connect(address).await.unwrap();
        stream.write_all(request.as_bytes()).await.unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).await.unwrap();
        answer
    }

    #[test]
    fn the_documented_paths_and_no_others() {
        let cases = [
            ("GET", "/metrics", 200, "# EOF"),
            ("GET", "/metrics?name=x", 200, "# EOF"),
            ("HEAD", "/metrics", 200, ""),
            ("GET", "/health", 200, "status"),
            ("GET", "/healthz", 200, "status"),
            ("GET", "/live", 200, "status"),
            ("GET", "/livez", 200, "status"),
            ("GET", "/ready", 200, "status"),
            ("GET", "/readyz", 200, "status"),
            ("POST", "/metrics", 405, "only GET"),
            ("GET", "/", 404, "not found"),
            ("GET", "/metrics/", 404, "not found"),
            ("DELETE", "/admin", 404, "not found"),
        ];
        run(|address, stop, _| async move {
            for (method, path, status, body) in cases {
                let request =
                    format!("{method} {path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
                let answer = exchange(address, &request).await;
                assert!(
                    answer.starts_with(&format!("HTTP/1.1 {status} ")),
                    "{method} {path}: {answer}"
                );
                assert!(
                    answer.split("\r\n\r\n").nth(1).unwrap().contains(body),
                    "{method} {path}: {answer}"
                );
            }
            stop.send(true).unwrap();
        });
    }

    #[test]
    fn readiness_is_asked_for_each_time() {
        run(|address, stop, ready| async move {
            for status in [200, 503, 200] {
                ready.store(status, Ordering::Relaxed);
                let answer = exchange(address, "GET /ready HTTP/1.0\r\n\r\n").await;
                assert!(
                    answer.starts_with(&format!("HTTP/1.0 {status} ")),
                    "{answer}"
                );
            }
            // A sender that is gone stops it as well.
            drop(stop);
        });
    }

    #[test]
    fn one_past_the_connections_waits_its_turn() {
        run(|address, stop, _| async move {
            let mut held = Vec::new();
            for _ in 0..ADMIN_CONNECTIONS_MAX {
                let mut stream = TcpStream::connect(address).await.unwrap();
                stream
                    .write_all(b"GET /live HTTP/1.1\r\nHost: x\r\n\r\n")
                    .await
                    .unwrap();
                stream.read_exact(&mut [0; 12]).await.unwrap();
                held.push(stream);
            }
            let waiting = exchange(address, "GET /live HTTP/1.0\r\n\r\n");
            tokio::pin!(waiting);
            let early = tokio::time::timeout(Duration::from_millis(100), &mut waiting).await;
            assert!(
                early.is_err(),
                "answered beside {ADMIN_CONNECTIONS_MAX} others"
            );
            held.pop();
            assert!(waiting.await.starts_with("HTTP/1.0 200 "));
            stop.send(true).unwrap();
        });
    }

    #[test]
    fn a_head_has_its_bytes_and_no_more() {
        run(|address, stop, _| async move {
            let request = |bytes: usize| {
                let (start, end) = ("GET /live HTTP/1.0\r\nX: ", "\r\n\r\n");
                let filler = "x".repeat(bytes - start.len() - end.len());
                format!("{start}{filler}{end}")
            };
            let whole = exchange(address, &request(ADMIN_HEAD_BYTES_MAX)).await;
            assert!(whole.starts_with("HTTP/1.0 200 "), "{whole}");
            let beyond = exchange(address, &request(ADMIN_HEAD_BYTES_MAX + 1)).await;
            assert!(beyond.contains(" 431 "), "{beyond}");
            stop.send(true).unwrap();
        });
    }

    #[test]
    fn a_caller_has_its_time_and_no_more() {
        let usual = Patience::default();
        assert_eq!(usual.head, Duration::from_millis(ADMIN_HEAD_TIMEOUT_MS));
        assert_eq!(
            usual.connection,
            Duration::from_millis(ADMIN_CONNECTION_MS_MAX)
        );
        let brief = Duration::from_millis(300);
        // Half a head; and head after head for ever.
        let ways = [
            (brief, usual.connection, "GET /live"),
            (usual.head, brief, "GET /live HTTP/1.1\r\nHost: x\r\n\r\n"),
        ];
        for (head, connection, text) in ways {
            run_with(
                Patience { head, connection },
                |address, stop, _| async move {
                    let mut stream = TcpStream::connect(address).await.unwrap();
                    let ended = async {
                        let mut seen = [0; 1024];
                        stream.write_all(text.as_bytes()).await.unwrap();
                        while matches!(stream.read(&mut seen).await, Ok(1..)) {
                            if stream.write_all(text.as_bytes()).await.is_err() {
                                break;
                            }
                            tokio::time::sleep(Duration::from_millis(10)).await;
                        }
                    };
                    let ended = tokio::time::timeout(Duration::from_secs(8), ended).await;
                    assert!(ended.is_ok(), "{text:?} is waited for");
                    stop.send(true).unwrap();
                },
            );
        }
    }

    #[test]
    fn garbage_does_not_end_it() {
        run(|address, stop, _| async move {
            let endless = format!(
                "GET / HTTP/1.1\r\nX: {}\r\n\r\n",
                "x".repeat(ADMIN_HEAD_BYTES_MAX * 2)
            );
            for garbage in [
                "\0\0\0\0\r\n\r\n",
                "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
                &endless,
            ] {
                let mut stream = TcpStream::connect(address).await.unwrap();
                // It may be closed before all of it is written.
                let _ = stream.write_all(garbage.as_bytes()).await;
                let _ = stream.read_to_end(&mut Vec::new()).await;
            }
            assert!(
                exchange(address, "GET /live HTTP/1.0\r\n\r\n")
                    .await
                    .starts_with("HTTP/1.0 200 ")
            );
            stop.send(true).unwrap();
        });
    }
}
