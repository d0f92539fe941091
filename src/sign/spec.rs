//! Which key signs, as it is typed.

use std::path::PathBuf;

use super::Error;
use super::pkcs11::TokenUri;

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
    /// [`Error::Spec`] where nothing, or nothing usable, stands there; [`Error::Token`].
    pub fn parse(text: &str) -> Result<Self, Error> {
        let refuse = || Err(Error::Spec { spec: text.to_owned() });
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
            None if text == "none" => Ok(KeySpec::None),
            None => Ok(KeySpec::File(PathBuf::from(text))),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

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
