//! Puts a folder in another's place.

use std::io;
use std::path::Path;

use rustix::fs::{CWD, RenameFlags, renameat_with};
use rustix::io::Errno;

use crate::beneath::at;

/// How it went.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Swapped {
    /// In one step: whoever looks sees the old one or the new one.
    AtOnce,
    /// The file system cannot do that: for a moment there was none.
    InTwoSteps,
}

/// Puts the folder `new` at `place`. What was there is at `new` afterwards, or at `aside` where it took two steps.
pub(super) fn swap(new: &Path, place: &Path, aside: &Path) -> io::Result<Swapped> {
    if !place.exists() {
        return fs_err::rename(new, place).map(|()| Swapped::AtOnce);
    }
    match renameat_with(CWD, new, CWD, place, RenameFlags::EXCHANGE) {
        Ok(()) => Ok(Swapped::AtOnce),
        // NFS and some others; overlayfs of a folder that is of a lower layer.
        Err(Errno::INVAL | Errno::NOSYS | Errno::XDEV | Errno::OPNOTSUPP) => two_steps(new, place, aside),
        Err(errno) => Err(at(place, errno.into())),
    }
}

fn two_steps(new: &Path, place: &Path, aside: &Path) -> io::Result<Swapped> {
    fs_err::rename(place, aside)?;
    match fs_err::rename(new, place) {
        Ok(()) => Ok(Swapped::InTwoSteps),
        Err(error) => {
            fs_err::rename(aside, place)?;
            Err(error)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_ways_leave_the_new_one_in_place() {
        for steps in [swap, two_steps] as [fn(&Path, &Path, &Path) -> io::Result<Swapped>; 2] {
            let folder = tempfile::tempdir().unwrap();
            let path = |name: &str| folder.path().join(name);
            for name in ["new", "place"] {
                fs_err::create_dir(path(name)).unwrap();
                fs_err::write(path(name).join("file"), name).unwrap();
            }
            let way = steps(&path("new"), &path("place"), &path("aside")).unwrap();
            assert_eq!(fs_err::read_to_string(path("place/file")).unwrap(), "new");
            let old = if way == Swapped::AtOnce { "new" } else { "aside" };
            assert_eq!(fs_err::read_to_string(path(old).join("file")).unwrap(), "place");
        }
        let folder = tempfile::tempdir().unwrap();
        let path = |name: &str| folder.path().join(name);
        fs_err::create_dir(path("new")).unwrap();
        swap(&path("new"), &path("place"), &path("aside")).unwrap();
        assert!(path("place").is_dir() && !path("new").exists());
        // What cannot be put there leaves the old one.
        assert!(two_steps(&path("missing"), &path("place"), &path("aside")).is_err());
        assert!(path("place").is_dir() && !path("aside").exists());
    }
}
