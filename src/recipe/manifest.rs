//! The TOML of `module.toml`, as a person wrote it.
