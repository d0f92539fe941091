//! How long a tunnel lives: idle, busy, and through a restart of httpd.

use std::thread;
use std::time::{Duration, Instant};

use modgraft::check::backend::Backend;
use modgraft::check::stream::Deadline;
use modgraft::check::websocket::{self, Opening};
use modgraft::recipe::check::Message;

use crate::tunnel::{Httpd, LIMIT, SOON, eventually, open, open_websocket};

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
