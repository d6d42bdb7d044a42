//! Everything that can be wrong in a keys file that is well-formed YAML.

use std::collections::HashSet;

use super::Rates;
use crate::auth::api_key;
use crate::auth::keys_file::{KeyEntry, KeysFile, Problem, Text, VERSION, unix_ms};
use crate::auth::scope::{Roles, Scopes};
use crate::limits::{CALLER_NAME_CHARS_MAX, KEYS_MAX, TOOL_NAME_CHARS_MAX};

/// The tenant of a namespace: `tenant-acme` and `acme` are the same.
#[must_use]
pub fn tenant_name(text: &str) -> &str {
    text.strip_prefix("tenant-").unwrap_or(text)
}

/// Whether a text names a key or a consumer: letters, digits, `.`, `_`, `@` and `-`.
///
/// # Errors
/// A sentence for the person who wrote it.
pub fn check_name(text: &str) -> Result<(), String> {
    let allowed = |byte: u8| byte.is_ascii_alphanumeric() || b"._@-".contains(&byte);
    if (1..=CALLER_NAME_CHARS_MAX).contains(&text.len()) && text.bytes().all(allowed) {
        return Ok(());
    }
    Err(format!(
        "{text:?} is no name: expected 1 to {CALLER_NAME_CHARS_MAX} of letters, digits and . _ @ -"
    ))
}

/// Whether a text names a tenant: what a Kubernetes namespace may be called, `tenant-` aside.
fn check_tenant(text: &str) -> Result<(), String> {
    let name = tenant_name(text);
    let allowed = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
    let edges = !name.starts_with('-') && !name.ends_with('-');
    if !name.is_empty() && text.len() <= CALLER_NAME_CHARS_MAX && edges && name.bytes().all(allowed)
    {
        return Ok(());
    }
    Err(format!(
        "{text:?} is no tenant: expected lower-case letters, digits and -, e.g. acme or tenant-acme"
    ))
}

/// Whether a text names a tool, as `name` or `tenant:name`. There are no patterns: a list that was
/// meant to match more than it does would refuse, or admit, in silence.
fn check_tool(text: &str) -> Result<(), String> {
    let name = match text.split_once(':') {
        Some((tenant, name)) => check_tenant(tenant).map(|()| name)?,
        None => text,
    };
    let allowed = |byte: u8| byte.is_ascii_alphanumeric() || b"_-".contains(&byte);
    if (1..=TOOL_NAME_CHARS_MAX).contains(&name.len()) && name.bytes().all(allowed) {
        return Ok(());
    }
    Err(format!(
        "{text:?} names no tool: expected NAME or TENANT:NAME, patterns are not supported"
    ))
}

/// Every problem in a file.
#[must_use]
pub fn check(file: &KeysFile) -> Vec<Problem> {
    let mut problems = Vec::new();
    if file.version.value != VERSION {
        let found = file.version.value;
        problems.push(file.problem(
            &file.version,
            format!("version {found} is unknown: this gateway reads {VERSION}"),
        ));
    }
    if file.keys.len() > KEYS_MAX {
        let at = &file.keys[KEYS_MAX].id;
        problems.push(file.problem(
            at,
            format!(
                "more than {KEYS_MAX} keys: split them over gateways or use an identity provider"
            ),
        ));
    }
    for entry in &file.keys {
        check_entry(file, entry, &mut problems);
    }
    check_together(file, &mut problems);
    problems
}

fn check_entry(file: &KeysFile, entry: &KeyEntry, problems: &mut Vec<Problem>) {
    let mut report = |at: &Text, result: Result<(), String>| {
        if let Err(message) = result {
            problems.push(file.problem(at, message));
        }
    };
    let id = if api_key::is_id(&entry.id.value) {
        Ok(())
    } else {
        Err(format!(
            "{:?} is no key id: expected {} letters and digits",
            entry.id.value,
            api_key::ID_CHARS
        ))
    };
    report(&entry.id, id);
    report(&entry.name, check_name(&entry.name.value));
    report(&entry.tenant, check_tenant(&entry.tenant.value));
    let hash = entry.hash().map(drop);
    report(
        &entry.hash,
        hash.ok_or_else(|| "hash is not 64 hexadecimal digits".to_owned()),
    );
    for text in &entry.roles {
        report(
            text,
            Roles::parse(&text.value)
                .map(drop)
                .map_err(|error| error.to_string()),
        );
    }
    for text in &entry.scopes {
        report(
            text,
            Scopes::parse(&text.value)
                .map(drop)
                .map_err(|error| error.to_string()),
        );
    }
    if let Some(consumer) = &entry.consumer {
        report(consumer, check_name(&consumer.value));
    }
    for tool in entry
        .tools_allowed
        .iter()
        .flatten()
        .chain(&entry.tools_refused)
    {
        report(tool, check_tool(&tool.value));
    }
    let times = [
        Some(&entry.created_at),
        entry.expires_at.as_ref(),
        entry.valid_until.as_ref(),
    ];
    for time in times.into_iter().flatten() {
        report(time, unix_ms(&time.value).map(drop));
    }
    for rate in [entry.rate, entry.consumer_rate].into_iter().flatten() {
        if rate.requests_per_minute == 0 || rate.burst == 0 {
            report(
                &entry.id,
                Err(format!(
                    "key {:?}: a rate and its burst are at least 1; revoke the key to stop it",
                    entry.name.value
                )),
            );
        }
    }
}

/// What no entry can be seen to break by itself.
fn check_together(file: &KeysFile, problems: &mut Vec<Problem>) {
    let mut ids = HashSet::new();
    let mut current = HashSet::new();
    let mut rates = Rates::new();
    let mut consumer_rates = Rates::new();
    for entry in &file.keys {
        let tenant = tenant_name(&entry.tenant.value);
        let name = entry.name.value.as_str();
        if !ids.insert(entry.id.value.as_str()) {
            problems.push(file.problem(&entry.id, format!("id {:?} stands twice", entry.id.value)));
        }
        if entry.valid_until.is_none() && !current.insert((tenant, name)) {
            let message = format!(
                "tenant {tenant:?} has two keys named {name:?}, and neither is being rotated out (valid_until)"
            );
            problems.push(file.problem(&entry.name, message));
        }
        // One caller is one bucket: two rates for it would leave the order of the file to decide.
        if *rates.entry((tenant, name)).or_insert(entry.rate) != entry.rate {
            problems.push(file.problem(
                &entry.name,
                format!("the keys named {name:?} of tenant {tenant:?} have different rates"),
            ));
        }
        if entry.consumer_rate.is_some() {
            let consumer = entry.consumer();
            if *consumer_rates
                .entry((tenant, consumer))
                .or_insert(entry.consumer_rate)
                != entry.consumer_rate
            {
                problems.push(file.problem(&entry.name, format!("keys of consumer {consumer:?} of tenant {tenant:?} have different values of consumer_rate")));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_past_the_characters_of_a_name_is_refused() {
        let check = |check: fn(&str) -> Result<(), String>, before: &str, most: usize| {
            let name = |chars: usize| format!("{before}{}", "n".repeat(chars));
            assert_eq!(check(&name(most)), Ok(()));
            assert!(check(&name(most + 1)).is_err(), "{}", name(most + 1));
        };
        check(check_name, "", CALLER_NAME_CHARS_MAX);
        check(check_tenant, "", CALLER_NAME_CHARS_MAX);
        check(
            check_tenant,
            "tenant-",
            CALLER_NAME_CHARS_MAX - "tenant-".len(),
        );
        check(check_tool, "", TOOL_NAME_CHARS_MAX);
        check(check_tool, "acme:", TOOL_NAME_CHARS_MAX);
    }
}
