//! Where a pipeline gets modgraft from.

use super::Error;
use crate::{address, source};

/// A commit of a git repository, as it stands in a pipeline: nothing in it is special to YAML, a shell or the services.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Origin {
    /// What `cargo install --git` takes.
    pub(super) git: String,
    /// All 40 digits.
    pub(super) rev: String,
}

impl Origin {
    /// # Errors
    /// [`Error::Git`], [`Error::Rev`].
    pub fn parse(git: &str, rev: &str) -> Result<Origin, Error> {
        let refuse = |problem| Err(Error::Git { git: address::shown(git), problem });
        if address::shown(git) != git {
            return refuse(
                "it has a user or password in it, which everybody who sees the pipeline would see",
            );
        }
        if !["https://", "http://", "ssh://", "git://"].iter().any(|scheme| git.starts_with(scheme)) {
            return refuse("it is no url");
        }
        let plain = |c: char| c.is_ascii_alphanumeric() || "/:@._~+%-".contains(c);
        if !git.chars().all(plain) {
            return refuse("it has other characters than letters, digits and `/:@._~+%-`");
        }
        if !source::is_full_id(rev) {
            return Err(Error::Rev { rev: rev.to_owned() });
        }
        Ok(Origin { git: git.to_owned(), rev: rev.to_owned() })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_is_plain_and_no_secret_is_taken() {
        let rev = "0123456789abcdef0123456789abcdef01234567";
        for good in ["https://git.example:8443/a/modgraft.git", "ssh://git@git.example/~a/modgraft"] {
            assert!(Origin::parse(good, rev).is_ok(), "{good}");
        }
        for bad in [
            "",
            "modgraft",
            "https://token@x/y",
            "ssh://git:p@x/y",
            "https://x/$(id)",
            "https://x/${{ y }}",
            "https://x/\"",
        ] {
            let error = Origin::parse(bad, rev).unwrap_err();
            assert!(matches!(error, Error::Git { .. }) && !error.to_string().contains("token"), "{error}");
        }
        for bad in ["", "main", "0123abc", &rev.to_uppercase()] {
            assert!(matches!(Origin::parse("https://x/y", bad), Err(Error::Rev { .. })), "{bad}");
        }
    }
}
