//! A long answer: events of a subscription until the caller leaves, its credential ends, or the gateway
//! drains.

use std::future::poll_fn;
use std::pin::{Pin, pin};
use std::task::Poll;

use super::ahead::Read;
use super::connection::Outbox;
use super::core::Core;
use super::streams::{Event, Stream};
use crate::auth::{self, Principal};
use crate::http::sse;
use crate::http::write::StreamFraming;
use crate::mcp::envelope::Id;
use crate::mcp::listen::{self, Filter};
use crate::refusal::Refusal;
use crate::snapshot::Snapshot;
use crate::snapshot::tenant::TenantId;
use crate::tenant;

/// What a caller listens to.
pub struct Subscription {
    voice: Voice,
    filter: Filter,
    /// Verified again with each snapshot: a revoked key ends its streams.
    authorization: Option<Box<[u8]>>,
    version: u64,
    stream: Stream,
}

/// Without the credential that it keeps.
impl std::fmt::Debug for Subscription {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter
            .debug_struct("Subscription")
            .field("voice", &self.voice)
            .field("filter", &self.filter)
            .finish_non_exhaustive()
    }
}

/// In which era's words.
#[derive(Debug)]
enum Voice {
    /// GET of a session.
    Legacy,
    /// `subscriptions/listen` with this id, as JSON text.
    Listen(Box<str>),
}

impl Subscription {
    /// The event stream of a legacy session.
    ///
    /// # Errors
    /// [`Refusal::StreamsExceeded`].
    pub fn legacy(
        core: &Core,
        principal: &Principal,
        authorization: Option<&[u8]>,
    ) -> Result<Self, Refusal> {
        let filter = Filter {
            tools_list_changed: true,
        };
        Self::open(core, principal, authorization, Voice::Legacy, filter)
    }

    /// The stream of a `subscriptions/listen`.
    ///
    /// # Errors
    /// [`Refusal::StreamsExceeded`].
    pub fn listen(
        core: &Core,
        principal: &Principal,
        authorization: Option<&[u8]>,
        id: Id<'_>,
        filter: Filter,
    ) -> Result<Self, Refusal> {
        Self::open(
            core,
            principal,
            authorization,
            Voice::Listen(id.as_json().into()),
            filter,
        )
    }

    fn open(
        core: &Core,
        principal: &Principal,
        authorization: Option<&[u8]>,
        voice: Voice,
        filter: Filter,
    ) -> Result<Self, Refusal> {
        let stream = core.streams.open(principal.binding(), core.clock.now())?;
        let version = version_for(&core.snapshot(), principal);
        Ok(Self {
            voice,
            filter,
            authorization: authorization.map(Into::into),
            version,
            stream,
        })
    }

    /// The first events.
    fn begin(&self, text: &mut Vec<u8>) {
        if let Voice::Listen(id) = &self.voice {
            write_event(text, |out| {
                listen::write_acknowledged(out, Id::kept(id), self.filter)
            });
        }
    }

    /// The last event.
    fn end(&self, text: &mut Vec<u8>) {
        if let Voice::Listen(id) = &self.voice {
            write_event(text, |out| listen::write_end(out, Id::kept(id)));
        }
    }

    /// Looks at a new snapshot; false where the caller is no longer who it was.
    fn follow(&mut self, core: &Core, text: &mut Vec<u8>) -> bool {
        let (snapshot, now) = (&core.snapshot(), core.clock.now());
        let mut tokens = core.tokens.borrow_mut();
        let authorization = self.authorization.as_deref();
        let Ok(principal) = auth::authenticate(snapshot, &mut tokens, authorization, now) else {
            return false;
        };
        let version = version_for(snapshot, &principal);
        if std::mem::replace(&mut self.version, version) != version
            && self.filter.tools_list_changed
        {
            write_event(text, |out| match &self.voice {
                Voice::Legacy => {
                    out.extend_from_slice(listen::LEGACY_TOOLS_LIST_CHANGED.as_bytes())
                }
                Voice::Listen(id) => listen::write_tools_list_changed(out, Id::kept(id)),
            });
        }
        true
    }
}

/// A number that changes when what this caller's tenant may list changes.
fn version_for(snapshot: &Snapshot, principal: &Principal) -> u64 {
    if tenant::sees_all(principal.identity()) {
        return snapshot.catalog_version;
    }
    let own = snapshot.tenant(principal.identity().tenant).catalog_version;
    own.rotate_left(32) ^ snapshot.tenant(TenantId::PLATFORM).catalog_version
}

fn write_event(text: &mut Vec<u8>, message: impl FnOnce(&mut Vec<u8>)) {
    let mut json = Vec::with_capacity(256);
    message(&mut json);
    sse::message(text, &json);
}

/// Writes events until the stream ends. The head was written.
pub(super) async fn run(
    outbox: &mut Outbox<'_>,
    mut subscription: Subscription,
    framing: StreamFraming,
    mut read: Pin<&mut impl Future<Output = Read>>,
    early: &Option<Read>,
) {
    let core = outbox.core;
    core.counters.streams_opened.add(1);
    let mut text = Vec::new();
    subscription.begin(&mut text);
    let mut ended = false;
    while send(outbox, &mut text, framing).await && !ended && early.is_none() {
        match wait(&subscription, read.as_mut()).await {
            None => break,
            Some(Event::Drain) => ended = true,
            Some(Event::Published) => ended = !subscription.follow(core, &mut text),
            Some(Event::KeepAlive) => {
                // A credential that expires is noticed here: no snapshot tells of it.
                ended = !subscription.follow(core, &mut text);
                sse::keep_alive(&mut text);
            }
        }
        if ended {
            subscription.end(&mut text);
        }
    }
    if ended {
        outbox.buffer.clear();
        framing.last_chunk(&mut outbox.buffer);
        outbox.flush().await;
    }
    core.counters.streams_closed.add(1);
}

async fn send(outbox: &mut Outbox<'_>, text: &mut Vec<u8>, framing: StreamFraming) -> bool {
    if text.is_empty() {
        return true;
    }
    outbox.buffer.clear();
    framing.chunk(&mut outbox.buffer, text);
    text.clear();
    outbox.flush().await
}

/// The next event; `None` when the caller left, or sent bytes, which no stream's caller may.
async fn wait(
    subscription: &Subscription,
    mut read: Pin<&mut impl Future<Output = Read>>,
) -> Option<Event> {
    let mut next = pin!(subscription.stream.next());
    poll_fn(|context| {
        if let Poll::Ready(event) = next.as_mut().poll(context) {
            return Poll::Ready(Some(event));
        }
        read.as_mut().poll(context).map(|_| None)
    })
    .await
}
