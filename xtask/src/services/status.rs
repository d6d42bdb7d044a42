//! The table of `cargo xtask services status`.

use super::daemon::Daemon;
use super::ports::{self, Holder};
use super::service::{self, Service};
use crate::setup;
use std::time::Duration;

/// What is seen of a service from outside.
enum State {
    /// It answers.
    Ready(Daemon),
    /// It runs and does not answer, for this reason.
    NotReady(Daemon, String),
    /// It does not run, and somebody else listens on this port of it.
    Blocked(u16, Holder),
    Stopped,
    NotInstalled,
}

/// Prints a row for each service, and below the table what needs more words.
pub(super) fn print(chosen: &[&'static Service]) {
    println!(
        "{:<9} {:<8} {:<13} {:>7} {:>9} {:>7}  ADDRESSES",
        "SERVICE", "VERSION", "STATE", "PID", "MEMORY", "UP"
    );
    let mut remarks = Vec::new();
    for service in chosen {
        let state = look(service);
        println!("{}", row(service, &state));
        remarks.extend(remark(service, &state));
    }
    for remark in remarks {
        println!("{remark}");
    }
    println!(
        "State, logs and process ids: {}. Installed: {}.",
        service::states().display(),
        service::installations().display()
    );
}

fn look(service: &Service) -> State {
    if let Some(daemon) = Daemon::find(&service.state()) {
        return match (service.ready)() {
            Ok(()) => State::Ready(daemon),
            Err(reason) => State::NotReady(daemon, format!("{reason:#}")),
        };
    }
    let taken = service
        .ports
        .iter()
        .find(|port| matches!(ports::is_free(port.number), Ok(false)));
    if let Some(port) = taken {
        return State::Blocked(port.number, ports::holder(port.number));
    }
    if is_installed(service) {
        State::Stopped
    } else {
        State::NotInstalled
    }
}

fn is_installed(service: &Service) -> bool {
    match service.artifact {
        Some(_) => service.place().installed.is_dir(),
        None => service.needs.iter().all(|group| setup::is_there(*group)),
    }
}

fn row(service: &Service, state: &State) -> String {
    let (word, daemon) = match state {
        State::Ready(daemon) => ("ready", Some(daemon)),
        State::NotReady(daemon, _) => ("not ready", Some(daemon)),
        State::Blocked(..) => ("port taken", None),
        State::Stopped => ("stopped", None),
        State::NotInstalled => ("not installed", None),
    };
    let blank = || "-".to_owned();
    format!(
        "{:<9} {:<8} {word:<13} {:>7} {:>9} {:>7}  {}",
        service.name,
        service.version,
        daemon.map_or_else(blank, |daemon| daemon.pid().to_string()),
        daemon.map_or_else(blank, |daemon| mebibytes(daemon.memory_bytes())),
        daemon.and_then(Daemon::age).map_or_else(blank, age),
        service.addresses()
    )
}

fn remark(service: &Service, state: &State) -> Option<String> {
    let name = service.name;
    match state {
        State::NotReady(_, reason) => Some(format!("{name}: {reason}")),
        State::Blocked(port, holder) => Some(format!("{name}: port {port} is taken by {holder}")),
        State::Ready(_) | State::Stopped | State::NotInstalled => None,
    }
}

fn mebibytes(bytes: u64) -> String {
    format!("{} MiB", bytes.div_ceil(1024 * 1024))
}

/// A duration in its largest unit: what a person wants to know of a server.
fn age(time: Duration) -> String {
    let seconds = time.as_secs();
    match seconds {
        0..120 => format!("{seconds} s"),
        120..7200 => format!("{} min", seconds / 60),
        7200..172_800 => format!("{} h", seconds / 3600),
        _ => format!("{} d", seconds / 86_400),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_age_has_one_unit() {
        let check = |seconds, expected| assert_eq!(age(Duration::from_secs(seconds)), expected);
        check(0, "0 s");
        check(119, "119 s");
        check(120, "2 min");
        check(7199, "119 min");
        check(7200, "2 h");
        check(172_800, "2 d");
    }

    #[test]
    fn memory_is_never_shown_as_nothing() {
        assert_eq!(mebibytes(1), "1 MiB");
        assert_eq!(mebibytes(450 * 1024 * 1024), "450 MiB");
    }

    #[test]
    fn each_state_has_its_row_and_its_remark() {
        let service = super::super::SERVICES[0];
        let row = row(service, &State::Stopped);
        assert!(row.starts_with(service.name), "{row}");
        assert!(
            row.contains("stopped") && row.contains("127.0.0.1:"),
            "{row}"
        );
        assert!(remark(service, &State::Stopped).is_none());
        let blocked = State::Blocked(18_080, Holder::Unknown);
        let text = remark(service, &blocked).expect("a reason");
        assert!(text.contains("18080"), "{text}");
        assert!(super::row(service, &blocked).contains("port taken"));
    }
}
