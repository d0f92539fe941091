//! Paths within a tree: relative, with `/`.

/// The folder of a file; empty at the top.
pub(crate) fn folder(path: &str) -> &str {
    path.rsplit_once('/').map_or("", |(folder, _)| folder)
}

/// `folder/path` without `.` and `..`; nothing if it leaves the tree.
pub(crate) fn joined(folder: &str, path: &str) -> Option<String> {
    let mut all: Vec<&str> = folder.split('/').filter(|part| !part.is_empty()).collect();
    for part in path.split('/') {
        match part {
            "" | "." => {}
            ".." => {
                all.pop()?;
            }
            part => all.push(part),
        }
    }
    Some(all.join("/"))
}
