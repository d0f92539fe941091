//! All that goes into a build, by its digest: what the report has, and what a provenance states. (What `build-all` knows a
//! result by is found before anything is read as a source: `all/basis.rs`.)

use std::collections::BTreeMap;
use std::sync::LazyLock;

use serde::Serialize;
use sha2::{Digest, Sha256};

use super::prepare::Ready;
use super::{Error, Request, epoch};
use crate::adapt::overlay::Overlay;
use crate::adapt::pack;
use crate::beside;
use crate::compile::Toolchain;
use crate::hash::{hex, sha256};
use crate::source::Content;
use crate::target::store::Manifest;
use crate::target::{Provenance, Target};

/// The templates of this modgraft: name and bytes, by name.
const TEMPLATES: &[(&str, &[u8])] = include!(concat!(env!("OUT_DIR"), "/templates.rs"));

/// SHA-256 of a list of them, as `sha256sum` has it.
static TEMPLATES_DIGEST: LazyLock<String> = LazyLock::new(|| {
    let line = |(name, bytes): &(&str, &[u8])| format!("{}  {name}\n", sha256(bytes));
    sha256(TEMPLATES.iter().map(line).collect::<String>().as_bytes())
});

/// What goes into a build: a name for each thing, and its digest. The same inputs give the same packages, but for their
/// signatures.
///
/// Names are `recipe/…`, `source/…`, `overlay/…`, `rules/…`, `target/…`, `compiler/…`, `modgraft/…`, `asked/…`, and the same
/// behind `requires/MODULE/` for a module that is made first. Nothing in it depends on where files lie on this machine.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
#[serde(transparent)]
pub struct Inputs(BTreeMap<String, Input>);

/// One thing that goes into a build.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Input {
    /// Where it is from, where that is elsewhere: a url.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub uri: Option<String>,
    /// By algorithm, in in-toto's words (`sha256`, `gitCommit`, `gitTree`), in lower-case hexadecimal digits; none of what is
    /// known by its value.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub digest: BTreeMap<&'static str, String>,
    /// The value of what is no file: a version, a flag.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub value: Option<String>,
}

impl Input {
    /// Where it can be had, as a url that names the commit too (`git+https://…@ID`); nothing of what is on this machine.
    pub fn location(&self) -> Option<String> {
        let uri = self.uri.as_ref().filter(|uri| uri.contains("://"))?;
        Some(match self.digest.get("gitCommit") {
            Some(commit) => format!("git+{uri}@{commit}"),
            None => uri.clone(),
        })
    }
}

impl Inputs {
    /// Each by its name, in the order of names.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &Input)> {
        self.0.iter().map(|(name, input)| (name.as_str(), input))
    }

    /// The one of this name.
    pub fn get(&self, name: &str) -> Option<&Input> {
        self.0.get(name)
    }

    /// Takes in the inputs of a module that is made first.
    pub(super) fn require(&mut self, module: &str, inputs: Inputs) {
        let named = inputs.0.into_iter().map(|(name, input)| (format!("requires/{module}/{name}"), input));
        self.0.extend(named);
    }

    fn file(&mut self, name: impl Into<String>, bytes: &[u8]) {
        self.sha256(name, sha256(bytes), None);
    }

    fn sha256(&mut self, name: impl Into<String>, sha256: String, uri: Option<String>) {
        let digest = BTreeMap::from([("sha256", sha256)]);
        self.0.insert(name.into(), Input { uri, digest, value: None });
    }

    fn value(&mut self, name: impl Into<String>, value: impl Into<String>) {
        self.0.insert(name.into(), Input { value: Some(value.into()), ..Input::default() });
    }
}

/// The inputs of one module, without those of modules that are made first.
///
/// # Errors
/// A file that cannot be read any more; `SOURCE_DATE_EPOCH` that is no number.
pub(super) fn of(ready: &Ready, overlays: &[Overlay], request: &Request) -> Result<Inputs, crate::Error> {
    let mut inputs = Inputs::default();
    let recipe = &ready.recipe;
    inputs.file("recipe/module.toml", recipe.text.as_bytes());
    for (name, text) in &recipe.compat.files {
        inputs.file(format!("recipe/{name}"), text.as_bytes());
    }
    for path in recipe.documents.iter().map(|document| &document.path).chain(&recipe.headers) {
        // What is wrong with one is told where it is used.
        if let Ok(bytes) = beside::read(&recipe.directory, path) {
            inputs.file(format!("recipe/{}", path.display()), &bytes);
        }
    }
    for header in &recipe.headers {
        let path = header.to_string_lossy();
        if let Some(bytes) = ready.sources.base.as_ref().map(|tree| tree.read(&path)).transpose()?.flatten() {
            inputs.file(format!("recipe/{path}"), &bytes);
        }
    }
    sources(&mut inputs, ready)?;
    for overlay in overlays {
        inputs.file(format!("overlay/{}", overlay.path), overlay.text.as_bytes());
    }
    for (name, text) in built_in_rules(ready) {
        inputs.file(format!("rules/{name}"), text.as_bytes());
    }
    inputs.0.extend(surroundings(&ready.target, &ready.toolchain)?.0);
    for library in &recipe.libraries {
        let file = ready.target.libraries.find(&format!("lib{library}.so"));
        if let Some(bytes) = file.and_then(|file| fs_err::read(file).ok()) {
            inputs.file(format!("target/library/{library}"), &bytes);
        }
    }
    inputs.value("modgraft/version", env!("CARGO_PKG_VERSION"));
    inputs.sha256("modgraft/templates", TEMPLATES_DIGEST.clone(), None);
    inputs.value("asked/source-date-epoch", epoch::of(recipe)?.to_string());
    inputs.value("asked/line-directives", request.line_directives.to_string());
    inputs.value("asked/accept-risks", request.accept_risks.join(" "));
    Ok(inputs)
}

/// The inputs that are the same for every module: the target and the compiler.
///
/// # Errors
/// A file of the target that cannot be read any more.
pub(super) fn surroundings(target: &Target, toolchain: &Toolchain) -> Result<Inputs, Error> {
    let mut inputs = Inputs::default();
    of_target(&mut inputs, target)?;
    inputs.value("compiler/version", toolchain.said.as_str());
    inputs.value("compiler/binutils", toolchain.binutils.as_str());
    let flags: Vec<&str> = toolchain.leading.iter().chain(&toolchain.cflags).map(String::as_str).collect();
    inputs.value("compiler/flags", flags.join(" "));
    Ok(inputs)
}

fn sources(inputs: &mut Inputs, ready: &Ready) -> Result<(), crate::Error> {
    for pinned in ready.sources.pinned(&ready.spec)? {
        let digest = match pinned.content {
            Content::Sha256(sha256) => BTreeMap::from([("sha256", sha256)]),
            Content::Change { commit, sha256 } => BTreeMap::from([("gitCommit", commit), ("sha256", sha256)]),
            Content::Tree { commit, tree } => BTreeMap::from([("gitCommit", commit), ("gitTree", tree)]),
        };
        let input = Input { uri: pinned.from, digest, value: None };
        inputs.0.insert(format!("source/{}", pinned.role), input);
    }
    Ok(())
}

/// File name and text of the packs that are asked for this target.
fn built_in_rules(ready: &Ready) -> impl Iterator<Item = (&'static str, &'static str)> {
    let major = ready.target.mmn.major;
    let asked = pack::built_in().iter().filter(move |pack| pack.mmn.is_none_or(|mmn| mmn == major));
    asked.filter_map(|pack| pack::built_in_file(&pack.name))
}

fn of_target(inputs: &mut Inputs, target: &Target) -> Result<(), Error> {
    inputs.value("target/arch", target.machine.name.as_str());
    inputs.value("target/httpd", target.httpd_version.as_str());
    inputs.value("target/mmn", target.mmn.to_string());
    inputs.value("target/glibc", target.glibc.to_string());
    inputs.file("target/profile", target.profile.text().as_bytes());
    let mut variables = Sha256::new();
    for (name, value) in &target.variables {
        variables.update(format!("{name}={value}\n"));
    }
    let variables = hex(&variables.finalize());
    inputs.sha256("target/variables", variables, None);
    if let Provenance::Sysroot { pack: Some(pack), .. } = &target.provenance {
        inputs.sha256("target/pack", pack.id.clone(), None);
        return Ok(());
    }
    let packages = match target.sysroot().and_then(|root| root.parent()) {
        // Of a folder that was not added, nobody knows the packages.
        Some(folder) => Manifest::read(folder).ok().flatten().map(|manifest| manifest.packages),
        None => None,
    };
    match packages.filter(|packages| !packages.is_empty()) {
        Some(packages) => {
            for package in packages {
                let name = format!("target/package/{}-{}.{}", package.name, package.version, package.arch);
                let uri = package.is_remote().then_some(package.from);
                inputs.sha256(name, package.sha256, uri);
            }
        }
        None => inputs.sha256("target/files", target.digest()?, None),
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn templates_are_all_there() {
        let has = |name: &str| TEMPLATES.iter().any(|(known, _)| *known == name);
        assert!(has("templates/module.spec.hbs") && has("templates/targets/el6.toml"));
        assert!(TEMPLATES.is_sorted_by_key(|(name, _)| name));
        assert_eq!(TEMPLATES_DIGEST.len(), 64);
    }
}
