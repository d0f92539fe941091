//! Every tag of a header against rpmbuild's, with a list of those that may differ and why.

mod support;

use std::collections::BTreeMap;
use std::path::Path;
use std::process::Command;

use modgraft::rpm::{Destinations, write_set};
use rpm::{IndexData, PackageMetadata};
use support::module::{Module, TIME};
use support::rpmbuild::rebuild;
use support::run;

/// Tags whose values may differ; the type and its presence may not.
const EXCUSED: &[(u32, &str)] = &[
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

/// Tags that only rpmbuild has.
const NOT_OURS: &[(u32, &str)] = &[(5099, "the spec as rpmbuild parsed it, macros expanded")];

/// Tags that rpmbuild writes in other circumstances.
const NOT_THEIRS: &[(u32, &str)] =
    &[(1146, "the source package's MD5: by -ba, which makes both, not by --rebuild")];

fn header(path: &Path) -> BTreeMap<u32, IndexData> {
    let metadata = PackageMetadata::open(path).unwrap();
    metadata.header.get_all_entries().unwrap().into_iter().collect()
}

fn signature(path: &Path) -> BTreeMap<u32, IndexData> {
    let metadata = PackageMetadata::open(path).unwrap();
    metadata.signature.get_all_entries().unwrap().into_iter().collect()
}

fn compare(ours: &Path, theirs: &Path) {
    let (our_tags, their_tags) = (header(ours), header(theirs));
    for (tag, theirs) in &their_tags {
        let Some(ours) = our_tags.get(tag) else {
            assert!(NOT_OURS.iter().any(|(excused, _)| excused == tag), "{tag} is missing: {theirs:?}");
            continue;
        };
        assert_eq!(ours.to_string(), theirs.to_string(), "type of {tag}");
        if !EXCUSED.iter().any(|(excused, _)| excused == tag) {
            assert_eq!(ours, theirs, "{tag}");
        }
    }
    for (tag, ours) in &our_tags {
        let excused = NOT_THEIRS.iter().any(|(excused, _)| excused == tag);
        assert!(excused || their_tags.contains_key(tag), "{tag} is not rpmbuild's: {ours:?}");
    }
    // Of the signature header all values differ, but neither tags nor types.
    let kinds = |path: &Path| -> Vec<(u32, String)> {
        signature(path).into_iter().map(|(tag, data)| (tag, data.to_string())).collect()
    };
    assert_eq!(kinds(ours), kinds(theirs));
    assert_eq!(lead(ours), lead(theirs));
}

fn lead(path: &Path) -> Vec<u8> {
    fs_err::read(path).unwrap()[..96].to_vec()
}

#[test]
fn every_tag_that_rpmbuild_writes() {
    let module = Module::new();
    let set = module.packages();
    let folder = tempfile::tempdir().unwrap();
    let path = |package: &modgraft::package::Package| folder.path().join(package.file_name());
    let to = Destinations {
        binary: path(&set.binary),
        debuginfo: path(&set.debuginfo),
        source: path(&set.source),
    };
    write_set(&set, None, &to).unwrap();

    let made = rebuild(&to.source, &folder.path().join("top"));
    compare(&to.binary, &made[0]);
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
        .env("SOURCE_DATE_EPOCH", TIME.to_string())
        .arg(top.join("SPECS/mod_tiny.spec")));
    compare(&to.source, &top.join("SRPMS/mod_tiny-1.0-1.src.rpm"));
}
