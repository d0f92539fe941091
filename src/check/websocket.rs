//! The client's side of a WebSocket (RFC 6455): the opening handshake, and messages that are to come back.

use std::io::{self, Write};
use std::net::SocketAddr;

use tungstenite::handshake::{client::generate_key, derive_accept_key};
use tungstenite::protocol::{CloseFrame, Role, WebSocket, WebSocketConfig, frame::coding::CloseCode};

use super::http::{Connection, Error as HttpError, Response, ResponseHead, request_bytes};
use super::stream::{Deadline, Stream};
use crate::recipe::check::{LONGEST_MESSAGE, Message, MessageKind};

/// Why a WebSocket did not do what it should.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The handshake had no answer that could be read.
    #[error(transparent)]
    Http(#[from] HttpError),
    /// The answer is not what RFC 6455 demands.
    #[error("the answer to the handshake is wrong: {0}")]
    Handshake(String),
    /// A message could not be sent or received.
    #[error("{doing}: {problem}")]
    Message {
        /// What was being done.
        doing: String,
        /// The reason.
        problem: String,
    },
}

/// What became of an opening handshake.
#[derive(Debug)]
pub enum Opening {
    /// The WebSocket is open.
    Open {
        /// The head of the answer.
        head: ResponseHead,
        /// The open WebSocket.
        socket: Box<WebSocket<Stream>>,
    },
    /// It was answered otherwise.
    Refused(Response),
}

/// The limits of both ends.
pub fn limits() -> WebSocketConfig {
    WebSocketConfig::default()
        .read_buffer_size(32 << 10)
        .write_buffer_size(0)
        .max_message_size(Some(LONGEST_MESSAGE))
        .max_frame_size(Some(LONGEST_MESSAGE))
}

/// The fields of an opening handshake with this key.
pub fn handshake_fields(
    key: &str,
    subprotocol: Option<&str>,
    more: &[(String, String)],
) -> Vec<(String, String)> {
    let fixed = [
        ("Upgrade", "websocket"),
        ("Connection", "Upgrade"),
        ("Sec-WebSocket-Version", "13"),
        ("Sec-WebSocket-Key", key),
    ];
    fixed
        .into_iter()
        .chain(subprotocol.map(|subprotocol| ("Sec-WebSocket-Protocol", subprotocol)))
        .filter(|(name, _)| !more.iter().any(|(other, _)| other.eq_ignore_ascii_case(name)))
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
        .chain(more.iter().cloned())
        .collect()
}

/// Sends the opening handshake and reads its answer. An answer of 101 must be right in all that RFC 6455, 4.1 demands.
pub fn open(
    address: SocketAddr,
    path: &str,
    subprotocol: Option<&str>,
    more: &[(String, String)],
    deadline: Deadline,
) -> Result<Opening, Error> {
    let key = generate_key();
    let fields = handshake_fields(&key, subprotocol, more);
    let stream = Stream::connect(address, deadline).map_err(HttpError::from)?;
    let mut connection = Connection::new(stream);
    let request = request_bytes("GET", path, &address.to_string(), &fields);
    connection.stream().write_all(&request).map_err(HttpError::from)?;
    let head = connection.response_head()?;
    if head.status != 101 {
        let body = connection.response_body("GET", &head)?;
        return Ok(Opening::Refused(Response { head, body }));
    }
    let sent_key = fields.iter().find(|(name, _)| name.eq_ignore_ascii_case("Sec-WebSocket-Key"));
    verify(&head, sent_key.map_or("", |(_, value)| value), subprotocol).map_err(Error::Handshake)?;
    let (stream, ahead) = connection.into_parts();
    let socket = WebSocket::from_partially_read(stream, ahead, Role::Client, Some(limits()));
    Ok(Opening::Open { head, socket: Box::new(socket) })
}

fn verify(head: &ResponseHead, key: &str, subprotocol: Option<&str>) -> Result<(), String> {
    let fields = &head.fields;
    if !fields.lists("Upgrade", "websocket") {
        return Err("it has no `Upgrade: websocket`".to_owned());
    }
    if !fields.lists("Connection", "upgrade") {
        return Err("it has no `Connection: Upgrade`".to_owned());
    }
    let accept = derive_accept_key(key.as_bytes());
    match fields.get("Sec-WebSocket-Accept") {
        Some(value) if value == accept => {}
        Some(value) => return Err(format!("Sec-WebSocket-Accept is {value}, expected {accept}")),
        None => return Err("it has no Sec-WebSocket-Accept".to_owned()),
    }
    match (subprotocol, fields.get("Sec-WebSocket-Protocol")) {
        (Some(offered), Some(selected)) if offered == selected => Ok(()),
        (None, None) => Ok(()),
        (Some(offered), None) => Err(format!("the subprotocol {offered} was offered, and none selected")),
        (_, Some(selected)) => Err(format!("the subprotocol {selected} was selected, which was not offered")),
    }
}

/// Sends a message and awaits the same.
pub fn echo(socket: &mut WebSocket<Stream>, message: &Message) -> Result<(), Error> {
    let (sent, what) = match message {
        Message::Text(text) => (tungstenite::Message::text(text.as_str()), format!("{text:?}")),
        Message::Generated { bytes, kind: MessageKind::Binary } => {
            (tungstenite::Message::binary(pattern(*bytes)), format!("a message of {bytes} bytes"))
        }
        Message::Generated { bytes, kind: MessageKind::Text } => {
            let text: String = (b'a'..=b'z').cycle().map(char::from).take(*bytes).collect();
            (tungstenite::Message::text(text), format!("a text of {bytes} bytes"))
        }
    };
    let failed = |doing: &str, error: &tungstenite::Error| Error::Message {
        doing: format!("{doing} {what}"),
        problem: describe(error),
    };
    socket.send(sent.clone()).map_err(|error| failed("sending", &error))?;
    loop {
        match socket.read().map_err(|error| failed("waiting for the echo of", &error))? {
            tungstenite::Message::Ping(_) | tungstenite::Message::Pong(_) => {}
            received if received == sent => return Ok(()),
            received => {
                let problem = format!("what came back is another: {}", summary(&received));
                return Err(Error::Message { doing: format!("waiting for the echo of {what}"), problem });
            }
        }
    }
}

/// Says goodbye, and awaits the same and the end of the connection. What comes between the two is discarded, as RFC 6455
/// (5.5.1) has it: Apache's first mod_proxy_wstunnel sends an error page there.
pub fn close(socket: &mut WebSocket<Stream>) -> Result<(), Error> {
    let failed = |problem: String| Error::Message { doing: "closing".to_owned(), problem };
    socket
        .close(Some(CloseFrame { code: CloseCode::Normal, reason: "".into() }))
        .map_err(|error| failed(describe(&error)))?;
    loop {
        match socket.read() {
            Ok(tungstenite::Message::Close(_)) => break,
            Ok(_) => {}
            Err(tungstenite::Error::ConnectionClosed | tungstenite::Error::AlreadyClosed) => return Ok(()),
            Err(error) => return Err(failed(describe(&error))),
        }
    }
    match io::copy(socket.get_mut(), &mut io::sink()) {
        // A reset is an end too.
        Err(error) if error.kind() != io::ErrorKind::ConnectionReset => Err(failed(error.to_string())),
        _ => Ok(()),
    }
}

/// Bytes that do not repeat at a power of two, so that a chunk that is lost or moved is seen.
pub fn pattern(length: usize) -> Vec<u8> {
    (0..251u8).cycle().take(length).collect()
}

fn summary(message: &tungstenite::Message) -> String {
    match message {
        tungstenite::Message::Text(text) => format!("a text of {} bytes", text.len()),
        tungstenite::Message::Binary(bytes) => format!("{} bytes", bytes.len()),
        tungstenite::Message::Close(Some(frame)) => format!("a close frame with code {}", frame.code),
        tungstenite::Message::Close(None) => "a close frame".to_owned(),
        other => format!("{other:?}"),
    }
}

fn describe(error: &tungstenite::Error) -> String {
    match error {
        tungstenite::Error::Io(error) if error.kind() == std::io::ErrorKind::TimedOut => {
            "nothing came in time".to_owned()
        }
        other => other.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::check::http::Fields;

    fn answer(fields: &[(&str, &str)], subprotocol: Option<&str>) -> Result<(), String> {
        let fields = fields.iter().map(|(name, value)| (name.to_string(), value.to_string())).collect();
        // The key and its answer are the example of RFC 6455, 1.3.
        verify(&ResponseHead { status: 101, fields: Fields(fields) }, "dGhlIHNhbXBsZSBub25jZQ==", subprotocol)
    }

    const RIGHT: [(&str, &str); 3] = [
        ("Upgrade", "WebSocket"),
        ("Connection", "upgrade"),
        ("Sec-WebSocket-Accept", "s3pPLMBiTxaQ9kYGzzhZRbK+xOo="),
    ];

    #[test]
    fn the_answer_to_the_handshake_is_verified() {
        assert_eq!(answer(&RIGHT, None), Ok(()));
        for (missing, message) in [
            (0, "it has no `Upgrade: websocket`"),
            (1, "it has no `Connection: Upgrade`"),
            (2, "it has no Sec-WebSocket-Accept"),
        ] {
            let mut fields = RIGHT.to_vec();
            fields.remove(missing);
            assert_eq!(answer(&fields, None).unwrap_err(), message);
        }
        let mut fields = RIGHT.to_vec();
        fields[2].1 = "x";
        assert_eq!(
            answer(&fields, None).unwrap_err(),
            "Sec-WebSocket-Accept is x, expected s3pPLMBiTxaQ9kYGzzhZRbK+xOo="
        );
        assert_eq!(
            answer(&RIGHT, Some("chat")).unwrap_err(),
            "the subprotocol chat was offered, and none selected"
        );
        let mut fields = RIGHT.to_vec();
        fields.push(("Sec-WebSocket-Protocol", "chat"));
        assert_eq!(answer(&fields, Some("chat")), Ok(()));
        assert_eq!(
            answer(&fields, None).unwrap_err(),
            "the subprotocol chat was selected, which was not offered"
        );
    }

    #[test]
    fn a_recipe_can_replace_a_field_of_the_handshake() {
        let fields = handshake_fields("k", None, &[("sec-websocket-version".to_owned(), "8".to_owned())]);
        assert_eq!(
            fields.iter().filter(|(name, _)| name.eq_ignore_ascii_case("Sec-WebSocket-Version")).count(),
            1
        );
    }
}
