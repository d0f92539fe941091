//! A web server on the loopback, bounded in count and time, that does what real ones do wrong as well.

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::thread::{self, JoinHandle};
use std::time::Duration;

/// Connections, at most.
const MOST: usize = 500;
/// For each read and write.
const PATIENCE: Duration = Duration::from_secs(20);

/// What is done with `Range`.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Ranges {
    /// As asked, unless `If-Range` names another version.
    #[default]
    Given,
    /// The whole, with 200.
    Ignored,
    /// Another part than was asked for.
    Wrong,
}

/// How one path is served.
#[derive(Debug, Clone, Default)]
pub struct Served {
    pub body: Vec<u8>,
    /// 200 where 0.
    pub status: u16,
    /// How many requests get 503 first.
    pub busy: usize,
    pub ranges: Ranges,
    pub etag: Option<String>,
    /// The length that is announced, where it is not the body's.
    pub claims: Option<u64>,
    /// No length is announced.
    pub silent: bool,
    /// The connection is closed after so many bytes of an answer...
    pub cut: Option<usize>,
    /// ...in so many answers; in all where 0.
    pub cuts: usize,
    /// After the cut the connection is kept open, without a byte more.
    pub hangs: bool,
    pub redirect: Option<String>,
}

impl Served {
    pub fn of(body: impl Into<Vec<u8>>) -> Self {
        Served { body: body.into(), ..Served::default() }
    }
}

/// A request, as it came.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Request {
    /// As in the request line.
    pub target: String,
    pub range: Option<String>,
    pub if_range: Option<String>,
    /// `Proxy-Authorization`.
    pub login: Option<String>,
}

#[derive(Default)]
struct State {
    folder: Option<PathBuf>,
    paths: BTreeMap<String, Served>,
    requests: Vec<Request>,
    /// Streams that hang, kept open.
    held: Vec<TcpStream>,
}

/// Ends when it is dropped.
pub struct Server {
    address: SocketAddr,
    state: Arc<Mutex<State>>,
    stop: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

impl Server {
    pub fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let state = Arc::new(Mutex::new(State::default()));
        let stop = Arc::new(AtomicBool::new(false));
        let (inner, ended) = (Arc::clone(&state), Arc::clone(&stop));
        let thread = thread::spawn(move || {
            for stream in listener.incoming().take(MOST) {
                if ended.load(Ordering::SeqCst) {
                    return;
                }
                let state = Arc::clone(&inner);
                // A client that goes away is part of the tests.
                thread::spawn(move || stream.and_then(|stream| answer(stream, &state)));
            }
        });
        Server { address, state, stop, thread: Some(thread) }
    }

    /// Serves a folder's files; what is [`put`](Server::put) comes first.
    pub fn folder(folder: impl Into<PathBuf>) -> Self {
        let server = Server::start();
        server.state.lock().unwrap().folder = Some(folder.into());
        server
    }

    pub fn put(&self, path: &str, served: Served) -> String {
        self.state.lock().unwrap().paths.insert(path.to_owned(), served);
        self.url(path)
    }

    pub fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.address)
    }

    pub fn requests(&self) -> Vec<Request> {
        self.state.lock().unwrap().requests.clone()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::SeqCst);
        self.state.lock().unwrap().held.clear();
        // Wakes the one that waits for a connection.
        let _ = TcpStream::connect(self.address);
        if let Some(thread) = self.thread.take() {
            thread.join().unwrap();
        }
    }
}

fn answer(mut stream: TcpStream, state: &Mutex<State>) -> std::io::Result<()> {
    stream.set_read_timeout(Some(PATIENCE))?;
    stream.set_write_timeout(Some(PATIENCE))?;
    let request = read(&stream)?;
    let (served, nth) = {
        let mut state = state.lock().unwrap();
        state.requests.push(request.clone());
        let path = request.target.clone();
        let nth = state.requests.iter().filter(|other| other.target == path).count();
        let file = || {
            let path = state.folder.as_ref()?.join(path.trim_start_matches('/'));
            path.is_file().then(|| Served::of(fs_err::read(path).unwrap()))
        };
        let missing = || Served { status: 404, ..Served::of("there is none") };
        (state.paths.get(&path).cloned().or_else(file).unwrap_or_else(missing), nth)
    };
    if nth <= served.busy {
        return stream.write_all(b"HTTP/1.1 503 Busy\r\nContent-Length: 0\r\nConnection: close\r\n\r\n");
    }
    if let Some(place) = &served.redirect {
        let head = format!(
            "HTTP/1.1 302 Found\r\nLocation: {place}\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"
        );
        return stream.write_all(head.as_bytes());
    }
    let asked = request.range.as_deref().and_then(|range| range.strip_prefix("bytes=")?.strip_suffix('-'));
    let asked: Option<usize> = asked.and_then(|start| start.parse().ok());
    let same = request.if_range.is_none() || request.if_range == served.etag;
    let length = served.body.len();
    let (status, start) = match (asked, served.ranges) {
        (Some(start), Ranges::Given) if same && start >= length => (416, length),
        (Some(start), Ranges::Given) if same => (206, start),
        (Some(_), Ranges::Wrong) => (206, 1),
        _ => (if served.status == 0 { 200 } else { served.status }, 0),
    };
    let body = if status == 416 { &[][..] } else { &served.body[start..] };
    let mut head = format!("HTTP/1.1 {status} Status\r\nConnection: close\r\n");
    if status == 206 {
        head += &format!("Content-Range: bytes {start}-{}/{length}\r\n", length - 1);
    }
    if let Some(etag) = &served.etag {
        head += &format!("ETag: {etag}\r\n");
    }
    if !served.silent {
        head += &format!("Content-Length: {}\r\n", served.claims.unwrap_or(body.len() as u64));
    }
    stream.write_all(format!("{head}\r\n").as_bytes())?;
    let cut = served.cut.filter(|_| served.cuts == 0 || nth <= served.busy + served.cuts);
    stream.write_all(&body[..cut.unwrap_or(body.len()).min(body.len())])?;
    if served.hangs && cut.is_some() {
        state.lock().unwrap().held.push(stream);
    }
    Ok(())
}

fn read(stream: &TcpStream) -> std::io::Result<Request> {
    let mut lines = BufReader::new(stream.take(64 << 10)).lines();
    let first = lines.next().unwrap_or_else(|| Ok(String::new()))?;
    let mut request = Request {
        target: first.split(' ').nth(1).unwrap_or_default().to_owned(),
        range: None,
        if_range: None,
        login: None,
    };
    for line in lines {
        let line = line?;
        let Some((name, value)) = line.split_once(':') else { break };
        match name.to_ascii_lowercase().as_str() {
            "range" => request.range = Some(value.trim().to_owned()),
            "if-range" => request.if_range = Some(value.trim().to_owned()),
            "proxy-authorization" => request.login = Some(value.trim().to_owned()),
            _ => {}
        }
    }
    Ok(request)
}
