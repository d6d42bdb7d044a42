//! What the gateway says of itself, and plain refusals.

use std::time::Duration;

use super::discovery;
use super::frame::Frame;
use super::visit;
use crate::answer::{Answer, JSON};
use crate::facade;
use crate::limit;
use crate::refusal::Refusal;
use crate::route::Own;
use crate::route::landing::{self, Form};
use crate::telemetry::scrape;
use crate::worker::io;

/// Pause between two looks whether the metrics are rendered.
const METRICS_LOOK: Duration = Duration::from_millis(5);
/// Looks before giving up: 10 s, after which Prometheus has given up as well.
const METRICS_LOOKS_MAX: u32 = 2_000;

/// Answers a page about the gateway.
pub(super) async fn answer(frame: &Frame<'_>, page: Own) -> Answer {
    frame.core.counters.pages.add(1);
    let shared = &frame.core.shared;
    match page {
        Own::Alive => Answer::json(200, br#"{"status":"ok"}"#.to_vec()),
        Own::Ready => {
            let (ready, body) = shared.sight.ready();
            Answer::json(if ready { 200 } else { 503 }, body)
        }
        Own::Metrics => metrics(frame).await,
        Own::ResourceMetadata => found(frame, discovery::resource(frame)),
        Own::IssuerMetadata => found(frame, discovery::authorization_server(frame)),
        Own::Landing => {
            let form = Form::preferred(frame.head.accept);
            Answer::of(
                200,
                form.content_type(),
                shared.sight.landing(frame.head.host, form),
            )
            .with(
                "content-security-policy",
                landing::content_security_policy().as_bytes(),
            )
            .with("x-content-type-options", b"nosniff")
            .with("referrer-policy", b"no-referrer")
            .with("vary", b"accept")
        }
    }
}

/// Prometheus text, from control.
async fn metrics(frame: &Frame<'_>) -> Answer {
    let relay = &frame.core.shared.metrics;
    let ticket = relay.ask();
    for _ in 0..METRICS_LOOKS_MAX {
        if let Some(text) = relay.answer_to(ticket) {
            return Answer::shared(200, scrape::content_type(frame.head.accept), text);
        }
        io::sleep(METRICS_LOOK).await;
    }
    refuse(frame, Refusal::Internal)
}

/// A document, or 404 where nothing is there to tell.
fn found(frame: &Frame<'_>, answer: Option<Answer>) -> Answer {
    answer.unwrap_or_else(|| refuse(frame, Refusal::NotFound))
}

/// A refusal of a request that reached no door.
pub(super) fn refuse(frame: &Frame<'_>, refusal: Refusal) -> Answer {
    visit::count(frame.core, refusal);
    plain_refusal(refusal, frame.request_id())
}

/// A refusal in the facade's shape, which is also what a browser or curl is shown. Whoever gets it was not
/// asked for credentials.
pub(super) fn plain_refusal(refusal: Refusal, request_id: &str) -> Answer {
    let mut answer = Answer::of(
        refusal.row().http,
        JSON,
        facade::write::error(refusal, None, request_id),
    );
    add_waiting_headers(&mut answer, refusal);
    answer
}

/// `WWW-Authenticate`, `Retry-After` and `RateLimit-*`, where a refusal has them.
pub(super) fn add_refusal_headers(frame: &Frame<'_>, answer: &mut Answer, refusal: Refusal) {
    if let Some(challenge) = discovery::challenge(frame, refusal) {
        answer.header("www-authenticate", &challenge);
    }
    add_waiting_headers(answer, refusal);
}

fn add_waiting_headers(answer: &mut Answer, refusal: Refusal) {
    if let Some(seconds) = refusal.retry_after_s() {
        answer.header(
            "retry-after",
            itoa::Buffer::new().format(seconds).as_bytes(),
        );
    }
    if let Refusal::RateLimited(state) = refusal {
        limit::headers::write(&state, &mut answer.headers);
    }
}
