//! As much HTTP/1.1 as a check needs, for both ends of a connection. Everything is bounded.

use std::io::{self, Read, Write};
use std::net::SocketAddr;

use super::stream::{Deadline, Stream};

/// The longest head that is read, in bytes.
pub const LONGEST_HEAD: usize = 64 << 10;
/// The longest body that is read, in bytes.
pub const LONGEST_BODY: usize = 32 << 20;
/// The most fields that a head may have.
const MOST_FIELDS: usize = 128;
/// How many interim responses (1xx) may come before the final one.
const MOST_INTERIM: usize = 8;

/// Why an exchange of messages came to nothing.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// Nothing came in time.
    #[error("no answer came in time")]
    TimedOut,
    /// The connection broke.
    #[error("the connection broke: {0}")]
    Io(io::Error),
    /// The connection ended in the middle of a message, or before it.
    #[error("the connection was closed after {0} bytes, before the message was complete")]
    Closed(usize),
    /// A message is not HTTP.
    #[error("what came is not HTTP: {0}")]
    Malformed(String),
    /// A message is longer than can be believed.
    #[error("the {0} is longer than {1} bytes")]
    TooLong(&'static str, usize),
}

impl From<io::Error> for Error {
    fn from(error: io::Error) -> Self {
        match error.kind() {
            io::ErrorKind::TimedOut => Error::TimedOut,
            _ => Error::Io(error),
        }
    }
}

impl From<httparse::Error> for Error {
    fn from(error: httparse::Error) -> Self {
        Error::Malformed(error.to_string())
    }
}

/// The fields of a message, in order.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Fields(pub Vec<(String, String)>);

impl Fields {
    /// The values of all fields of this name.
    pub fn all<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a str> {
        self.0.iter().filter(move |(key, _)| key.eq_ignore_ascii_case(name)).map(|(_, value)| value.as_str())
    }

    /// The value of the first field of this name.
    pub fn get(&self, name: &str) -> Option<&str> {
        self.0.iter().find(|(key, _)| key.eq_ignore_ascii_case(name)).map(|(_, value)| value.as_str())
    }

    /// Whether a list field, such as `Connection`, has this element.
    pub fn lists(&self, name: &str, element: &str) -> bool {
        self.all(name)
            .flat_map(|value| value.split(','))
            .any(|item| item.trim().eq_ignore_ascii_case(element))
    }

    fn from_parsed(headers: &[httparse::Header<'_>]) -> Self {
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        Fields(headers.iter().map(|header| (header.name.to_owned(), text(header.value))).collect())
    }
}

/// What a request begins with.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RequestHead {
    /// `GET`.
    pub method: String,
    /// Path and query, as they came.
    pub target: String,
    /// The fields.
    pub fields: Fields,
}

/// What a response begins with.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ResponseHead {
    /// The status code.
    pub status: u16,
    /// The fields.
    pub fields: Fields,
}

/// A response as a whole.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Response {
    /// Status and fields.
    pub head: ResponseHead,
    /// The body, decoded if it was chunked.
    pub body: Vec<u8>,
}

/// One end of a connection that speaks HTTP: a stream, and what was read of it beyond the last message.
#[derive(Debug)]
pub struct Connection<S> {
    stream: S,
    ahead: Vec<u8>,
}

impl<S: Read + Write> Connection<S> {
    /// Of which nothing was read yet.
    pub fn new(stream: S) -> Self {
        Connection { stream, ahead: Vec::new() }
    }

    /// The stream, to write to.
    pub fn stream(&mut self) -> &mut S {
        &mut self.stream
    }

    /// The stream, and what came behind the last message already.
    pub fn into_parts(self) -> (S, Vec<u8>) {
        (self.stream, self.ahead)
    }

    /// Reads the head of a request.
    pub fn request_head(&mut self) -> Result<RequestHead, Error> {
        self.head(|bytes| {
            let mut headers = [httparse::EMPTY_HEADER; MOST_FIELDS];
            let mut request = httparse::Request::new(&mut headers);
            let status = request.parse(bytes)?;
            let head = RequestHead {
                method: request.method.unwrap_or_default().to_owned(),
                target: request.path.unwrap_or_default().to_owned(),
                fields: Fields::from_parsed(request.headers),
            };
            Ok(complete(status).map(|length| (length, head)))
        })
    }

    /// Reads the head of a response; interim ones are passed over, but not 101.
    pub fn response_head(&mut self) -> Result<ResponseHead, Error> {
        for _ in 0..=MOST_INTERIM {
            let head = self.head(|bytes| {
                let mut headers = [httparse::EMPTY_HEADER; MOST_FIELDS];
                let mut response = httparse::Response::new(&mut headers);
                let status = response.parse(bytes)?;
                let head = ResponseHead {
                    status: response.code.unwrap_or_default(),
                    fields: Fields::from_parsed(response.headers),
                };
                Ok(complete(status).map(|length| (length, head)))
            })?;
            if head.status == 101 || head.status >= 200 {
                return Ok(head);
            }
        }
        Err(Error::Malformed(format!("more than {MOST_INTERIM} interim responses")))
    }

    fn head<T>(
        &mut self,
        parse: impl Fn(&[u8]) -> Result<Option<(usize, T)>, httparse::Error>,
    ) -> Result<T, Error> {
        loop {
            if let Some((length, head)) = parse(&self.ahead)? {
                self.ahead.drain(..length.min(self.ahead.len()));
                return Ok(head);
            }
            if self.ahead.len() >= LONGEST_HEAD {
                return Err(Error::TooLong("head", LONGEST_HEAD));
            }
            self.more()?;
        }
    }

    /// Reads the body of the response to a request with this method.
    pub fn response_body(&mut self, method: &str, head: &ResponseHead) -> Result<Vec<u8>, Error> {
        if method == "HEAD" || matches!(head.status, 204 | 304) {
            return Ok(Vec::new());
        }
        if head.fields.lists("Transfer-Encoding", "chunked") {
            return self.chunked();
        }
        match head.fields.get("Content-Length") {
            Some(length) => self.counted(length),
            None => self.until_end(),
        }
    }

    /// Reads the body of a request.
    pub fn request_body(&mut self, head: &RequestHead) -> Result<Vec<u8>, Error> {
        if head.fields.lists("Transfer-Encoding", "chunked") {
            return self.chunked();
        }
        head.fields.get("Content-Length").map_or(Ok(Vec::new()), |length| self.counted(length))
    }

    fn counted(&mut self, length: &str) -> Result<Vec<u8>, Error> {
        let length: u64 =
            length.parse().map_err(|_| Error::Malformed(format!("Content-Length is {length:?}")))?;
        let length = usize::try_from(length).unwrap_or(usize::MAX);
        if length > LONGEST_BODY {
            return Err(Error::TooLong("body", LONGEST_BODY));
        }
        self.take(length)
    }

    fn until_end(&mut self) -> Result<Vec<u8>, Error> {
        let mut body = std::mem::take(&mut self.ahead);
        let most = LONGEST_BODY as u64 + 1;
        (&mut self.stream).take(most).read_to_end(&mut body)?;
        if body.len() > LONGEST_BODY { Err(Error::TooLong("body", LONGEST_BODY)) } else { Ok(body) }
    }

    fn chunked(&mut self) -> Result<Vec<u8>, Error> {
        let mut body = Vec::new();
        loop {
            let line = self.line()?;
            let parsed = httparse::parse_chunk_size(&line)
                .map_err(|_| Error::Malformed("the size of a chunk is none".to_owned()))?;
            let size = match parsed {
                httparse::Status::Complete((_, size)) => usize::try_from(size).unwrap_or(usize::MAX),
                httparse::Status::Partial => return Err(Error::Malformed("a chunk has no size".to_owned())),
            };
            if size == 0 {
                break;
            }
            if size > LONGEST_BODY.saturating_sub(body.len()) {
                return Err(Error::TooLong("body", LONGEST_BODY));
            }
            body.extend(self.take(size)?);
            if self.line()? != b"\r\n" {
                return Err(Error::Malformed("a chunk is longer than its size".to_owned()));
            }
        }
        // The trailer, of which nothing is wanted.
        while self.line()? != b"\r\n" {}
        Ok(body)
    }

    /// A line with its end.
    fn line(&mut self) -> Result<Vec<u8>, Error> {
        loop {
            if let Some(end) = self.ahead.iter().position(|byte| *byte == b'\n') {
                return Ok(self.ahead.drain(..=end).collect());
            }
            if self.ahead.len() >= LONGEST_HEAD {
                return Err(Error::TooLong("line", LONGEST_HEAD));
            }
            self.more()?;
        }
    }

    /// Exactly so many bytes.
    fn take(&mut self, length: usize) -> Result<Vec<u8>, Error> {
        while self.ahead.len() < length {
            self.more()?;
        }
        Ok(self.ahead.drain(..length).collect())
    }

    fn more(&mut self) -> Result<(), Error> {
        let mut bytes = [0; 16 << 10];
        match self.stream.read(&mut bytes) {
            Ok(0) => Err(Error::Closed(self.ahead.len())),
            Ok(count) => {
                self.ahead.extend(bytes.iter().take(count));
                Ok(())
            }
            Err(error) if error.kind() == io::ErrorKind::Interrupted => Ok(()),
            Err(error) => Err(error.into()),
        }
    }
}

fn complete(status: httparse::Status<usize>) -> Option<usize> {
    match status {
        httparse::Status::Complete(length) => Some(length),
        httparse::Status::Partial => None,
    }
}

/// A request's head as bytes. `Host` is added where it is not among the fields.
pub fn request_bytes(method: &str, target: &str, host: &str, fields: &[(String, String)]) -> Vec<u8> {
    let mut head = format!("{method} {target} HTTP/1.1\r\n");
    if !fields.iter().any(|(name, _)| name.eq_ignore_ascii_case("Host")) {
        head.push_str(&format!("Host: {host}\r\n"));
    }
    for (name, value) in fields {
        head.push_str(&format!("{name}: {value}\r\n"));
    }
    head.push_str("\r\n");
    head.into_bytes()
}

/// Sends one request on a connection of its own and reads the response.
pub fn exchange(
    address: SocketAddr,
    method: &str,
    target: &str,
    fields: &[(String, String)],
    body: Option<&[u8]>,
    deadline: Deadline,
) -> Result<Response, Error> {
    let mut connection = Connection::new(Stream::connect(address, deadline)?);
    exchange_on(&mut connection, &address.to_string(), (method, target), fields, body, true)
}

/// Sends one request, method and target, on a connection and reads the response. The `last` one asks that the connection
/// ends with it.
pub fn exchange_on<S: Read + Write>(
    connection: &mut Connection<S>,
    host: &str,
    (method, target): (&str, &str),
    fields: &[(String, String)],
    body: Option<&[u8]>,
    last: bool,
) -> Result<Response, Error> {
    let mut fields = fields.to_vec();
    let mut add = |name: &str, value: String| {
        if !fields.iter().any(|(key, _)| key.eq_ignore_ascii_case(name)) {
            fields.push((name.to_owned(), value));
        }
    };
    if last {
        add("Connection", "close".to_owned());
    }
    if let Some(body) = body {
        add("Content-Length", body.len().to_string());
    }
    let mut message = request_bytes(method, target, host, &fields);
    message.extend(body.unwrap_or_default());
    // A server may answer, and close, before it has read a long body: its answer is what counts then.
    let sent = connection.stream().write_all(&message);
    let head = match connection.response_head() {
        Err(Error::Io(_) | Error::Closed(0)) if sent.is_err() => {
            return Err(sent.err().map_or(Error::Closed(0), Error::from));
        }
        head => head?,
    };
    let body = if head.status == 101 { Vec::new() } else { connection.response_body(method, &head)? };
    Ok(Response { head, body })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What a peer sends, a few bytes at a time.
    struct Peer(std::vec::IntoIter<u8>, usize);

    impl Read for Peer {
        fn read(&mut self, bytes: &mut [u8]) -> io::Result<usize> {
            Ok(bytes.iter_mut().take(self.1).zip(&mut self.0).map(|(to, from)| *to = from).count())
        }
    }

    impl Write for Peer {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            Ok(bytes.len())
        }
        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    fn response(text: &str) -> Result<Response, Error> {
        // Few bytes at a time, so that every boundary is met; more where it is long.
        let step = if text.len() < 1000 { 3 } else { 4096 };
        let mut connection = Connection::new(Peer(text.as_bytes().to_vec().into_iter(), step));
        let head = connection.response_head()?;
        let body = connection.response_body("GET", &head)?;
        Ok(Response { head, body })
    }

    #[test]
    fn the_body_ends_where_it_should() {
        for (text, body) in [
            ("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nabc", "ab"),
            ("HTTP/1.1 200 OK\r\n\r\nabc", "abc"),
            ("HTTP/1.1 204 No\r\n\r\nabc", ""),
            (
                "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n\
                 2;x=y\r\nab\r\n1\r\nc\r\n0\r\nTrailer: 1\r\n\r\nrest",
                "abc",
            ),
        ] {
            assert_eq!(String::from_utf8(response(text).unwrap().body).unwrap(), body, "{text}");
        }
    }

    #[test]
    fn what_is_wrong_is_said() {
        for (text, message) in [
            ("", "the connection was closed after 0 bytes, before the message was complete"),
            ("HTTP/1.1 200", "the connection was closed after 12 bytes, before the message was complete"),
            ("SSH-2.0-OpenSSH\r\n", "what came is not HTTP: invalid HTTP version"),
            (
                "HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\n",
                "what came is not HTTP: Content-Length is \"-1\"",
            ),
            (
                "HTTP/1.1 200 OK\r\nContent-Length: 999999999999999999\r\n\r\n",
                "the body is longer than 33554432 bytes",
            ),
            (
                "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nab\r\n0\r\n\r\n",
                "what came is not HTTP: a chunk is longer than its size",
            ),
            (
                "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nfffffffffffffff\r\n",
                "the body is longer than 33554432 bytes",
            ),
        ] {
            assert_eq!(response(text).unwrap_err().to_string(), message, "{text}");
        }
        let endless = format!("HTTP/1.1 200 OK\r\nA: {}", "a".repeat(LONGEST_HEAD));
        assert_eq!(response(&endless).unwrap_err().to_string(), "the head is longer than 65536 bytes");
    }

    #[test]
    fn fields_are_found_whatever_their_case() {
        let response = response(
            "HTTP/1.1 200 OK\r\nA: 1\r\na: 2\r\nConnection: x, Upgrade\r\nContent-Length: 0\r\n\r\n",
        )
        .unwrap();
        let fields = response.head.fields;
        assert_eq!(fields.all("A").collect::<Vec<_>>(), ["1", "2"]);
        assert!(fields.lists("connection", "upgrade") && !fields.lists("connection", "up"));
    }
}
