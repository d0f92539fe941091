//! The opening handshake: what is refused, what is forwarded, what comes right behind it.

use std::net::{Ipv4Addr, SocketAddr};
use std::sync::mpsc;
use std::time::{Duration, Instant};

use modgraft::check::backend::Backend;
use modgraft::check::http::RequestHead;

use crate::tunnel::{End, Httpd, KEY, LIMIT, SOON, accept, answering, ask, ask_whole, handshake};

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
fn forwarded(lines: &str, target: &str, more: &[(&str, &str)]) -> (SocketAddr, RequestHead) {
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
    assert_eq!(get("Sec-WebSocket-Key"), Some(KEY));
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
