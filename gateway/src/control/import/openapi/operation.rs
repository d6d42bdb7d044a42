//! The walk over a document: one operation after the other becomes a tool or is left out alone.

use serde_json::{Map, Value};

use super::argument::{self, Arguments};
use super::document::{Document, Version};
use super::name::Names;
use super::parameter::{self, Parameters};
use super::reference::Resolver;
use super::response;
use super::schema::Schemas;
use super::security::Security;
use super::server::Servers;
use super::{Import, ImportError, ImportOptions, LeftOut, Note, Reason, body, text};
use crate::control::spec::{Credential, Location, RequestPlan, ToolSpec};
use crate::limits;

mod words;

/// Methods that a path item may have, in the order in which tools are made.
const METHODS: [&str; 8] = [
    "get", "post", "put", "patch", "delete", "head", "options", "trace",
];
/// Characters of a tool's title.
const TITLE_CHARS_MAX: usize = 120;
/// Marks by which a document's owner keeps an operation from agents.
const HIDDEN_MARKS: [&str; 2] = ["x-mcp-ignore", "x-stoa-hidden"];

/// What all operations of a document share.
struct Context<'d> {
    document: &'d Document,
    options: &'d ImportOptions,
    resolver: &'d Resolver<'d>,
    schemas: Schemas<'d>,
    servers: Servers<'d>,
    security: Security<'d>,
}

/// One method of one path.
#[derive(Clone, Copy)]
struct Operation<'d> {
    /// Upper case.
    method: &'d str,
    path: &'d str,
    /// The path item.
    item: &'d Map<String, Value>,
    /// What the path item refers to, whose words are further away than the item's own.
    target: Option<&'d Map<String, Value>>,
    object: &'d Map<String, Value>,
}

/// All tools of a document.
pub(super) fn all(document: &Document, options: &ImportOptions) -> Result<Import, ImportError> {
    let resolver = Resolver::new(document.root(), options.document_url.as_deref());
    let context = Context {
        document,
        options,
        resolver: &resolver,
        schemas: Schemas::new(document, &resolver),
        servers: Servers::new(
            document,
            options.base_url.as_deref(),
            options.document_url.as_deref(),
        )?,
        security: Security::new(document, &resolver, &options.defaults.credential)?,
    };
    let mut import = Import::default();
    let mut names = Names::new(&options.naming);
    let mut unserved = None;
    for operation in operations(&context, &mut import)? {
        let label = format!("{} {}", operation.method, operation.path);
        if !context.admits(&operation) {
            continue;
        }
        match context.tool(&operation, &mut names) {
            Ok((tool, notes)) => {
                import.tools.push(tool);
                import.notes.extend(notes.into_iter().map(|text| Note {
                    operation: label.clone(),
                    text,
                }));
            }
            Err(Fault { reason, server }) => {
                if server {
                    unserved.get_or_insert_with(|| reason.to_string());
                }
                import.left_out.push(LeftOut {
                    operation: label,
                    reason: reason.to_string(),
                });
            }
        }
    }
    match unserved {
        // One setting repairs all of it, so it is said once, as an error of the document.
        Some(reason) if import.tools.is_empty() => Err(ImportError::NoServer(reason)),
        _ => Ok(import),
    }
}

/// Why one operation is left out.
struct Fault {
    reason: Reason,
    /// Whether it has no server.
    server: bool,
}

impl From<Reason> for Fault {
    fn from(reason: Reason) -> Self {
        Self {
            reason,
            server: false,
        }
    }
}

/// Every operation of the document; what cannot even be listed is left out here.
fn operations<'d>(
    context: &Context<'d>,
    import: &mut Import,
) -> Result<Vec<Operation<'d>>, ImportError> {
    let mut all = Vec::new();
    let paths = context.document.get("paths").and_then(Value::as_object);
    for (path, value) in paths.into_iter().flatten() {
        if path.starts_with("x-") {
            continue;
        }
        let mut leave_out = |reason: String| {
            import.left_out.push(LeftOut {
                operation: text::cut(path, 200),
                reason,
            });
        };
        let Value::Object(item) = value else {
            leave_out("the path item is no object".into());
            continue;
        };
        if !path.starts_with('/') {
            leave_out("the path does not begin with `/`".into());
            continue;
        }
        let target = match context.resolver.follow(value) {
            Ok(Value::Object(target)) if !std::ptr::eq(target, item) => Some(target),
            Ok(Value::Object(_)) => None,
            Ok(_) => {
                leave_out("its `$ref` names no path item".into());
                continue;
            }
            Err(reason) => {
                leave_out(reason.to_string());
                continue;
            }
        };
        for method in METHODS {
            let own = item.get(method).or_else(|| target?.get(method));
            let Some(Value::Object(object)) = own else {
                continue;
            };
            all.push(Operation {
                method: upper(method),
                path,
                item,
                target,
                object,
            });
        }
        if all.len() > limits::TOOLS_MAX {
            return Err(ImportError::TooMany {
                operations_max: limits::TOOLS_MAX,
            });
        }
    }
    Ok(all)
}

fn upper(method: &str) -> &'static str {
    match method {
        "get" => "GET",
        "post" => "POST",
        "put" => "PUT",
        "patch" => "PATCH",
        "delete" => "DELETE",
        "head" => "HEAD",
        "options" => "OPTIONS",
        _ => "TRACE",
    }
}

impl<'d> Operation<'d> {
    fn word(&self, name: &str) -> Option<&'d str> {
        let word = self.object.get(name).and_then(Value::as_str);
        word.map(str::trim).filter(|word| !word.is_empty())
    }

    fn tags(&self) -> Vec<String> {
        let list = self.object.get("tags").and_then(Value::as_array);
        let words = list.into_iter().flatten().filter_map(Value::as_str);
        words.map(str::to_owned).collect()
    }

    /// Objects whose parameters apply, the furthest first.
    fn levels(&self) -> Vec<&'d Map<String, Value>> {
        let mut levels = vec![self.item, self.object];
        if let Some(target) = self.target {
            levels.insert(0, target);
        }
        levels
    }

    /// Whether it may be a tool at all.
    fn is_for_tools(&self) -> Result<(), Reason> {
        let marked = HIDDEN_MARKS.into_iter().find(|mark| {
            let mut levels = self.levels().into_iter();
            levels.any(|level| level.get(*mark) == Some(&Value::Bool(true)))
        });
        match (marked, self.method) {
            (Some(mark), _) => Err(Reason::new(format!("the document marks it `{mark}`"))),
            (None, "OPTIONS" | "TRACE") => Err(Reason::new(format!(
                "{} asks about a server and calls nothing",
                self.method
            ))),
            (None, _) => Ok(()),
        }
    }

    /// A list of words of the operation, else of the document.
    fn words(&self, document: &'d Document, name: &str) -> Vec<&'d str> {
        let own = self.object.get(name).or_else(|| document.get(name));
        let list = own.and_then(Value::as_array);
        list.into_iter()
            .flatten()
            .filter_map(Value::as_str)
            .collect()
    }
}

impl<'d> Context<'d> {
    fn admits(&self, operation: &Operation<'d>) -> bool {
        self.options.selector.admits(
            &operation.tags(),
            operation.method,
            operation.path,
            operation.word("operationId"),
        )
    }

    fn tool(
        &self,
        operation: &Operation<'d>,
        names: &mut Names<'_>,
    ) -> Result<(ToolSpec, Vec<String>), Fault> {
        operation.is_for_tools()?;
        let endpoint = self.endpoint(operation)?;
        let path = words::path_template(operation.path)?;
        let (credential, note) = self.security.credential(operation.object);
        let (arguments, mut notes) = self.arguments(operation, &path, &credential)?;
        notes.extend(note);
        let answers = response::answers(
            &self.schemas,
            self.resolver,
            self.document.version(),
            operation.object,
            &operation.words(self.document, "produces"),
        );
        notes.extend(answers.note);
        // A HEAD has no body whatever the document says.
        let output_schema = answers.output_schema.filter(|_| operation.method != "HEAD");
        let (name, note) = names.assign(
            operation.word("operationId"),
            operation.method,
            operation.path,
        );
        notes.extend(note);
        let defaults = &self.options.defaults;
        let tool = ToolSpec {
            name,
            title: operation
                .word("summary")
                .map(|summary| text::cut(summary, TITLE_CHARS_MAX)),
            description: words::description(operation),
            tags: words::tags(operation.tags(), &defaults.tags),
            category: None,
            version: None,
            endpoint,
            request: RequestPlan {
                method: operation.method.to_owned(),
                path,
                parameters: arguments.parameters,
                body: arguments.body,
                fixed_headers: vec![("Accept".to_owned(), answers.accept)],
                // The secret is filled in when the plan is compiled.
                credential: Credential::None,
            },
            input_schema: arguments.input_schema,
            output_schema,
            annotations: words::annotations(operation.method),
            timeout_ms: defaults.timeout_ms,
            rate_limit: defaults.rate_limit,
            credential,
            upstream_allow: Vec::new(),
            cost_multiplier: None,
            deprecated: operation.object.get("deprecated") == Some(&Value::Bool(true)),
        };
        Ok((tool, notes))
    }

    fn endpoint(&self, operation: &Operation<'d>) -> Result<String, Fault> {
        let empty = Map::new();
        let item = if operation.item.contains_key("servers") {
            operation.item
        } else {
            operation.target.unwrap_or(&empty)
        };
        let found = self.servers.endpoint(item, operation.object);
        found.map_err(|reason| Fault {
            reason,
            server: true,
        })
    }

    fn arguments(
        &self,
        operation: &Operation<'d>,
        path: &str,
        credential: &Credential,
    ) -> Result<(Arguments, Vec<String>), Reason> {
        let version = self.document.version();
        let mut parameters: Parameters<'d> = parameter::collect(
            self.resolver,
            version,
            &operation.levels(),
            operation.path,
            credential,
        )?;
        // What the template lost with its fragment is no parameter either.
        let kept = parameter::placeholders(path);
        parameters
            .list
            .retain(|one| one.location != Location::Path || kept.contains(&one.name));
        let mut body = match version {
            Version::Swagger20 => {
                let consumes = operation.words(self.document, "consumes");
                body::of_swagger(&mut parameters, &consumes)?
            }
            Version::OpenApi30 | Version::OpenApi31 => {
                body::of_request_body(self.resolver, operation.object)?
            }
        };
        if let Some(declared) = &body {
            let bodiless = matches!(operation.method, "GET" | "HEAD");
            if !declared.required && declared.is_empty() {
                // Generators declare an optional empty body on every operation.
                body = None;
            } else if bodiless && declared.required {
                // RFC 9110 section 9.3.1: content in a GET has no meaning, and proxies drop it.
                return Err(Reason::new(format!(
                    "{} has no body, and the document requires one",
                    operation.method
                )));
            } else if bodiless {
                let note = format!(
                    "{} has no body; the optional one is left out",
                    operation.method
                );
                parameters.notes.push(note);
                body = None;
            }
        }
        let arguments = argument::assemble(&self.schemas, &parameters.list, body.as_ref())?;
        Ok((arguments, parameters.notes))
    }
}
