//! How a tunnel ends: either side killed, gone, or done with sending.

use std::io::{Read, Write};
use std::net::SocketAddr;
use std::process::{Child, Command, Stdio};
use std::sync::mpsc;
use std::time::Instant;

use modgraft::check::backend::Backend;
use modgraft::check::websocket;
use modgraft::recipe::check::{Message, Mpm};

use crate::tunnel::{Httpd, LIMIT, MIB, SOON, ask, backend, get_page, handshake, open, open_websocket};

/// A backend in a process of its own: this test binary once more.
struct OtherProcess {
    child: Child,
    address: SocketAddr,
}

impl OtherProcess {
    fn start() -> Self {
        let mut child = Command::new(std::env::current_exe().unwrap())
            .args(["--exact", "ends::a_backend_of_its_own", "--ignored", "--nocapture"])
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
