//! All that is known of a target.

use serde_json::{Value, json};

use crate::cli::args::target::Show;
use crate::cli::generate::{print, print_json};
use crate::report::Reporter;
use crate::target::store::{LOCK_FILE, Manifest, Name, Store};
use crate::target::{self, Options, Target};
use crate::{Error, paths};

pub fn run(args: &Show, reporter: &dyn Reporter) -> Result<(), Error> {
    let cache = paths::cache();
    let added = match Name::parse(&args.name) {
        Ok(name) => Store::of(&cache).find(&name).map_err(target::Error::from)?,
        // `local`, a folder, or what no target can be called.
        Err(_) => None,
    };
    let manifest = added.map(|added| added.manifest);
    let lock = Some(LOCK_FILE.into());
    let options = Options { offline: true, lock, ..Options::new(cache) };
    let target = target::resolve(&args.name, &options, &|text| reporter.note(text))?;
    if args.json {
        return print_json(&object(&target, manifest.as_ref()));
    }
    print(text(&target, manifest.as_ref()).as_bytes())
}

fn object(target: &Target, manifest: Option<&Manifest>) -> Value {
    let layout = &target.layout;
    json!({
        "name": target.name,
        "profile": target.profile.name,
        "httpd": target.httpd_version,
        "mmn": target.mmn.to_string(),
        "apr": target.apr_version,
        "arch": target.machine,
        "glibc": target.glibc.to_string(),
        "layout": {
            "modules": layout.module_dir,
            "load-file": layout.load_file,
            "directives-file": layout.directives_file,
            "httpd-mmn": layout.mmn_requirement,
        },
        "program": target.program,
        "include": target.include_dirs,
        "modules": target.modules_dir,
        "sysroot": target.sysroot(),
        "builtin-modules": target.builtin_modules(),
        "variables": target.variables,
        "origin": manifest.map(|manifest| &manifest.origin),
        "packages": manifest.map(|manifest| &manifest.packages),
    })
}

fn text(target: &Target, manifest: Option<&Manifest>) -> String {
    let layout = &target.layout;
    let mut facts = vec![
        ("target", target.name.clone()),
        ("profile", format!("{}: {}", target.profile.name, target.profile.about)),
        ("httpd", format!("{}, MMN {}, APR {}", target.httpd_version, target.mmn, target.apr_version)),
        ("processor", target.machine.to_string()),
        ("C library", format!("glibc {}", target.glibc)),
        ("modules", layout.module_dir.clone()),
        ("load file", layout.load_file.clone()),
        ("directives", layout.directives_file.clone()),
        ("httpd-mmn", layout.mmn_requirement.clone()),
    ];
    facts.extend(target.program.iter().map(|program| ("program", program.display().to_string())));
    facts.extend(target.sysroot().map(|root| ("sysroot", root.display().to_string())));
    facts.extend(manifest.map(|manifest| ("origin", manifest.origin.in_short())));
    for package in manifest.iter().flat_map(|manifest| &manifest.packages) {
        facts.push(("package", format!("{} {} {}", package.name, package.version, package.arch)));
    }
    facts.extend(target.variables.iter().map(|(name, value)| ("variable", format!("{name} = {value}"))));
    let (mut text, mut before) = (String::new(), "");
    for (label, value) in &facts {
        // What repeats is named once.
        let shown = if *label == before { "" } else { label };
        text.push_str(format!("{shown:>10}  {value}").trim_end());
        text.push('\n');
        before = label;
    }
    text
}
