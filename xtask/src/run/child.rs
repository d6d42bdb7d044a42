//! A process that we started: waited for, and stopped by its process id.

use std::io::{Read, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpStream};
use std::process::{Command, ExitStatus};
use std::time::Duration;

use anyhow::{Context, Result, bail};

use crate::process;

/// Pause between two looks.
const LOOK_EVERY: Duration = Duration::from_millis(20);
/// How long a stopped process may take before it is killed.
const STOP_WITHIN: Duration = Duration::from_secs(10);

/// A running process; stopped on drop.
pub(crate) struct Child {
    inner: std::process::Child,
    name: String,
}

impl Child {
    /// Starts a program.
    ///
    /// # Errors
    /// It is not there or cannot be started.
    pub(crate) fn start(mut command: Command) -> Result<Self> {
        let name = process::describe(&command);
        let inner = command
            .spawn()
            .with_context(|| format!("cannot start `{name}`"))?;
        Ok(Self { inner, name })
    }

    /// Its process id.
    pub(crate) fn id(&self) -> u32 {
        self.inner.id()
    }

    /// Waits for its end.
    ///
    /// # Errors
    /// As waitpid(2).
    pub(crate) fn wait(&mut self) -> Result<ExitStatus> {
        Ok(self.inner.wait()?)
    }

    /// An error if it has ended already.
    ///
    /// # Errors
    /// It has ended.
    pub(crate) fn check_alive(&mut self) -> Result<()> {
        match self.inner.try_wait()? {
            None => Ok(()),
            Some(status) => bail!(
                "`{}` ended with {status}; its messages are above",
                self.name
            ),
        }
    }

    /// SIGTERM, then SIGKILL for one that does not go.
    pub(crate) fn stop(&mut self) {
        // kill(1) rather than a crate for one system call.
        let _ = Command::new("kill").arg(self.id().to_string()).status();
        let begun = process::now();
        while begun.elapsed() < STOP_WITHIN {
            if !matches!(self.inner.try_wait(), Ok(None)) {
                return;
            }
            pause();
        }
        let _ = self.inner.kill();
        let _ = self.inner.wait();
    }
}

impl Drop for Child {
    fn drop(&mut self) {
        if matches!(self.inner.try_wait(), Ok(None)) {
            self.stop();
        }
    }
}

/// Waits until `/ready` answers 200 and tells how long that took.
///
/// # Errors
/// The process ended, or the time is over.
pub(crate) fn wait_until_ready(child: &mut Child, port: u16, within: Duration) -> Result<Duration> {
    let begun = process::now();
    while begun.elapsed() < within {
        child.check_alive()?;
        if get(port, "/ready").is_some_and(|answer| answer.starts_with("HTTP/1.1 200")) {
            return Ok(begun.elapsed());
        }
        std_sleep(Duration::from_millis(2));
    }
    let answer = get(port, "/ready").unwrap_or_else(|| "no answer".to_owned());
    bail!(
        "the gateway on port {port} is not ready after {} s: {answer}",
        within.as_secs()
    )
}

/// A plain GET on loopback; `None` when nobody answers.
pub(crate) fn get(port: u16, path: &str) -> Option<String> {
    let address = SocketAddr::from((Ipv4Addr::LOCALHOST, port));
    let mut stream = TcpStream::connect_timeout(&address, Duration::from_secs(1)).ok()?;
    stream.set_read_timeout(Some(Duration::from_secs(5))).ok()?;
    write!(
        stream,
        "GET {path} HTTP/1.1\r\nhost: 127.0.0.1\r\nconnection: close\r\n\r\n"
    )
    .ok()?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer).ok()?;
    Some(answer)
}

/// Waits a moment between two looks.
pub(crate) fn pause() {
    std_sleep(LOOK_EVERY);
}

fn std_sleep(duration: Duration) {
    #[allow(clippy::disallowed_methods, reason = "xtask has no data path to block")]
    std::thread::sleep(duration);
}
