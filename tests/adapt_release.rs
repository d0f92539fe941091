//! Modules of one release of httpd in the httpd of another: built by the program from upstream's source as Debian has it,
//! loaded, and asked by real requests.

mod support;

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::process::Command;
use std::thread;
use std::time::Duration;

use serde_json::Value;
use support::debian::Release;
use support::{run, scratch};

/// A module of upstream's, and what an httpd has to do with it. `UWSGI` stands for the address of an application server.
struct Case {
    name: &'static str,
    file: &'static str,
    checks: &'static str,
    /// How long the checks take at least, in seconds.
    takes: f64,
}

const CASES: [Case; 6] = [
    Case {
        name: "mod_proxy_wstunnel",
        file: "modules/proxy/mod_proxy_wstunnel.c",
        checks: r#"
[[check]]
name = "a WebSocket is tunnelled beside mod_proxy_http"
modules = ["proxy_http"]
config = 'ProxyPass "/ws/" "ws://{{backend.websocket}}/"'
websocket = { path = "/ws/echo", messages = [{ text = "hello" }, { bytes = 65536 }] }
[[check]]
name = "a WebSocket is tunnelled by the module itself"
modules = ["proxy_http"]
config = '''
ProxyPass "/ws/" "ws://{{backend.websocket}}/"
ProxyWebsocketFallbackToProxyHttp Off
'''
websocket = { path = "/ws/echo", messages = [{ text = "hello" }, { bytes = 65536 }] }
"#,
        takes: 0.0,
    },
    Case {
        name: "mod_remoteip",
        file: "modules/metadata/mod_remoteip.c",
        checks: r#"
[[check]]
name = "the client is whom the proxy names"
modules = ["headers"]
config = '''
RemoteIPHeader X-Forwarded-For
RemoteIPInternalProxy 127.0.0.1
Header always set X-Client "expr=%{REMOTE_ADDR}"
'''
request = { path = "/index.html", headers = { X-Forwarded-For = "192.0.2.1" } }
expect = { headers = { X-Client = "192.0.2.1" } }
[[check]]
name = "the next request on the connection has a client of its own"
modules = ["headers"]
config = '''
RemoteIPHeader X-Forwarded-For
RemoteIPInternalProxy 127.0.0.1
Header always set X-Client "expr=%{REMOTE_ADDR}"
'''
request = { path = "/index.html", headers = { X-Forwarded-For = "192.0.2.2" }, before = [
    { path = "/index.html", headers = { X-Forwarded-For = "192.0.2.1" } },
] }
expect = { headers = { X-Client = "192.0.2.2" } }
[[check]]
name = "the next request on the connection may have come directly"
modules = ["headers"]
config = '''
RemoteIPHeader X-Forwarded-For
RemoteIPInternalProxy 127.0.0.1
Header always set X-Client "expr=%{REMOTE_ADDR}"
'''
request = { path = "/index.html", before = [{ path = "/index.html", headers = { X-Forwarded-For = "192.0.2.1" } }] }
expect = { headers = { X-Client = "127.0.0.1" } }
"#,
        takes: 0.0,
    },
    Case {
        name: "mod_proxy_uwsgi",
        file: "modules/proxy/mod_proxy_uwsgi.c",
        checks: r#"
[[check]]
name = "an application server gets the request and its body"
config = 'ProxyPass "/app/" "uwsgi://UWSGI/"'
request = { method = "POST", path = "/app/a%20b?c=d", headers = { X-Own = "field" }, body = "given" }
expect = { status = 201, headers = { X-From = "uwsgi" }, body-contains = "POST /app/a%20b?c=d field given" }
"#,
        takes: 0.0,
    },
    Case {
        name: "mod_sed",
        file: "modules/filters/mod_sed.c",
        checks: r#"
[[check]]
name = "a response is edited"
modules = ["proxy", "proxy_http"]
config = '''
ProxyPass "/mirror/" "http://{{backend.http}}/"
<Location "/mirror/">
SetOutputFilter Sed
OutputSed "s/green \\(apples\\)/ripe \\1/g"
</Location>
'''
request = { method = "POST", path = "/mirror/", body = "green apples, green apples" }
expect = { body-contains = "ripe apples, ripe apples" }
"#,
        takes: 0.0,
    },
    Case {
        name: "mod_ratelimit",
        file: "modules/filters/mod_ratelimit.c",
        // 8 KiB and the header, at 8 KiB each second.
        checks: r#"
[[check]]
name = "a response takes its time and comes whole"
modules = ["env", "proxy", "proxy_http"]
config = '''
ProxyPass "/mirror/" "http://{{backend.http}}/"
<Location "/mirror/">
SetOutputFilter RATE_LIMIT
SetEnv rate-limit 8
</Location>
'''
request = { method = "POST", path = "/mirror/", body = "LONG" }
expect = { body-contains = "LONG" }
"#,
        takes: 0.8,
    },
    Case {
        name: "mod_reqtimeout",
        file: "modules/filters/mod_reqtimeout.c",
        checks: r#"
[[check]]
name = "who does not send what was announced gets 408"
config = "RequestReadTimeout body=1"
request = { path = "/index.html", headers = { Content-Length = "100" }, body = "begun" }
expect = { status = 408 }
[[check]]
name = "who sends it gets an answer"
config = "RequestReadTimeout body=1"
request = { path = "/index.html", body = "done" }
"#,
        takes: 1.0,
    },
];

/// Builds each module of the source for the target, with its checks.
fn all_work(source: Release, target: &str) {
    let archive = source.upstream_source("apache2");
    let digest = run(Command::new("sha256sum").arg(&archive));
    let digest = digest.split_whitespace().next().unwrap();
    let address = application_server();
    for case in &CASES {
        let folder = tempfile::tempdir().unwrap();
        let checks =
            case.checks.replace("UWSGI", &address.to_string()).replace("LONG", &"long ".repeat(1640));
        let recipe = format!(
            "name = \"{}\"\nsummary = \"A module of another release\"\nlicense = \"Apache-2.0\"\nversion = \"1\"\n\
             [source]\ntarball = \"{}\"\nsha256 = \"{digest}\"\nfiles = [\"{}\"]\n\
             [[changelog]]\ndate = 2026-01-01\nauthor = \"A. Packager <packager@example.org>\"\nversion = \"1-1\"\n\
             notes = [\"First package.\"]\n{checks}",
            case.name,
            archive.display(),
            case.file
        );
        fs_err::write(folder.path().join("module.toml"), recipe).unwrap();
        let said = run(Command::new(env!("CARGO_BIN_EXE_modgraft"))
            .env("MODGRAFT_CACHE", scratch("adapt_release"))
            .args(["build-module", "--json", "--offline", "--sign-key", "none", "--target", target, "--out"])
            .arg(folder.path().join("out"))
            .arg(folder.path()));
        let report = fs_err::read(folder.path().join("out/report.json")).unwrap();
        let report: Value = serde_json::from_slice(&report).unwrap();
        let results = report["checks"].as_array().unwrap();
        assert!(
            !results.is_empty() && results.iter().all(|check| check["outcome"] == "passed"),
            "{results:?}"
        );
        let events = said.lines().map(|line| serde_json::from_str::<Value>(line).unwrap());
        let took =
            events.filter(|event| event["stage"] == "check").find_map(|event| event["seconds"].as_f64());
        assert!(took.unwrap() >= case.takes, "{}: {took:?} s", case.name);
    }
}

#[test]
fn modules_of_an_older_release_work_in_the_httpd_of_this_machine() {
    all_work(Release::Bullseye, "local");
}

#[test]
fn modules_of_a_newer_release_work_in_an_older_releases_httpd() {
    let root = Release::Bullseye.sysroot();
    all_work(Release::Bookworm, root.to_str().unwrap());
}

/// An application server that speaks uwsgi, at the address that is returned. Its thread ends with the test's process.
fn application_server() -> SocketAddr {
    let socket = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = socket.local_addr().unwrap();
    thread::spawn(move || {
        for connection in socket.incoming() {
            // What goes wrong here, httpd's answer tells.
            let _ = connection.and_then(application);
        }
    });
    address
}

/// Answers a request with some of what it said. The packet is that of uwsgi's own documentation: a byte, the length of the
/// variables as two bytes, the lower one first, another byte, and each variable's name and value behind their lengths.
fn application(mut connection: TcpStream) -> std::io::Result<()> {
    connection.set_read_timeout(Some(Duration::from_secs(10)))?;
    let mut head = [0; 4];
    connection.read_exact(&mut head)?;
    let mut variables = vec![0; usize::from(u16::from_le_bytes([head[1], head[2]]))];
    connection.read_exact(&mut variables)?;
    let mut rest = variables.as_slice();
    let mut words = Vec::new();
    while let [low, high, behind @ ..] = rest {
        let (word, behind) =
            behind.split_at(usize::from(u16::from_le_bytes([*low, *high])).min(behind.len()));
        words.push(String::from_utf8_lossy(word).into_owned());
        rest = behind;
    }
    let value = |name: &str| {
        let pair = words.chunks_exact(2).find(|pair| pair[0] == name);
        pair.map_or("", |pair| pair[1].as_str())
    };
    let mut body = vec![0; value("CONTENT_LENGTH").parse().unwrap_or(0)];
    connection.read_exact(&mut body)?;
    let body = String::from_utf8_lossy(&body);
    let answer =
        format!("{} {} {} {body}", value("REQUEST_METHOD"), value("REQUEST_URI"), value("HTTP_X_OWN"));
    let length = answer.len();
    write!(connection, "HTTP/1.0 201 Created\r\nX-From: uwsgi\r\nContent-Length: {length}\r\n\r\n{answer}")
}
