//! The specs of all profiles before the real tools of packagers: rpmspec, rpmbuild, rpmlint.

mod support;

use std::path::{Path, PathBuf};
use std::process::Command;

use modgraft::package::Package;
use modgraft::profile::Profile;
use modgraft::recipe;
use modgraft::rpm::{self, Destinations};
use support::module::{Module, text_of};
use support::rpmbuild::query;
use support::{key, run};

/// The packages of a module, and the spec among its sources as `rpm -i` lays them out.
struct Written {
    folder: tempfile::TempDir,
    spec: PathBuf,
    binary: PathBuf,
    source: PathBuf,
}

impl Written {
    fn new(module: &Module) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let set = module.packages();
        let path = |package: &Package| folder.path().join(package.file_name());
        let to = Destinations {
            binary: path(&set.binary),
            debuginfo: path(&set.debuginfo),
            source: path(&set.source),
        };
        rpm::write_set(&set, Some(&**key()), &to).unwrap();
        let written = Written {
            spec: folder.path().join("SPECS").join(&set.spec.0),
            binary: to.binary,
            source: to.source,
            folder,
        };
        run(Command::new("rpm").args(["--nosignature", "-i"]).args(written.top()).arg(&written.source));
        assert_eq!(fs_err::read_to_string(&written.spec).unwrap(), set.spec.1);
        written
    }

    fn top(&self) -> [String; 2] {
        ["--define".to_owned(), format!("_topdir {}", self.folder.path().display())]
    }

    /// The spec as rpm understands it, with these macros of a distribution. No tool has a word to say.
    fn parsed(&self, macros: &[(&str, &str)]) -> String {
        let mut command = Command::new("rpmspec");
        command.arg("-P").args(self.top());
        for (name, value) in macros {
            command.arg("--define").arg(format!("{name} {value}"));
        }
        let output = command.arg(&self.spec).output().expect("`rpmspec` is needed by this test");
        let said = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success() && said.is_empty(), "{}: {said}", self.spec.display());
        String::from_utf8(output.stdout).unwrap()
    }
}

/// All that a spec can have: libraries, documents, a second drop-in where the distribution has two.
fn whole(profile: &str) -> Module {
    let mut module = Module::of_profile(profile);
    module.recipe.libraries = vec!["z".into(), "xml2".into()];
    module
}

/// The reference recipe. Its object is the tiny module's: what is compiled is not what this is about.
fn reference(profile: &str) -> Module {
    let mut module = Module::of_profile(profile);
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("modules/mod_proxy_wstunnel");
    module.recipe = recipe::read(&folder.join("module.toml")).unwrap();
    module.audit.exports = vec!["proxy_wstunnel_module".into()];
    module
}

/// Nothing but what a spec must have.
fn bare(profile: &str) -> Module {
    let mut module = Module::of_profile(profile);
    module.recipe.directives = None;
    module.recipe.documents.clear();
    module.recipe.changelog.clear();
    module.recipe.url = None;
    module
}

#[test]
fn every_profiles_specs_are_understood_and_make_a_source_package() {
    for profile in Profile::names() {
        for module in [whole(profile), reference(profile), bare(profile)] {
            let written = Written::new(&module);
            let parsed = written.parsed(&[]);
            for line in parsed.lines().filter(|line| !line.starts_with('#')) {
                assert!(!line.contains("%{"), "{profile}: {line}");
            }
            run(Command::new("rpmbuild").arg("-bs").args(written.top()).arg(&written.spec));
            // And it is the one that modgraft writes.
            let made = written.folder.path().join("SRPMS").join(written.source.file_name().unwrap());
            for format in ["[%{FILENAMES}\\n]", "%{NEVR}\\n%{SUMMARY}\\n%{LICENSE}\\n", "[%{SOURCE}\\n]"] {
                assert_eq!(query(&made, format), query(&written.source, format), "{profile}");
            }
        }
    }
}

/// Errors and warnings of rpmlint about one module for one profile, but for what tests/rpmlint excuses.
fn lint(profile: &str, module: &Module) {
    let from = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/rpmlint");
    // It reads a folder, or one file.
    let configs = tempfile::tempdir().unwrap();
    let dialect = if profile == "el6" { "el6" } else { "modern" };
    for name in ["all", dialect, profile].map(|name| format!("{name}.toml")) {
        if from.join(&name).is_file() {
            fs_err::copy(from.join(&name), configs.path().join(&name)).unwrap();
        }
    }
    let written = Written::new(module);
    let mut command = Command::new("rpmlint");
    command.arg("--config").arg(configs.path()).args([&written.spec, &written.source, &written.binary]);
    let output = command.output().expect("`rpmlint` is needed by this test");
    let said = String::from_utf8_lossy(&output.stdout);
    let nothing = "2 packages and 1 specfiles checked; 0 errors, 0 warnings";
    assert!(output.status.success() && said.contains(nothing), "{profile}:\n{said}");
}

#[test]
fn rpmlint_has_nothing_to_say_of_any_profile() {
    let profiles: Vec<&str> = Profile::names().collect();
    // It takes the better part of a second each time.
    std::thread::scope(|scope| {
        for some in profiles.chunks(profiles.len().div_ceil(4)) {
            scope.spawn(move || some.iter().for_each(|profile| lint(profile, &whole(profile))));
        }
        scope.spawn(|| ["el6", "el9", "leap"].map(|profile| lint(profile, &reference(profile))));
    });
}

/// SUSE's package apache-rpm-macros has its own macros, and they decide.
#[test]
fn suses_spec_follows_suses_macros() {
    for profile in ["suse", "leap", "tumbleweed"] {
        let written = Written::new(&whole(profile));
        assert!(written.spec.ends_with("apache2-mod_tiny.spec"), "{}", written.spec.display());
        let parsed = written.parsed(&[
            ("apache_apxs", "/srv/apxs"),
            ("apache_libexecdir", "/srv/modules"),
            ("apache_sysconfdir", "/srv/apache2"),
            ("apache_mmn", "apache_mmn_20990101"),
            ("apache_suse_maintenance_mmn", "suse_maintenance_mmn_7"),
        ]);
        for line in [
            "Requires: apache_mmn_20990101",
            "Requires: suse_maintenance_mmn_7",
            "BuildRequires: apache2-devel",
            "BuildRequires: apache-rpm-macros",
            "query() { /srv/apxs -q \"$1\" 2>/dev/null || :; }",
            "/srv/modules/mod_tiny.so",
        ] {
            assert!(parsed.lines().any(|found| found == line), "{line} in\n{parsed}");
        }
        assert!(parsed.contains("%config(noreplace) /srv/apache2/conf.d/"), "{parsed}");
        // And without them: the target's.
        let parsed = written.parsed(&[]);
        for line in [
            "Requires: apache_mmn_20120211",
            "Requires: suse_maintenance_mmn_0",
            "%config(noreplace) /etc/apache2/conf.d/tiny.conf",
            "/usr/lib64/apache2/mod_tiny.so",
        ] {
            assert!(parsed.lines().any(|found| found == line), "{line} in\n{parsed}");
        }
    }
}

/// On SUSE the LoadModule line is made of APACHE_MODULES: the drop-in has directives only, for where the module is loaded.
#[test]
fn suses_drop_in_loads_nothing() {
    let text = text_of(&whole("leap").packages().binary, "/etc/apache2/conf.d/tiny.conf");
    insta::assert_snapshot!(text, @r#"
    # This module uses others, which have to be loaded before it:
    #   proxy_module (mod_proxy.so)
    # It is loaded after: a2enmod tiny

    <IfModule tiny_module>
    <Location "/tiny">
        SetHandler tiny
    </Location>
    </IfModule>
    "#);
    let text = text_of(&bare("tumbleweed").packages().binary, "/etc/apache2/conf.d/tiny.conf");
    assert!(
        text.contains("a2enmod tiny") && !text.contains("LoadModule") && !text.contains("IfModule"),
        "{text}"
    );
}
