//! Every reason to refuse, and one table of what each looks like to a caller.
//!
//! A refusal is data: no strings, no allocation. Each transport reads its columns from [`Refusal::row`].
//! Codes for causes that JSON-RPC and MCP do not name equal the HTTP status (401, 403, 429, ...): the
//! specification asks that application codes lie outside -32768..-32000.
