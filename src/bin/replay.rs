//! Tries many commits of apache/httpd on many targets: see [`modgraft::replay`].

use std::process::ExitCode;

fn main() -> ExitCode {
    modgraft::replay::main()
}
