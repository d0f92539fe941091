//! How many jobs may run, where make says: its jobserver (GNU make's manual, "POSIX Jobserver Interaction").

use std::io;
use std::thread;
use std::time::Duration;

use jobserver::{Acquired, Client};

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

impl Tokens {
    pub fn of_environment() -> Self {
        // SAFETY: what MAKEFLAGS names is used only where it is open and a pipe, and this process opens no pipe of its own
        // before: a make that closed its own for this process is noticed.
        Tokens(unsafe { Client::from_env_ext(true) }.client.ok())
    }

    /// Waits for one as long as it is `wanted`: another program may keep all for much longer than the last job takes. `first`
    /// is for the one thread that has this process's own.
    pub fn take(&self, first: bool, wanted: impl Fn() -> bool) -> Option<Token> {
        let Some(client) = self.0.as_ref().filter(|_| !first) else { return Some(Token::Own) };
        while wanted() {
            match client.try_acquire() {
                Ok(Some(token)) => return Some(Token::Of(token)),
                Ok(None) => thread::sleep(PAUSE),
                // A make whose pipe cannot be asked without waiting.
                Err(error) if error.kind() == io::ErrorKind::Unsupported => {
                    return client.acquire().map(Token::Of).ok();
                }
                // Or that has gone.
                Err(_) => return Some(Token::Own),
            }
        }
        None
    }
}
