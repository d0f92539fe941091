//! Which keys the rpm of a distribution accepts. Found by experiment with rpm 4.8, 4.11, 4.14, 4.16, 4.18 and 6.0; the
//! data for each family is in `templates/conventions.toml`.

use serde::Deserialize;

use super::{Algorithm, Error, Key};

/// What a family's rpm takes.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Acceptance {
    /// `rsa`, `ed25519`, `ecdsa`, `dsa`.
    pub algorithms: Vec<String>,
    /// Whether a subkey's signature is recognised; else only the primary key's.
    pub subkeys: bool,
    /// Whether a key that certifies itself by SHA-1 can be used.
    pub sha1_self_signature: bool,
}

/// Refuses a key whose signatures the rpm of `family` would not accept: better here than at the user's.
///
/// # Errors
/// [`Error::NotAccepted`] with the reason.
pub fn check_accepted(key: &Key, family: &str, acceptance: &Acceptance) -> Result<(), Error> {
    let refuse = |reason: String| {
        Err(Error::NotAccepted { key: key.fingerprint.clone(), family: family.to_owned(), reason })
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
