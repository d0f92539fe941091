//! What a tunnel leaves in the rest of httpd.

use std::io::Write;
use std::net::TcpStream;

use modgraft::check::backend::Backend;
use modgraft::check::websocket;
use modgraft::recipe::check::{Message, MessageKind};

use crate::tunnel::{Httpd, LIMIT, eventually, handshake, open_websocket};

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
