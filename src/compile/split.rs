//! After the link: the build id, and the debug information in a file of its own.

use std::path::Path;
use std::process::Command;
use std::time::Duration;

use sha1::{Digest, Sha1};

use super::Error;
use super::toolchain::Toolchain;
use crate::process;
use crate::target::elf;

/// objcopy works on a module in milliseconds.
const LIMIT: Duration = Duration::from_secs(60);

/// Replaces the linker's build id by one of the object's content and the package's name: two packages that have the same
/// object must not share a build id, since both would own the same link below `/usr/lib/debug/.build-id`.
///
/// # Errors
/// The object has no build id: its linker does not make one.
pub fn seed_build_id(object: &Path, seed: &str) -> Result<Vec<u8>, Error> {
    let mut content = fs_err::read(object)?;
    let unusable = |reason: String| Error::Output {
        reason,
        help: "take another compiler or linker with the variables CC and CFLAGS".to_owned(),
    };
    let range = elf::build_id_range(&content)
        .map_err(|reason| unusable(format!("{}: {reason}", object.display())))?
        .filter(|range| range.len() == 20)
        .ok_or_else(|| unusable("it has no build id of 20 bytes".to_owned()))?;
    content[range.clone()].fill(0);
    let mut hash = Sha1::new();
    hash.update(seed.as_bytes());
    hash.update([0]);
    hash.update(&content);
    let id = hash.finalize().to_vec();
    content[range].copy_from_slice(&id);
    fs_err::write(object, content)?;
    Ok(id)
}

/// Splits the debug information off: `linked` becomes `stripped` and `debug`, all names in `folder`.
pub fn split(
    toolchain: &Toolchain,
    folder: &Path,
    linked: &str,
    stripped: &str,
    debug: &str,
) -> Result<(), Error> {
    let run = |arguments: &[&str]| {
        let mut command = Command::new(&toolchain.objcopy);
        command.args(arguments).current_dir(folder).env("LC_ALL", "C");
        process::succeed(&mut command, LIMIT).map(drop)
    };
    run(&["--only-keep-debug", linked, debug])?;
    Ok(run(&["--strip-unneeded", &format!("--add-gnu-debuglink={debug}"), linked, stripped])?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_build_id_is_of_content_and_name() {
        let folder = tempfile::tempdir().unwrap();
        let object = folder.path().join("a.so");
        let make = |code: &str| {
            fs_err::write(folder.path().join("a.c"), code).unwrap();
            let mut command = Command::new("cc");
            command.args(["-shared", "-Wl,--build-id=sha1", "a.c", "-o", "a.so"]).current_dir(folder.path());
            process::succeed(&mut command, LIMIT).expect("gcc is installed");
        };
        make("int one;");
        let first = seed_build_id(&object, "a-1-1").unwrap();
        // The id that is there already does not count.
        assert_eq!(seed_build_id(&object, "a-1-1").unwrap(), first);
        assert_ne!(seed_build_id(&object, "a-1-2").unwrap(), first);
        make("int two;");
        assert_ne!(seed_build_id(&object, "a-1-1").unwrap(), first);
        let found = fs_err::read(&object).unwrap();
        let range = elf::build_id_range(&found).unwrap().unwrap();
        assert_eq!(found[range], seed_build_id(&object, "a-1-1").unwrap());
    }

    #[test]
    fn an_object_without_a_build_id_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("a.so");
        fs_err::write(&file, "no object").unwrap();
        assert!(matches!(seed_build_id(&file, "a"), Err(Error::Output { .. })));
    }
}
