//! How many jobs may run, where make says: its jobserver (GNU make's manual, "POSIX Jobserver Interaction").

use std::io;
use std::thread;
use std::time::Duration;

use jobserver::{Acquired, Client};

use crate::process;

/// How often a token is asked for that others have.
const PAUSE: Duration = Duration::from_millis(10);

/// The tokens of the make that runs this process; without one there are always enough.
pub(super) struct Tokens(Option<Client>);

/// The right to run a job.
pub(super) enum Token {
    /// This process has it without asking.
    Own,
    /// It goes back when this is dropped.
    Of(#[expect(dead_code, reason = "dropping it gives it back")] Acquired),
}

/// modgraft was asked to stop.
pub(super) struct Interrupted;

impl Tokens {
    pub fn of_environment() -> Self {
        // SAFETY: what MAKEFLAGS names is used only where it is open and a pipe, and this process opens no pipe of its own
        // before: a make that closed its own for this process is noticed.
        Tokens(unsafe { Client::from_env_ext(true) }.client.ok())
    }

    /// Waits for one. `first` is for the one thread that has this process's own.
    pub fn take(&self, first: bool) -> Result<Token, Interrupted> {
        let Some(client) = self.0.as_ref().filter(|_| !first) else { return Ok(Token::Own) };
        loop {
            match client.try_acquire() {
                Ok(Some(token)) => return Ok(Token::Of(token)),
                Ok(None) if process::interrupted() => return Err(Interrupted),
                Ok(None) => thread::sleep(PAUSE),
                // A make whose pipe cannot be asked without waiting, or that has gone.
                Err(error) if error.kind() == io::ErrorKind::Unsupported => {
                    return client.acquire().map(Token::Of).map_err(|_| Interrupted);
                }
                Err(_) => return Ok(Token::Own),
            }
        }
    }
}
