//! Another commit in a recipe's text, of which all else stays as it is: comments, order, blanks.

use toml_edit::{Array, DocumentMut, Value};

/// The text with `commit` in place of the one in `[source]`, and with `files` where it names none.
///
/// # Errors
/// In words: why the text cannot be changed.
pub fn repin(text: &str, commit: &str, files: &[String]) -> Result<String, String> {
    let mut document: DocumentMut =
        text.parse().map_err(|error: toml_edit::TomlError| error.message().to_owned())?;
    let source = document.get_mut("source").and_then(|source| source.as_table_like_mut());
    let source = source.ok_or("it has no source")?;
    let old = source.get_mut("commit").and_then(|commit| commit.as_value_mut());
    let old = old.ok_or("its source has no commit")?;
    // What stands around the value, a comment behind it among that, is the value's in this crate.
    let decor = old.decor().clone();
    *old = Value::from(commit);
    *old.decor_mut() = decor;
    if source.get("files").is_none() {
        let mut list = Array::new();
        list.extend(files.iter().map(String::as_str));
        source.insert("files", toml_edit::value(list));
    }
    Ok(document.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_but_the_commit_stays() {
        let text = "# ours\nname = \"mod_x\"\n\n[source] # where\ngit = 'https://x'  # it\ncommit   =  \"aa\" # r1\nfiles = [ \"a.c\" ]\n\n[[check]]\n";
        assert_eq!(repin(text, "bb", &["b.c".to_owned()]).unwrap(), text.replace("\"aa\"", "\"bb\""));
    }

    #[test]
    fn a_commits_change_becomes_whole_files() {
        let text = "[source]\ngit = \"https://x\"\ncommit = \"aa\"\n\n[drop-in]\n";
        let expected = "[source]\ngit = \"https://x\"\ncommit = \"bb\"\nfiles = [\"b.c\"]\n\n[drop-in]\n";
        assert_eq!(repin(text, "bb", &["b.c".to_owned()]).unwrap(), expected);
        let inline = "source = { git = \"https://x\", commit = \"aa\", files = [\"b.c\"] }\n";
        assert_eq!(repin(inline, "bb", &[]).unwrap(), inline.replace("aa", "bb"));
    }

    #[test]
    fn what_has_no_commit_stays() {
        for text in ["name = \"x\"\n", "[source]\npatches = [\"a\"]\n", "source = 3\n", "<<<<"] {
            assert!(repin(text, "bb", &[]).is_err(), "{text}");
        }
    }
}
