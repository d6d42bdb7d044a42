//! The path template: literals encoded once, placeholders matched with their parameters.

use percent_encoding::utf8_percent_encode;

use super::{TEMPLATE, compile_parameter, encoded};
use crate::control::spec::{Location, ParameterPlan};
use crate::snapshot::operation::PathPart;

/// Path template and constant query.
pub(super) fn split_query(path: &str) -> Result<(&str, &str), String> {
    if path.contains('#') {
        return Err(format!(
            "path {path:?} holds a fragment; no server ever sees one"
        ));
    }
    if path.chars().any(char::is_control) {
        return Err(format!("path {path:?} holds a control character"));
    }
    let (template, query) = path.split_once('?').unwrap_or((path, ""));
    if query.contains(['{', '}']) {
        return Err(format!(
            "placeholder in the query of {path:?}: make it a query parameter"
        ));
    }
    if template
        .split('/')
        .any(|segment| segment == "." || segment == "..")
    {
        return Err(format!(
            "path {path:?} holds a \".\" or \"..\" segment; write the path that is meant"
        ));
    }
    Ok((template, query))
}

pub(super) fn compile(
    method: &str,
    template: &str,
    parameters: &[ParameterPlan],
) -> Result<(Box<str>, Box<[PathPart]>), String> {
    let (first, mut rest) = literal(template)?;
    let mut prefix = format!("{method} ");
    if !first.starts_with('/') {
        prefix.push('/');
    }
    prefix.extend(utf8_percent_encode(first, &TEMPLATE));
    let mut parts: Vec<PathPart> = Vec::new();
    while let Some(text) = rest {
        let Some((name, after)) = text.split_once('}') else {
            return Err(format!("path {template:?} has a {{ without a }}"));
        };
        let plan = parameters
            .iter()
            .find(|plan| plan.location == Location::Path && plan.name == name)
            .ok_or_else(|| {
                format!("path {template:?} names {name:?}, which is no path parameter")
            })?;
        if parts
            .iter()
            .any(|part| *part.parameter.argument == *plan.argument)
        {
            return Err(format!("path {template:?} names {name:?} twice"));
        }
        let mut parameter = compile_parameter(plan, encoded(name));
        parameter.required = true;
        let (after, next) = literal(after)?;
        let after: String = utf8_percent_encode(after, &TEMPLATE).collect();
        parts.push(PathPart {
            parameter,
            after: after.into(),
        });
        rest = next;
    }
    let unused = parameters
        .iter()
        .filter(|plan| plan.location == Location::Path);
    if let Some(unused) = unused.into_iter().find(|plan| {
        parts
            .iter()
            .all(|part| *part.parameter.argument != *plan.argument)
    }) {
        return Err(format!(
            "path {template:?} has no place for the path parameter {:?}",
            unused.name
        ));
    }
    Ok((prefix.into(), parts.into()))
}

/// The text up to the next `{`, and the text after it.
fn literal(text: &str) -> Result<(&str, Option<&str>), String> {
    let (literal, rest) = match text.split_once('{') {
        Some((literal, rest)) => (literal, Some(rest)),
        None => (text, None),
    };
    if literal.contains('}') {
        return Err(format!("a }} without a {{ in the path at {text:?}"));
    }
    Ok((literal, rest))
}
