//! Waiting with a deadline: the only place in black-box tests that sleeps.

use std::time::{Duration, Instant};

/// Pause between two looks.
const LOOK_EVERY: Duration = Duration::from_millis(5);
/// For everything that should be there at once: long enough for a loaded machine with two cores.
pub(crate) const SOON: Duration = Duration::from_secs(10);

/// Looks again and again until there is something.
///
/// # Panics
/// If nothing is there after [`SOON`].
pub(crate) fn until<T>(what: &str, look: impl FnMut() -> Option<T>) -> T {
    within(SOON, what, look)
}

/// [`until`] with a deadline of its own.
///
/// # Panics
/// If nothing is there in time.
pub(crate) fn within<T>(time: Duration, what: &str, mut look: impl FnMut() -> Option<T>) -> T {
    let begun = Instant::now();
    loop {
        if let Some(found) = look() {
            return found;
        }
        assert!(begun.elapsed() < time, "waited {time:?} in vain for {what}");
        std::thread::sleep(LOOK_EVERY);
    }
}

/// Lets time pass where the promise is that nothing happens meanwhile.
pub(crate) fn pass(time: Duration) {
    std::thread::sleep(time);
}
