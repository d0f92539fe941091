//! `modgraft repo check`: each thing that can be wrong with a repository is found and named.

mod support;

use std::path::{Path, PathBuf};
use std::process::Command;

use support::gnupg::Gnupg;
use support::publisher::{Publisher, metadata, text};
use support::repository::{Spec, createrepo, rpms};
use support::run;

fn spec() -> Spec {
    Spec::new().package("a", "1", &["Requires: b"], &["/usr/share/a"]).package(
        "b",
        "1",
        &[],
        &["/usr/share/b"],
    )
}

/// A signed repository, and copies of it to damage.
struct Published {
    me: Publisher,
    folder: PathBuf,
}

impl Published {
    fn new() -> Self {
        let me = Publisher::new();
        let given = me.packages("given", &spec());
        let folder = me.path("repo");
        me.good(&[
            "publish",
            text(&folder),
            text(&given),
            "--name",
            "mods",
            "--base-url",
            "https://x.example",
        ]);
        me.demand_whole(&folder);
        Published { me, folder }
    }

    /// What is found where a copy was changed: kind, file and problem of each.
    fn found(&self, change: impl FnOnce(&Path)) -> Vec<[String; 3]> {
        let copy = self.me.path("copy");
        let _ = fs_err::remove_dir_all(&copy);
        run(Command::new("cp").arg("-a").arg(&self.folder).arg(&copy));
        change(&copy);
        let found = self.me.check(&copy);
        let problems = found["problems"].as_array().unwrap().iter();
        problems
            .map(|problem| ["kind", "file", "problem"].map(|key| problem[key].as_str().unwrap().to_owned()))
            .collect()
    }

    /// One problem, of this kind, with this file, with these words.
    fn finds(&self, kind: &str, file: &str, words: &str, change: impl FnOnce(&Path)) {
        let found = self.found(change);
        let good = found.iter().any(|[found_kind, found_file, problem]| {
            found_kind == kind && found_file.contains(file) && problem.contains(words)
        });
        assert!(good, "{kind} {file} {words}: {found:#?}");
    }
}

fn edit(path: &Path, change: impl FnOnce(&mut Vec<u8>)) {
    let mut bytes = fs_err::read(path).unwrap();
    change(&mut bytes);
    fs_err::write(path, bytes).unwrap();
}

fn package(folder: &Path, name: &str) -> PathBuf {
    folder.join(format!("Packages/{name}-1-1.x86_64.rpm"))
}

#[test]
fn what_is_wrong_with_metadata_is_named() {
    let published = Published::new();
    let repomd = |folder: &Path| folder.join("repodata/repomd.xml");
    published.finds("signature", "repomd.xml.asc", "does not hold: what it covers was changed", |folder| {
        edit(&repomd(folder), |text| text.push(b'\n'));
    });
    published.finds("signature", "repomd.xml.asc", "it is not there, and there are keys", |folder| {
        fs_err::remove_file(folder.join("repodata/repomd.xml.asc")).unwrap();
    });
    published.finds("signature", "repomd.xml.asc", "there is no key to check it by", |folder| {
        fs_err::remove_file(folder.join("repodata/repomd.xml.key")).unwrap();
    });
    published.finds("signature", "RPM-GPG-KEY-mods", "does not have the keys", |folder| {
        fs_err::write(folder.join("RPM-GPG-KEY-mods"), "x").unwrap();
    });
    published.finds("signature", "mods.repo", "it is not there", |folder| {
        fs_err::remove_file(folder.join("mods.repo")).unwrap();
    });
    published.finds("metadata", "repomd.xml", "", |folder| {
        edit(&repomd(folder), |text| text.truncate(text.len() / 2));
    });
    for kind in ["primary", "filelists", "other"] {
        let file = format!("{kind}.xml.gz");
        published.finds("metadata", &file, "its sum does not hold", |folder| {
            // The length stays, and what is in it too: the header's time.
            edit(&metadata(folder, kind).0, |bytes| bytes[4] ^= 1);
        });
        published.finds("metadata", &file, "bytes, and should have", |folder| {
            edit(&metadata(folder, kind).0, |bytes| bytes.truncate(bytes.len() / 2));
        });
        published.finds("metadata", &file, "it is not there", |folder| {
            fs_err::remove_file(metadata(folder, kind).0).unwrap();
        });
    }
    published.finds("leftover", "repodata/x", "no metadata names it", |folder| {
        fs_err::write(folder.join("repodata/x"), "").unwrap();
    });
    published.finds("leftover", ".modgraft-staging", "was broken off", |folder| {
        fs_err::create_dir(folder.join(".modgraft-staging")).unwrap();
    });
    // Nothing else was wrong with any.
    assert_eq!(published.found(|_| ()), [] as [[String; 3]; 0]);
}

#[test]
fn what_is_wrong_with_packages_is_named() {
    let published = Published::new();
    published.finds("package", "a-1-1", "the file is not there", |folder| {
        fs_err::remove_file(package(folder, "a")).unwrap();
    });
    published.finds("package", "a-1-1", "bytes, and", |folder| {
        edit(&package(folder, "a"), |bytes| bytes.push(0));
    });
    published.finds("package", "a-1-1", "its sum is not the one", |folder| {
        edit(&package(folder, "a"), |bytes| *bytes.last_mut().unwrap() ^= 1);
    });
    published.finds("unlisted", "Packages/c-1-1.x86_64.rpm", "no metadata names it", |folder| {
        fs_err::copy(package(folder, "a"), package(folder, "c")).unwrap();
    });
    published.finds("unlisted", "more.rpm", "no metadata names it", |folder| {
        fs_err::write(folder.join("more.rpm"), "").unwrap();
    });
}

/// Metadata whose sums are right, and which says something else than the packages.
#[test]
fn metadata_that_says_something_else_is_found() {
    let me = Publisher::new();
    let folder = me.packages("repo", &spec());
    createrepo(&folder, &["--no-database"]);
    me.demand_whole(&folder);
    let open = |kind: &str| support::publisher::open(&folder, kind);
    let (primary, filelists, other) = (open("primary"), open("filelists"), open("other"));
    let with = |primary: String, filelists: String| {
        let mut records = Vec::new();
        let repodata = folder.join("repodata");
        fs_err::remove_dir_all(&repodata).unwrap();
        fs_err::create_dir(&repodata).unwrap();
        for (kind, text) in [("primary", primary), ("filelists", filelists), ("other", other.clone())] {
            let sum = support::repository::sha256(text.as_bytes());
            fs_err::write(repodata.join(format!("{kind}.xml")), &text).unwrap();
            records.push(format!(
                "<data type=\"{kind}\"><checksum type=\"sha256\">{sum}</checksum>\
                 <location href=\"repodata/{kind}.xml\"/><size>{}</size></data>",
                text.len()
            ));
        }
        let text = format!("<repomd>{}</repomd>", records.concat());
        fs_err::write(repodata.join("repomd.xml"), text).unwrap();
        let found = me.check(&folder);
        let problems = found["problems"].as_array().unwrap().iter();
        let told = |problem: &serde_json::Value| {
            format!("{} {}", problem["kind"].as_str().unwrap(), problem["problem"].as_str().unwrap())
        };
        problems.map(told).collect::<Vec<String>>()
    };
    assert_eq!(with(primary.clone(), filelists.clone()), [] as [&str; 0]);
    let changed = |from: &str, to: &str| {
        assert!(primary.contains(from), "{from} in {primary}");
        with(primary.replacen(from, to, 1), filelists.clone()).join("\n")
    };
    let told = changed("<summary>a<", "<summary>another<");
    assert_eq!(
        told,
        "differs of a-1-1.x86_64, primary is not right: it says summary \"another\", and its header summary \"a\""
    );
    let told = changed("<rpm:entry name=\"b\"/>", "<rpm:entry name=\"c\"/>");
    assert!(told.contains("it says entry name=\"c\", and its header entry name=\"b\""), "{told}");
    let told = changed("href=\"a-1-1.x86_64.rpm\"", "href=\"../a-1-1.x86_64.rpm\"");
    assert!(told.contains("is not gone to: it leads out of the repository"), "{told}");
    let told = changed("packages=\"2\"", "packages=\"3\"");
    assert!(told.contains("it has 2 packages, and says to have 3"), "{told}");
    let told = changed("<name>b<", "<name>a<");
    assert!(told.contains("it is listed twice: "), "{told}");
    let told = with(primary.clone(), filelists.replacen("/usr/share/a<", "/usr/share/x<", 1)).join("\n");
    assert!(told.contains("filelists is not right: it says file \"/usr/share/x\""), "{told}");
    let told = with(primary.clone(), filelists.replacen("pkgid=\"", "pkgid=\"0", 1)).join("\n");
    assert!(
        told.contains("it is not in filelists") && told.contains("1 packages in it are not in primary"),
        "{told}"
    );
    let told = with(primary.replace("</metadata>", ""), filelists.clone()).join("\n");
    assert!(told.contains("metadata it ends within an element"), "{told}");
}

#[test]
fn keys_of_ones_own_say_whose_it_is() {
    let published = Published::new();
    let (me, folder) = (&published.me, &published.folder);
    me.good(&["check", text(folder), "--key", text(&me.public)]);
    let stranger = Publisher::new();
    let run = me.run(&["check", text(folder), "--key", text(&stranger.public)]);
    assert_eq!(run.code, 3, "{run:?}");
    let lines: Vec<&str> = run.stdout.lines().collect();
    assert_eq!(lines.len(), 3, "{run:?}");
    assert!(lines[0].starts_with("repodata/repomd.xml.asc: its signature is by the key "), "{run:?}");
    assert!(
        lines[1].starts_with("Packages/a-1-1.x86_64.rpm: ") && lines[1].contains("not among those given")
    );
    assert!(run.stderr.contains("3 problems") && !run.stderr.contains("not signed"), "{run:?}");
    // Also where releases are named: each package's problem is one.
    me.good(&["publish", text(folder), "--for", "el8,el9"]);
    let run = me.run(&["check", text(folder), "--key", text(&stranger.public)]);
    assert_eq!(run.stdout.lines().count(), 3, "{run:?}");
    // One that is signed by nobody.
    let open = me.path("open");
    me.good(&["publish", text(&open), text(&rpms(&me.path("given"))[0]), "--sign-key", "none"]);
    me.good(&["check", text(&open)]);
    let run = me.run(&["check", text(&open), "--key", text(&me.public)]);
    assert!(run.code == 3 && run.stdout.contains("it is not there, and there are keys"), "{run:?}");
    me.refused(&["check", text(&me.path("given"))], 2, "is no repository");
}

/// As where the clock of the machine was wrong that made the key, signed and published.
#[test]
fn a_key_from_the_future_signs_nothing_and_is_told() {
    let me = Publisher::new();
    let given = me.unsigned("given", &spec());
    let later = |args: &[&str]| {
        let mut command = Command::new("faketime");
        command.args(["2040-01-02 12:00:00", env!("CARGO_BIN_EXE_modgraft")]).args(args);
        command.current_dir(me.path("")).env_remove("SOURCE_DATE_EPOCH");
        run(&mut command)
    };
    later(&["key", "new", "--out", "key.asc"]);
    let packages = rpms(&given);
    let paths: Vec<&str> = packages.iter().map(|path| text(path)).collect();
    later(&[&["sign", "--sign-key", "key.asc"], &paths[..]].concat());
    later(&["repo", "publish", "repo", "given", "--sign-key", "key.asc"]);
    assert_eq!(later(&["repo", "check", "repo", "--key", "key.pub.asc"]), "");

    let folder = me.path("repo");
    let found = me.check(&folder);
    let problems = found["problems"].as_array().unwrap();
    assert_eq!(problems.len(), 1, "{found:#}");
    let (file, problem) = (problems[0]["file"].as_str().unwrap(), problems[0]["problem"].as_str().unwrap());
    assert_eq!((file, problems[0]["kind"].as_str()), ("repodata/repomd.xml.asc", Some("signature")));
    assert!(problem.contains("was made on 2040-01-02, in the future"), "{problem}");
    // So do clients say it.
    let output = Gnupg::new().command().arg("--import").arg(me.path("key.pub.asc")).output().unwrap();
    assert!(String::from_utf8_lossy(&output.stderr).contains("in the future"), "{output:?}");
    let said =
        me.refused(&["publish", "again", "given", "--sign-key", "key.asc"], 9, "was made on 2040-01-02");
    assert!(said.contains("modgraft::sign::not_yet"), "{said}");
    assert!(!me.path("again").exists());
}
