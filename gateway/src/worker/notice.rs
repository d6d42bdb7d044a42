//! What a worker wants an operator to read: handed to control, which logs it.
//!
//! A worker never writes to a log: standard error may be a pipe whose reader has stopped. Over the bound
//! notices are dropped and counted, so a failing upstream cannot flood the log either.

use std::sync::mpsc::{Receiver, SyncSender, sync_channel};

use crate::limits::NOTICES_MAX;

/// One line for the log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Notice {
    /// What it is about: an upstream's key, a tool's name.
    pub subject: String,
    /// What happened.
    pub message: String,
    /// The call, where there is one.
    pub request_id: String,
}

/// The workers' end.
pub type Notices = SyncSender<Notice>;

/// Both ends.
#[must_use]
pub fn channel() -> (Notices, Receiver<Notice>) {
    sync_channel(NOTICES_MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_past_the_bound_is_dropped_and_nobody_waits() {
        let (notices, receiver) = channel();
        let notice = Notice {
            subject: "a".into(),
            message: "b".into(),
            request_id: "c".into(),
        };
        for _ in 0..NOTICES_MAX {
            assert!(notices.try_send(notice.clone()).is_ok());
        }
        assert!(notices.try_send(notice).is_err());
        assert_eq!(receiver.try_iter().count(), NOTICES_MAX);
    }
}
