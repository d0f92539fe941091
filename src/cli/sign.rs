use std::sync::Arc;

use super::args::sign::{Sign, Signatures};
use crate::pipeline::{self, NewSignatures, Resigning, SigningKey};
use crate::report::Reporter;
use crate::{Error, sign};

pub fn run(args: &Sign, reporter: &dyn Reporter) -> Result<(), Error> {
    change(&args.signatures, false, reporter)
}

/// Signs, exports or imports; `replace` says whether signatures that are there give way.
pub fn change(args: &Signatures, replace: bool, reporter: &dyn Reporter) -> Result<(), Error> {
    let resigning = |signatures| Resigning {
        packages: args.packages.clone(),
        signatures,
        profile: args.profile.clone(),
        replace,
    };
    if let Some(folder) = &args.export {
        let certificate = args.key.public_key.as_deref();
        return pipeline::export(&resigning(NewSignatures::None), folder, certificate, reporter);
    }
    let signatures = match (&args.import, &args.key.public_key) {
        (Some(folder), Some(public_key)) => {
            NewSignatures::From { folder: folder.clone(), public_key: public_key.clone() }
        }
        _ => match args.key.spec()? {
            None | Some(sign::KeySpec::None) => return Err(pipeline::Error::NoKey.into()),
            Some(spec) => NewSignatures::By(Arc::new(SigningKey::new(spec, args.key.environment()?))),
        },
    };
    pipeline::resign(&resigning(signatures), reporter)
}
