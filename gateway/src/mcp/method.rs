//! The methods this gateway answers, and in which era each exists.

use super::version::Era;
use crate::refusal::Refusal;

/// What a request asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Method {
    /// `initialize`.
    Initialize,
    /// `ping`.
    Ping,
    /// `logging/setLevel`.
    LoggingSetLevel,
    /// `tools/list`.
    ToolsList,
    /// `tools/call`.
    ToolsCall,
    /// `server/discover`.
    ServerDiscover,
    /// `subscriptions/listen`.
    SubscriptionsListen,
    /// Anything else.
    Unknown,
}

impl Method {
    /// The method of this name: exact, as names are case-sensitive.
    #[must_use]
    pub fn read(name: &str) -> Self {
        match name {
            "initialize" => Self::Initialize,
            "ping" => Self::Ping,
            "logging/setLevel" => Self::LoggingSetLevel,
            "tools/list" => Self::ToolsList,
            "tools/call" => Self::ToolsCall,
            "server/discover" => Self::ServerDiscover,
            "subscriptions/listen" => Self::SubscriptionsListen,
            _ => Self::Unknown,
        }
    }

    /// Its name, or `unknown`: a label from a bounded set, never what a caller sent.
    #[must_use]
    pub fn label(self) -> &'static str {
        match self {
            Self::Initialize => "initialize",
            Self::Ping => "ping",
            Self::LoggingSetLevel => "logging/setLevel",
            Self::ToolsList => "tools/list",
            Self::ToolsCall => "tools/call",
            Self::ServerDiscover => "server/discover",
            Self::SubscriptionsListen => "subscriptions/listen",
            Self::Unknown => "unknown",
        }
    }

    /// Whether requests of this era may use it.
    ///
    /// # Errors
    /// [`Refusal::MethodUnknown`] for a method that does not exist, or not in this era.
    pub fn check_era(self, era: Era) -> Result<(), Refusal> {
        let exists = match self {
            Self::ToolsList | Self::ToolsCall => true,
            Self::Initialize | Self::Ping | Self::LoggingSetLevel => era == Era::Legacy,
            Self::ServerDiscover | Self::SubscriptionsListen => era == Era::Modern,
            Self::Unknown => false,
        };
        if exists {
            Ok(())
        } else {
            Err(Refusal::MethodUnknown)
        }
    }
}

/// Whether `level` is one that `logging/setLevel` and `_meta` may name (the severities of RFC 5424).
#[must_use]
pub fn is_log_level(level: &str) -> bool {
    matches!(
        level,
        "debug" | "info" | "notice" | "warning" | "error" | "critical" | "alert" | "emergency"
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_method_exists_in_its_eras_only() {
        for (name, legacy, modern) in [
            ("initialize", true, false),
            ("ping", true, false),
            ("logging/setLevel", true, false),
            ("tools/list", true, true),
            ("tools/call", true, true),
            ("server/discover", false, true),
            ("subscriptions/listen", false, true),
            ("resources/subscribe", false, false),
            ("TOOLS/LIST", false, false),
            ("notifications/initialized", false, false),
            ("", false, false),
        ] {
            let method = Method::read(name);
            assert_eq!(method.check_era(Era::Legacy).is_ok(), legacy, "{name}");
            assert_eq!(method.check_era(Era::Modern).is_ok(), modern, "{name}");
            let label = if legacy || modern { name } else { "unknown" };
            assert_eq!(method.label(), label);
        }
    }

    #[test]
    fn log_levels() {
        assert!(is_log_level("debug") && is_log_level("emergency"));
        assert!(!is_log_level("DEBUG") && !is_log_level("warn") && !is_log_level(""));
    }
}
