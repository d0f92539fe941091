//! Which modules a check's httpd loads, and in which order.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use serde::Serialize;

use super::Error;
use super::config::quote;
use super::plan::{Httpd, Plan};
use crate::recipe::check::{Mpm, Site};

/// Modules that httpd 2.4 cannot do without, where 2.2 has them built in or not at all; and mod_log_config, which every httpd
/// has, and whose optional functions modules take for granted: mod_log_json crashes without.
const BASE: &[&str] = &["unixd", "authz_core", "log_config"];

/// The order in which an MPM is chosen where the check leaves it open: as the distributions do today.
const PREFERRED: &[Mpm] = &[Mpm::Event, Mpm::Worker, Mpm::Prefork];

/// A `LoadModule` line.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Load {
    /// `proxy_module`.
    pub symbol: String,
    /// The file's path, quoted as the configuration needs it.
    pub file: String,
}

/// What is loaded, and by which MPM connections are served.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Modules {
    /// The MPM: a module that is loaded, or built in.
    pub mpm: Mpm,
    /// In order.
    pub load: Vec<Load>,
}

/// The names of what `httpd -l` lists as built in, without `.c`.
pub fn built_in(listing: &str) -> BTreeSet<String> {
    listing.lines().filter_map(|line| line.trim().strip_suffix(".c")).map(str::to_owned).collect()
}

/// Decides what is loaded before the package's drop-ins are read.
pub fn modules(
    plan: &Plan,
    site: &Site,
    wanted_by: &str,
    built_in: &BTreeSet<String>,
) -> Result<Modules, Error> {
    let httpd = &plan.httpd;
    let (mpm, mpm_file) = choose_mpm(httpd, site.mpm, built_in)?;
    let mut load: Vec<Load> =
        mpm_file.map(|file| entry(mpm_symbol(mpm), &file)).transpose()?.into_iter().collect();
    let mut add = |symbol: String, file: &str, wanted: Option<&str>| {
        if built_in.contains(file.trim_end_matches(".so"))
            || load.iter().any(|loaded| loaded.symbol == symbol)
        {
            return Ok(());
        }
        let path = plan.place(file);
        match (path.is_file(), wanted) {
            (true, _) => load.push(entry(symbol, &path)?),
            (false, None) => {}
            (false, Some(wanted)) => {
                return Err(Error::MissingModule {
                    wanted: wanted.to_owned(),
                    file: file.to_owned(),
                    folder: httpd.modules_dir.clone(),
                });
            }
        }
        Ok(())
    };
    for name in BASE {
        add(format!("{name}_module"), &format!("mod_{name}.so"), None)?;
    }
    // A prerequisite that the check names too has the place that the check gives it: it may need others before it.
    for prerequisite in &plan.load_after {
        if !site.modules.iter().any(|name| prerequisite.file == format!("mod_{name}.so")) {
            add(prerequisite.symbol.clone(), &prerequisite.file, Some("the module"))?;
        }
    }
    for name in &site.modules {
        // Every module of httpd's own names its structure so.
        add(format!("{name}_module"), &format!("mod_{name}.so"), Some(wanted_by))?;
    }
    if plan.drop_ins.is_empty() {
        load.push(entry(plan.symbol.clone(), &plan.module_file)?);
    }
    Ok(Modules { mpm, load })
}

fn mpm_symbol(mpm: Mpm) -> String {
    format!("mpm_{}_module", mpm.name())
}

fn choose_mpm(
    httpd: &Httpd,
    wanted: Option<Mpm>,
    built_in: &BTreeSet<String>,
) -> Result<(Mpm, Option<PathBuf>), Error> {
    let fits = |mpm: &Mpm| wanted.is_none_or(|wanted| wanted == *mpm);
    if let Some(mpm) = PREFERRED.iter().find(|mpm| built_in.contains(mpm.name())) {
        return if fits(mpm) { Ok((*mpm, None)) } else { Err(Error::NoMpm { wanted }) };
    }
    PREFERRED
        .iter()
        .filter(|mpm| fits(mpm))
        .map(|mpm| (*mpm, httpd.modules_dir.join(format!("mod_mpm_{}.so", mpm.name()))))
        .find(|(_, file)| file.is_file())
        .map(|(mpm, file)| (mpm, Some(file)))
        .ok_or(Error::NoMpm { wanted })
}

/// The line that loads a module from a file.
pub fn entry(symbol: String, path: &Path) -> Result<Load, Error> {
    Ok(Load { symbol, file: quote(path)? })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::audit::Prerequisite;
    use crate::check::plan::DropIn;
    use crate::target::Runner;
    use std::time::Duration;

    fn plan(files: &[&str]) -> (tempfile::TempDir, Plan) {
        let folder = tempfile::tempdir().unwrap();
        for file in files {
            fs_err::write(folder.path().join(file), "").unwrap();
        }
        let httpd = Httpd {
            runner: Runner::native("httpd".into()),
            modules_dir: folder.path().to_owned(),
            version: "2.4.62".to_owned(),
        };
        let plan = Plan {
            httpd,
            module_file: "/payload/mod_x.so".into(),
            symbol: "x_module".to_owned(),
            load_after: vec![Prerequisite {
                symbol: "proxy_module".to_owned(),
                file: "mod_proxy.so".to_owned(),
            }],
            beside: Vec::new(),
            drop_ins: vec![DropIn { path: "/etc/x.conf".to_owned(), text: String::new() }],
            limit: Duration::from_secs(1),
            keep_in: None,
        };
        (folder, plan)
    }

    fn names(modules: &Modules) -> Vec<&str> {
        modules.load.iter().map(|load| load.symbol.as_str()).collect()
    }

    const ALL: [&str; 7] = [
        "mod_mpm_event.so",
        "mod_mpm_prefork.so",
        "mod_unixd.so",
        "mod_authz_core.so",
        "mod_proxy.so",
        "mod_slotmem_shm.so",
        "mod_proxy_http.so",
    ];

    #[test]
    fn what_is_needed_is_loaded_in_order() {
        let (_folder, mut plan) = plan(&ALL);
        let site = Site { modules: vec!["proxy_http".to_owned()], ..Site::default() };
        let chosen = modules(&plan, &site, "check `a`", &BTreeSet::from(["mod_unixd".to_owned()])).unwrap();
        assert_eq!(
            names(&chosen),
            ["mpm_event_module", "authz_core_module", "proxy_module", "proxy_http_module"]
        );
        // A check that names the prerequisite decides on its place; with no drop-in the module itself comes last.
        plan.drop_ins.clear();
        let site = Site {
            modules: vec!["slotmem_shm".to_owned(), "proxy".to_owned()],
            mpm: Some(Mpm::Prefork),
            ..site
        };
        let chosen = modules(&plan, &site, "check `a`", &BTreeSet::new()).unwrap();
        assert_eq!(
            names(&chosen),
            [
                "mpm_prefork_module",
                "unixd_module",
                "authz_core_module",
                "slotmem_shm_module",
                "proxy_module",
                "x_module"
            ]
        );
    }

    #[test]
    fn an_mpm_can_be_built_in() {
        let (_folder, plan) = plan(&["mod_proxy.so"]);
        let built_in = built_in("Compiled in modules:\n  core.c\n  prefork.c\n  http_core.c\n  mod_so.c\n");
        let chosen = modules(&plan, &Site::default(), "", &built_in).unwrap();
        assert_eq!((chosen.mpm, names(&chosen)), (Mpm::Prefork, vec!["proxy_module"]));
        let site = Site { mpm: Some(Mpm::Event), ..Site::default() };
        let error = modules(&plan, &site, "", &built_in).unwrap_err();
        assert_eq!(error.to_string(), "the target's httpd has no MPM event");
    }

    #[test]
    fn what_is_missing_is_named() {
        let (_folder, plan) = plan(&["mod_mpm_worker.so"]);
        let error = modules(&plan, &Site::default(), "", &BTreeSet::new()).unwrap_err();
        assert!(
            error
                .to_string()
                .starts_with("the module needs mod_proxy.so, which the target does not have in /")
        );
        let (_folder, plan) = super::tests::plan(&ALL);
        let site = Site { modules: vec!["nosuch".to_owned()], ..Site::default() };
        let error = modules(&plan, &site, "check `a`", &BTreeSet::new()).unwrap_err();
        assert!(error.to_string().starts_with("check `a` needs mod_nosuch.so, which"), "{error}");
    }
}
