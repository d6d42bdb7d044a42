//! The Rust SDK's client, `rmcp`, in its three ways to begin: initialize (its default), discover, auto.
//!
//! It speaks through its own transport for Unix sockets, which needs no further HTTP library; a thread
//! carries the bytes between that socket and the gateway's port, unchanged.

use std::io::copy;
use std::net::{Shutdown, SocketAddr, TcpStream};
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use rmcp::model::{
    CallToolRequestParams, CallToolResult, ClientRequest, PingRequest, ProtocolVersion,
    ServerNotification, SubscriptionFilter,
};
use rmcp::service::{
    ClientLifecycleMode, ClientServiceExt, NotificationContext, Peer, RoleClient, RunningService,
    ServiceError,
};
use rmcp::transport::streamable_http_client::StreamableHttpClientTransportConfig;
use rmcp::transport::{StreamableHttpClientTransport, UnixSocketHttpClient};
use rmcp::{ClientHandler, ServiceExt};
use serde_json::{Value, json};
use tokio::sync::Notify;

use crate::{World, expect_invalid, expect_missing, expect_order, expect_tools, expect_unknown};

/// How long a whole visit may take.
const VISIT_WITHIN: Duration = Duration::from_secs(60);

/// Hears that the list has changed, on a legacy stream.
#[derive(Clone, Default)]
struct Listener {
    changed: Arc<Notify>,
}

impl ClientHandler for Listener {
    async fn on_tool_list_changed(&self, _context: NotificationContext<RoleClient>) {
        self.changed.notify_one();
    }
}

/// Carries connections of a Unix socket to the gateway, for as long as the test runs.
fn carry(path: &Path, gateway: SocketAddr) {
    let listener = UnixListener::bind(path).expect("a Unix socket");
    std::thread::spawn(move || {
        for near in listener.incoming().map_while(Result::ok) {
            let far = TcpStream::connect(gateway).expect("the gateway");
            let (near_again, far_again) = (near.try_clone(), far.try_clone());
            std::thread::spawn(move || to_gateway(near, far));
            let (near, far) = (near_again.expect("a socket"), far_again.expect("a socket"));
            std::thread::spawn(move || from_gateway(far, near));
        }
    });
}

fn to_gateway(mut near: UnixStream, mut far: TcpStream) {
    let _ = copy(&mut near, &mut far);
    let _ = far.shutdown(Shutdown::Both);
}

fn from_gateway(mut far: TcpStream, mut near: UnixStream) {
    let _ = copy(&mut far, &mut near);
    let _ = near.shutdown(Shutdown::Both);
}

fn visit(lifecycle: Option<ClientLifecycleMode>, revision: ProtocolVersion) {
    let world = World::start();
    let socket = world.gateway.folder().join("socket");
    carry(&socket, world.gateway.address());
    let client = UnixSocketHttpClient::new(socket.to_str().expect("UTF-8"), &world.gateway.url());
    let config = StreamableHttpClientTransportConfig::with_uri(world.gateway.url())
        .auth_header(world.key.clone());
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build();
    let work = async {
        let transport = StreamableHttpClientTransport::with_client(client, config);
        let listener = Listener::default();
        let changed = Arc::clone(&listener.changed);
        let service = match lifecycle {
            None => listener.serve(transport).await,
            Some(mode) => listener.serve_with_lifecycle(transport, mode).await,
        };
        steps(&world, service.expect("a connection"), &changed, &revision).await;
    };
    let ended = runtime
        .expect("a runtime")
        .block_on(async { tokio::time::timeout(VISIT_WITHIN, work).await });
    ended.expect("the visit ends in time");
    world.expect_events();
}

async fn steps(
    world: &World,
    service: RunningService<RoleClient, Listener>,
    changed: &Notify,
    revision: &ProtocolVersion,
) {
    let peer = service.peer();
    let server = peer.peer_info().expect("the server's information");
    assert_eq!(server.protocol_version, *revision);
    expect_tools(
        &names(peer).await,
        &["get_order", "stoa_catalog", "stoa_usage"],
    );
    expect_order(&call(peer, "get_order", json!({"order_id": "A-1001"})).await);
    expect_invalid(&call(peer, "get_order", json!({"order_id": 7})).await);
    expect_missing(&call(peer, "get_order", json!({"order_id": "A-9999"})).await);
    expect_unknown(&call(peer, "no_such_tool", json!({})).await);
    if revision.has_initialize() {
        let ping = ClientRequest::PingRequest(PingRequest::default());
        peer.send_request(ping).await.expect("a ping is answered");
        world.change_list();
        changed.notified().await;
    } else {
        watch(world, peer).await;
    }
    let tools = ["get_order", "list_payments", "stoa_catalog", "stoa_usage"];
    expect_tools(&names(peer).await, &tools);
    service.cancel().await.expect("an orderly end");
}

/// `subscriptions/listen`, and its end from our side.
async fn watch(world: &World, peer: &Peer<RoleClient>) {
    let filter = SubscriptionFilter::builder().tools_list_changed().build();
    let mut subscription = peer.listen(filter).await.expect("a subscription");
    assert_eq!(subscription.acknowledged().tools_list_changed, Some(true));
    world.change_list();
    let told = subscription.next().await.expect("a notification");
    assert!(
        matches!(
            told,
            Some(ServerNotification::ToolListChangedNotification(_))
        ),
        "{told:?}"
    );
    subscription.cancel().await.expect("a cancellation");
}

async fn names(peer: &Peer<RoleClient>) -> Value {
    let tools = peer.list_all_tools().await.expect("a list");
    tools
        .iter()
        .map(|tool| Value::from(tool.name.as_ref()))
        .collect()
}

/// A call in the form that the other clients' scripts report.
async fn call(peer: &Peer<RoleClient>, name: &'static str, arguments: Value) -> Value {
    let Value::Object(arguments) = arguments else {
        panic!("arguments are an object: {arguments}");
    };
    let request = CallToolRequestParams::new(name).with_arguments(arguments);
    match peer.call_tool(request).await {
        Ok(result) => told(&result),
        Err(ServiceError::McpError(error)) => json!({"code": error.code.0}),
        Err(error) => panic!("{name}: {error}"),
    }
}

fn told(result: &CallToolResult) -> Value {
    let text = result.content.first().and_then(|block| block.as_text());
    json!({
        "is_error": result.is_error.unwrap_or(false),
        "structured": result.structured_content,
        "text": text.map(|text| &text.text),
    })
}

#[test]
fn rust_sdk_by_default() {
    visit(None, ProtocolVersion::V_2025_11_25);
}

#[test]
fn rust_sdk_that_discovers() {
    let preferred_versions = vec![ProtocolVersion::V_2026_07_28];
    let mode = ClientLifecycleMode::Discover { preferred_versions };
    visit(Some(mode), ProtocolVersion::V_2026_07_28);
}

#[test]
fn rust_sdk_that_negotiates() {
    let mode = ClientLifecycleMode::Auto {
        preferred_versions: vec![ProtocolVersion::V_2026_07_28],
        legacy_version: None,
    };
    visit(Some(mode), ProtocolVersion::V_2026_07_28);
}
