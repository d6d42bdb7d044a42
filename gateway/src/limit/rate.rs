//! A rate as an operator writes it: `100/min`, `100/min:20`, or requests a minute and a burst.

use std::fmt;
use std::str::FromStr;

use crate::auth::scope::Roles;

/// How often, on average and at once.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Deserialize, serde::Serialize)]
#[serde(deny_unknown_fields)]
pub struct Rate {
    /// Requests a minute in the long run. 0 refuses everything.
    pub requests_per_minute: u32,
    /// Requests that may come at once. 0 counts as 1, since a request is a burst of one.
    pub burst: u32,
}

impl Rate {
    /// A rate with the burst that role tiers have: a tenth of a minute's requests, at least 1.
    #[must_use]
    pub fn per_minute(requests_per_minute: u32) -> Self {
        Self {
            requests_per_minute,
            burst: (requests_per_minute / 10).max(1),
        }
    }

    /// The tier of a caller: that of its highest role.
    #[must_use]
    pub fn of_tier(roles: Roles) -> Self {
        let (requests_per_minute, burst) = if roles.contains(Roles::CPI_ADMIN) {
            (1_000, 100)
        } else if roles.contains(Roles::TENANT_ADMIN) {
            (500, 50)
        } else if roles.contains(Roles::DEVOPS) {
            (200, 20)
        } else if roles.contains(Roles::VIEWER) {
            (60, 10)
        } else {
            (30, 5)
        };
        Self {
            requests_per_minute,
            burst,
        }
    }
}

/// Writes `100/min:10`, which is read back as the same rate.
impl fmt::Display for Rate {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}/min:{}", self.requests_per_minute, self.burst)
    }
}

/// Why a text is no rate.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RateError {
    /// Not `NUMBER/UNIT` or `NUMBER/UNIT:BURST`.
    #[error("expected a rate such as 100/min, 5/s, or 100/min:20 for a burst of 20")]
    Shape,
    /// The unit is none of ours.
    #[error("unknown unit {0:?}: expected s, min or h")]
    Unit(String),
    /// Less than one, or more than fits.
    #[error("a rate must come to 1 to {max} requests a minute, and its burst to at least 1", max = u32::MAX)]
    Range,
}

/// Reads `5/s`, `100/min`, `6000/h` (rounded up to whole requests a minute, so that a small rate does
/// not become none), each with an optional `:BURST`.
impl FromStr for Rate {
    type Err = RateError;

    fn from_str(text: &str) -> Result<Self, RateError> {
        let (rate, burst) = match text.split_once(':') {
            Some((rate, burst)) => (rate, Some(burst)),
            None => (text, None),
        };
        let (count, unit) = rate.split_once('/').ok_or(RateError::Shape)?;
        let count: u64 = count.trim().parse().map_err(|_| RateError::Shape)?;
        let per_minute = match unit.trim() {
            "s" | "sec" | "second" => count.saturating_mul(60),
            "m" | "min" | "minute" => count,
            "h" | "hour" => count.div_ceil(60),
            other => return Err(RateError::Unit(other.to_owned())),
        };
        let in_range = |number: u64| u32::try_from(number).ok().filter(|number| *number > 0);
        let mut rate = Self::per_minute(in_range(per_minute).ok_or(RateError::Range)?);
        if let Some(burst) = burst {
            let burst = burst.trim().parse().map_err(|_| RateError::Shape)?;
            rate.burst = in_range(burst).ok_or(RateError::Range)?;
        }
        Ok(rate)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rates_are_read() {
        let rate = |requests_per_minute, burst| {
            Ok(Rate {
                requests_per_minute,
                burst,
            })
        };
        for (text, expected) in [
            ("100/min", rate(100, 10)),
            ("10/s", rate(600, 60)),
            ("600/h", rate(10, 1)),
            ("10/h", rate(1, 1)),
            (" 7 / minute ", rate(7, 1)),
            ("100/min:25", rate(100, 25)),
            ("100000000/min", rate(100_000_000, 10_000_000)),
            ("4294967295/min", rate(u32::MAX, u32::MAX / 10)),
            ("4294967296/min", Err(RateError::Range)),
            ("0/min", Err(RateError::Range)),
            ("5/min:0", Err(RateError::Range)),
            ("18446744073709551615/s", Err(RateError::Range)),
            ("100", Err(RateError::Shape)),
            ("100/min:", Err(RateError::Shape)),
            ("-1/min", Err(RateError::Shape)),
            ("1.5/min", Err(RateError::Shape)),
            ("1/day", Err(RateError::Unit("day".to_owned()))),
        ] {
            assert_eq!(text.parse::<Rate>(), expected, "{text}");
            if let Ok(rate) = expected {
                assert_eq!(rate.to_string().parse(), Ok(rate));
            }
        }
    }

    #[test]
    fn tiers_are_those_of_the_documents() {
        for (roles, expected) in [
            (Roles::CPI_ADMIN, "1000/min:100"),
            (Roles::TENANT_ADMIN, "500/min:50"),
            (Roles::DEVOPS, "200/min:20"),
            (Roles::VIEWER, "60/min:10"),
            (Roles::NONE, "30/min:5"),
            (Roles::VIEWER.union(Roles::DEVOPS), "200/min:20"),
        ] {
            assert_eq!(Rate::of_tier(roles).to_string(), expected);
        }
    }
}
