//! The programs' messages in our log, under the target `stoa_gateway::kernel::program`.

use aya_log::EbpfLogger;
use log::{Level, Log, Metadata, Record};
use tokio::io::Interest;
use tokio::io::unix::AsyncFd;

/// Hands what aya-log reads from the ring over to `tracing`.
#[derive(Debug)]
pub(super) struct Bridge;

impl Log for Bridge {
    fn enabled(&self, _: &Metadata<'_>) -> bool {
        true
    }

    fn log(&self, record: &Record<'_>) {
        // A tracing event's level is part of its static description, hence one call for each.
        macro_rules! forward {
            ($level:ident) => {
                tracing::$level!(target: "stoa_gateway::kernel::program", "{}", record.args())
            };
        }
        match record.level() {
            Level::Error => forward!(error),
            Level::Warn => forward!(warn),
            Level::Info => forward!(info),
            Level::Debug => forward!(debug),
            Level::Trace => forward!(trace),
        }
    }

    fn flush(&self) {}
}

/// The programs' messages, waiting in a ring of 128 KiB. What does not fit is lost, not waited for.
pub struct Messages {
    logger: EbpfLogger<Bridge>,
}

impl std::fmt::Debug for Messages {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str("Messages")
    }
}

impl Messages {
    pub(super) fn new(logger: EbpfLogger<Bridge>) -> Self {
        Self { logger }
    }

    /// Logs messages as they come, for ever. Runs on the control thread's runtime.
    pub async fn forward(self) {
        #[allow(
            unsafe_code,
            reason = "the safe constructor is deprecated in favour of this one"
        )]
        // SAFETY: the logger owns its descriptor and keeps it open as long as it lives, and the
        // ring owns the logger.
        let ring = unsafe { AsyncFd::register_with_interest(self.logger, Interest::READABLE) };
        let mut ring = match ring {
            Ok(ring) => ring,
            Err(error) => {
                tracing::warn!("messages of kernel programs cannot be read: {error}");
                return;
            }
        };
        loop {
            match ring.readable_mut().await {
                Ok(mut ready) => {
                    ready.get_inner_mut().flush();
                    ready.clear_ready();
                }
                Err(error) => {
                    tracing::warn!("messages of kernel programs cannot be read: {error}");
                    return;
                }
            }
        }
    }
}

/// The level from which on the programs write messages at all: what the log would drop anyway is
/// not even formatted in the kernel.
pub(super) fn level() -> u8 {
    let level = if tracing::enabled!(target: "stoa_gateway::kernel::program", tracing::Level::DEBUG)
    {
        aya_log::Level::Debug
    } else {
        aya_log::Level::Info
    };
    level as u8
}
