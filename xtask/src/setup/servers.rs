//! What the services of `cargo xtask services` run on or are built with.

use super::system::{Machine, place};
use crate::process;
use anyhow::{Context, Result, bail};
use std::process::Command;

/// The oldest that Kafka 4 and Keycloak 26 run on.
const JAVA_MAJOR_MIN: u32 = 17;
/// The oldest that fetches a newer Go where a module asks for one.
const GO_MIN: (u32, u32) = (1, 21);

/// Java, if it is new enough.
///
/// # Errors
/// If not.
pub(super) fn find_java(_: &Machine) -> Result<String> {
    // `-version`, with one hyphen, would write to standard error.
    let said = process::capture(Command::new(place("java")?).arg("--version"))?;
    let (major, _) = version(&said).with_context(|| format!("no version in `{said}`"))?;
    if major < JAVA_MAJOR_MIN {
        bail!("Java is {major}, wanted {JAVA_MAJOR_MIN} or newer");
    }
    Ok(first_line(&said))
}

/// Go, if it is new enough.
///
/// # Errors
/// If not.
pub(super) fn find_go(_: &Machine) -> Result<String> {
    let said = process::capture(Command::new(place("go")?).arg("version"))?;
    let found = version(&said).with_context(|| format!("no version in `{said}`"))?;
    if found < GO_MIN {
        bail!("{said}, wanted {}.{} or newer", GO_MIN.0, GO_MIN.1);
    }
    Ok(first_line(&said))
}

fn first_line(text: &str) -> String {
    text.lines().next().unwrap_or_default().to_owned()
}

/// The first two numbers of the first version in a text; the second is 0 where there is one only.
fn version(text: &str) -> Option<(u32, u32)> {
    let word = text
        .split_whitespace()
        .map(|word| word.trim_start_matches("go"))
        .find(|word| word.starts_with(|first: char| first.is_ascii_digit()))?;
    let mut numbers = word.split(|letter: char| !letter.is_ascii_digit());
    let major = numbers.next()?.parse().ok()?;
    let minor = numbers.next().and_then(|number| number.parse().ok());
    Some((major, minor.unwrap_or(0)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_are_found_in_what_programs_say() {
        let check = |text, expected| assert_eq!(version(text), expected, "{text}");
        check("openjdk 17.0.15 2025-04-15\nOpenJDK Runtime", Some((17, 0)));
        check("openjdk 25 2025-09-16", Some((25, 0)));
        check("java 21-ea 2023-09-19", Some((21, 0)));
        check("go version go1.26.8 linux/amd64", Some((1, 26)));
        check("go version go1.19 linux/amd64", Some((1, 19)));
        check("go version devel", None);
        check("", None);
    }
}
