//! `GET /`: what this is, whether it is well, and how to connect a client.
//!
//! One page without script and without outside resources, under a policy that allows nothing but its
//! own style sheet; the same facts as JSON for who prefers it. Says nothing that `/ready` does not.

use std::fmt::Write as _;
use std::sync::LazyLock;

use base64::Engine as _;
use serde_json::json;

const PAGE: &str = include_str!("landing/page.html");
const STYLE: &str = include_str!("landing/style.css");
/// Characters of a host that is shown; longer ones are no host.
const HOST_CHARS_MAX: usize = 255;

/// What the page says.
#[derive(Clone, Copy, Debug)]
pub struct Landing<'a> {
    /// `ready`, `draining` or `not_ready`: see [`crate::telemetry::health::Readiness::status`].
    pub status: &'a str,
    /// Tools in force.
    pub tools: u64,
    /// Files and objects of the catalog that are not in force.
    pub catalog_problems: u64,
    /// Version of the gateway.
    pub version: &'a str,
    /// Seconds since the start.
    pub uptime_s: u64,
    /// `Host` of the request, as it came.
    pub host: Option<&'a [u8]>,
    /// Shown where `host` is missing or is none, e.g. `127.0.0.1:3001`.
    pub address: &'a str,
    /// Whether callers reach this gateway over TLS.
    pub is_secure: bool,
    /// Whether callers need a key.
    pub needs_key: bool,
}

/// How an answer is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Form {
    /// For a browser.
    Html,
    /// For a program.
    Json,
}

impl Form {
    /// What the `Accept` header prefers; HTML where it does not care.
    #[must_use]
    pub fn preferred(accept: Option<&[u8]>) -> Self {
        let accept = accept
            .and_then(|accept| std::str::from_utf8(accept).ok())
            .unwrap_or_default();
        let json = quality(accept, "application/json").max(quality(accept, "application/*"));
        let html = quality(accept, "text/html").max(quality(accept, "text/*"));
        if json > html { Self::Json } else { Self::Html }
    }

    /// The content type of the answer.
    #[must_use]
    pub const fn content_type(self) -> &'static str {
        match self {
            Self::Html => "text/html; charset=utf-8",
            Self::Json => "application/json",
        }
    }
}

/// The `Content-Security-Policy` to send with the page: its own style sheet and nothing else.
#[must_use]
pub fn content_security_policy() -> &'static str {
    static POLICY: LazyLock<String> = LazyLock::new(|| {
        let digest = aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, STYLE.as_bytes());
        let digest = base64::engine::general_purpose::STANDARD.encode(digest);
        format!(
            "default-src 'none'; style-src 'sha256-{digest}'; img-src data:; base-uri 'none'; \
             form-action 'none'; frame-ancestors 'none'"
        )
    });
    &POLICY
}

/// The body of the answer.
#[must_use]
pub fn render(landing: &Landing<'_>, form: Form) -> Vec<u8> {
    match form {
        Form::Html => html(landing).into_bytes(),
        Form::Json => {
            let body = json!({
                "name": "stoa-gateway",
                "status": landing.status,
                "version": landing.version,
                "uptime_s": landing.uptime_s,
                "tools": landing.tools,
                "catalog_problems": landing.catalog_problems,
                "mcp": format!("{}/mcp", origin(landing)),
                "rest": format!("{}/mcp/v1/tools", origin(landing)),
                "needs_key": landing.needs_key,
            });
            body.to_string().into_bytes()
        }
    }
}

fn html(landing: &Landing<'_>) -> String {
    let origin = escape(&origin(landing));
    let with_key = |text: &'static str| if landing.needs_key { text } else { "" };
    let mut out = String::with_capacity(PAGE.len() + STYLE.len() + 2_048);
    let mut rest = PAGE;
    while let Some((before, after)) = rest.split_once("{{") {
        out.push_str(before);
        let (name, after) = after.split_once("}}").unwrap_or((after, ""));
        match name {
            "style" => out.push_str(STYLE),
            "origin" => out.push_str(&origin),
            "status" => out.push_str(&escape(&landing.status.replace('_', " "))),
            "status_class" => out.push_str(&escape(landing.status)),
            "tools" => out.push_str(&grouped(landing.tools)),
            "uptime" => out.push_str(&span(landing.uptime_s)),
            "version" => out.push_str(&escape(landing.version)),
            "notice" => out.push_str(&notice(landing.catalog_problems)),
            "key_hint" => out.push_str(with_key("Put your key into <code>STOA_KEY</code> first.")),
            "claude_key" => out.push_str(with_key(
                " \\\n  --header \"Authorization: Bearer $STOA_KEY\"",
            )),
            "curl_key" => out.push_str(with_key(
                " \\\n  --header \"Authorization: Bearer $STOA_KEY\"",
            )),
            "typescript" => out.push_str(&typescript(&origin, landing.needs_key)),
            "python" => out.push_str(&python(&origin, landing.needs_key)),
            unknown => out.push_str(unknown),
        }
        rest = after;
    }
    out.push_str(rest);
    out
}

fn typescript(origin: &str, needs_key: bool) -> String {
    let (headers, options) = if needs_key {
        (
            "const headers = {\n  Authorization: `Bearer ${process.env.STOA_KEY}`,\n};\n",
            ",\n    { requestInit: { headers } }",
        )
    } else {
        ("", "")
    };
    format!(
        "import {{ Client, StreamableHTTPClientTransport }}\n  from \"@modelcontextprotocol/client\";\n\n\
         const url = new URL(\"{origin}/mcp\");\n{headers}\
         const client = new Client({{ name: \"me\", version: \"1\" }});\n\
         await client.connect(\n  new StreamableHTTPClientTransport(url{options}));\n\
         console.log(await client.listTools());\nawait client.close();"
    )
}

fn python(origin: &str, needs_key: bool) -> String {
    let (imports, setup, open, server) = if needs_key {
        (
            "import asyncio, os\nfrom mcp import Client\nfrom mcp.client.streamable_http import (\n    \
             create_mcp_http_client, streamable_http_client)\n",
            "key = {\"Authorization\": \"Bearer \" + os.environ[\"STOA_KEY\"]}\n\n",
            "    http = create_mcp_http_client(key)\n    way = streamable_http_client(url, http_client=http)\n",
            "way",
        )
    } else {
        ("import asyncio\nfrom mcp import Client\n", "\n", "", "url")
    };
    format!(
        "{imports}\nurl = \"{origin}/mcp\"\n{setup}async def main():\n{open}    \
         async with Client({server}) as client:\n        \
         print(await client.list_tools())\n\nasyncio.run(main())"
    )
}

fn notice(problems: u64) -> String {
    match problems {
        0 => String::new(),
        1 => {
            "One object of the catalog is not in force; <a href=\"/ready\">readiness</a> says why."
                .to_owned()
        }
        many => format!(
            "{many} objects of the catalog are not in force; <a href=\"/ready\">readiness</a> says why."
        ),
    }
}

/// Scheme and host to reach this gateway by.
fn origin(landing: &Landing<'_>) -> String {
    let scheme = if landing.is_secure { "https" } else { "http" };
    let host = landing.host.and_then(plain_host).unwrap_or(landing.address);
    format!("{scheme}://{host}")
}

/// A host that is only a host: people paste it into a shell, so escaping for HTML is not enough.
fn plain_host(host: &[u8]) -> Option<&str> {
    let is_plain = |byte: &u8| byte.is_ascii_alphanumeric() || b".-_:[]".contains(byte);
    let is_host = (1..=HOST_CHARS_MAX).contains(&host.len()) && host.iter().all(is_plain);
    if is_host && host[0] != b'-' {
        std::str::from_utf8(host).ok()
    } else {
        None
    }
}

/// Text as HTML, also within a quoted attribute.
fn escape(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for character in text.chars() {
        match character {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&#39;"),
            other => out.push(other),
        }
    }
    out
}

/// Thousands apart: `12 345`, with a narrow space that does not break.
fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let mut out = String::with_capacity(digits.len() * 2);
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            out.push('\u{202f}');
        }
        out.push(digit);
    }
    out
}

/// The two largest parts of a span: `3 d 4 h`.
fn span(seconds: u64) -> String {
    let parts = [(86_400, "d"), (3_600, "h"), (60, "min"), (1, "s")];
    let mut out = String::new();
    let mut rest = seconds;
    let first = parts
        .iter()
        .position(|(length, _)| seconds >= *length)
        .unwrap_or(parts.len() - 1);
    for (length, unit) in &parts[first..parts.len().min(first + 2)] {
        let separator = if out.is_empty() { "" } else { " " };
        // Writing to memory does not fail.
        let _ = write!(out, "{separator}{} {unit}", rest / length);
        rest %= length;
    }
    out
}

/// The `q` of one media range in an `Accept` header, in thousandths; 0 where it does not name it.
fn quality(accept: &str, range: &str) -> u32 {
    let mut best = 0;
    for part in accept.split(',') {
        let mut parameters = part.split(';').map(str::trim);
        if !parameters
            .next()
            .is_some_and(|name| name.eq_ignore_ascii_case(range))
        {
            continue;
        }
        let quality = parameters
            .find_map(|parameter| {
                parameter
                    .strip_prefix("q=")
                    .or_else(|| parameter.strip_prefix("Q="))
            })
            .map_or(Some(1.0), |text| text.parse::<f32>().ok())
            .filter(|quality| (0.0..=1.0).contains(quality))
            .unwrap_or(0.0);
        best = best.max((quality * 1_000.0) as u32);
    }
    best
}

#[cfg(test)]
mod tests;
