//! The query of `GET /mcp/v1/tools`.

use std::borrow::Cow;

use percent_encoding::percent_decode_str;

use crate::limits::{TOOLS_PER_PAGE_DEFAULT, TOOLS_PER_PAGE_MAX};
use crate::refusal::Refusal;
use crate::snapshot::tool::Tool;

/// Which tools are wanted.
#[derive(Debug, PartialEq, Eq)]
pub struct ListQuery<'a> {
    /// Where to go on, as an earlier answer said.
    pub cursor: Option<Cow<'a, str>>,
    /// How many at most: 1 to [`TOOLS_PER_PAGE_MAX`].
    pub limit: usize,
    /// Only with this tag.
    pub tag: Option<Cow<'a, str>>,
    /// Only of this category.
    pub category: Option<Cow<'a, str>>,
    /// Only where all of these words occur in name, title, description or tags. Lower case.
    pub search: Option<String>,
}

impl<'a> ListQuery<'a> {
    /// Reads a query. Unknown parameters are ignored, as everywhere on the web.
    ///
    /// # Errors
    /// [`Refusal::ParamsInvalid`] for a limit out of bounds or text that is not UTF-8.
    pub fn read(query: Option<&'a str>) -> Result<Self, Refusal> {
        let mut found = Self {
            cursor: None,
            limit: TOOLS_PER_PAGE_DEFAULT,
            tag: None,
            category: None,
            search: None,
        };
        for pair in query
            .unwrap_or_default()
            .split('&')
            .filter(|pair| !pair.is_empty())
        {
            let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
            match name {
                "cursor" => found.cursor = Some(decode(value)?),
                "tag" => found.tag = Some(decode(value)?),
                "category" => found.category = Some(decode(value)?),
                "search" => found.search = Some(decode(value)?.to_lowercase()),
                "limit" => {
                    let limit = value.parse().map_err(|_| Refusal::ParamsInvalid)?;
                    if !(1..=TOOLS_PER_PAGE_MAX).contains(&limit) {
                        return Err(Refusal::ParamsInvalid);
                    }
                    found.limit = limit;
                }
                _ => {}
            }
        }
        Ok(found)
    }

    /// Whether a tool is wanted.
    #[must_use]
    pub fn wants(&self, tool: &Tool) -> bool {
        self.tag
            .as_ref()
            .is_none_or(|tag| tool.tags.iter().any(|own| **own == **tag))
            && self
                .category
                .as_ref()
                .is_none_or(|category| *tool.category == **category)
            && self.search.as_ref().is_none_or(|search| {
                search
                    .split_whitespace()
                    .all(|word| tool.search_text.contains(word))
            })
    }
}

/// `+` is a space, as forms write it.
fn decode(value: &str) -> Result<Cow<'_, str>, Refusal> {
    if value.contains('+') {
        let spaced = value.replace('+', " ");
        return percent_decode_str(&spaced)
            .decode_utf8()
            .map(|text| Cow::Owned(text.into_owned()))
            .map_err(|_| Refusal::ParamsInvalid);
    }
    percent_decode_str(value)
        .decode_utf8()
        .map_err(|_| Refusal::ParamsInvalid)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn queries() {
        let read = |query| ListQuery::read(Some(query));
        assert_eq!(ListQuery::read(None).unwrap().limit, TOOLS_PER_PAGE_DEFAULT);
        let all =
            read("cursor=a%2Bb&limit=7&tag=x+y&category=c&search=Get%20Order&other=1&&").unwrap();
        assert_eq!(all.cursor.as_deref(), Some("a+b"));
        assert_eq!((all.limit, all.tag.as_deref()), (7, Some("x y")));
        assert_eq!(
            (all.category.as_deref(), all.search.as_deref()),
            (Some("c"), Some("get order"))
        );
        let most = format!("limit={TOOLS_PER_PAGE_MAX}");
        assert_eq!(read(&most).unwrap().limit, TOOLS_PER_PAGE_MAX);
        for bad in [
            "limit=0",
            "limit=",
            "limit=-1",
            "limit=x",
            "search=%ff",
            &format!("limit={}", TOOLS_PER_PAGE_MAX + 1),
        ] {
            assert_eq!(read(bad).unwrap_err(), Refusal::ParamsInvalid, "{bad}");
        }
    }

    #[test]
    fn a_tool_is_wanted_where_every_condition_holds() {
        let mut tool = crate::auth::fixture::tool(crate::auth::fixture::ACME, "get_order", true);
        tool.tags = vec!["orders".into(), "read".into()];
        tool.category = "sales".into();
        tool.search_text = "get_order reads one order".into();
        for (query, expected) in [
            ("", true),
            ("tag=orders", true),
            ("tag=read&category=sales", true),
            ("tag=Orders", false),
            ("tag=order", false),
            ("category=sale", false),
            ("category=sales&tag=write", false),
            ("search=ORDER", true),
            ("search=one+reads", true),
            ("search=one+two", false),
            ("search=", true),
            ("search=order&category=other", false),
        ] {
            assert_eq!(
                ListQuery::read(Some(query)).unwrap().wants(&tool),
                expected,
                "{query}"
            );
        }
    }
}
