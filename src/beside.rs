//! Reading the files that stand beside a recipe, and nothing else of the machine.
//!
//! A recipe may be a stranger's (a pull request), and what it names lands in packages and in messages. Its text cannot name
//! what is outside its folder; a symbolic link in the folder could, and is followed only as far as it stays inside.

use std::io::{self, Read};
use std::path::{Component, Path};

/// Such a file is kept in memory; nobody reads a larger one. Bytes.
const LARGEST: u64 = 16 << 20;

/// The file `path` of the recipe's folder.
///
/// # Errors
/// One without the path in its words: what is not beneath the folder, no regular file, too large, or cannot be read.
pub(crate) fn read(folder: &Path, path: &Path) -> io::Result<Vec<u8>> {
    let refuse = |reason: String| Err(io::Error::new(io::ErrorKind::InvalidInput, reason));
    let inside = |component| matches!(component, Component::Normal(_) | Component::CurDir);
    if path.file_name().is_none() || !path.components().all(inside) {
        return refuse("it is not beneath the recipe's folder".to_owned());
    }
    let real = folder.join(path).canonicalize()?;
    if !real.starts_with(folder.canonicalize()?) {
        return refuse("a symbolic link leads out of the recipe's folder".to_owned());
    }
    // Asked before it is opened: to open a pipe is to wait for somebody who writes.
    if !real.metadata()?.is_file() {
        return refuse("it is no regular file".to_owned());
    }
    let mut bytes = Vec::new();
    fs_err::File::open(&real)?.take(LARGEST + 1).read_to_end(&mut bytes)?;
    if bytes.len() as u64 > LARGEST {
        return refuse(format!("it is larger than {} MiB", LARGEST >> 20));
    }
    Ok(bytes)
}

/// As [`read`], of a file that is text.
///
/// # Errors
/// As [`read`]; for what is no UTF-8.
pub(crate) fn read_text(folder: &Path, path: &Path) -> io::Result<String> {
    let no_text = |_| io::Error::new(io::ErrorKind::InvalidData, "it is no UTF-8");
    String::from_utf8(read(folder, path)?).map_err(no_text)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::symlink;

    #[test]
    fn nothing_outside_of_the_folder_is_read() {
        let outer = tempfile::tempdir().unwrap();
        let folder = outer.path().join("recipe");
        fs_err::create_dir_all(folder.join("below")).unwrap();
        fs_err::write(outer.path().join("secret"), "secret").unwrap();
        fs_err::write(folder.join("below/own"), "own").unwrap();
        symlink("below/own", folder.join("link")).unwrap();
        symlink("../secret", folder.join("out")).unwrap();
        symlink(outer.path(), folder.join("up")).unwrap();
        symlink("nowhere", folder.join("dangling")).unwrap();
        for good in ["below/own", "./below/own", "link"] {
            assert_eq!(read_text(&folder, Path::new(good)).unwrap(), "own", "{good}");
        }
        for (bad, said) in [
            ("out", "leads out"),
            ("up/secret", "leads out"),
            ("../secret", "not beneath"),
            ("/etc/passwd", "not beneath"),
            ("", "not beneath"),
            ("below", "no regular file"),
            ("dangling", "No such file"),
        ] {
            let error = read(&folder, Path::new(bad)).expect_err(bad).to_string();
            assert!(error.contains(said), "{bad}: {error}");
        }
    }
}
