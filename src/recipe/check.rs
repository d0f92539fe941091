//! The checks of a recipe: what a real httpd must do with the module.
//!
//! [`Entry`] is one `[[check]]` table as a person wrote it, [`Check`] is what it means. A `Check` is made from an `Entry`
//! only, so that one in hand is known to be whole: exactly one action, a path that can be sent, a configuration that stays
//! in the folder of its check.

mod directives;
mod entry;

pub use entry::{Entry, ExpectEntry, MessageEntry, Problem, RequestEntry, WebSocketEntry};

use std::borrow::Cow;

use schemars::{JsonSchema, Schema, SchemaGenerator};
use serde::{Deserialize, Serialize};

/// The longest message that a check may send through a WebSocket, in bytes.
pub const LONGEST_MESSAGE: usize = 16 << 20;

/// One check.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "Entry", rename_all = "kebab-case")]
pub struct Check {
    /// What the check shows, in words; printed with its result.
    pub name: String,
    /// Where httpd runs: checks that agree in all of it share one.
    pub site: Site,
    /// What is done, and what must come of it.
    pub action: Action,
}

/// The configuration of an httpd, beyond what every check has.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "kebab-case")]
pub struct Site {
    /// How httpd serves connections; `None`: as the target prefers.
    pub mpm: Option<Mpm>,
    /// Modules of the target that are loaded besides those that the module itself needs, without `mod_`, in this order.
    pub modules: Vec<String>,
    /// Lines of httpd.conf: a handlebars template, see [`Entry::config`].
    pub config: String,
}

/// A multi-processing module of httpd.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Mpm {
    /// Processes with threads; idle connections need none.
    Event,
    /// Processes with threads.
    Worker,
    /// A process for each connection.
    Prefork,
}

impl Mpm {
    /// As its file is called: `event` in `mod_mpm_event.so`, `event.c` in what `httpd -l` says.
    pub fn name(self) -> &'static str {
        match self {
            Mpm::Event => "event",
            Mpm::Worker => "worker",
            Mpm::Prefork => "prefork",
        }
    }
}

/// What a check does, and what must come of it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Action {
    /// `httpd -t` accepts the directive.
    Accepted {
        /// One directive or more, at the level of the server.
        directive: String,
    },
    /// `httpd -t` refuses the directive, and says why.
    Refused {
        /// One directive or more, at the level of the server.
        directive: String,
        /// What httpd's message must contain. Any other reason (a misspelt name) shows nothing.
        message: String,
    },
    /// An HTTP request and its response.
    Request {
        /// What is sent.
        request: Request,
        /// What must come back.
        expect: Expect,
    },
    /// The opening handshake of a WebSocket to an echo backend behind httpd; then messages, each of which must come back.
    WebSocket {
        /// What is sent.
        websocket: WebSocket,
        /// What the handshake must be answered with.
        expect: Expect,
    },
}

/// An HTTP request.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Request {
    /// Sent first, in order, on the same connection; each must be answered, whatever the answer is. They have none before
    /// them.
    pub before: Vec<Request>,
    /// An HTTP token.
    pub method: String,
    /// The request target: begins with `/`.
    pub path: String,
    /// Fields in order. `Host` and `Connection` are added where they are not among them.
    pub headers: Vec<(String, String)>,
    /// The body, where one is sent.
    pub body: Option<String>,
}

/// A WebSocket connection.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct WebSocket {
    /// The request target: begins with `/`.
    pub path: String,
    /// Offered in the handshake; the echo backend selects it, and the answer must say so.
    pub subprotocol: Option<String>,
    /// Fields besides those that the handshake has anyway.
    pub headers: Vec<(String, String)>,
    /// Sent one after the other; each is awaited before the next is sent.
    pub messages: Vec<Message>,
}

/// A WebSocket message.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Message {
    /// Exactly this text.
    Text(String),
    /// This many bytes of a pattern that is made for the check, at most [`LONGEST_MESSAGE`].
    Generated {
        /// How many.
        bytes: usize,
        /// As what they are sent.
        kind: MessageKind,
    },
}

/// The two kinds of messages that WebSocket has.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum MessageKind {
    /// UTF-8.
    Text,
    /// Bytes.
    #[default]
    Binary,
}

/// What a response must be like.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub struct Expect {
    /// The status code.
    pub status: u16,
    /// Fields that must be there with exactly this value; where a field comes more than once, one of them.
    pub headers: Vec<(String, String)>,
    /// Fields that must not be there.
    pub absent_headers: Vec<String>,
    /// What the body must contain.
    pub body_contains: Option<String>,
}

/// The schema is that of what a person writes.
impl JsonSchema for Check {
    fn schema_name() -> Cow<'static, str> {
        Entry::schema_name()
    }

    fn schema_id() -> Cow<'static, str> {
        Entry::schema_id()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        Entry::json_schema(generator)
    }
}
