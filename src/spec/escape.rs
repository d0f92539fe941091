//! The edge where a person's text becomes part of a spec.

/// Doubles percent signs, so that no text becomes a macro.
///
/// rpmbuild counts braces before it expands macros, and there a backslash hides the sign after it (rpm 4.18,
/// `copyNextLineFromOFI`): in `\%%{` it would see an open brace and swallow the lines that follow. An empty macro between
/// sign and brace keeps the count right.
pub(super) fn text(text: &str) -> String {
    text.replace('%', "%%").replace("\\%%", "\\%%%{nil}")
}

#[cfg(test)]
mod tests {
    use super::text;

    #[test]
    fn percent_signs_are_doubled() {
        assert_eq!(text("100% %(rm -rf) %{lua:x}"), "100%% %%(rm -rf) %%{lua:x}");
        assert_eq!(text("\\%{x"), "\\%%%{nil}{x");
        assert_eq!(text("a\\b"), "a\\b");
    }
}
