//! Every tag of a header against rpmbuild's, with a list of those that may differ and why.

mod support;

use std::process::Command;

use modgraft::package::Package;
use modgraft::profile::Profile;
use modgraft::rpm::{Destinations, write_set};
use support::module::{Module, TIME};
use support::rpmbuild::rebuild_with;
use support::run;
use support::tags::{Excuse, Excused, compare, header, signature};

/// Tags whose values may differ; the type and its presence may not.
const VALUES: &[Excuse] = &[
    (63, "the region: offsets"),
    (1009, "size: rpmbuild's build gives another shared object"),
    (1028, "file sizes: the same"),
    (1035, "file digests: the same"),
    (1122, "compiler flags: rpmbuild has the distribution's, we those of our call"),
    (1141, "file classes: indices into the following"),
    (1142, "file(1)'s words: the build id is in them, and they are libmagic's own"),
    (
        1145,
        "rpmbuild counts before it puts rpmlib(PayloadIsZstd) among the requires, and is one off; see below",
    ),
    (5092, "digest of the payload: the shared object"),
    (5097, "digest of the archive: the same"),
];

/// The same of the debug information's package.
const DEBUG_VALUES: &[Excuse] = &[
    (63, "the region: offsets"),
    (1009, "size: rpmbuild's build gives another shared object"),
    (1028, "file sizes: the same"),
    (1035, "file digests: the same"),
    (1036, "link targets: the debug file's is equal, the links are longer where a build id is in them"),
    (1113, "versions of what is provided: the build id is one"),
    (1117, "names of files: the build id is in them"),
    (1118, "names of folders: the same"),
    (1122, "compiler flags: rpmbuild has the distribution's, we those of our call"),
    (1141, "file classes: indices into the following"),
    (1142, "file(1)'s words: the build id is in them, and they are libmagic's own"),
    (5092, "digest of the payload: the shared object"),
    (5097, "digest of the archive: the same"),
];

/// The sources are the same files: even the archive is equal.
const SOURCE_VALUES: &[Excuse] = &[
    (63, "the region: offsets"),
    (1122, "compiler flags: rpmbuild has the distribution's, we those of our call"),
];

/// Tags that only rpmbuild has.
const NOT_OURS: &[Excuse] = &[(5099, "the spec as rpmbuild parsed it, macros expanded")];

/// Tags that rpmbuild writes in other circumstances.
const NOT_THEIRS: &[Excuse] =
    &[(1146, "the source package's MD5: by -ba, which makes both, not by --rebuild")];

const EXCUSED: Excused = Excused { values: VALUES, not_ours: NOT_OURS, not_theirs: NOT_THEIRS };

#[test]
fn every_tag_that_rpmbuild_writes() {
    every_tag(&Module::of_upstream(), "0");
}

#[test]
fn every_tag_where_sources_for_debuggers_are_a_package() {
    let mut module = Module::of_upstream();
    let profile = "extends = \"debian\"\n[packaging]\ndebug-sources = \"debugsource\"\n";
    module.target.profile = Profile::parse("debian", profile, "test").unwrap();
    every_tag(&module, "1");
}

/// `debugsource` is what rpmbuild has for `_debugsource_packages`.
fn every_tag(module: &Module, debugsource: &str) {
    let set = module.packages();
    let folder = tempfile::tempdir().unwrap();
    let path = |package: &Package| folder.path().join(package.file_name());
    let to = Destinations {
        binary: path(&set.binary),
        debuginfo: path(&set.debuginfo),
        source: path(&set.source),
    };
    write_set(&set, None, &to).unwrap();

    let options = match debugsource {
        "0" => vec!["--undefine", "_debugsource_packages"],
        _ => vec!["--define", "_debugsource_packages 1"],
    };
    let payload = ["--define", "_binary_payload w3.zstdio"];
    let options = [&options[..], &payload].concat();
    let made = rebuild_with(&to.source, &folder.path().join("top"), &options);
    let of = |package: &Package| {
        let name = package.file_name();
        let made = made.iter().find(|path| path.ends_with(&name));
        made.unwrap_or_else(|| panic!("rpmbuild made no {name}")).clone()
    };
    compare(&to.binary, &of(&set.binary), &EXCUSED);
    compare(&to.debuginfo, &of(&set.debuginfo), &Excused { values: DEBUG_VALUES, ..EXCUSED });
    assert_eq!(made.len() + 1, set.packages().count(), "{made:?}");
    if let Some(package) = &set.debugsource {
        let ours = path(package);
        compare(&ours, &of(package), &Excused { values: SOURCE_VALUES, ..EXCUSED });
        assert_eq!(header(&ours)[&1146], signature(&to.source)[&1004]);
    }
    let of_files = run(Command::new("rpm")
        .args(["-qp", "--nosignature", "--qf", "[%{FILENAMES} %{FILEREQUIRE}\n]"])
        .arg(&to.binary));
    let of_module =
        of_files.lines().find_map(|line| line.strip_prefix("/usr/lib/apache2/modules/mod_tiny.so ")).unwrap();
    let mut found: Vec<&str> = of_module.split_whitespace().collect();
    found.sort_unstable();
    let stated = run(Command::new("rpm").args(["-qp", "--nosignature", "--requires"]).arg(&to.binary));
    let wanted = |line: &&str| line.starts_with("libc.so.6") || line.starts_with("rtld");
    assert_eq!(found, stated.lines().filter(wanted).collect::<Vec<_>>());

    assert_eq!(header(&to.binary)[&1146], signature(&to.source)[&1004]);
    assert_eq!(header(&to.debuginfo)[&1146], signature(&to.source)[&1004]);

    // The source package, from its own content.
    let top = folder.path().join("again");
    let define = format!("_topdir {}", top.display());
    run(Command::new("rpm").args(["-i", "--nodeps", "--define", &define]).arg(&to.source));
    run(Command::new("rpmbuild")
        .args(["-bs", "--nodeps", "--define", &define])
        .args(["--define", "_buildhost reproducible"])
        .args(["--define", "clamp_mtime_to_source_date_epoch 1"])
        .args(["--define", "use_source_date_epoch_as_buildtime 1"])
        .args(["--define", "_source_payload w3.zstdio"])
        .args(&options)
        .env("SOURCE_DATE_EPOCH", TIME.to_string())
        .arg(top.join("SPECS/mod_tiny.spec")));
    compare(&to.source, &top.join("SRPMS/mod_tiny-1.0-1.src.rpm"), &EXCUSED);
}
