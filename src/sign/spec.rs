//! Which key signs, as it is typed.

use std::ffi::OsString;
use std::path::PathBuf;

use super::Error;
use super::openpgp::BEGIN_BASE64;
use super::pkcs11::TokenUri;

/// What begins a name that is no file's, and may be misspelt.
const SCHEMES: [&str; 2] = ["command:", "gpg:"];
/// Linux's PATH_MAX, without the zero behind it. Bytes.
const LONGEST_PATH: usize = 4095;
/// Linux's NAME_MAX. Bytes.
const LONGEST_NAME: usize = 255;

/// Which key signs, as it was asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum KeySpec {
    /// Nothing was configured: the development key, which is made where there is none yet.
    Development,
    /// A file with an OpenPGP secret key, armored or binary.
    File(PathBuf),
    /// A key of the user's gpg, by anything that gpg takes as a key's name.
    Gpg(String),
    /// A key in a token.
    Pkcs11(Box<TokenUri>),
    /// A key that an external command signs with: the program and its arguments.
    Command(Vec<String>),
    /// The packages stay unsigned.
    None,
}

impl KeySpec {
    /// Reads `FILE`, `gpg:KEYID`, `pkcs11:…`, `command:PROGRAM ARGUMENTS` or `none`. A command is split into words as a POSIX
    /// shell does it, by blanks, quotes and backslashes, and no shell is involved: nothing is expanded.
    ///
    /// # Errors
    /// [`Error::Spec`] where nothing, or nothing usable, stands there; [`Error::KeyItself`]; [`Error::Token`].
    pub fn parse(text: &str) -> Result<Self, Error> {
        // A command's arguments may be secret: what follows the scheme is not repeated.
        let refuse = || {
            let scheme = SCHEMES.iter().find(|scheme| text.starts_with(**scheme)).copied();
            Err(Error::Spec { spec: scheme.map(|scheme| format!("{scheme}…")).unwrap_or_default() })
        };
        if text.starts_with("pkcs11:") {
            return Ok(KeySpec::Pkcs11(Box::new(TokenUri::parse(text)?)));
        }
        if let Some(command) = text.strip_prefix("command:") {
            return match shlex::split(command) {
                Some(words) if words.first().is_some_and(|program| !program.is_empty()) => {
                    Ok(KeySpec::Command(words))
                }
                _ => refuse(),
            };
        }
        match text.strip_prefix("gpg:") {
            // A leading dash would be an option to gpg; the rest of what gpg takes as a name is gpg's to judge.
            Some(key) if key.trim().is_empty() || key.starts_with('-') || key.contains(['\n', '\0']) => {
                refuse()
            }
            Some(key) => Ok(KeySpec::Gpg(key.trim().to_owned())),
            None if text.is_empty() => refuse(),
            None if is_no_path(text) => Err(Error::KeyItself),
            None if text == "none" => Ok(KeySpec::None),
            None => Ok(KeySpec::File(PathBuf::from(text))),
        }
    }
}

/// Whether this is the key itself, or anything else that no file is called: a variable of a CI system that was to name the file has
/// what is in the file. A message that names such a file puts the key into the log.
fn is_no_path(text: &str) -> bool {
    text.contains(|letter: char| letter.is_control())
        || text.contains("BEGIN PGP ")
        || text.starts_with(BEGIN_BASE64)
        || text.len() > LONGEST_PATH
        || text.split('/').any(|name| name.len() > LONGEST_NAME)
}

/// Refuses words of a command line of which one is a secret key: before anything else reads them, which may repeat what it does not
/// understand, as what begins with dashes is an option to whoever reads options.
///
/// # Errors
/// [`Error::KeyItself`].
pub fn check_words(words: impl IntoIterator<Item = OsString>) -> Result<(), Error> {
    let is_key = |word: OsString| {
        let word = word.to_string_lossy();
        word.contains("PRIVATE KEY") || word.trim_start().starts_with(BEGIN_BASE64)
    };
    if words.into_iter().any(is_key) { Err(Error::KeyItself) } else { Ok(()) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_itself_is_told_from_its_file() {
        let base64 = format!("{BEGIN_BASE64}QR1AgUFJJVkFURSBLRVk=");
        let long = "ab/".repeat(2000);
        for key in ["-----BEGIN PGP PRIVATE KEY BLOCK----- x", "lQc\nYx", &base64, &long, &"x".repeat(300)] {
            assert!(matches!(KeySpec::parse(key), Err(Error::KeyItself)), "{key}");
        }
    }

    #[test]
    fn what_follows_the_scheme_is_not_repeated() {
        for text in ["command:'kms --token S3CRET", "gpg:--S3CRET"] {
            let error = KeySpec::parse(text).unwrap_err().to_string();
            assert!(error.contains(&text[..4]) && !error.contains("S3CRET"), "{error}");
        }
    }

    #[test]
    fn specs_are_read() {
        assert_eq!(KeySpec::parse("none").unwrap(), KeySpec::None);
        assert_eq!(KeySpec::parse("gpg:4F2A91C0").unwrap(), KeySpec::Gpg("4F2A91C0".into()));
        assert_eq!(KeySpec::parse("keys/release.asc").unwrap(), KeySpec::File("keys/release.asc".into()));
        for bad in ["", "gpg:", "gpg: ", "gpg:--output", "gpg:a\nb", "command:", "command: ", "command:''"] {
            assert!(matches!(KeySpec::parse(bad), Err(Error::Spec { .. })), "{bad:?}");
        }
        assert!(matches!(KeySpec::parse("pkcs11:token=x?pin-value=1"), Err(Error::Token(_))));
    }

    #[test]
    fn commands_are_split_without_a_shell() {
        let words = |text: &str| match KeySpec::parse(text).unwrap() {
            KeySpec::Command(words) => words,
            other => panic!("{other:?}"),
        };
        assert_eq!(words("command:/opt/sign"), ["/opt/sign"]);
        assert_eq!(
            words("command:kms  --key 'release key' $HOME a\\ b"),
            ["kms", "--key", "release key", "$HOME", "a b"]
        );
        assert!(KeySpec::parse("command:kms 'open").is_err());
    }
}
