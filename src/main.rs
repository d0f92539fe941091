use std::process::ExitCode;

fn main() -> ExitCode {
    modgraft::cli::main()
}
