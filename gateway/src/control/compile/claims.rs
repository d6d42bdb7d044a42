//! Who gets which name. Deterministic: the same objects give the same names, whatever the order in
//! which they came.

use std::collections::{HashMap, HashSet};
use std::path::PathBuf;
use std::sync::Arc;

use super::builtin::Builtin;

use crate::control::catalog::directory::Directory;
use crate::control::catalog::object::{Object, ObjectId};
use crate::control::catalog::prepared::Prepared;
use crate::control::names::{self, PLATFORM};
use crate::control::problem::Problem;
use crate::limits::TOOL_NAME_CHARS_MAX;

/// Where a tool was declared, for problems that are found while compiling.
#[derive(Clone, Debug)]
struct Whence {
    id: Option<ObjectId>,
    file: PathBuf,
    place: (u64, u64),
}

/// A tool that has its name.
#[derive(Debug)]
pub(super) struct Claim {
    pub(super) tenant: String,
    pub(super) name: String,
    pub(super) full_name: String,
    pub(super) tool: Arc<Prepared>,
    pub(super) builtin: Option<Builtin>,
    whence: Whence,
}

impl Claim {
    /// A problem with it.
    pub(super) fn problem(&self, message: &str) -> Problem {
        problem(&self.whence, format!("tool `{}`: {message}", self.name))
    }
}

fn problem(whence: &Whence, message: String) -> Problem {
    let problem = Problem::new(message).in_file(&whence.file).at(whence.place);
    match &whence.id {
        Some(id) => problem.of(id.to_string()),
        None => problem,
    }
}

/// Gives every tool of the catalog, and the built-in ones, a name: `tools_max` at most.
pub(super) fn claim_names(
    directory: Option<&Directory>,
    tools_max: usize,
    problems: &mut Vec<Problem>,
) -> Vec<Claim> {
    let mut claims = Claims::default();
    for builtin in Builtin::ALL {
        let whence = Whence {
            id: None,
            file: "built in".into(),
            place: (0, 0),
        };
        if let Some(tool) = builtin.prepared() {
            claims.add(PLATFORM, builtin.name(), tool, Some(builtin), whence);
        }
    }
    let mut left_out = 0_usize;
    for (id, object, whence) in in_order(directory, problems) {
        for tool in object.tools() {
            if claims.list.len() >= tools_max {
                left_out += 1;
                continue;
            }
            let name = claims.free_name(&object.tenant, &tool.name, id);
            if name != tool.name {
                problems.push(
                    problem(&whence, format!("the name `{}` is taken in the tenant `{}`; agents see this one as `{name}`", tool.name, object.tenant))
                        .hint("give it a name of its own: `spec.name`, or `naming.prefix` in a ToolSet"),
                );
            }
            claims.add(
                &object.tenant,
                &name,
                Arc::clone(tool),
                None,
                whence.clone(),
            );
        }
    }
    if left_out > 0 {
        problems.push(Problem::new(format!(
            "more than {tools_max} tools: {left_out} are left out"
        )));
    }
    claims.list
}

/// The objects of all files: tools before sets, then by namespace and name. Of an object that two files
/// declare, the first file's counts.
fn in_order<'d>(
    directory: Option<&'d Directory>,
    problems: &mut Vec<Problem>,
) -> Vec<(&'d ObjectId, &'d Object, Whence)> {
    let mut seen: HashMap<&ObjectId, Whence> = HashMap::new();
    let mut objects = Vec::new();
    for (path, file) in directory.into_iter().flat_map(Directory::files) {
        for (id, object) in &file.objects {
            let whence = Whence {
                id: Some(id.clone()),
                file: path.to_owned(),
                place: object.place,
            };
            if let Some(first) = seen.get(id) {
                let first = format!("{}:{}", first.file.display(), first.place.0);
                problems.push(
                    problem(
                        &whence,
                        format!("is declared in {first}, too; that one counts"),
                    )
                    .hint("rename or remove one of them"),
                );
                continue;
            }
            seen.insert(id, whence.clone());
            objects.push((id, object, whence));
        }
    }
    objects.sort_by_key(|(id, ..)| *id);
    objects
}

#[derive(Default)]
struct Claims {
    list: Vec<Claim>,
    /// Names by tenant.
    taken: HashMap<String, HashSet<String>>,
    full_names: HashSet<String>,
}

impl Claims {
    /// The wanted name, or one that tells the object, so that it stays when others come or go.
    fn free_name(&self, tenant: &str, wanted: &str, id: &ObjectId) -> String {
        let Some(taken) = self
            .taken
            .get(tenant)
            .filter(|taken| taken.contains(wanted))
        else {
            return wanted.to_owned();
        };
        let mut attempt = 0_u32;
        loop {
            let name = names::distinct(wanted, &format!("{id}/{wanted}#{attempt}"));
            if !taken.contains(&name) {
                return name;
            }
            attempt += 1;
        }
    }

    fn add(
        &mut self,
        tenant: &str,
        name: &str,
        tool: Arc<Prepared>,
        builtin: Option<Builtin>,
        whence: Whence,
    ) {
        let full_name = self.full_name(tenant, name);
        self.taken
            .entry(tenant.to_owned())
            .or_default()
            .insert(name.to_owned());
        self.full_names.insert(full_name.clone());
        self.list.push(Claim {
            tenant: tenant.to_owned(),
            name: name.to_owned(),
            full_name,
            tool,
            builtin,
            whence,
        });
    }

    /// `{tenant}__{name}`, cut with a hash where it is too long. The platform's tools have one name for
    /// everybody.
    fn full_name(&self, tenant: &str, name: &str) -> String {
        if tenant == PLATFORM {
            return name.to_owned();
        }
        let whole = format!("{tenant}__{name}");
        let mut full_name = if whole.len() > TOOL_NAME_CHARS_MAX {
            names::distinct(&whole, &whole)
        } else {
            whole.clone()
        };
        let mut attempt = 0_u32;
        while self.full_names.contains(&full_name) {
            full_name = names::distinct(&whole, &format!("{whole}#{attempt}"));
            attempt += 1;
        }
        full_name
    }
}
