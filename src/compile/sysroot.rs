//! What the compiler and the linker must be told where the target's C library is not the host's.
//!
//! `--sysroot` is enough for headers. It is not for linking: a distribution's own gcc searches its multiarch folder before
//! the sysroot, and a C library that is not installed at `/` is named by absolute links and linker scripts. So the linker is
//! given a folder of its own, where each library that is named stands for the sysroot's.

use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};

use super::Error;
use super::toolchain::{Family, Toolchain};
use crate::target::{LIBGCC, Target};

/// The folder of the linker's libraries, in the folder of the build.
const LINKS: &str = "libraries";

/// For the compiler: its own headers and the sysroot's, and no others: a cross compiler comes with a C library of its own,
/// whose headers it would search first. Nothing for other targets.
pub fn compile_flags(target: &Target, toolchain: &Toolchain) -> Vec<String> {
    let Some(root) = target.sysroot() else { return Vec::new() };
    let mut flags = vec![format!("--sysroot={}", root.display()), "-nostdinc".to_owned()];
    if toolchain.family == Family::Clang {
        // Clang would look for a gcc's files in the sysroot too.
        flags.push("--gcc-toolchain=/usr".to_owned());
    }
    let system = root.join("usr/include");
    let names = target.libraries.folders().filter_map(Path::file_name).map(|name| name.to_string_lossy());
    let multiarch = names.filter(|name| name.contains("-linux-gnu")).map(|name| system.join(&*name));
    let folders = toolchain.headers.iter().cloned().chain(multiarch.filter(|folder| folder.is_dir()));
    for folder in folders.chain([system.clone()]) {
        let flag = format!("-isystem{}", folder.display());
        if !flags.contains(&flag) {
            flags.push(flag);
        }
    }
    flags
}

/// For the linker: makes the folder of libraries in `folder`, and returns the flags. Nothing for other targets.
pub fn link_flags(target: &Target, folder: &Path, libraries: &[String]) -> Result<Vec<String>, Error> {
    let Some(root) = target.sysroot() else { return Ok(Vec::new()) };
    let links = folder.join(LINKS);
    fs_err::create_dir(&links)?;
    for library in ["c"].into_iter().chain(libraries.iter().map(String::as_str)) {
        link(target, root, &links, library)?;
    }
    let mut flags = Vec::new();
    let start = target.libraries.named("crti.o").next();
    if let Some(own) = start.as_deref().and_then(Path::parent) {
        flags.push(format!("-B{}", own.display()));
    }
    flags.push(format!("-L{LINKS}"));
    flags.extend(target.libraries.folders().map(|folder| format!("-L{}", folder.display())));
    match target.libraries.find(LIBGCC) {
        // The versions of its symbols are the target's too, not those of this host's newer one.
        Some(own) => symlink(own, links.join("libgcc_s.so"))?,
        None => flags.push("-static-libgcc".to_owned()),
    }
    Ok(flags)
}

/// Puts `libNAME.so`, or `libNAME.a`, into the folder of libraries. One that is missing is the linker's to complain about.
fn link(target: &Target, root: &Path, links: &Path, library: &str) -> Result<(), Error> {
    for name in [format!("lib{library}.so"), format!("lib{library}.a")] {
        let place = links.join(&name);
        let Some(file) = target.libraries.named(&name).next() else { continue };
        if place.symlink_metadata().is_ok() {
            return Ok(());
        }
        match script(&file)? {
            // What is missing must not be taken from this host.
            Some(text) => {
                let find = |path: &str| {
                    target.in_sysroot(path).unwrap_or_else(|| root.join(path.trim_start_matches('/')))
                };
                fs_err::write(place, relocated(&text, &find))?;
            }
            None => symlink(file, place)?,
        }
        return Ok(());
    }
    Ok(())
}

/// The text of a linker script that stands in the place of a library.
fn script(file: &Path) -> Result<Option<String>, Error> {
    /// glibc's are some 200 bytes.
    const MOST: u64 = 64 << 10;
    if fs_err::metadata(file)?.len() > MOST {
        return Ok(None);
    }
    let text = String::from_utf8(fs_err::read(file)?).ok();
    Ok(text.filter(|text| ["GROUP", "INPUT"].iter().any(|command| text.contains(command))))
}

/// A linker script whose absolute paths lead into the sysroot.
fn relocated(script: &str, find: &dyn Fn(&str) -> PathBuf) -> String {
    let mut text = String::with_capacity(script.len() * 2);
    let mut rest = script;
    while let Some(comment) = rest.find("/*") {
        words(&rest[..comment], find, &mut text);
        rest = rest[comment..].split_once("*/").map_or("", |(_, after)| after);
    }
    words(rest, find, &mut text);
    text
}

fn words(script: &str, find: &dyn Fn(&str) -> PathBuf, text: &mut String) {
    let separates = |c: char| c.is_whitespace() || matches!(c, '(' | ')' | ',');
    for part in script.split_inclusive(separates) {
        let word = part.trim_end_matches(separates);
        let found = Some(word).filter(|word| word.starts_with('/')).map(find);
        match found {
            Some(path) => {
                text.push_str(&format!("\"{}\"", path.display()));
                text.push_str(&part[word.len()..]);
            }
            None => text.push_str(part),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_paths_of_a_linker_script_lead_into_the_sysroot() {
        let script = "/* GNU ld script\n   /lib/a */\nOUTPUT_FORMAT(elf64-x86-64)\n\
                      GROUP ( /lib/libc.so.6 /usr/lib/libc_nonshared.a  AS_NEEDED ( /lib64/ld.so.2 -lm) )\n";
        let find = |path: &str| Path::new("/a root").join(path.trim_matches('/'));
        assert_eq!(
            relocated(script, &find),
            "\nOUTPUT_FORMAT(elf64-x86-64)\n\
             GROUP ( \"/a root/lib/libc.so.6\" \"/a root/usr/lib/libc_nonshared.a\"  AS_NEEDED ( \"/a root/lib64/ld.so.2\" -lm) )\n"
        );
        assert_eq!(relocated("INPUT(-lx /* open", &find), "INPUT(-lx ");
    }
}
