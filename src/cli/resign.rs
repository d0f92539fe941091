use super::args::sign::Resign;
use crate::Error;
use crate::pipeline::{self, NewSignatures, Resigning};
use crate::report::Reporter;

pub fn run(args: &Resign, reporter: &dyn Reporter) -> Result<(), Error> {
    if !args.remove {
        return super::sign::change(&args.signatures, true, reporter);
    }
    let resigning = Resigning {
        packages: args.signatures.packages.clone(),
        signatures: NewSignatures::None,
        profile: None,
        replace: true,
    };
    pipeline::resign(&resigning, reporter)
}
