//! Calling an upstream: the only place that sends, and it takes a [`Permit`] by value.
//!
//! A worker keeps its own connections; a call takes one, writes the encoded request, reads the whole
//! answer (bounded) into the connection's buffer, and hands it to the adapter without copying.

pub mod address;
pub mod breaker;
pub mod connection;
pub mod pool;
pub mod receive;
pub mod tls;

use std::io;
use std::net::SocketAddr;
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

use crate::policy::Permit;
use crate::refusal::Refusal;
use crate::snapshot::operation::RestOperation;
use crate::snapshot::upstream::Upstream;
use crate::worker::clock::{Clock, Now};
use crate::worker::core::Core;
use crate::worker::io::{Direction, sleep, timeout};
use breaker::Pass;
use connection::Connection;
use pool::Pool;
use receive::Received;

/// Pause between looks at addresses that control has not resolved yet.
const RESOLUTION_WAIT_MS: u64 = 20;
/// Requests up to this size reach the socket in one write, so a failed write sent nothing.
const SINGLE_WRITE_BYTES: usize = 16 * 1024;

/// Why an upstream gave no usable answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// Its addresses are outside what the operator allowed.
    AddressRefused,
    /// It broke HTTP, or ended in the middle of an answer.
    Broken,
    /// It closed before the first byte of an answer.
    Closed,
    /// No address could be connected to (or the TLS handshake failed).
    Connect,
    /// Its breaker is open: nothing was sent.
    Open,
    /// No answer in the time that the tool allows.
    Timeout,
    /// The host's name has no address.
    Unresolved,
    /// The connection failed while the request was written.
    Write,
}

impl Fault {
    /// What a caller is told.
    #[must_use]
    pub fn refusal(self) -> Refusal {
        match self {
            Self::AddressRefused => Refusal::UpstreamRefused,
            Self::Open => Refusal::UpstreamUnavailable,
            Self::Timeout => Refusal::UpstreamTimeout,
            Self::Broken | Self::Closed | Self::Connect | Self::Unresolved | Self::Write => {
                Refusal::UpstreamFailed
            }
        }
    }

    /// For logs and the metric `stoa_upstream_faults_total`.
    #[must_use]
    pub fn label(self) -> &'static str {
        match self {
            Self::AddressRefused => "address_refused",
            Self::Broken => "broken",
            Self::Closed => "closed",
            Self::Connect => "connect",
            Self::Open => "breaker_open",
            Self::Timeout => "timeout",
            Self::Unresolved => "unresolved",
            Self::Write => "write",
        }
    }
}

/// Sends one encoded request and reads the answer.
///
/// A connection that was kept alive may have been closed by the upstream in the same moment; then the
/// call is sent once more on a fresh one, but only where that cannot do the work twice: the method is
/// idempotent, or nothing was sent.
///
/// # Errors
/// A [`Fault`]; all but [`Fault::Open`] and [`Fault::AddressRefused`] count against the upstream.
pub async fn send(core: &Core, permit: Permit<'_>, call: Outbound<'_>) -> Result<Received, Fault> {
    drop(permit);
    let pool = core.pools.of(call.upstream);
    let pass = pool.breaker.pass(call.now).ok_or(Fault::Open)?;
    let verdict = Verdict {
        pool: &pool,
        pass,
        settled: false,
    };
    let result = attempt_twice(core, &pool, call).await;
    verdict.settle(&result, &core.clock);
    result
}

/// An encoded request on its way. Has no `Debug`: its bytes hold the upstream's credential.
pub struct Outbound<'a> {
    /// Where to.
    pub upstream: &'a Upstream,
    /// What the tool does, for the method.
    pub operation: &'a RestOperation,
    /// The whole request.
    pub bytes: Vec<u8>,
    /// Milliseconds until the answer must be complete.
    pub timeout_ms: u64,
    /// When the call began.
    pub now: Now,
}

/// Tells the breaker how the call ended, also when the caller's disconnect drops the future.
struct Verdict<'a> {
    pool: &'a Pool,
    pass: Pass,
    settled: bool,
}

impl Verdict<'_> {
    fn settle(mut self, result: &Result<Received, Fault>, clock: &Clock) {
        self.settled = true;
        let failed = match result {
            Ok(received) => received.is_upstream_fault(),
            Err(Fault::AddressRefused | Fault::Open) => {
                return self.pool.breaker.abandoned(self.pass);
            }
            Err(_) => true,
        };
        if failed {
            self.pool.breaker.failed(self.pass, clock.now());
        } else {
            self.pool.breaker.succeeded(self.pass);
        }
    }
}

impl Drop for Verdict<'_> {
    fn drop(&mut self) {
        if !self.settled {
            self.pool.breaker.abandoned(self.pass);
        }
    }
}

async fn attempt_twice(
    core: &Core,
    pool: &Rc<Pool>,
    mut call: Outbound<'_>,
) -> Result<Received, Fault> {
    if let Some(connection) = pool.take(call.now) {
        core.counters.upstream_reuses.add(1);
        let one_write = call.bytes.len() <= SINGLE_WRITE_BYTES;
        match exchange(core, pool, connection, &mut call).await {
            Err(Fault::Write) if one_write || call.operation.idempotent => {}
            Err(Fault::Closed) if call.operation.idempotent => {}
            other => return other,
        }
        core.counters.upstream_retries.add(1);
    }
    core.counters.upstream_connects.add(1);
    // Boxed: a TLS handshake is half of what a call would otherwise hold, and hardly any call makes one.
    let connection = Box::pin(connect(core, pool, &call)).await?;
    exchange(core, pool, connection, &mut call).await
}

async fn exchange(
    core: &Core,
    pool: &Rc<Pool>,
    mut connection: Connection,
    call: &mut Outbound<'_>,
) -> Result<Received, Fault> {
    core.counters.upstream_calls.add(1);
    connection
        .deadline
        .set(call.now, call.timeout_ms, Direction::Both);
    let (written, bytes) = connection.write_all(std::mem::take(&mut call.bytes)).await;
    call.bytes = bytes;
    if written.is_err() {
        return Box::pin(answered_early(core, pool, connection, call)).await;
    }
    let received = receive::receive(core, connection, Rc::clone(pool), call).await?;
    core.buffers.give_back(std::mem::take(&mut call.bytes));
    Ok(received)
}

/// After a write that failed: an upstream may refuse a request that it has not read to the end (413, 401)
/// and close. Then its answer is here, and says more than that the connection is gone.
async fn answered_early(
    core: &Core,
    pool: &Rc<Pool>,
    connection: Connection,
    call: &Outbound<'_>,
) -> Result<Received, Fault> {
    if connection.deadline.passed() {
        return Err(Fault::Timeout);
    }
    match receive::receive(core, connection, Rc::clone(pool), call).await {
        Ok(received) if !received.gave_up_waiting() => Ok(received.on_a_lost_connection()),
        Err(Fault::Timeout) => Err(Fault::Timeout),
        Ok(_) | Err(_) => Err(Fault::Write),
    }
}

/// Milliseconds that are left of a call's time.
fn left_ms(core: &Core, call: &Outbound<'_>) -> u64 {
    let spent_ms = core.clock.now().mono_ns.saturating_sub(call.now.mono_ns) / 1_000_000;
    call.timeout_ms.saturating_sub(spent_ms)
}

/// Tries the upstream's addresses in turn, starting with another one each time, within the call's time.
async fn connect(core: &Core, pool: &Pool, call: &Outbound<'_>) -> Result<Connection, Fault> {
    let addresses = resolved(core, call).await?;
    let mut fault = Fault::AddressRefused;
    let first = pool.next_address.get();
    pool.next_address.set(first.wrapping_add(1));
    for offset in 0..addresses.len() {
        let address = addresses[(first.wrapping_add(offset)) % addresses.len()];
        if !address::is_allowed(address.ip(), &call.upstream.allow) {
            continue;
        }
        let left_ms = left_ms(core, call);
        if left_ms == 0 {
            return Err(Fault::Timeout);
        }
        let wait = Duration::from_millis(core.shared.limits.fixed.upstream_connect_ms.min(left_ms));
        let opening = Connection::open(
            call.upstream,
            address,
            &core.shared.upstream_tls,
            &core.deadlines,
        );
        match timeout(wait, opening).await {
            Some(Ok(connection)) => return Ok(connection),
            Some(Err(error)) => {
                core.note_upstream_error(call.upstream, address, &error);
                fault = Fault::Connect;
            }
            None => {
                core.note_upstream_error(call.upstream, address, &io::ErrorKind::TimedOut.into());
                fault = Fault::Timeout;
            }
        }
    }
    Err(fault)
}

/// Waits for control's first resolution of a new upstream; later ones are there at once.
async fn resolved(core: &Core, call: &Outbound<'_>) -> Result<Arc<Vec<SocketAddr>>, Fault> {
    for _ in 0..core.shared.limits.fixed.upstream_connect_ms / RESOLUTION_WAIT_MS {
        let addresses = call.upstream.addresses.load();
        if !addresses.is_empty() {
            return Ok(Arc::clone(&addresses));
        }
        if left_ms(core, call) == 0 {
            return Err(Fault::Timeout);
        }
        sleep(Duration::from_millis(RESOLUTION_WAIT_MS)).await;
    }
    Err(Fault::Unresolved)
}

#[cfg(test)]
#[allow(clippy::disallowed_methods, reason = "threads of tests may sleep")]
mod tests;
