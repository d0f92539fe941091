//! Whether the rpm of a distribution accepts a key; the profile has what it accepts.

use super::{Algorithm, Error, Key};
use crate::profile::Acceptance;

/// Refuses a key whose signatures the rpm of `distribution` would not accept: better here than at the user's.
///
/// # Errors
/// [`Error::NotAccepted`] with the reason.
pub fn check_accepted(key: &Key, distribution: &str, acceptance: &Acceptance) -> Result<(), Error> {
    let refuse = |reason: String| {
        Err(Error::NotAccepted {
            key: key.fingerprint.clone(),
            distribution: distribution.to_owned(),
            reason,
        })
    };
    let algorithm = match key.algorithm {
        Algorithm::Rsa { .. } => "rsa",
        Algorithm::Ed25519 => "ed25519",
        Algorithm::Ecdsa => "ecdsa",
        Algorithm::Dsa => "dsa",
        Algorithm::Other => "another algorithm",
    };
    if !acceptance.algorithms.iter().any(|accepted| accepted == algorithm) {
        return refuse(format!("it takes {}, and this is {algorithm}", acceptance.algorithms.join(" or ")));
    }
    if !key.primary && !acceptance.subkeys {
        return refuse("it knows signatures by a primary key only, and here a subkey signs".to_owned());
    }
    if key.sha1_self_signature && !acceptance.sha1_self_signature {
        return refuse("the key certifies itself by SHA-1".to_owned());
    }
    Ok(())
}
