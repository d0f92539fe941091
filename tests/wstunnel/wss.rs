//! TLS on the way to the backend, and on both ways.

use std::io::Write;

use modgraft::check::backend::{Backend, serve_echo};
use modgraft::check::http::Connection;
use modgraft::check::stream::{Deadline, Stream};
use modgraft::check::websocket;
use modgraft::recipe::check::{Message, MessageKind, Mpm};
use tungstenite::protocol::{Role, WebSocket};

use crate::tls;
use crate::tunnel::{Httpd, LIMIT, SIZES, ask, eventually, handshake, open_websocket};

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
