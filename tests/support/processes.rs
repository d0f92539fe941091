//! What runs on this machine, read from /proc.

use std::path::Path;

/// A process.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Process {
    pub id: u32,
    pub parent: u32,
    pub group: u32,
    pub command: String,
}

/// All processes but those that have ended and only wait to be reaped.
pub fn alive() -> Vec<Process> {
    let folders = fs_err::read_dir("/proc").unwrap().flatten();
    folders.filter_map(|folder| read(&folder.path())).collect()
}

fn read(folder: &Path) -> Option<Process> {
    let id = folder.file_name()?.to_str()?.parse().ok()?;
    let command = fs_err::read_to_string(folder.join("cmdline")).ok()?.replace('\0', " ");
    // proc(5): the name, in parentheses, may have blanks and parentheses itself.
    let stat = fs_err::read_to_string(folder.join("stat")).ok()?;
    let mut fields = stat.rsplit_once(") ")?.1.split(' ');
    let state = fields.next()?;
    let parent = fields.next()?.parse().ok()?;
    let group = fields.next()?.parse().ok()?;
    (!matches!(state, "Z" | "X")).then_some(Process { id, parent, group, command })
}

/// The processes that were called with this path among their arguments.
pub fn with_path(path: &Path) -> Vec<Process> {
    let path = path.to_str().expect("tests have their folders at UTF-8 paths");
    alive().into_iter().filter(|process| process.command.contains(path)).collect()
}

/// Resident memory of a process, in bytes; zero if it has ended.
pub fn memory(id: u32) -> u64 {
    let status = fs_err::read_to_string(format!("/proc/{id}/status")).unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
    line.and_then(|line| line.trim().strip_suffix(" kB")?.trim().parse::<u64>().ok()).unwrap_or(0) * 1024
}
