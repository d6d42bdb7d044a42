//! Parameters of an operation: those of the path and its own, where each goes and how it is written.
//!
//! Swagger's `body` and `formData` parameters are told apart here and become a body elsewhere.

use serde_json::{Map, Value};

use super::document::Version;
use super::reference::{Resolver, reference_of};
use super::{Reason, body, text};
use crate::control::spec::{Credential, Location, Style};
use crate::snapshot::operation;

/// One parameter in the path, query, headers or cookies.
#[derive(Clone, Debug)]
pub(super) struct Parameter<'d> {
    pub(super) name: &'d str,
    pub(super) location: Location,
    pub(super) wire: Wire,
    pub(super) required: bool,
    pub(super) allow_reserved: bool,
    /// Written as JSON text, whatever the style.
    pub(super) json_content: bool,
    /// Absent: any text.
    pub(super) schema: Option<&'d Value>,
    /// Words of the parameter itself, which are nearer than those of its schema.
    pub(super) description: Option<&'d str>,
    pub(super) deprecated: bool,
    /// `x-mcp-header` of the parameter itself.
    pub(super) mirror: Option<&'d Value>,
}

/// How a value that is more than one text is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Wire {
    /// One of OpenAPI's styles.
    Style {
        /// Its name.
        style: Style,
        /// Whether each element is a parameter of its own.
        explode: bool,
    },
    /// As a text in which the caller separates the elements, because no style has this separator.
    Separated(&'static str),
}

/// Everything that an operation declares as parameters.
#[derive(Debug, Default)]
pub(super) struct Parameters<'d> {
    /// Path, query, headers and cookies, in that order, each in the document's order.
    pub(super) list: Vec<Parameter<'d>>,
    /// Swagger's `formData`.
    pub(super) fields: Vec<body::Field<'d>>,
    /// Swagger's `body`.
    pub(super) body: Option<&'d Map<String, Value>>,
    /// What was left out of the tool.
    pub(super) notes: Vec<String>,
}

/// Collects the parameters of `operation` at `path`; those of `levels` come first and are replaced
/// by later ones of the same name and place.
pub(super) fn collect<'d>(
    resolver: &Resolver<'d>,
    version: Version,
    levels: &[&'d Map<String, Value>],
    path: &'d str,
    credential: &Credential,
) -> Result<Parameters<'d>, Reason> {
    let mut declared: Vec<Declared<'d>> = Vec::new();
    for level in levels {
        let list = level.get("parameters").and_then(Value::as_array);
        for parameter in list.into_iter().flatten() {
            let one = Declared::read(resolver, parameter)?;
            match declared.iter_mut().find(|other| other.is(&one)) {
                Some(other) => *other = one,
                None => declared.push(one),
            }
        }
    }
    let placeholders = placeholders(path);
    let mut out = Parameters::default();
    for one in declared {
        if one.is_ignored(credential) {
            continue;
        }
        if one.place == "path" && !placeholders.contains(&one.name) {
            let note = format!(
                "the path has no `{{{}}}`; the parameter is left out",
                one.name
            );
            out.notes.push(note);
            continue;
        }
        let required = one.required();
        let name = one.name;
        if let Err(reason) = add(version, one, &mut out) {
            if required {
                return Err(reason.of(format!("parameter `{name}`")));
            }
            out.notes.push(format!(
                "the optional parameter `{name}` is left out: {reason}"
            ));
        }
    }
    add_undeclared(&placeholders, &mut out);
    out.list.sort_by_key(|one| match one.location {
        Location::Path => 0,
        Location::Query => 1,
        Location::Header => 2,
        Location::Cookie => 3,
    });
    Ok(out)
}

/// A placeholder that nobody declared is a mistake of many documents; a text is what it can be.
fn add_undeclared<'d>(placeholders: &[&'d str], out: &mut Parameters<'d>) {
    for name in placeholders {
        let known = |one: &Parameter<'_>| one.location == Location::Path && one.name == *name;
        if !out.list.iter().any(known) {
            out.notes.push(format!(
                "the document declares no parameter `{name}`; taken as a text"
            ));
            out.list.push(Parameter::text(name, Location::Path));
        }
    }
}

/// A parameter as declared, references followed.
#[derive(Debug)]
struct Declared<'d> {
    name: &'d str,
    place: &'d str,
    value: &'d Value,
    object: &'d Map<String, Value>,
    /// The description beside a `$ref`, which 3.1 allows and which is nearer.
    nearer: Option<&'d str>,
}

impl<'d> Declared<'d> {
    fn read(resolver: &Resolver<'d>, value: &'d Value) -> Result<Self, Reason> {
        let nearer = reference_of(value)
            .and_then(|_| value.get("description"))
            .and_then(Value::as_str);
        let value = resolver.follow(value)?;
        let Value::Object(object) = value else {
            return Err(Reason::new("a parameter is no object"));
        };
        let word = |field: &str| object.get(field).and_then(Value::as_str);
        let Some(name) = word("name").filter(|name| !name.is_empty()) else {
            return Err(Reason::new("a parameter has no name"));
        };
        let Some(place) = word("in") else {
            return Err(Reason::new(format!(
                "the parameter `{name}` does not say where it goes (`in`)"
            )));
        };
        Ok(Self {
            name,
            place,
            value,
            object,
            nearer,
        })
    }

    fn is(&self, other: &Self) -> bool {
        // There is one body however it is called, and header names have no case.
        self.place == other.place
            && match self.place {
                "body" => true,
                "header" => self.name.eq_ignore_ascii_case(other.name),
                _ => self.name == other.name,
            }
    }

    /// Whether the gateway sets it itself, and a caller must not.
    fn is_ignored(&self, credential: &Credential) -> bool {
        let ours = match credential {
            Credential::ApiKeyCookie { name, .. } => {
                self.place == "cookie" && self.name == name.as_str()
            }
            Credential::ApiKeyHeader { name, .. } => {
                self.place == "header" && self.name.eq_ignore_ascii_case(name)
            }
            Credential::ApiKeyQuery { name, .. } => {
                self.place == "query" && self.name == name.as_str()
            }
            Credential::Basic { .. } | Credential::Bearer(_) | Credential::None => false,
        };
        ours || (self.place == "header" && is_header_ignored(self.name))
    }

    fn required(&self) -> bool {
        self.place == "path" || self.flag("required")
    }

    fn flag(&self, name: &str) -> bool {
        self.object.get(name) == Some(&Value::Bool(true))
    }

    fn word(&self, name: &str) -> Option<&'d str> {
        self.object.get(name).and_then(Value::as_str)
    }

    /// Swagger writes the keywords of the schema beside `name` and `in`.
    fn inline_schema(&self) -> &'d Value {
        self.object.get("schema").unwrap_or(self.value)
    }

    fn description(&self) -> Option<&'d str> {
        self.nearer.or_else(|| self.word("description"))
    }
}

fn add<'d>(version: Version, one: Declared<'d>, out: &mut Parameters<'d>) -> Result<(), Reason> {
    let swagger = version == Version::Swagger20;
    let location = match one.place {
        "path" => Location::Path,
        "query" => Location::Query,
        "header" if is_token(one.name) => Location::Header,
        "header" => return Err(Reason::new("its name cannot be that of a header")),
        "cookie" if swagger => return Err(Reason::new("Swagger 2.0 has no cookie parameters")),
        "cookie" if is_token(one.name) => Location::Cookie,
        "cookie" => return Err(Reason::new("its name cannot be that of a cookie")),
        "body" if swagger => {
            out.body = Some(one.object);
            return Ok(());
        }
        "formData" if swagger => {
            out.fields.push(body::Field {
                name: one.name,
                schema: one.inline_schema(),
                required: one.required(),
                wire: collection_format(one.object, Location::Query),
            });
            return Ok(());
        }
        other => {
            return Err(Reason::new(format!(
                "`in: {}` is not known",
                text::cut(other, 40)
            )));
        }
    };
    let mut parameter = Parameter {
        required: one.required(),
        allow_reserved: location == Location::Query && one.flag("allowReserved"),
        schema: one.object.get("schema"),
        description: one.description(),
        deprecated: one.flag("deprecated"),
        mirror: one.object.get("x-mcp-header"),
        ..Parameter::text(one.name, location)
    };
    if swagger {
        parameter.schema = Some(one.inline_schema());
        parameter.wire = collection_format(one.object, location);
    } else if let (None, Some(Value::Object(content))) =
        (parameter.schema, one.object.get("content"))
    {
        typed(content, &mut parameter)?;
    } else {
        parameter.wire = style(&one, location);
    }
    out.list.push(parameter);
    Ok(())
}

impl<'d> Parameter<'d> {
    /// A required text.
    fn text(name: &'d str, location: Location) -> Self {
        Self {
            name,
            location,
            wire: Wire::Style {
                style: location.default_style(),
                explode: location.default_style() == Style::Form,
            },
            required: true,
            allow_reserved: false,
            json_content: false,
            schema: None,
            description: None,
            deprecated: false,
            mirror: None,
        }
    }
}

/// `content` instead of `schema`: one media type says how the value is written.
fn typed<'d>(content: &'d Map<String, Value>, parameter: &mut Parameter<'d>) -> Result<(), Reason> {
    let Some((media_type, media)) = content.iter().next() else {
        return Err(Reason::new("its `content` is empty"));
    };
    match body::Kind::of(media_type) {
        Some(body::Kind::Json) => {
            parameter.json_content = true;
            parameter.schema = media.get("schema");
            Ok(())
        }
        // Some other text: the caller writes it.
        Some(body::Kind::Text) => Ok(()),
        _ => Err(Reason::new(format!(
            "its content type `{}` is neither JSON nor text",
            text::cut(media_type, 60)
        ))),
    }
}

/// `style` and `explode` with their defaults; a style that the place does not have is a mistake, and
/// the default is what servers then take.
fn style(one: &Declared<'_>, location: Location) -> Wire {
    let style = match (location, one.word("style").unwrap_or_default()) {
        (Location::Path, "label") => Style::Label,
        (Location::Path, "matrix") => Style::Matrix,
        (Location::Query, "deepObject") => Style::DeepObject,
        (Location::Query, "pipeDelimited") => Style::PipeDelimited,
        (Location::Query, "spaceDelimited") => Style::SpaceDelimited,
        _ => location.default_style(),
    };
    let explode = match one.object.get("explode") {
        Some(Value::Bool(explode)) => *explode,
        _ => matches!(style, Style::Form | Style::DeepObject),
    };
    Wire::Style { style, explode }
}

/// Swagger's `collectionFormat`.
fn collection_format(object: &Map<String, Value>, location: Location) -> Wire {
    let format = object.get("collectionFormat").and_then(Value::as_str);
    let wire = |style, explode| Wire::Style { style, explode };
    if object.get("type").and_then(Value::as_str) != Some("array") {
        let style = location.default_style();
        return wire(style, style == Style::Form);
    }
    match (location, format.unwrap_or("csv")) {
        (Location::Query, "multi") => wire(Style::Form, true),
        (Location::Query, "pipes") => wire(Style::PipeDelimited, false),
        (Location::Query, "ssv") => wire(Style::SpaceDelimited, false),
        (_, "pipes") => Wire::Separated("vertical bars"),
        (_, "ssv") => Wire::Separated("spaces"),
        (_, "tsv") => Wire::Separated("tab characters"),
        (location, _) => wire(location.default_style(), false),
    }
}

/// Names between braces of a path template.
pub(super) fn placeholders(path: &str) -> Vec<&str> {
    let mut names = Vec::new();
    let mut rest = path;
    while let Some((_, after)) = rest.split_once('{') {
        let Some((name, after)) = after.split_once('}') else {
            break;
        };
        if !name.is_empty() && !names.contains(&name) {
            names.push(name);
        }
        rest = after;
    }
    names
}

/// RFC 9110 section 5.6.2.
fn is_token(name: &str) -> bool {
    name.bytes()
        .all(|byte| byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte))
}

/// Header parameters that a document may declare and a caller may not set: OpenAPI says that `Accept` is to
/// be ignored; the others the operation itself would refuse.
fn is_header_ignored(name: &str) -> bool {
    name.eq_ignore_ascii_case("accept") || !operation::may_be_header_parameter(name)
}
