//! One request of a known caller, in either era: what its method asks for, and the answer to that.
//!
//! Not here: reading messages, authenticating, errors and their shape (the file above).

use super::{Failure, Frame, SESSION_HEADER, Visit, Want, call, open_session, stream_answer};
use crate::answer::Answer;
use crate::auth::Principal;
use crate::limits::TOOLS_PER_PAGE_MAX;
use crate::mcp::answer;
use crate::mcp::envelope::{Id, Kind, Message};
use crate::mcp::headers::Headers;
use crate::mcp::list::{self, Listed, Page};
use crate::mcp::method::{self, Method};
use crate::mcp::session::Binding;
use crate::mcp::version::{Era, Revision};
use crate::mcp::{cursor, handshake, legacy, listen, modern};
use crate::meter::record::Status;
use crate::policy;
use crate::refusal::Refusal;
use crate::route;
use crate::worker::stream::Subscription;

/// What a message was answered with, and how its record ends.
pub(super) struct Reply {
    pub(super) answer: Answer,
    pub(super) status: Status,
}

impl Reply {
    fn json(body: Vec<u8>) -> Self {
        Self {
            answer: Answer::json(200, body),
            status: Status::Success,
        }
    }
}

/// One request of a known caller.
pub(super) struct Turn<'a, 'p> {
    pub(super) frame: &'a Frame<'a>,
    pub(super) headers: &'a Headers<'a>,
    pub(super) message: &'a Message<'a>,
    pub(super) principal: &'p Principal,
    pub(super) id: Id<'a>,
}

impl<'a> Turn<'a, '_> {
    pub(super) async fn modern(&self, visit: &mut Visit<'a>) -> Result<Reply, Failure<'a>> {
        let modern::Accepted::Request(method) = modern::check(self.message, self.headers)? else {
            return Err(Refusal::Internal.into());
        };
        match method {
            Method::ToolsCall => {
                self.tools_call(Revision::V20260728, Some(self.headers), visit)
                    .await
            }
            Method::ToolsList => self.tools_list(Era::Modern, visit).await,
            Method::ServerDiscover => {
                call(self.frame, self.principal, Want::Protocol, visit).await?;
                let mut body = self.frame.core.buffers.take();
                handshake::write_discover(&mut body, self.id, &self.frame.core.shared.instructions);
                Ok(Reply::json(body))
            }
            Method::SubscriptionsListen => {
                let filter = listen::read_filter(&self.message.params)?;
                call(self.frame, self.principal, Want::Protocol, visit).await?;
                let stream = Subscription::listen(
                    self.frame.core,
                    self.principal,
                    self.authorization(),
                    self.id,
                    filter,
                )?;
                Ok(Reply {
                    answer: stream_answer(stream),
                    status: Status::Success,
                })
            }
            Method::Initialize | Method::Ping | Method::LoggingSetLevel | Method::Unknown => {
                Err(Refusal::MethodUnknown.into())
            }
        }
    }

    pub(super) async fn legacy(&self, visit: &mut Visit<'a>) -> Result<Reply, Failure<'a>> {
        let opens =
            matches!(&self.message.kind, Kind::Request { method, .. } if method == "initialize");
        if opens {
            return self.initialize(visit).await;
        }
        let session = open_session(self.frame, self.headers, self.principal)?;
        let legacy::Accepted::Request(method) = legacy::check(self.message)? else {
            return Err(Refusal::Internal.into());
        };
        match method {
            Method::ToolsCall => self.tools_call(session.revision, None, visit).await,
            Method::ToolsList => self.tools_list(Era::Legacy, visit).await,
            Method::LoggingSetLevel if !self.names_a_log_level() => {
                Err(Refusal::ParamsInvalid.into())
            }
            Method::Ping | Method::LoggingSetLevel => {
                call(self.frame, self.principal, Want::Protocol, visit).await?;
                let mut body = self.frame.core.buffers.take();
                answer::write_empty(&mut body, self.id);
                Ok(Reply::json(body))
            }
            Method::Initialize
            | Method::ServerDiscover
            | Method::SubscriptionsListen
            | Method::Unknown => Err(Refusal::MethodUnknown.into()),
        }
    }

    async fn initialize(&self, visit: &mut Visit<'a>) -> Result<Reply, Failure<'a>> {
        let opening = handshake::read_initialize(&self.message.params)?;
        call(self.frame, self.principal, Want::Protocol, visit).await?;
        let shared = &self.frame.core.shared;
        let token = shared.sessions.begin(
            &shared.sealer,
            opening.revision,
            opening.declared,
            &Binding::from(self.principal.binding()),
            self.frame.now.unix_ms,
        )?;
        let mut body = self.frame.core.buffers.take();
        handshake::write_initialize(&mut body, self.id, opening.revision, &shared.instructions);
        let mut reply = Reply::json(body);
        reply.answer.header(SESSION_HEADER, token.as_bytes());
        Ok(reply)
    }

    async fn tools_list(&self, era: Era, visit: &mut Visit<'a>) -> Result<Reply, Failure<'a>> {
        call(self.frame, self.principal, Want::List, visit).await?;
        let (snapshot, shared) = (self.frame.snapshot(), &self.frame.core.shared);
        let scope = cursor::Scope {
            catalog_version: snapshot.catalog_version,
            binding: Binding::from(self.principal.binding()),
        };
        let start = list::read_position(&self.message.params, &scope, &shared.sealer)?;
        let listed = route::candidates(snapshot, self.principal)
            .zip(0u32..)
            .skip(start as usize)
            .filter(|(tool, _)| policy::visible(self.principal, snapshot, tool))
            .map(|(tool, position)| Listed {
                position,
                tenant: None,
                name: route::shown_name(self.principal, tool),
                definition: &tool.definition,
            });
        let page = Page {
            era,
            size: TOOLS_PER_PAGE_MAX,
            scope,
            sealer: &shared.sealer,
        };
        let mut body = self.frame.core.buffers.take();
        list::write(&mut body, self.id, &page, listed)?;
        Ok(Reply::json(body))
    }

    async fn tools_call(
        &self,
        revision: Revision,
        headers: Option<&'a Headers<'a>>,
        visit: &mut Visit<'a>,
    ) -> Result<Reply, Failure<'a>> {
        let params = &self.message.params;
        let name = params.name.as_str().ok_or(Refusal::ParamsInvalid)?;
        let want = Want::Tool {
            name,
            arguments: params.arguments,
            headers,
        };
        let mut body = self.frame.core.buffers.take();
        let status = match call(self.frame, self.principal, want, visit).await {
            Ok(result) => {
                let result = result.unwrap_or_default();
                answer::write_tool_result(&mut body, self.id, revision, &result);
                self.frame.core.buffers.give_back(result.content);
                if result.is_error {
                    Status::Error
                } else {
                    Status::Success
                }
            }
            // What a model can act on is a tool's result, not a protocol error (SEP-1303).
            Err(Failure::Arguments(invalid)) => {
                answer::write_tool_error(&mut body, self.id, revision, invalid.text());
                visit.blame(Refusal::ArgumentsInvalid);
                Status::Error
            }
            Err(Failure::Upstream(fault)) => {
                let row = fault.refusal().row();
                let text = format!("{} {}", row.message, row.suggestion);
                answer::write_tool_error(&mut body, self.id, revision, &text);
                visit.blame_upstream(fault);
                row.status
            }
            Err(failure) => return Err(failure),
        };
        Ok(Reply {
            answer: Answer::json(200, body),
            status,
        })
    }

    fn names_a_log_level(&self) -> bool {
        self.message
            .params
            .level
            .as_str()
            .is_some_and(method::is_log_level)
    }

    fn authorization(&self) -> Option<&[u8]> {
        self.frame.head.authorization
    }
}
