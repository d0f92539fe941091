//! A `[[check]]` table as a person wrote it, and how its meaning is found.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::Deserialize;

use super::directives::{self, Objection};
use super::{Action, Check, Expect, LONGEST_MESSAGE, Message, MessageKind, Mpm, Request, Site, WebSocket};

/// One check. Exactly one of `directive`, `request` and `websocket` says what is done.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
#[schemars(rename = "Check", extend("oneOf" = [
    { "required": ["directive"] },
    { "required": ["request"] },
    { "required": ["websocket"] },
]))]
pub struct Entry {
    /// What the check shows, in words; printed with its result.
    pub name: String,
    /// The MPM that httpd runs with; as the target prefers where this is left out.
    pub mpm: Option<Mpm>,
    /// More modules of the target to load, without `mod_`: `["proxy_http"]`. Those that the module itself needs are loaded anyway.
    #[serde(default)]
    pub modules: Vec<String>,
    /// Lines of httpd.conf. `{{port}}` is the port of httpd, `{{root}}` its folder, where `htdocs/index.html` is;
    /// `{{backend.http}}` is the address of a server that answers with the request it got, `{{backend.websocket}}` that of
    /// a WebSocket echo, and nobody listens at `{{backend.closed}}`. An address is a host and a port.
    pub config: Option<String>,
    /// Directives that `httpd -t` must accept; a template as `config` is.
    pub directive: Option<String>,
    /// With `directive`: it must be refused instead, with a message that contains this.
    pub rejected: Option<String>,
    /// An HTTP request to httpd.
    pub request: Option<RequestEntry>,
    /// A WebSocket through httpd to the echo backend.
    pub websocket: Option<WebSocketEntry>,
    /// What the response must be like.
    pub expect: Option<ExpectEntry>,
}

/// An HTTP request.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
#[schemars(rename = "CheckRequest")]
pub struct RequestEntry {
    /// `GET` where left out.
    pub method: Option<String>,
    /// Path and query: begins with `/`.
    pub path: String,
    /// More fields of the header.
    #[serde(default)]
    pub headers: BTreeMap<String, String>,
    /// The body.
    pub body: Option<String>,
    /// Requests that are sent first, on the same connection. Each must be answered, whatever the answer is: what a module
    /// remembers of one must not show in the next.
    #[serde(default)]
    pub before: Vec<RequestEntry>,
}

/// A WebSocket connection.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
#[schemars(rename = "CheckWebSocket")]
pub struct WebSocketEntry {
    /// Path and query: begins with `/`.
    pub path: String,
    /// Offered in the handshake, and must be selected by its answer.
    pub subprotocol: Option<String>,
    /// More fields of the handshake.
    #[serde(default)]
    pub headers: BTreeMap<String, String>,
    /// Messages to send, each of which must come back.
    #[serde(default)]
    pub messages: Vec<MessageEntry>,
}

/// A message: either `text`, or a number of `bytes`.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
#[schemars(rename = "CheckMessage", extend("oneOf" = [{ "required": ["text"] }, { "required": ["bytes"] }]))]
pub struct MessageEntry {
    /// A text message with this content.
    pub text: Option<String>,
    /// A message of this many bytes, 16 MiB at most.
    pub bytes: Option<usize>,
    /// With `bytes`: how they are sent; `binary` where left out.
    pub kind: Option<MessageKind>,
}

/// What a response must be like.
#[derive(Debug, Clone, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
#[schemars(rename = "CheckExpect")]
pub struct ExpectEntry {
    /// The status code: 200 for a request and 101 for a WebSocket where left out.
    #[schemars(range(min = 100, max = 999))]
    pub status: Option<u16>,
    /// Fields that must be there, with their values.
    #[serde(default)]
    pub headers: BTreeMap<String, String>,
    /// Fields that must not be there.
    #[serde(default)]
    pub absent_headers: Vec<String>,
    /// What the body must contain.
    pub body_contains: Option<String>,
}

/// Why a table is no check.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Problem {
    /// A name is what its result is found by.
    #[error("the name of a check must not be empty")]
    Unnamed,
    /// Nothing is done.
    #[error("check `{name}` does nothing: give it one of `directive`, `request` and `websocket`")]
    NoAction {
        /// The check.
        name: String,
    },
    /// More than one thing is done.
    #[error("check `{name}` has {}: give each a check of its own", .actions.join(" and "))]
    ManyActions {
        /// The check.
        name: String,
        /// The keys that stand side by side.
        actions: Vec<&'static str>,
    },
    /// A key that says nothing without another one.
    #[error("check `{name}`: `{key}` has no meaning without {needs}")]
    Stray {
        /// The check.
        name: String,
        /// The key.
        key: &'static str,
        /// What it belongs to.
        needs: &'static str,
    },
    /// A value that cannot be used.
    #[error("check `{name}`: `{key}` {problem}")]
    Value {
        /// The check.
        name: String,
        /// The key.
        key: &'static str,
        /// What is wrong with its value.
        problem: String,
    },
    /// A line of a configuration that would leave the check's folder.
    #[error("check `{name}`: line {} of `{key}`: {}", .objection.line, .objection.reason)]
    Directive {
        /// The check.
        name: String,
        /// `config` or `directive`.
        key: &'static str,
        /// The line, and what is wrong with it.
        objection: Objection,
    },
}

impl TryFrom<Entry> for Check {
    type Error = Problem;

    fn try_from(entry: Entry) -> Result<Self, Problem> {
        if entry.name.trim().is_empty() {
            return Err(Problem::Unnamed);
        }
        let reader = Reader { name: &entry.name };
        for module in &entry.modules {
            if module.is_empty() || !module.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_') {
                return Err(reader.value("modules", format!("has {module:?}, which is no module's name")));
            }
            if module.starts_with("mod_") {
                return Err(reader.value("modules", format!("has {module:?}: leave out the `mod_`")));
            }
        }
        let config = entry.config.unwrap_or_default();
        reader.lines("config", &config)?;
        let site = Site { mpm: entry.mpm, modules: entry.modules, config };

        let actions: Vec<&'static str> = [
            ("`directive`", entry.directive.is_some()),
            ("`request`", entry.request.is_some()),
            ("`websocket`", entry.websocket.is_some()),
        ]
        .into_iter()
        .filter_map(|(key, given)| given.then_some(key))
        .collect();
        if actions.len() > 1 {
            return Err(Problem::ManyActions { name: entry.name, actions });
        }
        if entry.rejected.is_some() && entry.directive.is_none() {
            return Err(reader.stray("rejected", "`directive`"));
        }
        let action = match (entry.directive, entry.request, entry.websocket) {
            (Some(_), ..) if entry.expect.is_some() => {
                return Err(reader.stray("expect", "`request` or `websocket`"));
            }
            (Some(directive), ..) => reader.directive(directive, entry.rejected)?,
            (None, Some(request), _) => Action::Request {
                request: reader.request(request)?,
                expect: reader.expect(entry.expect.unwrap_or_default(), 200)?,
            },
            (None, None, Some(websocket)) => {
                let websocket = reader.websocket(websocket)?;
                let expect = reader.expect(entry.expect.unwrap_or_default(), 101)?;
                if expect.status != 101 && !websocket.messages.is_empty() {
                    return Err(
                        reader.stray("messages", "a handshake that is expected to succeed (status 101)")
                    );
                }
                if expect.status == 101 && expect.body_contains.is_some() {
                    return Err(reader
                        .stray("body-contains", "a handshake that is expected to fail: 101 has no body"));
                }
                Action::WebSocket { websocket, expect }
            }
            (None, None, None) => return Err(Problem::NoAction { name: entry.name }),
        };
        Ok(Check { name: entry.name, site, action })
    }
}

/// Reads the parts of one check, whose name every problem bears.
struct Reader<'a> {
    name: &'a str,
}

impl Reader<'_> {
    fn value(&self, key: &'static str, problem: impl Into<String>) -> Problem {
        Problem::Value { name: self.name.to_owned(), key, problem: problem.into() }
    }

    fn stray(&self, key: &'static str, needs: &'static str) -> Problem {
        Problem::Stray { name: self.name.to_owned(), key, needs }
    }

    fn lines(&self, key: &'static str, text: &str) -> Result<(), Problem> {
        directives::object(text).map_or(Ok(()), |objection| {
            Err(Problem::Directive { name: self.name.to_owned(), key, objection })
        })
    }

    fn directive(&self, directive: String, rejected: Option<String>) -> Result<Action, Problem> {
        if directive.trim().is_empty() {
            return Err(self.value("directive", "is empty"));
        }
        self.lines("directive", &directive)?;
        match rejected {
            Some(message) if message.trim().is_empty() => Err(self.value(
                "rejected",
                "must be a part of httpd's message, since any mistake is refused somehow",
            )),
            Some(message) => Ok(Action::Refused { directive, message }),
            None => Ok(Action::Accepted { directive }),
        }
    }

    fn request(&self, entry: RequestEntry) -> Result<Request, Problem> {
        let method = entry.method.unwrap_or_else(|| "GET".to_owned());
        if !is_token(&method) {
            return Err(self.value("method", format!("is {method:?}, which is no HTTP method")));
        }
        if entry.before.iter().any(|earlier| !earlier.before.is_empty()) {
            return Err(
                self.value("before", "stands within `before`: put all requests into one list, in order")
            );
        }
        let before =
            entry.before.into_iter().map(|earlier| self.request(earlier)).collect::<Result<_, _>>()?;
        Ok(Request {
            before,
            method,
            path: self.path(entry.path)?,
            headers: self.fields(entry.headers)?,
            body: entry.body,
        })
    }

    fn websocket(&self, entry: WebSocketEntry) -> Result<WebSocket, Problem> {
        if let Some(subprotocol) = entry.subprotocol.as_deref().filter(|subprotocol| !is_token(subprotocol)) {
            return Err(self.value("subprotocol", format!("is {subprotocol:?}, which is no HTTP token")));
        }
        Ok(WebSocket {
            path: self.path(entry.path)?,
            subprotocol: entry.subprotocol,
            headers: self.fields(entry.headers)?,
            messages: entry
                .messages
                .into_iter()
                .map(|message| self.message(message))
                .collect::<Result<_, _>>()?,
        })
    }

    fn message(&self, entry: MessageEntry) -> Result<Message, Problem> {
        let message = match entry {
            MessageEntry { text: Some(text), bytes: None, kind: None } => Message::Text(text),
            MessageEntry { text: None, bytes: Some(bytes), kind } => {
                Message::Generated { bytes, kind: kind.unwrap_or_default() }
            }
            MessageEntry { text: None, bytes: None, .. } => {
                return Err(self.value("messages", "has one with neither `text` nor `bytes`"));
            }
            MessageEntry { text: Some(_), bytes: Some(_), .. } => {
                return Err(self.value("messages", "has one with both `text` and `bytes`"));
            }
            MessageEntry { text: Some(_), kind: Some(_), .. } => {
                return Err(
                    self.value("messages", "has one with `kind` beside `text`: it belongs to `bytes`")
                );
            }
        };
        let length = match &message {
            Message::Text(text) => text.len(),
            Message::Generated { bytes, .. } => *bytes,
        };
        if length > LONGEST_MESSAGE {
            return Err(
                self.value("messages", format!("has one of {length} bytes; {LONGEST_MESSAGE} is the most"))
            );
        }
        Ok(message)
    }

    fn expect(&self, entry: ExpectEntry, usual: u16) -> Result<Expect, Problem> {
        let status = entry.status.unwrap_or(usual);
        if !(100..1000).contains(&status) {
            return Err(self.value("status", format!("is {status}, which is no HTTP status")));
        }
        if let Some(name) = entry.absent_headers.iter().find(|name| !is_token(name)) {
            return Err(self.value("absent-headers", format!("has {name:?}, which is no field's name")));
        }
        Ok(Expect {
            status,
            headers: self.fields(entry.headers)?,
            absent_headers: entry.absent_headers,
            body_contains: entry.body_contains,
        })
    }

    fn path(&self, path: String) -> Result<String, Problem> {
        if !path.starts_with('/') {
            return Err(self.value("path", format!("is {path:?}, and must begin with `/`")));
        }
        if !path.bytes().all(|byte| byte.is_ascii_graphic()) {
            return Err(
                self.value("path", format!("is {path:?}: write blanks and non-ASCII characters as %XX"))
            );
        }
        Ok(path)
    }

    fn fields(&self, fields: BTreeMap<String, String>) -> Result<Vec<(String, String)>, Problem> {
        for (name, value) in &fields {
            if !is_token(name) {
                return Err(self.value("headers", format!("has {name:?}, which is no field's name")));
            }
            if value.bytes().any(|byte| matches!(byte, b'\r' | b'\n' | 0)) {
                return Err(self.value("headers", format!("has a line break in the value of {name:?}")));
            }
        }
        Ok(fields.into_iter().collect())
    }
}

/// RFC 9110, 5.6.2.
fn is_token(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|b| b.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&b))
}

#[cfg(test)]
mod tests;
