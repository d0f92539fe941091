//! Servers behind httpd, run by the check itself: threads that live as long as the value that started them.

use std::collections::BTreeMap;
use std::io::{self, Write};
use std::net::{Ipv4Addr, Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use tungstenite::handshake::derive_accept_key;
use tungstenite::protocol::{Role, WebSocket};

use super::http::Connection;
use super::stream::{Deadline, Stream};
use super::websocket;

/// How many connections one backend serves at once; more are closed unanswered.
const MOST_CONNECTIONS: usize = 512;

/// The connections that are open, for the end to close them all.
type Open = Arc<Mutex<BTreeMap<u64, TcpStream>>>;

/// A server on a free loopback port. Dropping it ends its connections and waits for its threads.
#[derive(Debug)]
pub struct Backend {
    address: SocketAddr,
    stopping: Arc<AtomicBool>,
    open: Open,
    listener: Option<JoinHandle<()>>,
}

impl Backend {
    /// Starts a server that gives each connection to `serve`, in a thread of its own. A connection lives for `limit` at
    /// most, if `serve` reads and writes by the stream that it is given.
    pub fn start(limit: Duration, serve: impl Fn(Stream) + Send + Sync + 'static) -> io::Result<Self> {
        let socket = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
        let address = socket.local_addr()?;
        let stopping = Arc::new(AtomicBool::new(false));
        let open = Open::default();
        let listener = thread::Builder::new().name("backend".to_owned()).spawn({
            let (stopping, open, serve) = (stopping.clone(), open.clone(), Arc::new(serve));
            move || accept(&socket, limit, &stopping, &open, &serve)
        })?;
        Ok(Backend { address, stopping, open, listener: Some(listener) })
    }

    /// A WebSocket echo.
    pub fn echo(limit: Duration) -> io::Result<Self> {
        Backend::start(limit, |stream| {
            // A client that leaves, or speaks no WebSocket, is seen at its own end.
            let _ = serve_echo(stream);
        })
    }

    /// An HTTP server that answers with the request that it got.
    pub fn mirror(limit: Duration) -> io::Result<Self> {
        Backend::start(limit, |stream| {
            let _ = serve_mirror(stream);
        })
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// How many connections are open now.
    pub fn connections(&self) -> usize {
        lock(&self.open).len()
    }

    /// Breaks all connections that are open, as the end of the process would.
    pub fn cut(&self) {
        for socket in lock(&self.open).values() {
            let _ = socket.shutdown(Shutdown::Both);
        }
    }
}

impl Drop for Backend {
    fn drop(&mut self) {
        self.stopping.store(true, Ordering::SeqCst);
        self.cut();
        // The listener waits for a connection: this one wakes it.
        let woken = TcpStream::connect_timeout(&self.address, Duration::from_secs(1)).is_ok();
        if let Some(listener) = self.listener.take().filter(|_| woken) {
            // A panic of a `serve` is in its own thread, and is none of the listener.
            let _ = listener.join();
        }
    }
}

fn lock(open: &Open) -> std::sync::MutexGuard<'_, BTreeMap<u64, TcpStream>> {
    open.lock().unwrap_or_else(PoisonError::into_inner)
}

fn accept(
    socket: &TcpListener,
    limit: Duration,
    stopping: &AtomicBool,
    open: &Open,
    serve: &Arc<impl Fn(Stream) + Send + Sync + 'static>,
) {
    let mut threads: Vec<JoinHandle<()>> = Vec::new();
    for id in 0.. {
        let accepted = socket.accept();
        if stopping.load(Ordering::SeqCst) {
            break;
        }
        let Ok((connection, _)) = accepted else {
            // Out of file descriptors, most likely: some will be free again.
            thread::sleep(Duration::from_millis(5));
            continue;
        };
        threads.retain(|thread| !thread.is_finished());
        if threads.len() >= MOST_CONNECTIONS {
            continue;
        }
        let Ok(second) = connection.try_clone() else { continue };
        let Ok(stream) = Stream::new(connection, Deadline::after(limit)) else { continue };
        lock(open).insert(id, second);
        let (serve, still_open) = (serve.clone(), open.clone());
        let thread = thread::Builder::new().name("backend connection".to_owned()).spawn(move || {
            let _entry = Entry { id, open: still_open };
            serve(stream);
        });
        match thread {
            Ok(thread) => threads.push(thread),
            Err(_) => drop(lock(open).remove(&id)),
        }
    }
    // One that was accepted while the end began is not cut yet.
    for socket in lock(open).values() {
        let _ = socket.shutdown(Shutdown::Both);
    }
    for thread in threads {
        let _ = thread.join();
    }
}

/// Takes a connection off the list when its thread ends, by a panic too.
struct Entry {
    id: u64,
    open: Open,
}

impl Drop for Entry {
    fn drop(&mut self) {
        lock(&self.open).remove(&self.id);
    }
}

/// Answers an opening handshake with 101 and returns the WebSocket. The first subprotocol offered is selected.
pub fn accept_websocket<S: io::Read + io::Write>(mut connection: Connection<S>) -> io::Result<WebSocket<S>> {
    let head = connection.request_head().map_err(io::Error::other)?;
    let Some(key) =
        head.fields.get("Sec-WebSocket-Key").filter(|_| head.fields.lists("Upgrade", "websocket"))
    else {
        connection.stream().write_all(
            b"HTTP/1.1 426 Upgrade Required\r\nUpgrade: websocket\r\nConnection: Upgrade, close\r\nContent-Length: 0\r\n\r\n",
        )?;
        return Err(io::Error::other("no handshake"));
    };
    let mut answer = format!(
        "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: {}\r\n",
        derive_accept_key(key.as_bytes())
    );
    let offered =
        head.fields.get("Sec-WebSocket-Protocol").and_then(|list| list.split(',').next()).map(str::trim);
    if let Some(subprotocol) = offered {
        answer.push_str(&format!("Sec-WebSocket-Protocol: {subprotocol}\r\n"));
    }
    answer.push_str("\r\n");
    connection.stream().write_all(answer.as_bytes())?;
    let (stream, ahead) = connection.into_parts();
    Ok(WebSocket::from_partially_read(stream, ahead, Role::Server, Some(websocket::limits())))
}

/// Serves one connection as a WebSocket echo, over any stream.
pub fn serve_echo<S: io::Read + io::Write>(stream: S) -> io::Result<()> {
    let mut socket = accept_websocket(Connection::new(stream))?;
    loop {
        match socket.read() {
            Ok(message @ (tungstenite::Message::Text(_) | tungstenite::Message::Binary(_))) => {
                socket.send(message).map_err(io::Error::other)?;
            }
            // Pings and the closing handshake are answered by the library, with the next read.
            Ok(_) => {}
            Err(tungstenite::Error::ConnectionClosed) => return Ok(()),
            Err(error) => return Err(io::Error::other(error)),
        }
    }
}

/// Serves one connection over HTTP, with the request's head and body as the answer's body.
fn serve_mirror(stream: Stream) -> io::Result<()> {
    let mut connection = Connection::new(stream);
    loop {
        let Ok(head) = connection.request_head() else { return Ok(()) };
        let request_body = connection.request_body(&head).map_err(io::Error::other)?;
        let mut body = format!("{} {}\n", head.method, head.target);
        for (name, value) in &head.fields.0 {
            body.push_str(&format!("{name}: {value}\n"));
        }
        body.push('\n');
        let mut body = body.into_bytes();
        body.extend(request_body);
        let answer =
            format!("HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: {}\r\n\r\n", body.len());
        connection.stream().write_all(answer.as_bytes())?;
        if head.method != "HEAD" {
            connection.stream().write_all(&body)?;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::check::http;
    use crate::recipe::check::{Message, MessageKind};

    const LIMIT: Duration = Duration::from_secs(10);

    #[test]
    fn an_echo_without_httpd_between() {
        let backend = Backend::echo(LIMIT).unwrap();
        let opening =
            websocket::open(backend.address(), "/", Some("chat"), &[], Deadline::after(LIMIT)).unwrap();
        let websocket::Opening::Open { head, mut socket } = opening else { panic!("{opening:?}") };
        assert_eq!(head.fields.get("Sec-WebSocket-Protocol"), Some("chat"));
        for bytes in [0, 1, 125, 126, 65_535, 65_536, 1 << 20] {
            for kind in [MessageKind::Text, MessageKind::Binary] {
                websocket::echo(&mut socket, &Message::Generated { bytes, kind }).unwrap();
            }
        }
        websocket::close(&mut socket).unwrap();
    }

    #[test]
    fn a_request_is_mirrored() {
        let backend = Backend::mirror(LIMIT).unwrap();
        let fields = [("A".to_owned(), "b".to_owned())];
        let response =
            http::exchange(backend.address(), "POST", "/x?y", &fields, Some(b"body"), Deadline::after(LIMIT))
                .unwrap();
        assert_eq!(response.head.status, 200);
        let text = String::from_utf8(response.body).unwrap();
        assert!(text.starts_with("POST /x?y\nHost: 127.0.0.1:") && text.ends_with("\n\nbody"), "{text}");
    }

    #[test]
    fn its_end_does_not_wait_for_its_clients() {
        let backend = Backend::echo(LIMIT).unwrap();
        let _idle = TcpStream::connect(backend.address()).unwrap();
        let began = std::time::Instant::now();
        drop(backend);
        assert!(began.elapsed() < LIMIT / 2);
    }
}
