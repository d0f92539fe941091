//! WebSocket messages of every size, and many connections at once.

use modgraft::check::backend::Backend;
use modgraft::check::websocket;
use modgraft::recipe::check::{Message, MessageKind, Mpm};

use crate::tunnel::{Httpd, LIMIT, SIZES, eventually, open_websocket};

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
