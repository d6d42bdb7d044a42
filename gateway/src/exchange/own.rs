//! What the gateway says of itself, and plain refusals.

use super::frame::Frame;
use super::visit;
use crate::answer::{Answer, JSON};
use crate::facade;
use crate::limit;
use crate::refusal::Refusal;
use crate::route::{Own, landing};

/// Answers a page about the gateway.
pub(super) fn answer(frame: &Frame<'_>, page: Own) -> Answer {
    let shared = &frame.core.shared;
    match page {
        Own::Alive => Answer::json(200, br#"{"status":"ok"}"#.to_vec()),
        Own::Ready => {
            let (ready, body) = shared.sight.ready();
            Answer::json(if ready { 200 } else { 503 }, body)
        }
        Own::Metrics => Answer::of(200, "text/plain; version=0.0.4; charset=utf-8", shared.sight.metrics()),
        Own::Landing => {
            let accept = frame.head.accept.unwrap_or_default();
            let host = frame.head.host.and_then(|host| std::str::from_utf8(host).ok()).unwrap_or("localhost");
            if landing::prefers_json(accept) {
                return Answer::json(200, facade::write::information(env!("CARGO_PKG_VERSION")));
            }
            Answer::of(200, "text/html; charset=utf-8", shared.sight.page(host))
                .with("content-security-policy", landing::CONTENT_SECURITY_POLICY.as_bytes())
                .with("x-content-type-options", b"nosniff")
                .with("referrer-policy", b"no-referrer")
        }
    }
}

/// A refusal of a request that reached no door.
pub(super) fn refuse(frame: &Frame<'_>, refusal: Refusal) -> Answer {
    visit::count(frame.core, refusal);
    plain_refusal(refusal, frame.request_id())
}

/// A refusal in the facade's shape, which is also what a browser or curl is shown.
pub(super) fn plain_refusal(refusal: Refusal, request_id: &str) -> Answer {
    let mut answer = Answer::of(refusal.row().http, JSON, facade::write::error(refusal, None, request_id));
    add_refusal_headers(&mut answer, refusal);
    answer
}

/// `WWW-Authenticate`, `Retry-After` and `RateLimit-*`, where a refusal has them.
pub(super) fn add_refusal_headers(answer: &mut Answer, refusal: Refusal) {
    if let Some(challenge) = refusal.challenge() {
        answer.header("www-authenticate", challenge.as_bytes());
    }
    if let Some(seconds) = refusal.retry_after_s() {
        answer.header("retry-after", itoa::Buffer::new().format(seconds).as_bytes());
    }
    if let Refusal::RateLimited(state) = refusal {
        limit::headers::write(&state, &mut answer.headers);
    }
}
