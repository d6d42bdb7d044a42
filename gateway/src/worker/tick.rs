//! What a worker does twenty times a second beside serving: the only timer that every worker has.
//!
//! Control cannot wake a worker (the runtime's cross-thread waking costs every wait), so workers look:
//! at the published snapshot, at deadlines, at the drain.

use std::rc::Rc;
use std::time::Duration;

use super::core::Core;
use super::io::{self, AcceptStopper};

/// How often. Records must be in the spool's file within 100 ms: half for the worker, half for the spool.
const TICK_MS: u64 = crate::meter::WORKER_TICK_MS;
/// Every so many ticks, what need only be done once a second.
const TICKS_PER_SECOND: u32 = 20;

/// Runs until the worker ends.
pub async fn run(core: Rc<Core>, stopper: AcceptStopper) {
    let mut stopper = Some(stopper);
    let mut tick = 0u32;
    loop {
        io::sleep(Duration::from_millis(TICK_MS)).await;
        let now = core.clock.now();
        core.deadlines.sweep(now);
        if core.follow_publication() {
            core.streams.published();
        }
        core.hand_over();
        core.follow_clock();
        tick = tick.wrapping_add(1);
        if tick.is_multiple_of(TICKS_PER_SECOND) {
            core.streams.keep_alive(now);
            core.pools.sweep(now, &core.snapshot().upstreams);
        }
        if core.shared.phase.is_draining() {
            if let Some(stopper) = stopper.take() {
                stopper.stop();
            }
            core.streams.drain();
            core.deadlines.expire_idle();
        }
    }
}
