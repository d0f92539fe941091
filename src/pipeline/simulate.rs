//! What the target's own httpd would say of the package, before anything is written.

use super::graft::Graft;
use crate::audit::Audit;
use crate::loader::{self, Cause, Laid, Options, Simulation};
use crate::package::file::{CONFIG, Content, FileKind};
use crate::package::{Package, PackageSet};
use crate::report::Reporter;
use crate::target::{Provenance, Target};

/// Lays the package over the target's own configuration, where the target has one, and lets the loader say what httpd would.
///
/// # Errors
/// httpd would refuse to start with the package, and does not without it. Where an administrator has to switch a prerequisite
/// on first, that is a warning.
pub(super) fn simulated(
    graft: &Graft,
    set: &PackageSet,
    audit: &Audit,
    reporter: &dyn Reporter,
) -> Result<(), crate::Error> {
    let (target, symbol) = (&graft.ready.target, &graft.ready.module.symbol);
    let simulation = match options(graft, &set.binary).and_then(|options| loader::simulate(target, &options))
    {
        Ok(simulation) => simulation,
        Err(error @ (loader::Error::NoConfiguration { .. } | loader::Error::Program { .. })) => {
            reporter.detail(format!("loading is not simulated: {error}"));
            return Ok(());
        }
        Err(error) => return Err(error.into()),
    };
    for limit in &simulation.limits {
        reporter.detail(format!("not simulated: {limit}"));
    }
    let twice = format!("module {symbol} ");
    for warning in simulation.warnings.iter().filter(|warning| warning.contains(&twice)) {
        reporter.warning(format!("httpd would warn: {warning}"));
    }
    let after: Vec<&str> = audit.load_after.iter().map(|module| module.symbol.as_str()).collect();
    let made: Vec<&str> = graft
        .required
        .iter()
        .filter(|required| required.made.is_some())
        .map(|required| required.beside.module.symbol.as_str())
        .collect();
    let after: Vec<&str> = after.into_iter().filter(|module| !made.contains(module)).collect();
    let findings = loader::place(target, short_name(graft), &after).findings;
    for finding in &findings {
        reporter.warning(finding.to_string());
    }
    let Some(refused) = simulation.refused() else {
        loaded(&simulation, symbol, graft, reporter);
        return Ok(());
    };
    let without = loader::simulate(target, &Options::default())?;
    if nothing_is_switched_on(target, &without) {
        reporter.detail("loading is not simulated: the target's packages were unpacked, and nobody switched any module on");
    } else if let Some(own) = without.refused() {
        reporter.warning(format!(
            "the target's own configuration would be refused, without the package: {}",
            own.said
        ));
    } else if !findings.is_empty() {
        reporter.warning(format!("until then httpd would refuse: {}", refused.said));
    } else {
        return Err(
            loader::Error::Refused { said: refused.said.clone(), advice: refused.advice.clone() }.into()
        );
    }
    Ok(())
}

/// Whether the target's configuration is that of packages which were unpacked and not installed: Debian's are switched on by their
/// scripts, MPM and all. It would be refused, and that says nothing of the machines on which the package will be.
fn nothing_is_switched_on(target: &Target, simulation: &Simulation) -> bool {
    let refused_for_its_mpm = simulation.refused().is_some_and(|refused| refused.cause == Cause::Mpm);
    let unpacked = matches!(target.provenance, Provenance::Sysroot { .. });
    unpacked && refused_for_its_mpm && simulation.modules().next().is_none()
}

fn loaded(simulation: &Simulation, symbol: &str, graft: &Graft, reporter: &dyn Reporter) {
    match simulation.modules().position(|module| module == symbol) {
        Some(at) => {
            let count = simulation.modules().count();
            reporter.detail(format!(
                "the target's httpd would load {count} modules, {symbol} as number {}",
                at + 1
            ));
        }
        // One that is loaded twice was told of.
        None if simulation.loads.iter().any(|load| load.module.as_deref() == Some(symbol)) => {}
        None => {
            let file = &graft.ready.target.layout.load_file;
            reporter.warning(format!(
                "the target's configuration does not read {file}: {symbol} would not be loaded"
            ));
        }
    }
}

/// `proxy_wstunnel` of `mod_proxy_wstunnel`.
fn short_name(graft: &Graft) -> &str {
    let name = &graft.ready.recipe.name;
    name.strip_prefix("mod_").unwrap_or(name)
}

/// The package's drop-ins and its module, and those of the modules that it needs and that were made with it.
fn options(graft: &Graft, package: &Package) -> Result<Options, loader::Error> {
    let target = &graft.ready.target;
    let mut options = Options::default();
    for required in &graft.required {
        let Some(made) = &required.made else { continue };
        let module = &required.beside.module;
        let short = required.name.strip_prefix("mod_").unwrap_or(&required.name);
        let path = target.layout.load_file_for(short, required.beside.load_order);
        let text = format!("LoadModule {} {}/{}\n", module.symbol, target.layout.load_prefix, module.file);
        options.install(target, &path, &text)?;
        options.install_module(target, &module.file, &made.file);
    }
    let modules = format!("{}/", target.layout.module_dir);
    for file in &package.files {
        let FileKind::Regular(content) = &file.kind else { continue };
        match content {
            Content::Memory(text) if file.flags & CONFIG != 0 => {
                options.install(target, &file.path, &String::from_utf8_lossy(text))?;
            }
            Content::Disk(on_host) if file.path.starts_with(&modules) => {
                options.laid.insert(file.path.clone(), Laid::File(on_host.clone()));
            }
            _ => {}
        }
    }
    Ok(options)
}
