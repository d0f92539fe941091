//! The reference module's recipe, carried in the program: the first run needs no file.

use std::path::{Path, PathBuf};

/// Its name.
pub const REFERENCE: &str = "mod_proxy_wstunnel";

const FILES: [(&str, &str); 4] = [
    ("module.toml", include_str!("../../modules/mod_proxy_wstunnel/module.toml")),
    (
        "0001-mod_proxy_wstunnel.patch",
        include_str!("../../modules/mod_proxy_wstunnel/0001-mod_proxy_wstunnel.patch"),
    ),
    ("LICENSE", include_str!("../../modules/mod_proxy_wstunnel/LICENSE")),
    ("NOTES.md", include_str!("../../modules/mod_proxy_wstunnel/NOTES.md")),
];

/// Writes the reference recipe's folder beneath `directory` and returns its `module.toml`.
///
/// # Errors
/// Where it cannot be written.
pub fn unpack(directory: &Path) -> std::io::Result<PathBuf> {
    let folder = directory.join(REFERENCE);
    fs_err::create_dir_all(&folder)?;
    for (name, text) in FILES {
        fs_err::write(folder.join(name), text)?;
    }
    Ok(folder.join("module.toml"))
}
