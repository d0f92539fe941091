//! The texts that a person wrote, made fit for a header and a spec alike.
//!
//! A text is the same in the packages that modgraft writes and in those that rpmbuild makes of the spec. rpmbuild strips
//! trailing blanks, drops description lines that begin with `#`, and, since it looks for sections and conditions after it
//! has expanded macros, takes a line that begins with an escaped `%%if` or `%%files` for the real thing (rpm 4.18,
//! `readLine`). So such a line begins with a no-break space here: rpm does not skip it, and a person does not see it.

use super::Error;
use crate::recipe::version_and_release;

const NO_BREAK_SPACE: char = '\u{a0}';

/// A one-line field: white space, line breaks included, becomes a single space.
///
/// # Errors
/// [`Error::ControlCharacter`], [`Error::Empty`].
pub(super) fn line(field: &'static str, text: &str) -> Result<String, Error> {
    no_controls(field, text)?;
    let words: Vec<&str> = text.split_whitespace().collect();
    if words.is_empty() {
        return Err(Error::Empty { field });
    }
    Ok(words.join(" "))
}

/// A field of several lines.
///
/// # Errors
/// [`Error::ControlCharacter`].
pub(super) fn paragraphs(field: &'static str, text: &str) -> Result<String, Error> {
    no_controls(field, text)?;
    let text = text.replace("\r\n", "\n").replace('\t', "    ");
    let lines: Vec<String> = text.lines().map(|line| guard(line.trim_end())).collect();
    Ok(lines.join("\n").trim_matches('\n').to_owned())
}

/// Keeps rpmbuild from reading a line as anything but text.
fn guard(line: &str) -> String {
    let words = line.trim_start();
    let keyword =
        words.strip_prefix('%').is_some_and(|rest| rest.starts_with(|c: char| c.is_ascii_alphabetic()));
    // A star in column 0 begins an entry of the changelog.
    if keyword || words.starts_with('#') || line.starts_with('*') {
        format!("{NO_BREAK_SPACE}{words}")
    } else {
        line.to_owned()
    }
}

fn no_controls(field: &'static str, text: &str) -> Result<(), Error> {
    match text.chars().find(|c| c.is_control() && !matches!(c, '\n' | '\r' | '\t')) {
        Some(character) => Err(Error::ControlCharacter { field, code: u32::from(character) }),
        None => Ok(()),
    }
}

/// Signs that order versions, and the rpm that knows them first.
const SIGNS: &[(char, (u32, u32))] = &[('~', (4, 10)), ('^', (4, 15))];

/// An RPM version or release: what rpm 4.18 allows, and for `~` and `^` whether the target's rpm knows them.
///
/// # Errors
/// [`Error::BadVersion`].
pub(super) fn version(field: &'static str, text: &str, rpm: &str) -> Result<String, Error> {
    let signs: String = SIGNS
        .iter()
        .filter(|(_, since)| release_of(rpm) >= *since)
        .map(|(sign, _)| format!(", `{sign}`"))
        .collect();
    let letters =
        format!("use letters, digits, `.`, `_`, `+`{signs}; the dash separates version and release");
    let bad_with =
        |reason: String, help: String| Error::BadVersion { field, text: text.to_owned(), reason, help };
    let bad = |reason: String| bad_with(reason, letters.clone());
    if text.is_empty() {
        return Err(bad("it is empty".to_owned()));
    }
    let allowed = |c: char| c.is_ascii_alphanumeric() || "._+~^".contains(c);
    if let Some(wrong) = text.chars().find(|c| !allowed(*c)) {
        return Err(bad(format!("`{}` may not be in it", wrong.escape_default())));
    }
    if !text.starts_with(|c: char| c.is_ascii_alphanumeric()) {
        return Err(bad("it has to begin with a letter or a digit".to_owned()));
    }
    for (sign, since) in SIGNS {
        if text.contains(*sign) && release_of(rpm) < *since {
            let reason = format!("rpm {rpm} on the target does not know `{sign}`");
            return Err(match version_and_release(text) {
                (version, release) if field == "version" && *sign == '~' => bad_with(
                    reason,
                    format!(
                        "write version = \"{version}\" and release = \"{release}\": every rpm takes that for older than \
                         {version}-1"
                    ),
                ),
                _ => bad(reason),
            });
        }
    }
    Ok(text.to_owned())
}

/// `4.14.3` as (4, 14).
pub(super) fn release_of(rpm: &str) -> (u32, u32) {
    let mut numbers = rpm.split('.').map(|number| number.parse().unwrap_or(0));
    (numbers.next().unwrap_or(0), numbers.next().unwrap_or(0))
}

/// An address.
///
/// # Errors
/// [`Error::BadUrl`].
pub(super) fn url(url: &str) -> Result<String, Error> {
    let url = url.trim();
    if url.is_empty() || url.chars().any(|c| c.is_whitespace() || c.is_control()) {
        return Err(Error::BadUrl { url: url.to_owned() });
    }
    Ok(url.to_owned())
}

/// The name of a package.
///
/// # Errors
/// [`Error::BadName`].
pub(super) fn name(text: &str) -> Result<String, Error> {
    let allowed = |c: char| c.is_ascii_alphanumeric() || "._+-".contains(c);
    if text.starts_with(|c: char| c.is_ascii_alphanumeric()) && text.chars().all(allowed) && text.len() <= 64
    {
        Ok(text.to_owned())
    } else {
        Err(Error::BadName { name: text.to_owned() })
    }
}

#[cfg(test)]
mod tests {
    use miette::Diagnostic;

    use super::*;

    #[test]
    fn one_line_fields_are_folded() {
        assert_eq!(line("summary", " A\tmodule\n that %(rm -rf)\r\n ").unwrap(), "A module that %(rm -rf)");
        assert!(matches!(line("summary", " \n "), Err(Error::Empty { field: "summary" })));
        assert!(matches!(line("url", "a\0b"), Err(Error::ControlCharacter { code: 0, .. })));
        assert!(matches!(line("url", "a\x1b[31mb"), Err(Error::ControlCharacter { code: 27, .. })));
    }

    #[test]
    fn lines_that_rpmbuild_would_read_are_guarded() {
        let text = "\n%if 0\n  %files\n%(rm -rf) %{lua:x}\n# hash\n* star\n  * item\n\n%%\nend  \n\n";
        assert_eq!(
            paragraphs("description", text).unwrap(),
            "\u{a0}%if 0\n\u{a0}%files\n%(rm -rf) %{lua:x}\n\u{a0}# hash\n\u{a0}* star\n  * item\n\n%%\nend"
        );
    }

    #[test]
    fn versions_are_rpm_s() {
        for good in ["2.4.5", "1", "2.0~rc1", "20240101git1a2b"] {
            assert_eq!(version("version", good, "4.18.0").unwrap(), good);
        }
        for bad in ["", "1-2", "1 2", "%{x}", ".1", "1\n2", "1/2", "é"] {
            assert!(version("version", bad, "4.18.0").is_err(), "{bad:?}");
        }
        assert!(version("version", "2.0~rc1", "4.8.1").unwrap_err().to_string().contains("4.8.1"));
        assert!(version("version", "2.0^git", "4.14.3").is_err());
        let help = |field, text, rpm| version(field, text, rpm).unwrap_err().help().unwrap().to_string();
        let said = help("version", "2.0~rc1", "4.8.1");
        assert!(said.contains("version = \"2.0\" and release = \"0.1.rc1\""), "{said}");
        assert!(!help("version", "1 2", "4.8.1").contains('~'), "an rpm that does not know it");
        assert!(help("release", "1 2", "4.18.0").contains("`~`"));
    }

    #[test]
    fn names_are_rpm_s() {
        assert!(name("mod_proxy_wstunnel").is_ok());
        for bad in ["", "-x", "mod x", "mod/x", "mod\nx", "%{x}", &"m".repeat(65)] {
            assert!(name(bad).is_err(), "{bad:?}");
        }
    }
}
