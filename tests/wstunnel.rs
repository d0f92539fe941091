//! The reference module in a real httpd: what a WebSocket needs of a proxy, and what can go wrong with it.

mod support;

use std::io::{ErrorKind, Read, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpStream};
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Barrier, mpsc};
use std::thread;
use std::time::{Duration, Instant};

use modgraft::check::backend::{Backend, serve_echo};
use modgraft::check::http::Connection;
use modgraft::check::httpd::Server;
use modgraft::check::stream::{Deadline, Stream};
use modgraft::check::websocket::{self, Opening};
use modgraft::recipe::check::{Message, MessageKind, Mpm};
use support::processes;
use support::tls;
use support::tunnel::{End, Httpd, LIMIT, accept, answering, ask, ask_whole, backend, handshake, open};
use tungstenite::protocol::{Role, WebSocket};

/// In which a thing that should happen at once must have happened, on a busy machine too.
const SOON: Duration = Duration::from_secs(8);

const MIB: usize = 1 << 20;

// ---------------------------------------------------------------------------------------------------------------------
// Messages
// ---------------------------------------------------------------------------------------------------------------------

/// Around every boundary of RFC 6455's lengths (5.2) and of the module's own chunks, to 4 MiB.
const SIZES: [usize; 13] =
    [0, 1, 125, 126, 127, 65_535, 65_536, 32_767, 32_768, 32_769, 262_144, MIB, 4 * MIB];

fn open_websocket(address: SocketAddr) -> Box<WebSocket<Stream>> {
    match websocket::open(address, "/ws", Some("chat"), &[], Deadline::after(LIMIT)).unwrap() {
        Opening::Open { socket, .. } => socket,
        Opening::Refused(response) => panic!("{response:?}"),
    }
}

fn echo_of_every_size(mpm: Mpm) {
    let backend = Backend::echo(LIMIT).unwrap();
    Httpd::proxying(backend.address(), "").mpm(mpm).run(|server| {
        let mut socket = open_websocket(server.address());
        for bytes in SIZES {
            for kind in [MessageKind::Binary, MessageKind::Text] {
                websocket::echo(&mut socket, &Message::Generated { bytes, kind }).unwrap();
            }
        }
        websocket::close(&mut socket).unwrap();
        assert!(eventually(|| backend.connections() == 0), "the backend's side is still open");
    });
}

#[test]
fn echo_in_event() {
    echo_of_every_size(Mpm::Event);
}

#[test]
fn echo_in_worker() {
    echo_of_every_size(Mpm::Worker);
}

#[test]
fn echo_in_prefork() {
    echo_of_every_size(Mpm::Prefork);
}

#[test]
fn a_ping_and_its_pong() {
    let backend = Backend::echo(LIMIT).unwrap();
    Httpd::proxying(backend.address(), "").run(|server| {
        let mut socket = open_websocket(server.address());
        socket.send(tungstenite::Message::Ping(b"are you there"[..].into())).unwrap();
        assert_eq!(socket.read().unwrap(), tungstenite::Message::Pong(b"are you there"[..].into()));
    });
}

fn at_once(mpm: Mpm, count: usize) {
    let backend = Backend::echo(LIMIT).unwrap();
    Httpd::proxying(backend.address(), "").mpm(mpm).workers(count as u32 + 8).run(|server| {
        let mut sockets: Vec<_> = (0..count).map(|_| open_websocket(server.address())).collect();
        assert_eq!(backend.connections(), count);
        let message =
            |index: usize| tungstenite::Message::text(format!("{index} {}", "x".repeat(index * 97)));
        for (index, socket) in sockets.iter_mut().enumerate() {
            socket.send(message(index)).unwrap();
        }
        for (index, socket) in sockets.iter_mut().enumerate() {
            assert_eq!(socket.read().unwrap(), message(index));
        }
        for socket in &mut sockets {
            websocket::close(socket).unwrap();
        }
        assert!(eventually(|| backend.connections() == 0), "{} are still open", backend.connections());
    });
}

#[test]
fn two_hundred_at_once_in_event() {
    at_once(Mpm::Event, 200);
}

#[test]
fn two_hundred_at_once_in_worker() {
    at_once(Mpm::Worker, 200);
}

#[test]
fn twenty_at_once_in_prefork() {
    at_once(Mpm::Prefork, 20);
}

// ---------------------------------------------------------------------------------------------------------------------
// Flow
// ---------------------------------------------------------------------------------------------------------------------

/// A byte that tells where in a stream it belongs.
fn byte_at(position: u64) -> u8 {
    (position % 251) as u8
}

/// Sends so many bytes of the pattern, and counts those that the system has taken.
fn send_pattern(stream: &mut Stream, total: u64, sent: &AtomicU64) {
    let pattern: Vec<u8> = (0..64 * 1024 + 251).map(byte_at).collect();
    let mut position = 0;
    while position < total {
        let start = (position % 251) as usize;
        let length = (64 * 1024).min((total - position) as usize);
        let count =
            stream.write(&pattern[start..start + length]).unwrap_or_else(|error| panic!("sending: {error}"));
        position += count as u64;
        sent.store(position, Ordering::SeqCst);
    }
}

/// Reads so many bytes and compares them with the pattern.
fn receive_pattern(end: &mut End, total: u64) {
    let mut position = 0;
    let mut bytes = vec![0; 256 * 1024];
    let pattern: Vec<u8> = (0..256 * 1024 + 251).map(byte_at).collect();
    while position < total {
        let most = bytes.len().min((total - position) as usize);
        let count =
            end.stream.read(&mut bytes[..most]).unwrap_or_else(|error| panic!("at {position}: {error}"));
        assert!(count > 0, "ended at {position} of {total}");
        let start = (position % 251) as usize;
        assert!(bytes[..count] == pattern[start..start + count], "wrong bytes at {position}");
        position += count as u64;
    }
}

/// Waits until a counter has not moved for a while.
fn settled(counter: &AtomicU64) -> u64 {
    let mut last = (counter.load(Ordering::SeqCst), Instant::now());
    while last.1.elapsed() < Duration::from_millis(400) {
        thread::sleep(Duration::from_millis(10));
        let now = counter.load(Ordering::SeqCst);
        if now != last.0 {
            last = (now, Instant::now());
        }
    }
    last.0
}

fn eventually(condition: impl Fn() -> bool) -> bool {
    let deadline = Deadline::after(SOON);
    while !condition() {
        if deadline.passed() {
            return false;
        }
        thread::sleep(Duration::from_millis(5));
    }
    true
}

/// Resident memory of all of httpd's processes.
fn memory_of(server: &Server<'_>) -> u64 {
    let all = processes::alive();
    let own = all.iter().filter(|process| process.group == server.id());
    own.map(|process| processes::memory(process.id)).sum()
}

/// One side sends 64 MiB and the other does not read: what is taken is what the system's buffers take, httpd's memory does
/// not grow, and the other direction flows. Then the other side reads, and nothing is missing.
fn slow_reader(httpd: &Server<'_>, mut sender: End, mut reader: End) {
    const TOTAL: u64 = 64 * MIB as u64;
    let before = memory_of(httpd);
    let sent = Arc::new(AtomicU64::new(0));
    let mut writer = sender.stream.try_clone().unwrap();
    let sending = thread::spawn({
        let sent = sent.clone();
        move || send_pattern(&mut writer, TOTAL, &sent)
    });
    let stuck_at = settled(&sent);
    assert!(stuck_at > 0 && stuck_at < TOTAL, "{stuck_at} bytes were taken: there is no back-pressure");
    let grown = memory_of(httpd).saturating_sub(before);
    assert!(grown < 8 * MIB as u64, "httpd grew by {grown} bytes, while {stuck_at} were sent");
    for round in 0..200u32 {
        let message = [round as u8; 4000];
        reader.send(&message);
        assert_eq!(sender.take(message.len()), message, "round {round}");
    }
    // The system's buffers may have grown meanwhile; httpd's must not have.
    let stuck_at = settled(&sent);
    assert!(stuck_at < TOTAL, "all was taken, though nobody reads");
    let grown = memory_of(httpd).saturating_sub(before);
    assert!(grown < 8 * MIB as u64, "httpd grew by {grown} bytes, while {stuck_at} were sent");
    receive_pattern(&mut reader, TOTAL);
    sending.join().unwrap();
}

/// A backend that hands its ends of tunnels to the test.
fn handing_over() -> (Backend, mpsc::Receiver<End>) {
    let (give, take) = mpsc::channel();
    let backend = backend(move |end| {
        // The backend's list of connections keeps a handle, which is shut down with it; the test's own stays usable.
        let _ = give.send(end);
    });
    (backend, take)
}

#[test]
fn a_client_that_does_not_read() {
    let (backend, ends) = handing_over();
    Httpd::proxying(backend.address(), "").run(|server| {
        let client = open(server.address());
        slow_reader(server, ends.recv_timeout(SOON).unwrap(), client);
    });
}

#[test]
fn a_backend_that_does_not_read() {
    let (backend, ends) = handing_over();
    Httpd::proxying(backend.address(), "").run(|server| {
        let client = open(server.address());
        slow_reader(server, client, ends.recv_timeout(SOON).unwrap());
    });
}

/// Sends 16 MiB, and begins to read only once the way is full in both directions.
fn send_before_reading(mut end: End, full: &Barrier) {
    const TOTAL: u64 = 16 * MIB as u64;
    let mut writer = end.stream.try_clone().unwrap();
    let socket = writer.socket().try_clone().unwrap();
    // Without waiting, until the system takes no more.
    socket.set_nonblocking(true).unwrap();
    let pattern: Vec<u8> = (0..64 * 1024 + 251).map(byte_at).collect();
    let mut position = 0;
    let quiet = Duration::from_millis(100);
    let mut refused_since = None;
    while position < TOTAL && refused_since.is_none_or(|since: Instant| since.elapsed() < quiet) {
        let start = (position % 251) as usize;
        let length = (64 * 1024).min((TOTAL - position) as usize);
        match (&socket).write(&pattern[start..start + length]) {
            Ok(count) => {
                position += count as u64;
                refused_since = None;
            }
            Err(error) if error.kind() == ErrorKind::WouldBlock => {
                refused_since.get_or_insert_with(Instant::now);
                thread::sleep(Duration::from_millis(1));
            }
            Err(error) => panic!("sending: {error}"),
        }
    }
    full.wait();
    socket.set_nonblocking(false).unwrap();
    thread::scope(|scope| {
        scope.spawn(move || {
            let rest: Vec<u8> = (position..TOTAL).map(byte_at).collect();
            writer.write_all(&rest).unwrap_or_else(|error| panic!("sending: {error}"));
        });
        receive_pattern(&mut end, TOTAL);
    });
}

#[test]
fn both_sides_send_before_they_read() {
    let (backend, ends) = handing_over();
    Httpd::proxying(backend.address(), "").run(|server| {
        let client = open(server.address());
        let backend_end = ends.recv_timeout(SOON).unwrap();
        let full = Barrier::new(2);
        thread::scope(|scope| {
            scope.spawn(|| send_before_reading(backend_end, &full));
            send_before_reading(client, &full);
        });
    });
}

// ---------------------------------------------------------------------------------------------------------------------
// Ends
// ---------------------------------------------------------------------------------------------------------------------

/// A backend in a process of its own: this test binary once more.
struct OtherProcess {
    child: Child,
    address: SocketAddr,
}

impl OtherProcess {
    fn start() -> Self {
        let mut child = Command::new(std::env::current_exe().unwrap())
            .args(["--exact", "a_backend_of_its_own", "--ignored", "--nocapture"])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut out = std::io::BufReader::new(child.stdout.take().unwrap());
        let address = loop {
            let mut line = String::new();
            let count = std::io::BufRead::read_line(&mut out, &mut line).unwrap();
            assert!(count > 0, "the backend's process said no address");
            // The test harness may have begun a line.
            if let Some((_, address)) = line.trim().split_once("listening at ") {
                break address.parse().unwrap();
            }
        };
        OtherProcess { child, address }
    }

    fn kill(&mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }
}

impl Drop for OtherProcess {
    fn drop(&mut self) {
        self.kill();
    }
}

#[test]
#[ignore = "run by OtherProcess"]
fn a_backend_of_its_own() {
    let backend = Backend::echo(LIMIT).unwrap();
    println!("\nlistening at {}", backend.address());
    // Until the process that started this one closes it, or ends.
    std::io::stdin().read_to_end(&mut Vec::new()).unwrap();
}

fn killed_backend(mpm: Mpm) {
    let mut backend = OtherProcess::start();
    Httpd::proxying(backend.address, "").mpm(mpm).run(|server| {
        let mut sockets: Vec<_> = (0..3).map(|_| open_websocket(server.address())).collect();
        websocket::echo(&mut sockets[0], &Message::Text("once".to_owned())).unwrap();
        // One of them is in the middle of a message.
        let half = tungstenite::Message::binary(vec![1; MIB]);
        sockets[1].send(half).unwrap();
        let began = Instant::now();
        backend.kill();
        for socket in &mut sockets {
            while socket.read().is_ok() {}
        }
        assert!(began.elapsed() < SOON, "the clients saw the end after {:?}", began.elapsed());
        let (head, _) = ask(server.address(), &handshake(&[]));
        assert_eq!(head.status, 503);
        assert_eq!(get_page(server), 200);
    });
}

/// The status of a page of httpd's own.
fn get_page(server: &Server<'_>) -> u16 {
    ask(server.address(), b"GET /index.html HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n").0.status
}

#[test]
fn a_killed_backend_in_event() {
    killed_backend(Mpm::Event);
}

#[test]
fn a_killed_backend_in_worker() {
    killed_backend(Mpm::Worker);
}

#[test]
fn a_killed_backend_in_prefork() {
    killed_backend(Mpm::Prefork);
}

/// The backend sees the end, be it silent, or in the middle of sending what nobody takes.
fn vanished_client(mpm: Mpm) {
    let (tell, told) = mpsc::channel();
    let backend = backend(move |mut end| {
        let wanted = end.take(1);
        if wanted == b"s" {
            while end.stream.write_all(&[0; 65_536]).is_ok() {}
        } else {
            end.rest();
        }
        tell.send((wanted, end.stream.socket().peer_addr().is_ok())).unwrap();
    });
    Httpd::proxying(backend.address(), "").mpm(mpm).run(|server| {
        for how in [b"q", b"s"] {
            let mut client = open(server.address());
            client.send(how);
            if how == b"s" {
                client.take(1000);
            }
            let began = Instant::now();
            drop(client);
            let (seen, _) =
                told.recv_timeout(SOON).unwrap_or_else(|_| panic!("{how:?}: the backend sees no end"));
            assert_eq!(seen, how);
            assert!(began.elapsed() < SOON);
        }
        assert_eq!(get_page(server), 200);
    });
}

#[test]
fn a_vanished_client_in_event() {
    vanished_client(Mpm::Event);
}

#[test]
fn a_vanished_client_in_worker() {
    vanished_client(Mpm::Worker);
}

#[test]
fn a_vanished_client_in_prefork() {
    vanished_client(Mpm::Prefork);
}

/// The side that has said that it sends no more still gets all of the answer.
fn half_close(mpm: Mpm) {
    let answer = websocket::pattern(3 * MIB);
    let (tell, told) = mpsc::channel();
    let backend = backend({
        let answer = answer.clone();
        move |mut end| {
            let first = end.take(1);
            if first == b"c" {
                // The client ends first.
                let rest = end.rest();
                end.send(&answer);
                tell.send(rest).unwrap();
            } else {
                end.send(b"bye");
                end.stream.finish().unwrap();
                tell.send(end.rest()).unwrap();
            }
        }
    });
    Httpd::proxying(backend.address(), "").mpm(mpm).run(|server| {
        let mut client = open(server.address());
        client.send(b"c and this");
        client.stream.finish().unwrap();
        assert!(client.rest() == answer, "the answer is not whole");
        assert_eq!(told.recv_timeout(SOON).unwrap(), b" and this");

        let mut client = open(server.address());
        client.send(b"b");
        assert_eq!(client.rest(), b"bye");
        client.send(&answer);
        client.stream.finish().unwrap();
        assert!(told.recv_timeout(SOON).unwrap() == answer, "what the client sent is not whole");
        assert_eq!(client.rest(), b"");
    });
}

#[test]
fn a_half_close_in_event() {
    half_close(Mpm::Event);
}

#[test]
fn a_half_close_in_worker() {
    half_close(Mpm::Worker);
}

#[test]
fn a_half_close_in_prefork() {
    half_close(Mpm::Prefork);
}

#[test]
fn an_idle_tunnel_ends_and_a_busy_one_does_not() {
    let backend = Backend::echo(LIMIT).unwrap();
    Httpd::proxying(backend.address(), "ProxyWebSocketIdleTimeout 1s").run(|server| {
        let mut busy = open_websocket(server.address());
        let mut idle = open(server.address());
        let began = Instant::now();
        let ended = thread::spawn(move || {
            idle.rest();
            began.elapsed()
        });
        // Time itself is what is tested here.
        while began.elapsed() < Duration::from_millis(2500) {
            websocket::echo(&mut busy, &Message::Text("still here".to_owned())).unwrap();
            thread::sleep(Duration::from_millis(300));
        }
        let after = ended.join().unwrap();
        assert!(after >= Duration::from_millis(950) && after < SOON, "the idle one ended after {after:?}");
        websocket::close(&mut busy).unwrap();
        assert!(eventually(|| backend.connections() == 0));
    });
}

/// `off` outlasts the timeout of the worker, which is the default.
#[test]
fn without_an_idle_timeout_of_its_own_the_proxys_counts() {
    let backend = Backend::echo(LIMIT).unwrap();
    let lines = format!("ProxyTimeout 1\nProxyPass /off ws://{}/\n", backend.address())
        + "<Location /off>\nProxyWebSocketIdleTimeout off\n</Location>";
    Httpd::proxying(backend.address(), &lines).run(|server| {
        let began = Instant::now();
        let opening = websocket::open(server.address(), "/off", None, &[], Deadline::after(LIMIT)).unwrap();
        let Opening::Open { socket: mut endless, .. } = opening else { panic!("{opening:?}") };
        open(server.address()).rest();
        assert!(began.elapsed() >= Duration::from_millis(950), "{:?}", began.elapsed());
        thread::sleep(Duration::from_millis(1500).saturating_sub(began.elapsed()));
        websocket::echo(&mut endless, &Message::Text("still here".to_owned())).unwrap();
    });
}

#[test]
fn a_graceful_restart_ends_a_tunnel_in_bounded_time_and_httpd_goes_on() {
    let backend = Backend::echo(LIMIT).unwrap();
    Httpd::proxying(backend.address(), "").run(|server| {
        let mut old = open_websocket(server.address());
        websocket::echo(&mut old, &Message::Text("before".to_owned())).unwrap();
        let id = rustix::process::Pid::from_raw(server.id() as i32).unwrap();
        // SIGUSR1 is httpd's signal for it; see its manual, "Stopping and Restarting".
        rustix::process::kill_process(id, rustix::process::Signal::USR1).unwrap();
        while old.read().is_ok() {}
        let mut new = open_websocket(server.address());
        websocket::echo(&mut new, &Message::Text("after".to_owned())).unwrap();
        websocket::close(&mut new).unwrap();
    });
}

// ---------------------------------------------------------------------------------------------------------------------
// The handshake
// ---------------------------------------------------------------------------------------------------------------------

#[test]
fn a_request_that_is_no_handshake() {
    let backend = Backend::echo(LIMIT).unwrap();
    Httpd::proxying(backend.address(), "").run(|server| {
        let plain = |request: &str| ask_whole(server.address(), request.as_bytes());
        // 426 and what it must say: RFC 9110, 15.5.22.
        let (head, body) = plain("GET /ws HTTP/1.1\r\nHost: a\r\n\r\n");
        assert_eq!((head.status, head.fields.get("Upgrade")), (426, Some("websocket")));
        assert!(head.fields.lists("Connection", "upgrade"), "{head:?}");
        assert!(body.contains("WebSocket"), "{body}");
        let (head, _) = plain("GET /ws HTTP/1.1\r\nHost: a\r\nUpgrade: h2c\r\nConnection: Upgrade\r\n\r\n");
        assert_eq!(head.status, 426);
        // Connection does not nominate it: some proxy on the way did not mean to pass it on.
        let (head, _) = plain("GET /ws HTTP/1.1\r\nHost: a\r\nUpgrade: websocket\r\n\r\n");
        assert_eq!(head.status, 426);
        let (head, _) =
            plain("GET /ws HTTP/1.0\r\nHost: a\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n");
        assert_eq!(head.status, 426);
        // 405 and the methods that would do: RFC 9110, 15.5.6.
        let upgrade = "Host: a\r\nUpgrade: websocket\r\nConnection: keep-alive, Upgrade\r\n";
        let (head, _) = plain(&format!("POST /ws HTTP/1.1\r\n{upgrade}Content-Length: 0\r\n\r\n"));
        assert_eq!((head.status, head.fields.lists("Allow", "GET")), (405, true), "{head:?}");
        let (head, _) = plain(&format!("GET /ws HTTP/1.1\r\n{upgrade}Content-Length: 3\r\n\r\nabc"));
        assert_eq!(head.status, 400);
        assert_eq!(backend.connections(), 0);
    });
}

#[test]
fn a_backend_that_refuses() {
    for framing in [
        "Content-Length: 12\r\n\r\nnot for you\n",
        "Transfer-Encoding: chunked\r\n\r\n5\r\nnot f\r\n7\r\nor you\n\r\n0\r\n\r\n",
    ] {
        let backend = answering(format!(
            "HTTP/1.1 403 Forbidden\r\nX-Reason: because\r\nSet-Cookie: a=b\r\nSet-Cookie: c=d\r\n\
             Connection: close, X-Hop\r\nX-Hop: 1\r\nContent-Type: text/plain\r\n{framing}"
        ));
        Httpd::proxying(backend.address(), "").run(|server| {
            let (head, body) = ask_whole(server.address(), &handshake(&[]));
            assert_eq!((head.status, body.as_str()), (403, "not for you\n"));
            assert_eq!(head.fields.get("X-Reason"), Some("because"));
            assert_eq!(head.fields.all("Set-Cookie").collect::<Vec<_>>(), ["a=b", "c=d"]);
            assert_eq!(head.fields.get("Content-Type"), Some("text/plain"));
            assert_eq!(head.fields.get("X-Hop"), None);
        });
    }
}

#[test]
fn a_backend_that_is_not_there() {
    let nobody = SocketAddr::from((Ipv4Addr::LOCALHOST, 1));
    Httpd::proxying(nobody, "").run(|server| {
        assert_eq!(ask(server.address(), &handshake(&[])).0.status, 503);
    });
}

#[test]
fn a_backend_that_speaks_something_else() {
    let long = format!("HTTP/1.1 101 A\r\nX: {}", "x".repeat(200_000));
    for answer in [
        "SSH-2.0-OpenSSH_9.2\r\n",
        "",
        "HTTP/1.1 101",
        "HTTP/1.1 101 A\r\nno colon\r\n\r\n",
        "HTTP/1.1 101 A\r\nUpgrade: h2c\r\nConnection: Upgrade\r\n\r\n",
        "HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nab",
        &long,
    ] {
        let backend = answering(answer);
        Httpd::proxying(backend.address(), "").run(|server| {
            let (head, _) = ask(server.address(), &handshake(&[]));
            let shown = &answer[..answer.len().min(40)];
            assert_eq!(head.status, 502, "{shown}");
        });
    }
}

#[test]
fn a_backend_that_does_not_answer() {
    let (backend, _ends) = {
        let (give, take) = mpsc::channel();
        let backend = Backend::start(LIMIT, move |stream| give.send(stream).unwrap()).unwrap();
        (backend, take)
    };
    Httpd::proxying(backend.address(), "ProxyTimeout 1").run(|server| {
        let began = Instant::now();
        assert_eq!(ask(server.address(), &handshake(&[])).0.status, 504);
        assert!(began.elapsed() >= Duration::from_millis(950) && began.elapsed() < SOON);
    });
}

/// The head that a backend gets for a handshake with these fields.
fn forwarded(
    lines: &str,
    target: &str,
    more: &[(&str, &str)],
) -> (SocketAddr, modgraft::check::http::RequestHead) {
    let (tell, told) = mpsc::channel();
    let backend = Backend::start(LIMIT, move |stream| tell.send(accept(stream, b"").0).unwrap()).unwrap();
    let request =
        String::from_utf8(handshake(more)).unwrap().replacen("GET /ws ", &format!("GET {target} "), 1);
    Httpd::proxying(backend.address(), lines).run(|server| {
        assert_eq!(ask(server.address(), request.as_bytes()).0.status, 101);
    });
    (backend.address(), told.recv_timeout(SOON).unwrap())
}

#[test]
fn what_is_forwarded() {
    let (address, head) = forwarded(
        "",
        "/ws/a%20b?c=d%26e",
        &[
            ("Origin", "http://front.example"),
            ("Cookie", "a=b; c=d"),
            ("Sec-WebSocket-Extensions", "permessage-deflate; client_max_window_bits"),
            ("Authorization", "Basic dTpw"),
            ("X-Forwarded-For", "192.0.2.7"),
            ("Connection", "keep-alive, Upgrade, X-Hop"),
            ("X-Hop", "1"),
            ("Keep-Alive", "timeout=5"),
            ("TE", "trailers"),
            ("Proxy-Authorization", "Basic eDp5"),
            ("Proxy-Connection", "keep-alive"),
        ],
    );
    let get = |name| head.fields.get(name);
    assert_eq!((head.method.as_str(), head.target.as_str()), ("GET", "/at/a%20b?c=d%26e"));
    // Once each: two of these would be two messages to some reader.
    for name in ["Host", "Upgrade", "Connection", "Sec-WebSocket-Key", "Sec-WebSocket-Version"] {
        assert_eq!(head.fields.all(name).count(), 1, "{name} in {head:?}");
    }
    assert_eq!(get("Host"), Some(address.to_string().as_str()));
    assert!(get("Upgrade").is_some_and(|value| value.eq_ignore_ascii_case("websocket")));
    assert!(get("Connection").is_some_and(|value| value.eq_ignore_ascii_case("upgrade")));
    assert_eq!(get("Sec-WebSocket-Key"), Some(support::tunnel::KEY));
    assert_eq!(get("Sec-WebSocket-Version"), Some("13"));
    assert_eq!(get("Sec-WebSocket-Extensions"), Some("permessage-deflate; client_max_window_bits"));
    assert_eq!(get("Origin"), Some("http://front.example"));
    assert_eq!(get("Cookie"), Some("a=b; c=d"));
    assert_eq!(get("Authorization"), Some("Basic dTpw"));
    assert_eq!(get("X-Forwarded-For"), Some("192.0.2.7, 127.0.0.1"));
    assert_eq!(get("X-Forwarded-Host"), Some("front.example"));
    assert!(get("X-Forwarded-Server").is_some());
    for name in ["X-Hop", "Keep-Alive", "TE", "Proxy-Authorization", "Proxy-Connection", "Content-Length"] {
        assert_eq!(get(name), None, "{name}");
    }
}

#[test]
fn what_the_configuration_changes() {
    let (_, head) = forwarded("ProxyPreserveHost On\nProxyAddHeaders Off\nProxyVia On", "/ws", &[]);
    assert_eq!(head.fields.get("Host"), Some("front.example"));
    for name in ["X-Forwarded-For", "X-Forwarded-Host", "X-Forwarded-Server"] {
        assert_eq!(head.fields.get(name), None, "{name}");
    }
    assert!(head.fields.get("Via").is_some_and(|via| via.starts_with("1.1 ")), "{head:?}");
}

#[test]
fn what_comes_in_the_packet_of_the_handshake() {
    let (tell, told) = mpsc::channel();
    let backend = Backend::start(LIMIT, move |stream| {
        let (_, mut end) = accept(stream, b"first from the backend");
        tell.send(end.take(b"first from the client".len())).unwrap();
        end.send(b", and more");
    })
    .unwrap();
    Httpd::proxying(backend.address(), "").run(|server| {
        let mut bytes = handshake(&[]);
        bytes.extend(b"first from the client");
        let (head, connection) = ask(server.address(), &bytes);
        assert_eq!(head.status, 101);
        assert_eq!(told.recv_timeout(SOON).unwrap(), b"first from the client");
        let (stream, ahead) = connection.into_parts();
        assert_eq!(End { stream, ahead }.rest(), b"first from the backend, and more");
    });
}

/// What follows a refused handshake on the same connection is not taken for another request.
#[test]
fn what_comes_behind_a_refused_handshake_is_no_request() {
    let backend = answering("HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\n\r\n");
    Httpd::proxying(backend.address(), "").run(|server| {
        let mut bytes = handshake(&[]);
        bytes.extend(b"GET /index.html HTTP/1.1\r\nHost: a\r\n\r\n");
        let (head, mut connection) = ask(server.address(), &bytes);
        assert_eq!(head.status, 403);
        assert_eq!(connection.response_body("GET", &head).unwrap(), b"");
        assert!(connection.response_head().is_err(), "there is a second response");
    });
}

// ---------------------------------------------------------------------------------------------------------------------
// TLS
// ---------------------------------------------------------------------------------------------------------------------

fn tls_backend() -> Backend {
    Backend::start(LIMIT, |stream| {
        // A proxy that does not like the certificate is seen at the client.
        let _ = serve_echo(tls::server(stream));
    })
    .unwrap()
}

fn wss(backend: &Backend, lines: &str) -> Httpd {
    let lines = format!("SSLProxyEngine on\nProxyPass /ws wss://{}/at\n{lines}", backend.address());
    Httpd::with(&lines).modules(&["proxy", "socache_shmcb", "ssl"])
}

fn trusting() -> String {
    format!(
        "SSLProxyVerify require\nSSLProxyCACertificateFile \"{}\"\nSSLProxyCheckPeerName on",
        tls::identity().certificate.display()
    )
}

fn echo_over_tls(mpm: Mpm) {
    let backend = tls_backend();
    wss(&backend, &trusting()).mpm(mpm).run(|server| {
        let mut socket = open_websocket(server.address());
        for bytes in SIZES {
            websocket::echo(&mut socket, &Message::Generated { bytes, kind: MessageKind::Binary }).unwrap();
        }
        websocket::close(&mut socket).unwrap();
        assert!(eventually(|| backend.connections() == 0), "the backend's side is still open");
    });
}

#[test]
fn a_wss_backend_in_event() {
    echo_over_tls(Mpm::Event);
}

#[test]
fn a_wss_backend_in_prefork() {
    echo_over_tls(Mpm::Prefork);
}

#[test]
fn a_wss_backend_that_is_not_trusted() {
    let backend = tls_backend();
    wss(&backend, "SSLProxyVerify require\nSSLProxyCheckPeerName on").run(|server| {
        let (head, _) = ask(server.address(), &handshake(&[]));
        assert!(matches!(head.status, 500 | 502), "{head:?}");
    });
}

/// TLS on both sides: the client's connection has filters that keep bytes back.
#[test]
fn wss_to_wss() {
    let backend = tls_backend();
    let identity = tls::identity();
    let lines = format!(
        "{}\nSSLEngine on\nSSLCertificateFile \"{}\"\nSSLCertificateKeyFile \"{}\"",
        trusting(),
        identity.certificate.display(),
        identity.key.display()
    );
    wss(&backend, &lines).run(|server| {
        let stream = Stream::connect(server.address(), Deadline::after(LIMIT)).unwrap();
        let mut connection = Connection::new(tls::client(stream));
        connection.stream().write_all(&handshake(&[])).unwrap();
        let head = connection.response_head().unwrap();
        assert_eq!(head.status, 101);
        let (stream, ahead) = connection.into_parts();
        let mut socket =
            WebSocket::from_partially_read(stream, ahead, Role::Client, Some(websocket::limits()));
        for bytes in SIZES {
            let message = tungstenite::Message::binary(websocket::pattern(bytes));
            socket.send(message.clone()).unwrap();
            assert!(socket.read().unwrap() == message, "{bytes}");
        }
        socket.close(None).unwrap();
        while socket.read().is_ok() {}
        assert!(eventually(|| backend.connections() == 0), "the backend's side is still open");
    });
}

// ---------------------------------------------------------------------------------------------------------------------
// The rest of the server
// ---------------------------------------------------------------------------------------------------------------------

/// Connections that open and close at once, and handshakes that stop in the middle, leave nothing behind.
#[test]
fn clients_that_give_up_early_do_no_harm() {
    let backend = Backend::echo(LIMIT).unwrap();
    Httpd::proxying(backend.address(), "").run(|server| {
        let whole = handshake(&[]);
        for cut in (1..whole.len()).step_by(7).chain([whole.len()]) {
            let mut client = TcpStream::connect(server.address()).unwrap();
            client.write_all(&whole[..cut]).unwrap();
        }
        let mut socket = open_websocket(server.address());
        websocket::echo(&mut socket, &Message::Text("still here".to_owned())).unwrap();
        websocket::close(&mut socket).unwrap();
        assert!(eventually(|| backend.connections() == 0), "{} are still open", backend.connections());
    });
}

/// The access log has the status that the client got, and the bytes of the tunnel.
#[test]
fn a_tunnel_is_logged() {
    let backend = Backend::echo(LIMIT).unwrap();
    let lines = "LogFormat \"%s %B\" tunnel\nCustomLog logs/access.log tunnel";
    Httpd::proxying(backend.address(), lines).modules(&["log_config", "proxy"]).run(|server| {
        let mut socket = open_websocket(server.address());
        websocket::echo(&mut socket, &Message::Generated { bytes: 100_000, kind: MessageKind::Binary })
            .unwrap();
        websocket::close(&mut socket).unwrap();
        drop(socket);
        let log = server.root().join("logs/access.log");
        let line = || fs_err::read_to_string(&log).unwrap_or_default();
        assert!(eventually(|| line().ends_with('\n')), "nothing is logged");
        let line = line();
        let (status, bytes) = line.trim().split_once(' ').unwrap();
        assert_eq!(status, "101");
        assert!(bytes.parse::<u64>().unwrap() > 100_000, "{line}");
    });
}
