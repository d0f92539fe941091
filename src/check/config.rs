//! The configuration of a check's httpd.
//!
//! It has only what httpd needs: an MPM, the modules without which 2.4 answers nothing, what the module under check needs,
//! the package's own drop-ins, and the lines of the check.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::LazyLock;

use handlebars::{Handlebars, no_escape};
use serde::Serialize;

use super::Error;
use super::modules::{Load, Modules};
use super::plan::Plan;
use crate::recipe::check::Mpm;
use crate::templates;

const TEMPLATE: &str = "httpd.conf";

/// The template, read once.
static ENGINE: LazyLock<Handlebars<'static>> = LazyLock::new(|| {
    templates::built_in(no_escape, &[(TEMPLATE, include_str!("../../templates/check/httpd.conf.hbs"))])
});

/// A path as one word of httpd's configuration.
pub fn quote(path: &Path) -> Result<String, Error> {
    let text = path.to_str().filter(|text| !text.contains("${") && !text.contains(char::is_control));
    let text = text.ok_or_else(|| Error::Path(path.to_owned()))?;
    Ok(format!("\"{}\"", text.replace('\\', "\\\\").replace('"', "\\\"")))
}

/// The drop-in's text with the paths of its `LoadModule` lines leading to files on this host: the module's own to the file
/// out of the payload, others to the target's modules. The second value says whether the module is loaded.
pub fn localise(text: &str, plan: &Plan) -> Result<(String, bool), Error> {
    let mut found = false;
    let mut lines = String::with_capacity(text.len());
    for line in text.split_inclusive('\n') {
        match load_module(line) {
            Some((symbol, _)) if symbol == plan.symbol => {
                found = true;
                lines.push_str(&format!("LoadModule {symbol} {}\n", quote(&plan.module_file)?));
            }
            Some((symbol, file)) => {
                let name = Path::new(file).file_name().unwrap_or_default().to_string_lossy();
                lines.push_str(&format!("LoadModule {symbol} {}\n", quote(&plan.place(&name))?));
            }
            None => lines.push_str(line),
        }
    }
    Ok((lines, found))
}

/// Symbol and file of a `LoadModule` line.
fn load_module(line: &str) -> Option<(&str, &str)> {
    let mut words = line.split_whitespace();
    let directive = words.next()?;
    let symbol = words.next()?;
    let rest = line.split_once(symbol)?.1;
    directive.eq_ignore_ascii_case("LoadModule").then(|| (symbol, rest.trim().trim_matches(['"', '\''])))
}

/// What the template of httpd.conf needs.
#[derive(Debug, Serialize)]
struct Rendered<'a> {
    root: String,
    address: SocketAddr,
    pid_file: String,
    error_log: String,
    document_root: String,
    types: String,
    lock_file: String,
    runtime: String,
    mutex: String,
    before_2_4: bool,
    load: &'a [Load],
    user: Option<String>,
    group: Option<String>,
    start: u32,
    processes: u32,
    threads: Option<u32>,
    workers: u32,
    drop_ins: Vec<String>,
    site: &'a str,
}

/// The folder of one httpd.
#[derive(Debug, Clone)]
pub struct Paths {
    /// ServerRoot.
    pub root: PathBuf,
}

impl Paths {
    /// The main configuration file.
    pub fn config(&self) -> PathBuf {
        self.root.join("conf/httpd.conf")
    }
    /// Media types: the program's own file may be anywhere, or nowhere.
    pub fn types(&self) -> PathBuf {
        self.root.join("conf/mime.types")
    }
    /// Where a drop-in is put.
    pub fn drop_in(&self, index: usize, path: &str) -> PathBuf {
        let name = Path::new(path).file_name().unwrap_or_default().to_string_lossy();
        // The number keeps the order visible, and files of one name apart.
        self.root.join(format!("conf/{index}-{name}"))
    }
    /// Sockets, locks, the process id.
    pub fn runtime(&self) -> PathBuf {
        self.root.join("run")
    }
    /// Written once httpd listens.
    pub fn pid_file(&self) -> PathBuf {
        self.root.join("run/httpd.pid")
    }
    /// The log.
    pub fn error_log(&self) -> PathBuf {
        self.root.join("logs/error.log")
    }
    /// What httpd says before it has opened its log.
    pub fn stderr(&self) -> PathBuf {
        self.root.join("logs/stderr")
    }
    /// Static files.
    pub fn documents(&self) -> PathBuf {
        self.root.join("htdocs")
    }
}

/// Renders httpd.conf.
pub fn render(
    plan: &Plan,
    modules: &Modules,
    paths: &Paths,
    address: SocketAddr,
    workers: u32,
    site: &str,
) -> Result<String, Error> {
    let threads = (modules.mpm != Mpm::Prefork).then_some(workers);
    let processes = if threads.is_some() { 1 } else { workers };
    let account = rustix::process::geteuid().is_root().then(unprivileged);
    let drop_ins =
        plan.drop_ins.iter().enumerate().map(|(index, file)| quote(&paths.drop_in(index, &file.path)));
    let rendered = Rendered {
        root: quote(&paths.root)?,
        address,
        pid_file: quote(&paths.pid_file())?,
        error_log: quote(&paths.error_log())?,
        document_root: quote(&paths.documents())?,
        types: quote(&paths.types())?,
        lock_file: quote(&paths.runtime().join("accept.lock"))?,
        runtime: quote(&paths.runtime())?,
        mutex: quote(&paths.runtime())?.replacen('"', "\"file:", 1),
        before_2_4: is_before_2_4(&plan.httpd.version),
        load: &modules.load,
        user: account.map(|(user, _)| format!("\"#{user}\"")),
        group: account.map(|(_, group)| format!("\"#{group}\"")),
        start: processes,
        processes,
        threads,
        workers,
        drop_ins: drop_ins.collect::<Result<_, _>>()?,
        site,
    };
    Ok(ENGINE.render(TEMPLATE, &rendered).expect("the built-in template names only what Rendered has"))
}

/// Whether this version of httpd is older than the configuration of 2.4.
pub fn is_before_2_4(version: &str) -> bool {
    let mut numbers = version.split('.').map_while(|part| part.parse::<u32>().ok());
    matches!((numbers.next(), numbers.next()), (Some(major), Some(minor)) if (major, minor) < (2, 4))
}

/// User and group that httpd's processes run as where we are root: nobody's, which every system has.
fn unprivileged() -> (u32, u32) {
    let accounts = fs_err::read_to_string("/etc/passwd").unwrap_or_default();
    let nobody = accounts.lines().find_map(|line| {
        let mut fields = line.split(':');
        let name = fields.next()?;
        let user = fields.nth(1)?.parse().ok()?;
        let group = fields.next()?.parse().ok()?;
        (name == "nobody").then_some((user, group))
    });
    // The kernel's own number for it.
    nobody.unwrap_or((65_534, 65_534))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::check::plan::{DropIn, Httpd};
    use crate::target::Runner;
    use std::time::Duration;

    fn plan() -> Plan {
        let httpd = Httpd {
            runner: Runner::native("httpd".into()),
            modules_dir: "/modules".into(),
            version: "2.4.62".to_owned(),
        };
        Plan {
            httpd,
            module_file: "/a folder/mod_x.so".into(),
            symbol: "x_module".to_owned(),
            load_after: Vec::new(),
            beside: Vec::new(),
            drop_ins: vec![DropIn {
                path: "/etc/httpd/conf.modules.d/10-x.conf".to_owned(),
                text: String::new(),
            }],
            limit: Duration::from_secs(1),
            keep_in: None,
        }
    }

    #[test]
    fn a_drop_in_loads_files_of_this_host() {
        let text = "# a comment\n<IfModule !mod_proxy.c>\n  LoadModule proxy_module modules/mod_proxy.so\n</IfModule>\n\
                    loadmodule x_module \"/usr/lib64/httpd/modules/mod_x.so\"\nX On";
        let (text, found) = localise(text, &plan()).unwrap();
        assert!(found);
        assert_eq!(
            text,
            "# a comment\n<IfModule !mod_proxy.c>\nLoadModule proxy_module \"/modules/mod_proxy.so\"\n</IfModule>\n\
             LoadModule x_module \"/a folder/mod_x.so\"\nX On"
        );
        assert!(!localise("# LoadModule x_module a.so\nLoadModule y_module b.so", &plan()).unwrap().1);
    }

    #[test]
    fn paths_are_one_word() {
        assert_eq!(quote(Path::new("/a \"b\"\\c")).unwrap(), r#""/a \"b\"\\c""#);
        assert!(quote(Path::new("/a\nListen 80")).is_err());
        assert!(quote(Path::new("/${HOME}")).is_err());
    }

    #[test]
    fn each_mpm_has_its_sizes_and_each_version_its_directives() {
        let paths = Paths { root: "/r".into() };
        let address = SocketAddr::from(([127, 0, 0, 1], 80));
        let mut plan = plan();
        let text = |plan: &Plan, mpm| {
            let modules = Modules {
                mpm,
                load: vec![Load { symbol: "a_module".to_owned(), file: "\"/a.so\"".to_owned() }],
            };
            render(plan, &modules, &paths, address, 8, "Site On").unwrap()
        };
        let event = text(&plan, Mpm::Event);
        for line in [
            "Listen 127.0.0.1:80",
            "Mutex \"file:/r/run\" default",
            "LoadModule a_module \"/a.so\"",
            "ServerLimit 1",
            "ThreadsPerChild 8",
            "MaxRequestWorkers 8",
            "Include \"/r/conf/0-10-x.conf\"",
            "Site On",
        ] {
            assert!(event.lines().any(|have| have == line), "{line} in\n{event}");
        }
        plan.httpd.version = "2.2.15".to_owned();
        let prefork = text(&plan, Mpm::Prefork);
        for line in ["LockFile \"/r/run/accept.lock\"", "ServerLimit 8", "StartServers 8", "MaxClients 8"] {
            assert!(prefork.lines().any(|have| have == line), "{line} in\n{prefork}");
        }
        assert!(!prefork.contains("Mutex") && !prefork.contains("Threads"), "{prefork}");
    }
}
