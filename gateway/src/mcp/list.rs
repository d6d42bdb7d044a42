//! The answer to `tools/list`: one page, written from definitions that are already text.
//!
//! Which tools a caller may see is decided before; the order is the snapshot's, hence the same on every
//! call and every page.

use super::answer::{MODERN_MEMBERS, begin, end};
use super::cursor::Scope;
use super::envelope::{Id, Params, Text};
use super::seal::Sealer;
use super::version::Era;
use crate::json::write_escaped;
use crate::refusal::Refusal;
use crate::snapshot::tool::Definition;

/// Time for which a modern client may keep a page. Changes are announced on
/// `subscriptions/listen`; a minute bounds the surprise of clients that do not listen.
const LIST_TTL_MS: u64 = 60_000;

/// One tool as its caller sees it.
#[derive(Clone, Copy, Debug)]
pub struct Listed<'a> {
    /// Place in the list before anything is hidden from the caller: where a next page can begin.
    pub position: u32,
    /// Written as `{tenant}__` before the name, for a caller who sees several tenants.
    pub tenant: Option<&'a str>,
    /// The tool's own name.
    pub name: &'a str,
    /// The rest of it.
    pub definition: &'a Definition,
}

/// Which page, for whom.
#[derive(Clone, Copy, Debug)]
pub struct Page<'a> {
    /// Chooses definitions, and whether the result says how long it may be kept.
    pub era: Era,
    /// Tools on it, at least one: [`crate::limits::TOOLS_PER_PAGE_MAX`] or fewer.
    pub size: usize,
    /// What the cursor to the next page is bound to.
    pub scope: Scope,
    /// Seals that cursor.
    pub sealer: &'a Sealer,
}

/// The position at which the page that was asked for begins: 0 without a cursor.
///
/// # Errors
/// [`Refusal::CursorInvalid`] as [`Scope::open`]; also for a cursor that is no string.
pub fn read_position(params: &Params<'_>, scope: &Scope, sealer: &Sealer) -> Result<u32, Refusal> {
    match &params.cursor {
        Text::Absent => Ok(0),
        Text::Is(cursor) => scope.open(sealer, cursor),
        Text::Other => Err(Refusal::CursorInvalid),
    }
}

/// Appends a page of `tools`: those that the caller may see, in order, from the page's position on. It
/// takes one more than fits, to learn whether there is a next page.
///
/// # Errors
/// [`Refusal::Internal`] where the cursor cannot be sealed; `out` is then as it was.
pub fn write<'t>(
    out: &mut Vec<u8>,
    id: Id<'_>,
    page: &Page<'_>,
    tools: impl IntoIterator<Item = Listed<'t>>,
) -> Result<(), Refusal> {
    let start = out.len();
    let mut tools = tools.into_iter();
    begin(out, id);
    out.extend_from_slice(br#""tools":["#);
    for (index, tool) in tools.by_ref().take(page.size.max(1)).enumerate() {
        if index > 0 {
            out.push(b',');
        }
        write_tool(out, page.era, &tool);
    }
    out.push(b']');
    if let Some(next) = tools.next() {
        match page.scope.seal(page.sealer, next.position) {
            Ok(cursor) => {
                out.extend_from_slice(br#","nextCursor":""#);
                // base64url: nothing to escape.
                out.extend_from_slice(cursor.as_bytes());
                out.push(b'"');
            }
            Err(refusal) => {
                out.truncate(start);
                return Err(refusal);
            }
        }
    }
    if page.era == Era::Modern {
        write_cache_hints(out);
    }
    end(out);
    Ok(())
}

fn write_tool(out: &mut Vec<u8>, era: Era, tool: &Listed<'_>) {
    out.extend_from_slice(br#"{"name":""#);
    if let Some(tenant) = tool.tenant {
        write_escaped(out, tenant);
        out.extend_from_slice(b"__");
    }
    write_escaped(out, tool.name);
    out.extend_from_slice(br#"","#);
    out.extend_from_slice(tool.definition.for_era(era).as_bytes());
    out.push(b'}');
}

/// The list depends on who asks, so a shared cache must not keep it: private, on every page alike.
fn write_cache_hints(out: &mut Vec<u8>) {
    out.extend_from_slice(br#","ttlMs":"#);
    out.extend_from_slice(itoa::Buffer::new().format(LIST_TTL_MS).as_bytes());
    out.extend_from_slice(br#","cacheScope":"private","#);
    out.extend_from_slice(MODERN_MEMBERS.as_bytes());
}

#[cfg(test)]
mod tests;
