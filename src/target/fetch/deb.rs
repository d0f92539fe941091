//! Unpacking a Debian package: an ar archive, and in it `data.tar` under one of four compressions (deb(5)).

use std::io::{self, BufReader, Read};
use std::path::Path;

use super::tree::Tree;

/// Unpacks the files of a package into `tree`.
pub fn unpack(package: &Path, tree: &mut Tree) -> io::Result<()> {
    let mut archive = ar::Archive::new(BufReader::new(fs_err::File::open(package)?));
    while let Some(member) = archive.next_entry() {
        let member = member?;
        let name = String::from_utf8_lossy(member.header().identifier()).trim_end_matches('/').to_owned();
        let Some(compression) = name.strip_prefix("data.tar") else { continue };
        let member = BufReader::new(member);
        return match compression {
            "" => files(member, tree),
            ".gz" => files(flate2::bufread::GzDecoder::new(member), tree),
            ".xz" => files(liblzma::bufread::XzDecoder::new(member), tree),
            ".zst" => files(zstd::stream::read::Decoder::with_buffer(member)?, tree),
            other => Err(invalid(&format!("its data has an unknown compression (`{other}`)"))),
        };
    }
    Err(invalid("it has no data.tar"))
}

fn files(data: impl Read, tree: &mut Tree) -> io::Result<()> {
    let mut archive = tar::Archive::new(data);
    for entry in archive.entries()? {
        let mut entry = entry?;
        let path = entry.path()?.into_owned();
        let target = || {
            entry.link_name()?.map(|name| name.into_owned()).ok_or_else(|| invalid("a link has no target"))
        };
        match entry.header().entry_type() {
            tar::EntryType::Regular | tar::EntryType::Continuous => {
                let mode = entry.header().mode()?;
                tree.file(&path, mode, &mut entry)?;
            }
            tar::EntryType::Directory => tree.folder(&path)?,
            tar::EntryType::Symlink => tree.link(&path, &target()?)?,
            tar::EntryType::Link => tree.hard_link(&path, &target()?)?,
            // Devices and pipes are of no use to a build.
            _ => {}
        }
    }
    Ok(())
}

fn invalid(message: &str) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, message)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn package(compression: &str, data: &[u8]) -> tempfile::NamedTempFile {
        let file = tempfile::NamedTempFile::new().unwrap();
        let mut archive = ar::Builder::new(file.reopen().unwrap());
        archive.append(&ar::Header::new(b"debian-binary".to_vec(), 4), &b"2.0\n"[..]).unwrap();
        let name = format!("data.tar{compression}").into_bytes();
        archive.append(&ar::Header::new(name, data.len() as u64), data).unwrap();
        file
    }

    fn data() -> Vec<u8> {
        let mut archive = tar::Builder::new(Vec::new());
        let mut header = tar::Header::new_gnu();
        header.set_size(3);
        header.set_mode(0o755);
        archive.append_data(&mut header, "./usr/bin/tool", &b"abc"[..]).unwrap();
        let mut header = tar::Header::new_gnu();
        header.set_entry_type(tar::EntryType::Symlink);
        header.set_size(0);
        archive.append_link(&mut header, "./usr/bin/other", "/usr/bin/tool").unwrap();
        archive.into_inner().unwrap()
    }

    #[test]
    fn each_compression_is_unpacked() {
        let plain = data();
        let mut gz = Vec::new();
        flate2::read::GzEncoder::new(&plain[..], flate2::Compression::fast()).read_to_end(&mut gz).unwrap();
        let mut xz = Vec::new();
        liblzma::read::XzEncoder::new(&plain[..], 1).read_to_end(&mut xz).unwrap();
        let zst = zstd::encode_all(&plain[..], 1).unwrap();
        for (compression, data) in [("", &plain), (".gz", &gz), (".xz", &xz), (".zst", &zst)] {
            let root = tempfile::tempdir().unwrap();
            let mut tree = Tree::create(root.path()).unwrap();
            unpack(package(compression, data).path(), &mut tree).unwrap();
            tree.finish().unwrap();
            assert_eq!(fs_err::read(root.path().join("usr/bin/other")).unwrap(), b"abc", "{compression}");
        }
    }

    #[test]
    fn a_truncated_or_foreign_package_is_refused() {
        let root = tempfile::tempdir().unwrap();
        let mut tree = Tree::create(root.path()).unwrap();
        let plain = data();
        assert!(unpack(package(".xz", b"not xz").path(), &mut tree).is_err());
        assert!(unpack(package(".lzma", &plain).path(), &mut tree).is_err());
        assert!(unpack(package("", &plain[..600]).path(), &mut tree).is_err());
        let file = tempfile::NamedTempFile::new().unwrap();
        fs_err::write(file.path(), b"<html>not found</html>").unwrap();
        assert!(unpack(file.path(), &mut tree).is_err());
    }
}
