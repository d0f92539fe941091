//! What the checks of one package run with.

use std::path::PathBuf;
use std::time::Duration;

use crate::audit::Prerequisite;
use crate::target::Runner;

/// The target's httpd, which can run here.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Httpd {
    /// The program, and what starts it.
    pub runner: Runner,
    /// The folder with its own modules.
    pub modules_dir: PathBuf,
    /// `2.4.62`.
    pub version: String,
}

/// A configuration file of the package.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DropIn {
    /// Its path on the target; its last part names it in messages.
    pub path: String,
    /// Its text, as the package has it.
    pub text: String,
}

/// A package's module, and the httpd that is to load it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Plan {
    /// What loads it.
    pub httpd: Httpd,
    /// The shared object, taken out of the package's payload.
    pub module_file: PathBuf,
    /// The module structure: `proxy_wstunnel_module`.
    pub symbol: String,
    /// Modules of the target that must be loaded before it.
    pub load_after: Vec<Prerequisite>,
    /// Modules besides, which are not the target's: those of `load_after` that have a file of their own.
    pub beside: Vec<PathBuf>,
    /// The package's configuration files, in the order in which httpd reads them. Their `LoadModule` lines are followed,
    /// with the module's own leading to `module_file`; where there is no file at all, the module is loaded all the same.
    pub drop_ins: Vec<DropIn>,
    /// How long all the checks together may take.
    pub limit: Duration,
    /// Where the folder of each httpd is left, configuration and logs included, for a person to look at; `None`: they are
    /// temporary.
    pub keep_in: Option<PathBuf>,
}

impl Plan {
    /// Where a module's file is on this host: beside the one that is checked, or in the target's folder.
    pub fn place(&self, file: &str) -> PathBuf {
        let beside = self.beside.iter().find(|path| path.file_name().is_some_and(|name| name == file));
        beside.cloned().unwrap_or_else(|| self.httpd.modules_dir.join(file))
    }
}
