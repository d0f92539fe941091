//! What httpd's log says.

use std::io::{Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};

use crate::c::lex;
use crate::target::LIBGCC;

/// The most that is read of a log: its end.
const MOST: u64 = 256 << 10;

/// The end of a log; empty where there is none.
pub fn read(path: &Path) -> String {
    let end = || -> std::io::Result<Vec<u8>> {
        let mut file = fs_err::File::open(path)?;
        let length = file.metadata()?.len();
        file.seek(SeekFrom::Start(length.saturating_sub(MOST)))?;
        let mut bytes = Vec::new();
        file.take(MOST).read_to_end(&mut bytes)?;
        Ok(bytes)
    };
    String::from_utf8_lossy(&end().unwrap_or_default()).into_owned()
}

/// The last so many lines that are not empty.
pub fn tail(text: &str, most: usize) -> String {
    let lines: Vec<&str> = text.lines().filter(|line| !line.trim().is_empty()).collect();
    lines.get(lines.len().saturating_sub(most)..).unwrap_or_default().join("\n")
}

/// Whether httpd ended as another program was listening at its port.
pub fn is_clash(log: &str) -> bool {
    log.contains("could not bind to address") || log.contains("Address already in use")
}

/// Why the C library ended httpd, where it did for want of libgcc_s.so.1 (`libgcc_s.so.1 must be installed for pthread_cancel to
/// work`, in glibc's unwind-dep.c or the files of before).
pub fn without_libgcc(log: &str) -> Option<&str> {
    log.lines()
        .map(str::trim)
        .find(|line| line.starts_with(LIBGCC) && line.contains(" must be installed for "))
}

/// What httpd logs, since 1.3, of a process that ended by a signal which it was not sent: `child pid 7 exit signal
/// Segmentation fault (11)` (`ap_process_child_status` in server/mpm_unix.c, mpm_common.c in 2.2).
pub fn crashes(log: &str) -> impl Iterator<Item = String> {
    log.lines()
        .filter(|line| line.contains("exit signal "))
        .filter_map(|line| line.find("child pid ").and_then(|start| line.get(start..)))
        .map(str::to_owned)
}

/// File and line that a message about the configuration names: `… on line 7 of /x/httpd.conf: …`. Where files include each
/// other httpd names them from the outermost inwards, and the last is the place.
pub fn named_line(said: &str) -> Option<(PathBuf, usize)> {
    let line = said.lines().find(|line| line.contains(" on line "))?;
    let (_, rest) = line.rsplit_once(" on line ")?;
    let (number, rest) = rest.split_once(" of ")?;
    let file = rest.split(": ").next()?.trim_end_matches(':');
    Some((PathBuf::from(file), number.trim().parse().ok()?))
}

/// The modules that a log speaks of, as `mod_NAME`, each once: `Module mod_ldap missing. Mod_ldap (aka. util_ldap) must be loaded`.
pub fn named_modules(log: &str) -> Vec<String> {
    let mut named: Vec<String> = Vec::new();
    for word in lex::words(log) {
        let word = word.to_ascii_lowercase();
        if word.len() > "mod_".len() && word.starts_with("mod_") && !named.contains(&word) {
            named.push(word);
        }
    }
    named
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn modules_are_named() {
        let log = "[authnz_ldap:error] AH01749: Module mod_ldap missing. Mod_ldap (aka. util_ldap) must be loaded\n\
                   a_mod_x mod_ maybe you need to load mod_slotmem_shm?";
        assert_eq!(named_modules(log), ["mod_ldap", "mod_slotmem_shm"]);
    }

    #[test]
    fn a_missing_libgcc_is_seen() {
        let said = "libgcc_s.so.1 must be installed for pthread_cancel to work";
        assert_eq!(without_libgcc(&format!("[core:notice] x\n{said}\n[core:notice] y\n")), Some(said));
        assert_eq!(without_libgcc("cannot open libgcc_s.so.1\n"), None);
    }

    #[test]
    fn crashes_are_seen_and_orderly_ends_are_not() {
        let log = "[core:notice] [pid 1] AH00094: Command line: 'x'\n\
                   [core:notice] [pid 1] AH00052: child pid 7 exit signal Segmentation fault (11)\n\
                   [notice] child pid 8 exit signal Aborted (6), possible coredump in /x\n\
                   [mpm_event:notice] [pid 1] AH00491: caught SIGTERM, shutting down";
        let seen: Vec<String> = crashes(log).collect();
        assert_eq!(
            seen,
            [
                "child pid 7 exit signal Segmentation fault (11)",
                "child pid 8 exit signal Aborted (6), possible coredump in /x"
            ]
        );
    }

    #[test]
    fn the_line_of_a_configuration_error() {
        let said = "AH00526: Syntax error on line 7 of /tmp/a b/httpd.conf:\nInvalid command 'X'";
        assert_eq!(named_line(said), Some(("/tmp/a b/httpd.conf".into(), 7)));
        let said = "httpd: Syntax error on line 12 of /t/c: Cannot load /m.so into server: /m.so: undefined symbol: x";
        assert_eq!(named_line(said), Some(("/t/c".into(), 12)));
        let said = "Syntax error on line 9 of /t/c: Syntax error on line 2 of /t/d: Can't locate";
        assert_eq!(named_line(said), Some(("/t/d".into(), 2)));
        assert_eq!(named_line("no such thing"), None);
    }

    #[test]
    fn a_tail_is_short() {
        assert_eq!(tail("a\n\nb\nc\n", 2), "b\nc");
        assert_eq!(tail("", 2), "");
    }
}
