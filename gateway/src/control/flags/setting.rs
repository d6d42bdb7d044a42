//! The flags of settings, made from the table: one for each row, none by hand.

use std::collections::BTreeMap;
use std::fmt::Debug;
use std::marker::PhantomData;
use std::path::PathBuf;

use clap::{Arg, ArgAction, ArgMatches, Args, Command, FromArgMatches};

use super::Given;
use crate::control::settings::rows::{self, ABSENT, Kind, Row};

/// Which settings a command knows.
pub trait Pick: Debug + 'static {
    /// Whether the command takes this one.
    fn takes(row: &Row) -> bool;
}

/// All settings.
#[derive(Debug)]
pub struct Picked;

/// Those that `events` needs.
#[derive(Debug)]
pub struct ForSpool;

impl Pick for Picked {
    fn takes(_: &Row) -> bool {
        true
    }
}

impl Pick for ForSpool {
    fn takes(row: &Row) -> bool {
        row.key == "spool"
    }
}

/// Flags of the settings that `P` picks, with `--config` and, where all are picked, `--print-config`.
#[derive(Debug)]
pub struct SettingFlags<P: Pick = Picked> {
    given: Given,
    pick: PhantomData<P>,
}

impl<P: Pick> SettingFlags<P> {
    /// What was given.
    #[must_use]
    pub fn given(&self) -> &Given {
        &self.given
    }
}

impl<P: Pick> Args for SettingFlags<P> {
    fn augment_args(command: Command) -> Command {
        let command = command.arg(
            Arg::new("config")
                .long("config")
                .value_name("FILE")
                .value_parser(clap::value_parser!(PathBuf))
                .env("STOA_CONFIG")
                .help("YAML file with any of the settings, by their keys"),
        );
        let command = if takes_all::<P>() {
            command.arg(
                Arg::new("print-config")
                    .long("print-config")
                    .action(ArgAction::SetTrue)
                    .help("Print the settings in force and where each came from, secrets masked, and exit"),
            )
        } else {
            command
        };
        let command = rows::rows()
            .filter(P::takes)
            .fold(command, |command, row| command.arg(flag(&row)));
        if !takes_all::<P>() {
            return command;
        }
        // Known and refused with a reason, rather than "unexpected argument".
        ABSENT.iter().fold(command, |command, absent| {
            command.arg(
                Arg::new(absent.key)
                    .long(rows::flag_of(absent.key))
                    .num_args(0..=1)
                    .default_missing_value("true")
                    .hide(true),
            )
        })
    }

    fn augment_args_for_update(command: Command) -> Command {
        Self::augment_args(command)
    }
}

impl<P: Pick> FromArgMatches for SettingFlags<P> {
    fn from_arg_matches(matches: &ArgMatches) -> Result<Self, clap::Error> {
        let mut values = BTreeMap::new();
        let keys = rows::rows().filter(P::takes).map(|row| row.key);
        let absent = ABSENT
            .iter()
            .map(|absent| absent.key)
            .filter(|_| takes_all::<P>());
        for key in keys.chain(absent) {
            if let Some(given) = matches.get_many::<String>(key) {
                values.insert(key.to_owned(), given.cloned().collect::<Vec<_>>().join(","));
            }
        }
        let given = Given {
            values,
            config: matches.get_one::<PathBuf>("config").cloned(),
            print_config: takes_all::<P>() && matches.get_flag("print-config"),
        };
        Ok(Self {
            given,
            pick: PhantomData,
        })
    }

    fn update_from_arg_matches(&mut self, matches: &ArgMatches) -> Result<(), clap::Error> {
        *self = Self::from_arg_matches(matches)?;
        Ok(())
    }
}

fn takes_all<P: Pick>() -> bool {
    rows::rows().all(|row| P::takes(&row))
}

fn flag(row: &Row) -> Arg {
    let variables: Vec<_> = row.variables().collect();
    let initial = row.initial_text();
    let initial = if initial.is_empty() {
        String::new()
    } else {
        format!(" [default: {initial}]")
    };
    let arg = Arg::new(row.key)
        .long(row.flag())
        .value_name(row.value)
        .help_heading(row.group)
        .help(format!(
            "{}{initial} [env: {}]",
            row.help,
            variables.join(", ")
        ));
    match row.kind {
        // Without the equals sign, `--debug check` would take the command for the value.
        Kind::Switch => arg
            .num_args(0..=1)
            .require_equals(true)
            .default_missing_value("true"),
        Kind::List | Kind::Map => arg.action(ArgAction::Append),
        Kind::Text => arg,
    }
}
