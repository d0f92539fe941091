//! A TCP connection of which every read and write ends by one moment.

use std::io::{self, Read, Write};
use std::net::{Shutdown, SocketAddr, TcpStream};
use std::time::{Duration, Instant};

/// The moment by which something must have happened.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Deadline(Instant);

impl Deadline {
    /// So long from now.
    pub fn after(limit: Duration) -> Self {
        // A limit beyond what the clock can express is as good as a day.
        let now = Instant::now();
        Deadline(now.checked_add(limit).unwrap_or(now + Duration::from_secs(86_400)))
    }

    /// So long from now, or this moment where that is earlier.
    pub fn at_most(self, limit: Duration) -> Self {
        self.min(Deadline::after(limit))
    }

    /// What is left; zero when it has passed.
    pub fn remaining(self) -> Duration {
        self.0.saturating_duration_since(Instant::now())
    }

    /// Whether it has passed.
    pub fn passed(self) -> bool {
        self.remaining().is_zero()
    }

    /// What is left, as a time limit for a socket.
    fn for_socket(self) -> io::Result<Option<Duration>> {
        let left = self.remaining();
        // Zero would mean "no limit" to the system.
        if left.is_zero() { Err(io::ErrorKind::TimedOut.into()) } else { Ok(Some(left)) }
    }
}

/// A TCP connection with a deadline.
#[derive(Debug)]
pub struct Stream {
    socket: TcpStream,
    deadline: Deadline,
}

impl Stream {
    /// Connects.
    pub fn connect(address: SocketAddr, deadline: Deadline) -> io::Result<Self> {
        let left = deadline.for_socket()?.unwrap_or_default();
        Stream::new(TcpStream::connect_timeout(&address, left)?, deadline)
    }

    /// Puts a deadline to a connection.
    pub fn new(socket: TcpStream, deadline: Deadline) -> io::Result<Self> {
        // Small frames must not wait for the acknowledgement of those before them.
        socket.set_nodelay(true)?;
        Ok(Stream { socket, deadline })
    }

    /// A second handle to the same connection: one thread reads, another writes.
    pub fn try_clone(&self) -> io::Result<Self> {
        Ok(Stream { socket: self.socket.try_clone()?, deadline: self.deadline })
    }

    /// Says that nothing more will be sent.
    pub fn finish(&self) -> io::Result<()> {
        self.socket.shutdown(Shutdown::Write)
    }

    /// The connection itself.
    pub fn socket(&self) -> &TcpStream {
        &self.socket
    }
}

impl Read for Stream {
    fn read(&mut self, bytes: &mut [u8]) -> io::Result<usize> {
        self.socket.set_read_timeout(self.deadline.for_socket()?)?;
        self.socket.read(bytes).map_err(plain)
    }
}

impl Write for Stream {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.socket.set_write_timeout(self.deadline.for_socket()?)?;
        self.socket.write(bytes).map_err(plain)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// A time limit of a socket ends in `WouldBlock`, which would make callers try again.
fn plain(error: io::Error) -> io::Error {
    if error.kind() == io::ErrorKind::WouldBlock { io::ErrorKind::TimedOut.into() } else { error }
}
