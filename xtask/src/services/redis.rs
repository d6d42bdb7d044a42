//! Redis, from the system's packages; the package's own daemon is never started.
//!
//! It writes each change to a log at once a second, so that a stop forgets nothing, as with the
//! other services.

use super::ports;
use super::service::{Place, Port, Service};
use crate::setup::{self, Group};
use anyhow::{Context, Result, bail};
use std::io::{Read, Write};
use std::process::Command;
use std::time::Duration;

pub(super) const REDIS: Service = Service {
    name: "redis",
    // Any Redis will do; limits use commands that all of them have.
    version: "system",
    needs: &[Group::Redis],
    artifact: None,
    ports: &[Port {
        number: PORT,
        what: "Redis",
    }],
    prepare,
    ready,
    start_within: Duration::from_secs(30),
    stop_within: Duration::from_secs(20),
};

const PORT: u16 = 16_379;
/// Time for a Redis on this machine to answer.
const ANSWER_WITHIN: Duration = Duration::from_secs(2);

fn prepare(place: &Place) -> Result<Command> {
    let mut command = Command::new(setup::place("redis-server")?);
    command
        .args(["--bind", "127.0.0.1", "--port"])
        .arg(PORT.to_string())
        .args(["--daemonize", "no", "--save", "", "--appendonly", "yes"])
        .arg("--dir")
        .arg(&place.state);
    Ok(command)
}

fn ready() -> Result<()> {
    let mut stream = ports::connect(PORT)?;
    stream.set_read_timeout(Some(ANSWER_WITHIN))?;
    stream.write_all(b"PING\r\n")?;
    let mut answer = [0; 7];
    stream
        .read_exact(&mut answer)
        .context("it listens and does not answer yet")?;
    pong(&answer)
}

fn pong(answer: &[u8; 7]) -> Result<()> {
    match answer {
        b"+PONG\r\n" => Ok(()),
        // While it reads its log it answers `-LOADING`.
        other => bail!("it answers {:?}", String::from_utf8_lossy(other)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_pong_is_ready() {
        assert!(pong(b"+PONG\r\n").is_ok());
        let error = pong(b"-LOADIN").expect_err("it still loads");
        assert!(error.to_string().contains("-LOADIN"), "{error}");
    }
}
