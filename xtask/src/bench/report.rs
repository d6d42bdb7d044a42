//! Figures beside their bars, as a table.

use std::fmt;
use std::fs;

use anyhow::{Context, Result, bail};

use crate::{process, workspace};

/// Median with the least and the most.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Spread {
    pub(super) median: f64,
    pub(super) least: f64,
    pub(super) most: f64,
}

impl Spread {
    /// Of at least one value.
    pub(super) fn of(values: &[f64]) -> Self {
        let mut sorted = values.to_vec();
        sorted.sort_by(f64::total_cmp);
        let at = |index: usize| sorted.get(index).copied().unwrap_or(f64::NAN);
        let middle = sorted.len() / 2;
        let median = if sorted.len().is_multiple_of(2) {
            (at(middle.wrapping_sub(1)) + at(middle)) / 2.0
        } else {
            at(middle)
        };
        Self {
            median,
            least: at(0),
            most: at(sorted.len().saturating_sub(1)),
        }
    }
}

impl fmt::Display for Spread {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            formatter,
            "{:.2} ({:.2}–{:.2})",
            self.median, self.least, self.most
        )
    }
}

/// One figure and what it must not exceed.
pub(super) struct Bar {
    pub(super) name: String,
    pub(super) measured: Spread,
    pub(super) unit: &'static str,
    pub(super) max: f64,
    pub(super) detail: String,
}

impl Bar {
    fn holds(&self) -> bool {
        self.measured.median <= self.max
    }
}

/// All figures.
#[derive(Default)]
pub(super) struct Report {
    bars: Vec<Bar>,
}

impl Report {
    /// Adds a figure and prints it.
    pub(super) fn add(&mut self, bar: Bar) {
        println!(
            "{}: {} {} (bar {})",
            bar.name, bar.measured, bar.unit, bar.max
        );
        self.bars.push(bar);
    }

    /// The table for people.
    pub(super) fn table(&self, rounds: usize, seconds: u64) -> String {
        let mut text = format!(
            "Medians of {rounds} rounds of {seconds} s, least and most in brackets. {}\n\n\
             | what | measured | bar | | detail |\n|---|---|---|---|---|\n",
            machine()
        );
        for bar in &self.bars {
            let mark = if bar.holds() { "holds" } else { "**missed**" };
            text += &format!(
                "| {} | {} {} | ≤ {} {} | {mark} | {} |\n",
                bar.name, bar.measured, bar.unit, bar.max, bar.unit, bar.detail
            );
        }
        text
    }

    /// An error that names what was missed.
    pub(super) fn verdict(&self) -> Result<()> {
        let missed: Vec<&str> = self
            .bars
            .iter()
            .filter(|bar| !bar.holds())
            .map(|bar| bar.name.as_str())
            .collect();
        if !missed.is_empty() {
            bail!("missed: {}", missed.join("; "));
        }
        Ok(())
    }
}

/// Date, kernel, processors: a figure without them means nothing.
fn machine() -> String {
    let say = |program: &str, arguments: &[&str]| {
        process::capture(std::process::Command::new(program).args(arguments)).unwrap_or_default()
    };
    let processors = std::thread::available_parallelism().map_or(0, usize::from);
    format!(
        "{}, Linux {}, {processors} processors (shared machine).",
        say("date", &["-u", "+%Y-%m-%d"]),
        say("uname", &["-r"])
    )
}

/// Begins the generated part of `bench/README.md`.
const BEGIN: &str = "<!-- table: cargo xtask bench --write -->";
/// Ends it.
const END: &str = "<!-- end of table -->";

/// Puts the table between the two marks of `bench/README.md`.
pub(super) fn write_readme(table: &str) -> Result<()> {
    let path = workspace::root().join("bench/README.md");
    let text =
        fs::read_to_string(&path).with_context(|| format!("cannot read {}", path.display()))?;
    let (Some(begin), Some(end)) = (text.find(BEGIN), text.find(END)) else {
        bail!("{} lacks the marks `{BEGIN}` and `{END}`", path.display());
    };
    let written = format!("{}{BEGIN}\n{table}{}", &text[..begin], &text[end..]);
    Ok(fs::write(path, written)?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spreads() {
        let spread = Spread::of(&[3.0, 1.0, 2.0]);
        assert_eq!((spread.median, spread.least, spread.most), (2.0, 1.0, 3.0));
        assert_eq!(Spread::of(&[1.0, 2.0]).median, 1.5);
    }

    #[test]
    fn a_missed_bar_is_an_error_that_names_it() {
        let mut report = Report::default();
        let bar = |name: &str, value| Bar {
            name: name.into(),
            measured: Spread::of(&[value]),
            unit: "×",
            max: 1.0,
            detail: String::new(),
        };
        report.add(bar("fine", 1.0));
        assert!(report.verdict().is_ok());
        report.add(bar("slow", 1.01));
        assert!(
            report
                .verdict()
                .expect_err("missed")
                .to_string()
                .contains("slow")
        );
        assert!(report.table(5, 4).contains("**missed**"));
    }
}
