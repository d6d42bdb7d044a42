//! From the text of a setting to its value. Errors are sentences without the setting's name, which
//! the caller adds; those of secrets do not repeat the text.

use std::net::{IpAddr, Ipv4Addr};
use std::str::FromStr;

use ipnet::IpNet;

use super::super::spec::{RateSpec, networks};

/// A number of any integer type.
///
/// # Errors
/// What is no number, or does not fit.
pub fn number<T: FromStr>(text: &str) -> Result<T, String> {
    text.trim()
        .replace('_', "")
        .parse()
        .map_err(|_| format!("`{text}` is no number that fits here"))
}

/// A number that is at least 1.
///
/// # Errors
/// As [`number`], and zero.
pub fn positive<T: FromStr + PartialOrd + From<u8>>(text: &str) -> Result<T, String> {
    let value: T = number(text)?;
    if value < T::from(1) {
        Err("must be at least 1".into())
    } else {
        Ok(value)
    }
}

/// A number of bytes: `1048576`, `1MiB`, `64KiB`, `1GiB`.
///
/// # Errors
/// What is no such number, and zero.
pub fn bytes(text: &str) -> Result<u64, String> {
    let trimmed = text.trim();
    let (digits, shift) = [("KiB", 10), ("MiB", 20), ("GiB", 30), ("TiB", 40)]
        .iter()
        .find_map(|(unit, shift)| trimmed.strip_suffix(unit).map(|rest| (rest, *shift)))
        .unwrap_or((trimmed, 0));
    let count: u64 = positive(digits)
        .map_err(|_| format!("`{text}` is no number of bytes; write `4194304` or `4MiB`"))?;
    count
        .checked_mul(1 << shift)
        .ok_or_else(|| format!("`{text}` is too much"))
}

/// Milliseconds, at least 1: `1500`, `30s`.
///
/// # Errors
/// What is no such time, and zero.
pub fn milliseconds(text: &str) -> Result<u64, String> {
    if let Ok(ms) = positive::<u64>(text) {
        return Ok(ms);
    }
    let ms = humantime::parse_duration(text.trim())
        .ok()
        .map(|duration| duration.as_millis());
    ms.and_then(|ms| u64::try_from(ms).ok())
        .filter(|ms| *ms > 0)
        .ok_or_else(|| format!("`{text}` is no time; write milliseconds, or `30s`"))
}

/// `true` or `false`, and what people write for them in environments.
///
/// # Errors
/// Anything else.
pub fn switch(text: &str) -> Result<bool, String> {
    match text.trim().to_ascii_lowercase().as_str() {
        "1" | "on" | "true" | "yes" => Ok(true),
        "0" | "false" | "no" | "off" => Ok(false),
        _ => Err(format!("`{text}` is neither `true` nor `false`")),
    }
}

/// An address to listen on.
///
/// # Errors
/// What is no address. Names are not looked up.
pub fn address(text: &str) -> Result<IpAddr, String> {
    let bare = text.trim().trim_start_matches('[').trim_end_matches(']');
    if bare.eq_ignore_ascii_case("localhost") {
        return Ok(IpAddr::V4(Ipv4Addr::LOCALHOST));
    }
    bare.parse()
        .map_err(|_| format!("`{text}` is no IP address; write `0.0.0.0`, `::` or `127.0.0.1`"))
}

/// Words separated by commas.
///
/// # Errors
/// None; the signature is that of the others.
pub fn words(text: &str) -> Result<Vec<String>, String> {
    Ok(text
        .split(',')
        .map(str::trim)
        .filter(|word| !word.is_empty())
        .map(str::to_owned)
        .collect())
}

/// Address ranges separated by commas.
///
/// # Errors
/// The first that is none.
pub fn ranges(text: &str) -> Result<Vec<IpNet>, String> {
    words(text)?
        .iter()
        .map(|word| networks::parse(word))
        .collect()
}

/// `name=rate` pairs separated by commas.
///
/// # Errors
/// The first that is none, and a name given twice.
pub fn rates(text: &str) -> Result<Vec<(String, RateSpec)>, String> {
    let pairs = pairs(text)?.into_iter();
    pairs
        .map(|(name, rate)| Ok((name, RateSpec::parse(&rate)?)))
        .collect()
}

/// `name=value` pairs separated by commas.
///
/// # Errors
/// The first that is none, and a name given twice.
pub fn pairs(text: &str) -> Result<Vec<(String, String)>, String> {
    let mut pairs: Vec<(String, String)> = Vec::new();
    for word in words(text)? {
        let (name, value) = word
            .split_once('=')
            .ok_or_else(|| format!("`{word}` is no `name=value`"))?;
        let name = name.trim().to_owned();
        if pairs.iter().any(|(known, _)| *known == name) {
            return Err(format!("`{name}` is given twice"));
        }
        pairs.push((name, value.trim().to_owned()));
    }
    Ok(pairs)
}

/// A number from 0 to a million, as prices are.
///
/// # Errors
/// Anything else.
pub fn amount(text: &str) -> Result<f64, String> {
    number::<f64>(text)
        .ok()
        .filter(|value| (0.0..=1e6).contains(value))
        .ok_or_else(|| {
            format!("`{text}` is no amount; write a number from 0 to 1000000, like `0.001`")
        })
}

/// One of a few words.
///
/// # Errors
/// Any other word, with all that are known.
pub fn one_of<T: Copy>(text: &str, known: &[(&str, T)]) -> Result<T, String> {
    known
        .iter()
        .find(|(word, _)| word.eq_ignore_ascii_case(text.trim()))
        .map(|(_, value)| *value)
        .ok_or_else(|| {
            let words: Vec<_> = known.iter().map(|(word, _)| *word).collect();
            format!("`{text}` is none of {}", words.join(", "))
        })
}

#[cfg(test)]
mod tests {
    use std::fmt::Debug;

    use super::*;

    fn check<T: Debug>(parse: impl Fn(&str) -> Result<T, String>, cases: &[(&str, Option<&str>)]) {
        for (text, expected) in cases {
            let found = parse(text).ok().map(|value| format!("{value:?}"));
            assert_eq!(found.as_deref(), *expected, "{text}");
        }
    }

    #[test]
    fn numbers() {
        check(
            number::<u16>,
            &[
                ("3001", Some("3001")),
                ("0", Some("0")),
                ("65536", None),
                ("-1", None),
                ("", None),
            ],
        );
        check(
            positive::<u32>,
            &[("1", Some("1")), ("1_000", Some("1000")), ("0", None)],
        );
        check(
            bytes,
            &[
                ("10", Some("10")),
                ("4MiB", Some("4194304")),
                ("1 GiB", Some("1073741824")),
                ("0", None),
                ("4MB", None),
                ("99999999TiB", None),
            ],
        );
        check(
            milliseconds,
            &[
                ("1500", Some("1500")),
                ("30s", Some("30000")),
                ("0", None),
                ("0s", None),
                ("fast", None),
            ],
        );
        check(
            amount,
            &[
                ("0.001", Some("0.001")),
                ("0", Some("0.0")),
                ("-1", None),
                ("NaN", None),
                ("inf", None),
            ],
        );
    }

    #[test]
    fn words_and_pairs() {
        check(
            switch,
            &[
                ("true", Some("true")),
                ("Off", Some("false")),
                ("1", Some("true")),
                ("maybe", None),
            ],
        );
        check(
            address,
            &[
                ("localhost", Some("127.0.0.1")),
                ("::1", Some("::1")),
                ("[::]", Some("::")),
                ("example.com", None),
            ],
        );
        check(
            words,
            &[("a, b,,c", Some("[\"a\", \"b\", \"c\"]")), ("", Some("[]"))],
        );
        check(
            ranges,
            &[
                ("10.0.0.0/8,::1", Some("[10.0.0.0/8, ::1/128]")),
                ("10.0.0.0/33", None),
            ],
        );
        check(
            rates,
            &[
                (
                    "a=1/min:2",
                    Some("[(\"a\", RateSpec { requests_per_minute: 1, burst: Some(2) })]"),
                ),
                ("a", None),
                ("a=1/min,a=2/min", None),
                ("a=x", None),
            ],
        );
        check(
            |text| one_of(text, &[("json", 1), ("text", 2)]),
            &[("JSON", Some("1")), ("xml", None)],
        );
    }
}
