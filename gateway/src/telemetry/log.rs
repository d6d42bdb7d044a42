//! Logs of control and start, to standard error. Workers do not log: they count, and write access
//! lines ([`super::access`]).

use std::io::IsTerminal;

use tracing_subscriber::EnvFilter;

/// How a log line looks.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, clap::ValueEnum)]
pub enum LogFormat {
    /// One JSON object a line.
    #[default]
    Json,
    /// For a person at a terminal.
    Text,
}

/// Why logging could not be set up.
#[derive(Debug, thiserror::Error)]
pub enum LogError {
    /// The level is neither a level nor a filter.
    #[error(
        "log level {level:?}: {reason}; use error, warn, info, debug or trace, or a filter such as info,stoa_gateway=debug"
    )]
    Level {
        /// As configured.
        level: String,
        /// What is wrong with it.
        reason: String,
    },
    /// Something else in the process has already taken the logs.
    #[error("logging is already set up")]
    Taken,
}

/// Checks a level or filter, for `stoa-gateway check`.
///
/// # Errors
/// [`LogError::Level`].
pub fn parse_level(level: &str) -> Result<EnvFilter, LogError> {
    let invalid = |reason: String| LogError::Level {
        level: level.to_owned(),
        reason,
    };
    // A bare word that is no level would be taken for a target, and the log would be silent.
    let is_word = level.bytes().all(|byte| byte.is_ascii_alphanumeric());
    if is_word {
        level
            .parse::<tracing::Level>()
            .map_err(|error| invalid(error.to_string()))?;
    }
    EnvFilter::try_new(level).map_err(|error| invalid(error.to_string()))
}

/// Sets up logging for the process. To be called once, by `main`.
///
/// # Errors
/// [`LogError`].
pub fn init(format: LogFormat, level: &str) -> Result<(), LogError> {
    let builder = tracing_subscriber::fmt()
        .with_env_filter(parse_level(level)?)
        .with_writer(std::io::stderr);
    let result = match format {
        LogFormat::Json => builder
            .json()
            .flatten_event(true)
            .with_current_span(false)
            .with_span_list(false)
            .try_init(),
        LogFormat::Text => builder
            .with_ansi(std::io::stderr().is_terminal())
            .with_target(false)
            .try_init(),
    };
    result.map_err(|_| LogError::Taken)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_level_is_a_level_or_a_filter() {
        for right in [
            "info",
            "ERROR",
            "debug",
            "info,stoa_gateway=debug",
            "stoa_gateway::meter=trace",
        ] {
            assert!(parse_level(right).is_ok(), "{right}");
        }
        for wrong in ["", "verbose", "inf", "info,stoa_gateway=loud"] {
            let error = parse_level(wrong).unwrap_err().to_string();
            assert!(error.contains("use error, warn, info"), "{error}");
        }
    }

    #[test]
    fn logs_are_set_up_once() {
        let results = [
            init(LogFormat::Json, "error"),
            init(LogFormat::Text, "error"),
        ];
        assert!(matches!(results[1], Err(LogError::Taken)));
    }
}
