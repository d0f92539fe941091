//! An httpd with the reference module, and the raw ends of its tunnels.

use std::io::{Read, Write};
use std::net::SocketAddr;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::sync::mpsc;
use std::thread;
use std::time::Duration;

use modgraft::audit::Prerequisite;
use modgraft::check::backend::Backend;
use modgraft::check::http::{Connection, RequestHead, ResponseHead, request_bytes};
use modgraft::check::httpd::{Instance, Server, Setup, built_in};
use modgraft::check::modules::modules;
use modgraft::check::stream::{Deadline, Stream};
use modgraft::check::websocket::{self, Opening, handshake_fields};
use modgraft::check::{BackendValues, Plan};
use modgraft::recipe::check::{Mpm, Site};

use tungstenite::protocol::WebSocket;

use crate::support::{self, built::built_package};

/// How long anything may take that is not meant to take long.
pub const LIMIT: Duration = Duration::from_secs(30);

/// In which a thing that should happen at once must have happened, on a busy machine too.
pub const SOON: Duration = Duration::from_secs(8);

pub const MIB: usize = 1 << 20;

/// Around every boundary of RFC 6455's lengths (5.2) and of the module's own chunks, to 4 MiB.
pub const SIZES: [usize; 13] =
    [0, 1, 125, 126, 127, 65_535, 65_536, 32_767, 32_768, 32_769, 262_144, MIB, 4 * MIB];

/// The example of RFC 6455, 1.3, and its answer.
pub const KEY: &str = "dGhlIHNhbXBsZSBub25jZQ==";
pub const ACCEPT: &str = "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=";

/// An httpd to be started.
#[derive(Debug, Clone)]
pub struct Httpd {
    mpm: Mpm,
    modules: Vec<String>,
    config: String,
    workers: u32,
}

impl Httpd {
    /// With `/ws` leading to `ws://BACKEND/at`, and these lines.
    pub fn proxying(backend: SocketAddr, lines: &str) -> Self {
        Httpd::with(&format!("ProxyPass \"/ws\" \"ws://{backend}/at\"\n{lines}"))
    }

    /// With these lines only.
    pub fn with(lines: &str) -> Self {
        Httpd { mpm: Mpm::Event, modules: Vec::new(), config: lines.to_owned(), workers: 16 }
    }

    pub fn mpm(self, mpm: Mpm) -> Self {
        Httpd { mpm, ..self }
    }

    pub fn modules(self, names: &[&str]) -> Self {
        Httpd { modules: names.iter().map(|name| name.to_string()).collect(), ..self }
    }

    pub fn workers(self, workers: u32) -> Self {
        Httpd { workers, ..self }
    }

    /// Starts it, runs the test with it, stops it. A process of it that crashes fails the test; a test that fails shows its
    /// log.
    pub fn run<T>(self, test: impl FnOnce(&Server<'_>) -> T) -> T {
        let deadline = Deadline::after(LIMIT);
        let proxy = Prerequisite { symbol: "proxy_module".to_owned(), file: "mod_proxy.so".to_owned() };
        let plan = Plan {
            load_after: vec![proxy],
            ..support::plan(&built_package().module, "proxy_wstunnel_module")
        };
        let site = Site { mpm: Some(self.mpm), modules: self.modules, config: String::new() };
        let built_in = built_in(&plan.httpd, deadline).unwrap();
        let modules = modules(&plan, &site, "the test", &built_in).unwrap();
        let nobody = SocketAddr::from(([127, 0, 0, 1], 1));
        let setup = Setup {
            modules: &modules,
            config: &format!("LogLevel proxy_wstunnel:debug\n{}", self.config),
            check: "the test",
            backend: BackendValues { websocket: nobody, http: nobody, closed: nobody },
            workers: self.workers,
        };
        let instance = Instance::new(&plan, setup).unwrap();
        let server = instance.start(deadline).unwrap_or_else(|error| panic!("{error}"));
        let result = catch_unwind(AssertUnwindSafe(|| test(&server)));

        let stopped = server.stop().unwrap();
        match result {
            Ok(value) => {
                assert!(stopped.crashes.is_empty(), "{}", stopped.log);
                value
            }
            Err(panic) => {
                eprintln!("{}", stopped.log);
                resume_unwind(panic);
            }
        }
    }
}

/// One end of an open tunnel, below WebSocket's frames: the module moves bytes.
#[derive(Debug)]
pub struct End {
    pub stream: Stream,
    /// What came right behind the handshake.
    pub ahead: Vec<u8>,
}

impl End {
    /// Reads exactly so many bytes.
    pub fn take(&mut self, length: usize) -> Vec<u8> {
        let mut bytes: Vec<u8> = self.ahead.drain(..length.min(self.ahead.len())).collect();
        let have = bytes.len();
        bytes.resize(length, 0);
        self.stream
            .read_exact(&mut bytes[have..])
            .unwrap_or_else(|error| panic!("reading {length} bytes: {error}"));
        bytes
    }

    /// Reads until the other side ends; a broken connection is an end as well.
    pub fn rest(&mut self) -> Vec<u8> {
        let mut bytes = std::mem::take(&mut self.ahead);
        match self.stream.read_to_end(&mut bytes) {
            Err(error) if error.kind() == std::io::ErrorKind::TimedOut => {
                panic!("the other side does not end")
            }
            _ => bytes,
        }
    }

    pub fn send(&mut self, bytes: &[u8]) {
        self.stream.write_all(bytes).unwrap_or_else(|error| panic!("sending {} bytes: {error}", bytes.len()));
    }
}

/// The bytes of an opening handshake for `/ws`, with more fields.
pub fn handshake(more: &[(&str, &str)]) -> Vec<u8> {
    let more: Vec<(String, String)> =
        more.iter().map(|(name, value)| (name.to_string(), value.to_string())).collect();
    request_bytes("GET", "/ws", "front.example", &handshake_fields(KEY, None, &more))
}

/// Sends bytes and reads the head of a response.
pub fn ask(address: SocketAddr, bytes: &[u8]) -> (ResponseHead, Connection<Stream>) {
    let mut connection = Connection::new(Stream::connect(address, Deadline::after(LIMIT)).unwrap());
    connection.stream().write_all(bytes).unwrap();
    let head = connection.response_head().unwrap_or_else(|error| panic!("no response: {error}"));
    (head, connection)
}

/// Sends bytes and reads a response with its body.
pub fn ask_whole(address: SocketAddr, bytes: &[u8]) -> (ResponseHead, String) {
    let (head, mut connection) = ask(address, bytes);
    let body = connection.response_body("GET", &head).unwrap_or_else(|error| panic!("no body: {error}"));
    (head, String::from_utf8(body).unwrap())
}

/// Opens a tunnel as the client.
pub fn open(address: SocketAddr) -> End {
    let (head, connection) = ask(address, &handshake(&[]));
    assert_eq!((head.status, head.fields.get("Sec-WebSocket-Accept")), (101, Some(ACCEPT)));
    let (stream, ahead) = connection.into_parts();
    End { stream, ahead }
}

/// Accepts a tunnel as the backend; `behind` is sent in one packet with the answer.
pub fn accept(stream: Stream, behind: &[u8]) -> (RequestHead, End) {
    let mut connection = Connection::new(stream);
    let head = connection.request_head().unwrap_or_else(|error| panic!("no handshake: {error}"));
    let mut answer = format!(
        "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
         Sec-WebSocket-Accept: {ACCEPT}\r\n\r\n"
    )
    .into_bytes();
    answer.extend(behind);
    connection.stream().write_all(&answer).unwrap();
    let (stream, ahead) = connection.into_parts();
    (head, End { stream, ahead })
}

/// A backend that accepts each tunnel and gives it to `serve`.
pub fn backend(serve: impl Fn(End) + Send + Sync + 'static) -> Backend {
    Backend::start(LIMIT, move |stream| serve(accept(stream, b"").1)).unwrap()
}

/// A backend that reads the handshake and answers with these bytes, and no more.
pub fn answering(bytes: impl Into<Vec<u8>>) -> Backend {
    let bytes = bytes.into();
    Backend::start(LIMIT, move |stream| {
        let mut connection = Connection::new(stream);
        if connection.request_head().is_ok() {
            connection.stream().write_all(&bytes).unwrap();
        }
    })
    .unwrap()
}

/// A backend that hands its ends of tunnels to the test.
pub fn handing_over() -> (Backend, mpsc::Receiver<End>) {
    let (give, take) = mpsc::channel();
    let backend = backend(move |end| {
        // The backend's list of connections keeps a handle, which is shut down with it; the test's own stays usable.
        let _ = give.send(end);
    });
    (backend, take)
}

/// Opens a WebSocket through httpd.
pub fn open_websocket(address: SocketAddr) -> Box<WebSocket<Stream>> {
    match websocket::open(address, "/ws", Some("chat"), &[], Deadline::after(LIMIT)).unwrap() {
        Opening::Open { socket, .. } => socket,
        Opening::Refused(response) => panic!("{response:?}"),
    }
}

/// The status of a page of httpd's own.
pub fn get_page(server: &Server<'_>) -> u16 {
    ask(server.address(), b"GET /index.html HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n").0.status
}

/// Whether a condition becomes true soon.
pub fn eventually(condition: impl Fn() -> bool) -> bool {
    let deadline = Deadline::after(SOON);
    while !condition() {
        if deadline.passed() {
            return false;
        }
        thread::sleep(Duration::from_millis(5));
    }
    true
}
