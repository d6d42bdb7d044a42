//! Reading ahead: while a call is under way, its connection already reads.
//!
//! That read is the one the next request needs anyway, so it costs nothing; and it is how a worker
//! learns that the caller has gone, so that the upstream's work can be cancelled. Of a caller that has sent
//! its next request already nothing more is read: the worker's tick looks whether it is still there.

use std::future::poll_fn;
use std::io;
use std::pin::Pin;
use std::task::Poll;

use super::deadline::Deadline;

/// What a read gave: the result and the buffer with what arrived.
pub type Read = (io::Result<usize>, Vec<u8>);

/// How [`race`] ended.
#[derive(Debug, PartialEq, Eq)]
pub enum Raced<T> {
    /// The work is done.
    Done(T),
    /// The caller closed its side first; the work was not finished.
    Gone,
}

/// Polls `work` to its end while `read` is pending. When `read` completes first with bytes (a pipelined
/// request), they are kept in `early` and the work goes on while the caller stays; at the end of the stream
/// it does not. `deadline` is the connection's.
pub async fn race<T>(
    mut work: Pin<&mut impl Future<Output = T>>,
    mut read: Pin<&mut impl Future<Output = Read>>,
    early: &mut Option<Read>,
    deadline: &Deadline,
) -> Raced<T> {
    let raced = poll_fn(|context| {
        if let Poll::Ready(value) = work.as_mut().poll(context) {
            return Poll::Ready(Raced::Done(value));
        }
        if early.is_none()
            && let Poll::Ready(result) = read.as_mut().poll(context)
        {
            let gone = !matches!(result.0, Ok(1..));
            *early = Some(result);
            if gone {
                return Poll::Ready(Raced::Gone);
            }
        }
        if early.is_some() && deadline.has_left(context.waker()) {
            return Poll::Ready(Raced::Gone);
        }
        Poll::Pending
    })
    .await;
    if early.is_some() {
        deadline.stay();
    }
    raced
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::worker::deadline::Deadlines;
    use std::future::{pending, ready};
    use std::pin::pin;
    use std::task::{Context, Waker};

    fn poll_once<T>(future: impl Future<Output = T>) -> Poll<T> {
        pin!(future)
            .as_mut()
            .poll(&mut Context::from_waker(Waker::noop()))
    }

    /// Of no socket: nobody leaves it.
    fn nowhere() -> std::rc::Rc<Deadline> {
        Deadlines::default().watch(-1)
    }

    #[test]
    fn finished_work_wins_and_leaves_the_read_alone() {
        let mut early = None;
        let raced = poll_once(race(
            pin!(ready(7)),
            pin!(ready((Ok(0), Vec::new()))),
            &mut early,
            &nowhere(),
        ));
        assert_eq!(raced, Poll::Ready(Raced::Done(7)));
        assert!(early.is_none());
    }

    #[test]
    fn bytes_are_kept_and_the_work_goes_on() {
        let mut early = None;
        let raced = poll_once(race(
            pin!(pending::<()>()),
            pin!(ready((Ok(3), b"GET".to_vec()))),
            &mut early,
            &nowhere(),
        ));
        assert_eq!(raced, Poll::Pending);
        assert_eq!(early.unwrap().1, b"GET");
    }

    #[test]
    fn the_end_of_the_stream_or_an_error_ends_the_work() {
        for read in [Ok(0), Err(io::ErrorKind::ConnectionReset.into())] {
            let mut early = None;
            let raced = poll_once(race(
                pin!(pending::<()>()),
                pin!(ready((read, Vec::new()))),
                &mut early,
                &nowhere(),
            ));
            assert_eq!(raced, Poll::Ready(Raced::Gone));
        }
    }
}
