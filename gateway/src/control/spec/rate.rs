//! A rate limit as it is written: `{requestsPerMinute, burst}` or `"100/min"`.

use serde::de::{Error as _, MapAccess, Visitor};
use serde::{Deserialize, Deserializer, Serialize};

use crate::limit::Rate;

/// So many requests a minute, and so many at once.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct RateSpec {
    /// Requests per minute, at least 1.
    pub requests_per_minute: u32,
    /// Requests at once, at least 1; what [`Rate::per_minute`] gives where absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub burst: Option<u32>,
}

impl RateSpec {
    /// The rate in force.
    #[must_use]
    pub fn rate(self) -> Rate {
        let rate = Rate::per_minute(self.requests_per_minute);
        Rate {
            burst: self.burst.unwrap_or(rate.burst),
            ..rate
        }
    }

    /// Reads `100/min`, `5/s`, `1000/h` or a bare `100` (a minute), each with an optional
    /// `:burst`, as in `100/min:20`.
    ///
    /// # Errors
    /// A sentence for the person who wrote it.
    pub fn parse(text: &str) -> Result<Self, String> {
        let fail =
            || format!("`{text}` is no rate; write `100/min`, `5/s` or `100/min:20` (burst 20)");
        let (rate, burst) = match text.split_once(':') {
            Some((rate, burst)) => (rate, Some(burst.trim().parse().map_err(|_| fail())?)),
            None => (text, None),
        };
        let (count, unit) = rate.split_once('/').unwrap_or((rate, "min"));
        let count: u32 = count.trim().parse().map_err(|_| fail())?;
        let requests_per_minute = match unit.trim() {
            "s" | "sec" | "second" => count.checked_mul(60).ok_or_else(fail)?,
            "m" | "min" | "minute" => count,
            // Rounded up, so that a small hourly rate never becomes none at all.
            "h" | "hour" => count.div_ceil(60),
            _ => return Err(fail()),
        };
        Self {
            requests_per_minute,
            burst,
        }
        .checked()
    }

    fn checked(self) -> Result<Self, String> {
        if self.requests_per_minute == 0 || self.burst == Some(0) {
            return Err(
                "a rate and its burst are at least 1; disable the tool with `enabled: false`"
                    .into(),
            );
        }
        Ok(self)
    }
}

impl<'de> Deserialize<'de> for RateSpec {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        from.deserialize_any(RateVisitor)
    }
}

struct RateVisitor;

impl<'de> Visitor<'de> for RateVisitor {
    type Value = RateSpec;

    fn expecting(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        out.write_str("`{requestsPerMinute, burst}` or a text like `100/min`")
    }

    fn visit_str<E: serde::de::Error>(self, text: &str) -> Result<RateSpec, E> {
        RateSpec::parse(text).map_err(E::custom)
    }

    fn visit_u64<E: serde::de::Error>(self, count: u64) -> Result<RateSpec, E> {
        let requests_per_minute = u32::try_from(count).map_err(E::custom)?;
        RateSpec {
            requests_per_minute,
            burst: None,
        }
        .checked()
        .map_err(E::custom)
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<RateSpec, A::Error> {
        const FIELDS: &[&str] = &["requestsPerMinute", "burst"];
        let mut requests_per_minute = None;
        let mut burst = None;
        while let Some(key) = map.next_key::<String>()? {
            match key.as_str() {
                "requestsPerMinute" | "requests_per_minute" => {
                    requests_per_minute = Some(map.next_value()?);
                }
                "burst" => burst = map.next_value()?,
                _ => return Err(A::Error::unknown_field(&key, FIELDS)),
            }
        }
        RateSpec {
            requests_per_minute: requests_per_minute
                .ok_or_else(|| A::Error::missing_field("requestsPerMinute"))?,
            burst,
        }
        .checked()
        .map_err(A::Error::custom)
    }
}
