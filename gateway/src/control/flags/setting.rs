//! The flags of settings, made from the table: one for each row, none by hand.

use std::collections::BTreeMap;
use std::path::PathBuf;

use clap::{Arg, ArgAction, ArgMatches, Args, Command, FromArgMatches};

use super::Given;
use crate::control::settings::rows::{self, ABSENT, Kind, Row};

/// Flags of all settings, with `--config` and `--print-config`.
#[derive(Debug)]
pub struct SettingFlags {
    given: Given,
}

impl SettingFlags {
    /// What was given.
    #[must_use]
    pub fn given(&self) -> &Given {
        &self.given
    }
}

impl Args for SettingFlags {
    fn augment_args(command: Command) -> Command {
        let config = Arg::new("config")
            .long("config")
            .value_name("FILE")
            .value_parser(clap::value_parser!(PathBuf))
            .env("STOA_CONFIG")
            .help("YAML file with any of the settings, by their keys");
        let print = Arg::new("print-config")
            .long("print-config")
            .action(ArgAction::SetTrue)
            .help("Print the settings in force and where each came from, secrets masked, and exit");
        let command = command.arg(config).arg(print);
        let command = rows::rows().fold(command, |command, row| command.arg(flag(&row)));
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

impl FromArgMatches for SettingFlags {
    fn from_arg_matches(matches: &ArgMatches) -> Result<Self, clap::Error> {
        let mut values = BTreeMap::new();
        let keys = rows::rows().map(|row| row.key);
        for key in keys.chain(ABSENT.iter().map(|absent| absent.key)) {
            if let Some(given) = matches.get_many::<String>(key) {
                values.insert(key.to_owned(), given.cloned().collect::<Vec<_>>().join(","));
            }
        }
        let given = Given {
            values,
            config: matches.get_one::<PathBuf>("config").cloned(),
            print_config: matches.get_flag("print-config"),
        };
        Ok(Self { given })
    }

    fn update_from_arg_matches(&mut self, matches: &ArgMatches) -> Result<(), clap::Error> {
        *self = Self::from_arg_matches(matches)?;
        Ok(())
    }
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
