//! Words as a shell takes them.

/// Words of a command, each in quotes where it needs them, with blanks between.
pub(crate) fn quoted(words: &[&str]) -> String {
    // Nothing can quote a NUL, and no argument of a program can have one.
    shlex::try_join(words.iter().copied()).unwrap_or_else(|_| words.join(" ").replace('\0', ""))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_shell_reads_what_was_meant() {
        for word in ["plain/a-b_c.d:e@f", "a b", "it's", "$(id)", "", "~x", "a\nb", "-r", "*"] {
            let script = format!("printf %s {}", quoted(&[word]));
            let output = std::process::Command::new("sh").args(["-c", &script]).output().unwrap();
            assert_eq!(String::from_utf8(output.stdout).unwrap(), word, "{script}");
        }
        assert_eq!(quoted(&["modgraft", "new", "a b"]), "modgraft new 'a b'");
    }
}
