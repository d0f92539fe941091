//! Both directions flow, and neither fills httpd's memory.

use std::io::{ErrorKind, Read, Write};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, mpsc};
use std::thread;
use std::time::{Duration, Instant};

use modgraft::check::httpd::Server;
use modgraft::check::stream::Stream;

use crate::support::processes;
use crate::tunnel::{End, Httpd, LIMIT, MIB, SOON, handing_over, open};

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

/// How one side of a test speaks with the other, past the tunnel.
struct Other {
    tell: mpsc::Sender<()>,
    told: mpsc::Receiver<()>,
}

impl Other {
    fn tell(&self) {
        // One that has failed and gone says so itself.
        let _ = self.tell.send(());
    }

    fn await_told(&self, otherwise: &str) {
        self.told.recv_timeout(LIMIT).unwrap_or_else(|_| panic!("{otherwise}"));
    }
}

/// Sends 16 MiB, and begins to read only once the way is full in both directions; the one whose turn is later, only once
/// the other has got everything. A proxy that waits for one side to take bytes never gets there.
fn send_before_reading(mut end: End, other: &Other, later: bool) {
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
    other.tell();
    other.await_told("the way does not get full");
    socket.set_nonblocking(false).unwrap();
    thread::scope(|scope| {
        scope.spawn(move || {
            let rest: Vec<u8> = (position..TOTAL).map(byte_at).collect();
            writer.write_all(&rest).unwrap_or_else(|error| panic!("sending: {error}"));
        });
        if later {
            other.await_told("the one side gets nothing while the other does not read");
        }
        receive_pattern(&mut end, TOTAL);
        if !later {
            other.tell();
        }
    });
}

#[test]
fn both_sides_send_before_they_read() {
    let (backend, ends) = handing_over();
    Httpd::proxying(backend.address(), "").run(|server| {
        let client = open(server.address());
        let backend_end = ends.recv_timeout(SOON).unwrap();
        let (tell_client, client_told) = mpsc::channel();
        let (tell_backend, backend_told) = mpsc::channel();
        let backend = Other { tell: tell_client, told: backend_told };
        thread::scope(|scope| {
            scope.spawn(move || send_before_reading(backend_end, &backend, true));
            send_before_reading(client, &Other { tell: tell_backend, told: client_told }, false);
        });
    });
}
