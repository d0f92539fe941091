//! The spec: that rpmbuild makes of it what modgraft writes by itself, whatever a person wrote into the recipe.

mod support;

use std::path::{Path, PathBuf};
use std::process::Command;

use modgraft::package::PackageSet;
use modgraft::profile::Profile;
use modgraft::recipe::{ChangelogEntry, Document, DocumentKind};
use modgraft::rpm::{self, Destinations};
use support::module::Module;
use support::rpmbuild::{query, rebuild};
use support::run;

const FILES: &str = "[%{FILENAMES} %{FILEMODES:perms} %{FILEUSERNAME}:%{FILEGROUPNAME} %{FILEFLAGS:fflags} %{FILELINKTOS}\\n]";
const PROVIDES: &str = "[%{PROVIDENEVRS} %{PROVIDEFLAGS:depflags}\\n]";
const REQUIRES: &str = "[%{REQUIRENEVRS} %{REQUIREFLAGS:deptype}\\n]";
const TEXTS: &str = "%{NAME}\\n%{VERSION}\\n%{RELEASE}\\n%{SUMMARY}\\n%{DESCRIPTION}\\n%{LICENSE}\\n%{URL}\\n%{GROUP}\\n\
     [%{CHANGELOGTIME} %{CHANGELOGNAME}\\n%{CHANGELOGTEXT}\\n]";

fn write(set: &PackageSet, folder: &Path) -> [PathBuf; 3] {
    let path = |package: &modgraft::package::Package| folder.join(package.file_name());
    let to = Destinations {
        binary: path(&set.binary),
        debuginfo: path(&set.debuginfo),
        source: path(&set.source),
    };
    rpm::write_set(set, None, &to).unwrap();
    [to.binary, to.debuginfo, to.source]
}

/// All that a person wrote, in its order.
fn texts(package: &Path) -> String {
    run(Command::new("rpm").args(["-qp", "--nosignature", "--qf", TEXTS]).arg(package))
}

/// Rebuilds, and compares all that the two ways of building have to agree in.
fn compare(module: &Module) {
    let folder = tempfile::tempdir().unwrap();
    let [binary, debuginfo, source] = write(&module.packages(), folder.path());
    let made = rebuild(&source, &folder.path().join("top"));
    let [made_binary, made_debuginfo] = &made[..] else { panic!("two packages, not {made:?}") };

    for format in [FILES, PROVIDES, REQUIRES] {
        assert_eq!(query(&binary, format), query(made_binary, format), "{format}");
    }
    assert_eq!(texts(&binary), texts(made_binary));
    assert_eq!(texts(&debuginfo), texts(made_debuginfo));
    // rpmbuild gives each build another build id.
    let id = |path: &Path| {
        let provides = query(path, "[%{PROVIDES} %{PROVIDEVERSION}\\n]");
        provides.iter().find_map(|line| line.strip_prefix("debuginfo(build-id) ")).unwrap().to_owned()
    };
    let neutral = |path: &Path, format: &str| -> Vec<String> {
        let id = id(path);
        let mut lines: Vec<String> = query(path, format)
            .into_iter()
            .map(|line| line.replace(&id, "ID").replace(&id[2..], "ID"))
            .map(|line| line.replace(&format!(".build-id/{} ", &id[..2]), ".build-id/XX "))
            .map(|line| line.replace(&format!(".build-id/{}/", &id[..2]), ".build-id/XX/"))
            .collect();
        lines.sort();
        lines
    };
    for format in [FILES, PROVIDES, REQUIRES] {
        assert_eq!(neutral(&debuginfo, format), neutral(made_debuginfo, format), "{format}");
    }
}

#[test]
fn rpmbuild_makes_the_same_packages_of_the_source_package() {
    compare(&Module::new());
    compare(&Module::of_upstream());
}

#[test]
fn without_directives_documents_and_changelog_too() {
    let mut module = Module::new();
    module.recipe.directives = None;
    module.recipe.documents.clear();
    module.recipe.changelog.clear();
    module.recipe.url = None;
    module.audit.load_after.clear();
    compare(&module);
}

#[test]
fn with_one_drop_in_for_all() {
    let mut module = Module::new();
    module.target.layout.directives_file = module.target.layout.load_file.clone();
    compare(&module);
    let set = module.packages();
    let configs = set.binary.files.iter().filter(|file| file.path.starts_with("/etc")).count();
    assert_eq!(configs, 1);
}

#[test]
fn no_text_of_a_person_becomes_a_macro() {
    let trap = tempfile::tempdir().unwrap();
    let sprung = trap.path().join("sprung");
    let shell = format!("%(touch {})", sprung.display());
    let lua = format!("%{{lua:io.open('{}', 'w')}}", sprung.display());
    let mut module = Module::new();
    let recipe = &mut module.recipe;
    recipe.summary =
        format!("{shell} {lua} 100% %{{name}} %name # `x` $HOME \"q\" 'q' \\%{{open \\%(open back\\");
    recipe.license = format!("MIT AND {shell} {lua} \\%{{open");
    recipe.url = Some("https://example.org/%(touch)/%{name}/a%20b#c".into());
    recipe.description = format!(
        "%description\n%if 0\n  %endif\n%include /etc/passwd\n%files\n%%\n%{{?x:\n%(\n#hash\n* star\n{shell}\n\
         \\%{{open {lua}\nback\\\n%define x y\n%global x y\n%install\n\n\n%changelog\n\ttab\n%prep \\"
    );
    recipe.changelog = vec![
        ChangelogEntry {
            date: jiff::civil::date(2024, 2, 29),
            author: format!("{shell}\n%changelog {lua} <%{{x}}@example.org>"),
            version: Some("1.0-1 %{version}".into()),
            notes: vec![
                format!("{shell}\n* Thu Jun 13 2013 nobody\n%files\n%if 1"),
                "%if 0".into(),
                "\\%{open".into(),
                "back \\".into(),
            ],
        },
        ChangelogEntry {
            date: jiff::civil::date(2013, 6, 13),
            author: "A".into(),
            version: None,
            notes: vec!["- old # hash".into()],
        },
    ];
    let name = "LICENSE %(touch x) 'q' \"q\" $HOME.txt";
    fs_err::write(module.folder.path().join(name), "text %(touch)\n").unwrap();
    module.recipe.documents.push(Document { path: name.into(), kind: DocumentKind::License });
    module.sources.patches[0].name = "../%(touch x) a\nb;'\".patch".into();
    module.recipe.directives = Some(format!(
        "# {shell} {lua} %{{name}} \\{{{{name}}}}\nLogFormat \"%h %{{User-Agent}}i\" {{{{name}}}}\n"
    ));
    compare(&module);
    assert!(!sprung.exists(), "a macro was run");

    // And literally.
    let set = module.packages();
    for text in [&shell, &lua] {
        assert!(set.binary.summary.contains(text.as_str()));
        assert!(set.binary.description.contains(text.as_str()));
        assert!(set.binary.changelog[0].title.contains(text.as_str()));
    }
    assert!(
        set.binary.description.contains("%if 0") && set.binary.description.contains("%include /etc/passwd")
    );
}

#[test]
fn the_spec_builds_where_the_distribution_has_macros_of_its_own() {
    let module = Module::new();
    let folder = tempfile::tempdir().unwrap();
    let [.., source] = write(&module.packages(), folder.path());
    let top = folder.path().join("top");
    run(Command::new("rpmbuild")
        .args(["--rebuild", "--nodeps", "--define"])
        .arg(format!("_topdir {}", top.display()))
        .args(["--define", "_httpd_apxs /usr/bin/apxs"])
        .args(["--define", "_httpd_mmn 20120211aarch6464"])
        .args(["--define", "_httpd_moddir /usr/lib64/httpd/modules"])
        .args(["--define", "_httpd_modconfdir /etc/httpd/conf.modules.d"])
        .args(["--define", "_httpd_confdir /etc/httpd/conf.d"])
        .arg(source));
    let made = top.join("RPMS/x86_64/mod_tiny-1.0-1.x86_64.rpm");
    let files = query(&made, "[%{FILENAMES}\\n]");
    for file in [
        "/usr/lib64/httpd/modules/mod_tiny.so",
        "/etc/httpd/conf.modules.d/10-tiny.conf",
        "/etc/httpd/conf.d/tiny.conf",
    ] {
        assert!(files.contains(file), "{files:?}");
    }
    assert!(query(&made, "[%{REQUIRENEVRS}\\n]").contains("httpd-mmn = 20120211aarch6464"));
    let load = run(Command::new("sh")
        .arg("-c")
        .arg("rpm2archive -n - < \"$0\" | tar -xO ./etc/httpd/conf.modules.d/10-tiny.conf")
        .arg(&made));
    assert!(load.contains("LoadModule tiny_module /usr/lib64/httpd/modules/mod_tiny.so"), "{load}");
}

#[test]
fn the_spec_of_each_kind_of_family() {
    for family in ["debian", "el6", "suse"] {
        let mut module = Module::new();
        module.target.profile = Profile::named(family).unwrap();
        insta::assert_snapshot!(format!("spec_{family}"), module.packages().spec.1);
    }
}
