//! Body plans to bodies.

use super::style;
use crate::control::spec::{self, BodyPlan, BodySource};
use crate::snapshot::operation::{Body, Expansion, FormField, PartField, Source, Style};

pub(super) fn compile(plan: &BodyPlan) -> Result<Body, String> {
    Ok(match plan {
        BodyPlan::None => Body::None,
        BodyPlan::Binary(body) => Body::Binary {
            argument: body.argument.as_str().into(),
            content_type: content_type(&body.content_type)?,
        },
        BodyPlan::Text(body) => Body::Text {
            argument: body.argument.as_str().into(),
            content_type: content_type(&body.content_type)?,
        },
        BodyPlan::Json(body) => {
            let content_type = content_type(&body.content_type)?;
            match &body.source {
                BodySource::WholeArguments => Body::JsonRest { content_type },
                BodySource::Argument(argument) => Body::JsonArgument {
                    argument: argument.as_str().into(),
                    content_type,
                },
            }
        }
        BodyPlan::Form(body) => Body::Form {
            source: source(&body.source),
            fields: body.encodings.iter().map(form_field).collect(),
        },
        BodyPlan::Multipart(body) => Body::Multipart {
            source: source(&body.source),
            parts: body
                .encodings
                .iter()
                .map(part_field)
                .collect::<Result<_, _>>()?,
        },
    })
}

fn source(source: &BodySource) -> Source {
    match source {
        BodySource::Argument(argument) => Source::Argument(argument.as_str().into()),
        BodySource::WholeArguments => Source::Rest,
    }
}

fn form_field(encoding: &spec::PropertyEncoding) -> FormField {
    let is_json = encoding.content_type.as_deref().is_some_and(is_json);
    FormField {
        name: encoding.property.as_str().into(),
        expansion: Expansion {
            style: if is_json {
                Style::Json
            } else {
                style(encoding.style)
            },
            explode: encoding.explode,
            allow_reserved: encoding.allow_reserved,
        },
    }
}

fn part_field(encoding: &spec::PropertyEncoding) -> Result<PartField, String> {
    Ok(PartField {
        name: encoding.property.as_str().into(),
        content_type: encoding
            .content_type
            .as_deref()
            .map(content_type)
            .transpose()?,
        binary: encoding.file,
    })
}

fn is_json(content_type: &str) -> bool {
    let essence = content_type
        .split(';')
        .next()
        .unwrap_or_default()
        .trim()
        .to_ascii_lowercase();
    essence == "application/json" || essence.ends_with("+json")
}

fn content_type(text: &str) -> Result<Box<str>, String> {
    // OpenAPI allows a list of types for a part; the first is the one we send.
    let text = text.split(',').next().unwrap_or_default().trim();
    if !text.contains('/') || !text.bytes().all(|byte| matches!(byte, b' '..=b'~')) {
        return Err(format!("{text:?} is no content type"));
    }
    Ok(if text.contains('*') {
        "application/octet-stream".into()
    } else {
        text.into()
    })
}
