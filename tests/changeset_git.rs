//! Every form of patch that real tools write of one change gives the same files, with and without the tree before.

mod changeset_support;
mod source_support;

use std::path::{Path, PathBuf};
use std::process::Command;

use changeset_support::{after, file, fragments, listing, paths, rules};
use modgraft::changeset::{self, Action, Changeset, Encoding, FileText, modules};
use modgraft::source::{PatchFile, Sources, Tree};
use source_support::{MODULE, git, write};

/// A change with all that the forms differ in, committed; the tree before it is in `old`, the one after in `new`.
struct Change {
    folder: tempfile::TempDir,
}

/// A path, and its content in the old and the new tree.
type Both<'a> = (&'a str, Option<&'a [u8]>, Option<&'a [u8]>);

const OLD_TO_NEW: &[Both<'static>] = &[
    (
        "CHANGES",
        Some(b"Changes with Apache 2.4.5\n\n  *) Old.\n"),
        Some(b"Changes with Apache 2.4.5\n\n  *) New.\n\n  *) Old.\n"),
    ),
    ("docs/icon.gif", Some(b"GIF\0\x01\x02"), Some(b"GIF\0\x03\x04\x05")),
    ("modules/x/config.m4", None, Some(b"APACHE_MODULE(x)\n")),
    ("modules/x/empty.c", None, Some(b"")),
    ("modules/x/gone.c", Some(b"int gone;\n"), None),
    ("modules/x/latin.c", Some(b"/* caf\xe9 */\nint a;\n"), Some(b"/* caf\xe9 */\nint a;\nint na\xefve;\n")),
    ("modules/x/mod x.dsp", Some(b"one\r\ntwo\r\nthree\r\n"), Some(b"one\r\n2\r\nthree\r\n")),
    ("modules/x/open.h", Some(b"#define A\n#define B"), Some(b"#define A\n#define B 1")),
    ("modules/x/closed.h", Some(b"#define A"), Some(b"#define A\n")),
    ("modules/x/windows.c", Some(b"int a;\r\nint b;\r\n"), Some(b"int a;\r\nint c;\r\n")),
];

impl Change {
    fn make() -> Change {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path();
        fs_err::create_dir(path.join("repo")).unwrap();
        let lines: String = (1..=90).map(|n| format!("int shared_{n};\n")).collect();
        let moved: String = (1..=30).map(|n| format!("int moved_{n};\n")).collect();
        let changed = lines
            .replace("int shared_40;\n", "int shared_40;\nint brought;\n")
            .replace("int shared_80;\n", "");
        let mut all: Vec<Both<'_>> = OLD_TO_NEW.to_vec();
        let renamed = moved.replace("moved_15", "renamed_15");
        all.push(("modules/x/mod_x.c", None, Some(MODULE.as_bytes())));
        all.push(("modules/y/shared.c", Some(lines.as_bytes()), Some(changed.as_bytes())));
        all.push(("modules/y/moved.c", Some(moved.as_bytes()), None));
        all.push(("modules/z/renamed.c", None, Some(renamed.as_bytes())));
        all.push(("modules/z/script.c", Some(b"int mode;\n"), Some(b"int mode;\n")));
        for (name, old, new) in all {
            for (tree, content) in [("old", old), ("new", new)] {
                if let Some(content) = content {
                    write(&path.join(tree), name, content);
                }
            }
        }
        let repo = path.join("repo");
        git(&repo, &["init", "-q", "-b", "main", "."]);
        for (tree, mode) in [("old", 0o644), ("new", 0o755)] {
            git(&repo, &["rm", "-rq", "--ignore-unmatch", "."]);
            copy(&path.join(tree), &repo);
            let executable = std::os::unix::fs::PermissionsExt::from_mode(mode);
            fs_err::set_permissions(repo.join("modules/z/script.c"), executable).unwrap();
            git(&repo, &["add", "-A"]);
            git(
                &repo,
                &["commit", "-q", "--no-gpg-sign", "-m", &format!("mod_x: The {tree} tree.\n\nAll of it.")],
            );
        }
        Change { folder }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// What git writes, as bytes.
    fn git(&self, args: &[&str]) -> Vec<u8> {
        self.run(
            Command::new("git")
                .current_dir(self.path("repo"))
                .env("GIT_CONFIG_GLOBAL", "/dev/null")
                .args(args),
            "git",
        )
    }

    fn run(&self, command: &mut Command, name: &str) -> Vec<u8> {
        let output = command
            .output()
            .unwrap_or_else(|error| panic!("{name} must be installed for this test: {error}"));
        // diff ends with 1 where it found differences.
        assert!(
            output.status.code().is_some_and(|code| code < 2),
            "{name}: {}",
            String::from_utf8_lossy(&output.stderr)
        );
        output.stdout
    }

    /// The changeset of a patch, all of it applied if there is a base.
    fn read(&self, patch: Vec<u8>, based: bool) -> Changeset {
        let base = based.then(|| Tree::directory(&self.path("old")).unwrap());
        let patches = vec![PatchFile::new("the.patch", patch, None)];
        let sources = Sources { patches, base, files: Vec::new(), description: String::new() };
        changeset::read(&sources, &[]).unwrap_or_else(|error| panic!("{}", changeset_support::shown(&error)))
    }

    /// Compares every C file and header that is known whole with the tree after the change.
    fn assert_applied(&self, changeset: &Changeset, name: &str) {
        for change in changeset.files.iter().filter(|file| !file.class.is_stripped()) {
            let FileText::Whole { before, after } = &change.text else {
                panic!("{name}: {} is in fragments", change.path)
            };
            let text = |tree: &str, path: &str| {
                let bytes = fs_err::read(self.path(tree).join(path)).unwrap_or_default();
                let text = String::from_utf8(bytes)
                    .unwrap_or_else(|e| e.into_bytes().iter().map(|&b| char::from(b)).collect());
                text.replace("\r\n", "\n")
            };
            assert_eq!(**after, text("new", &change.path), "{name}: {}", change.path);
            if let Some(before) = before {
                let old = change.renamed_from.as_ref().unwrap_or(&change.path);
                assert_eq!(**before, text("old", old), "{name}: {}", change.path);
            }
        }
    }
}

fn copy(from: &Path, to: &Path) {
    for entry in walkdir::WalkDir::new(from) {
        let entry = entry.unwrap();
        let target = to.join(entry.path().strip_prefix(from).unwrap());
        if entry.file_type().is_dir() {
            fs_err::create_dir_all(target).unwrap();
        } else {
            fs_err::copy(entry.path(), target).unwrap();
        }
    }
}

fn crlf(patch: &[u8]) -> Vec<u8> {
    let text: Vec<u8> =
        patch.iter().flat_map(|&byte| if byte == b'\n' { vec![b'\r', b'\n'] } else { vec![byte] }).collect();
    // A line that has one already keeps it alone.
    String::from_utf8(text.iter().copied().map(|b| if b < 128 { b } else { b'?' }).collect())
        .unwrap()
        .replace("\r\r\n", "\r\n")
        .into_bytes()
}

#[test]
fn every_form_that_git_writes_gives_the_tree_after() {
    let change = Change::make();
    let range = ["HEAD^", "HEAD"];
    let forms: Vec<(&str, Vec<u8>)> = vec![
        ("mail", change.git(&["format-patch", "--binary", "-1", "--stdout"])),
        ("mail without renames", change.git(&["format-patch", "--binary", "--no-renames", "-1", "--stdout"])),
        ("show", change.git(&["show", "--binary", "HEAD"])),
        ("without binary data", change.git(&["show", "HEAD"])),
        ("no prefix", change.git(&[&["diff", "--binary", "--no-prefix"], &range[..]].concat())),
        (
            "mnemonic",
            change.git(&[&["-c", "diff.mnemonicPrefix=true", "diff", "--binary"], &range[..]].concat()),
        ),
        (
            "other prefixes",
            change.git(
                &[&["diff", "--binary", "--src-prefix=httpd-old/", "--dst-prefix=httpd-new/"], &range[..]]
                    .concat(),
            ),
        ),
        ("no context", change.git(&[&["diff", "--binary", "-U0"], &range[..]].concat())),
        ("long context", change.git(&[&["diff", "--binary", "-U100"], &range[..]].concat())),
    ];
    for (name, patch) in forms {
        let based = change.read(patch.clone(), true);
        change.assert_applied(&based, name);
        assert_eq!(modules(&based).len(), 1, "{name}");
        assert!(
            based.files.iter().all(|file| file.hunks.iter().all(|hunk| hunk.offset == 0)),
            "{name}: nothing had moved"
        );
        let renamed = file(&based, "modules/z/renamed.c");
        if name != "mail without renames" {
            assert_eq!(
                (renamed.renamed_from.as_deref(), renamed.action),
                (Some("modules/y/moved.c"), Action::Modified),
                "{name}"
            );
        }
        let alone = change.read(patch, false);
        assert_eq!(
            listing(&alone).replace("modules/z", ""),
            listing(&based).replace("modules/z", ""),
            "{name}"
        );
        assert_eq!(after(&alone, "modules/x/mod_x.c"), MODULE, "{name}");
        assert!(fragments(&alone, "modules/y/shared.c").contains("41+int brought;\n"), "{name}");
    }
}

#[test]
fn the_forms_of_the_change_are_told_apart() {
    let change = Change::make();
    let based = change.read(change.git(&["format-patch", "--binary", "-1", "--stdout"]), true);
    insta::assert_snapshot!(listing(&based), @r"
    Modified documentation by documentation.log: CHANGES @34+2-0
    Modified documentation by documentation.manual: docs/icon.gif @42+0-0
    Modified shared header by header.shared: modules/x/closed.h @53+1-1
    Added build system by build-system.autoconf: modules/x/config.m4 @62+1-0
    Added module source by module.beside: modules/x/empty.c
    Deleted shared source by shared.source: modules/x/gone.c @72+0-1
    Modified shared source by shared.source: modules/x/latin.c @78+1-0
    Modified build system by build-system.visual-studio: modules/x/mod x.dsp @86+1-1
    Added module source by module.new: modules/x/mod_x.c @96+4-0
    Modified shared header by header.shared: modules/x/open.h @105+1-1
    Modified shared source by shared.source: modules/x/windows.c @115+1-1
    Modified shared source by shared.source: modules/y/shared.c @123+1-0 @131+0-1
    Modified shared source by shared.source: modules/z/renamed.c (was modules/y/moved.c) @146+1-1
    Modified shared source by shared.source: modules/z/script.c
    ");
    let mail = &based.messages[0];
    assert_eq!(
        (mail.subject.as_deref(), mail.author.as_deref()),
        (Some("mod_x: The new tree."), Some("A U Thor <author@example.org>"))
    );
    assert!(mail.body.starts_with("All of it."), "{}", mail.body);
    assert_eq!(file(&based, "modules/x/latin.c").encoding, Encoding::Latin1);
    assert_eq!(file(&based, "modules/x/mod_x.c").encoding, Encoding::Utf8);
    assert!(after(&based, "modules/x/latin.c").contains("int naïve;"));
    assert!(after(&based, "modules/x/open.h").ends_with("B 1"), "no newline at the end stays none");
    assert_eq!(file(&based, "modules/z/script.c").hunks.len(), 0, "a change of mode is a change");
}

#[test]
fn gnu_diff_writes_patches_too() {
    let change = Change::make();
    for (args, name) in [
        (vec!["-urN", "--text", "old", "new"], "two folders"),
        (vec!["-ruN", "--text", "old/", "new/"], "with slashes"),
        (vec!["-U1", "-rpN", "--text", "old", "new"], "short context"),
    ] {
        let patch = change.run(Command::new("diff").current_dir(change.folder.path()).args(&args), "diff");
        let based = change.read(patch.clone(), true);
        change.assert_applied(&based, name);
        assert_eq!(file(&based, "modules/x/gone.c").action, Action::Deleted, "{name}");
        let alone = change.read(patch, false);
        assert_eq!(listing(&alone), listing(&based), "{name}");
    }
}

#[test]
fn a_patch_that_was_through_windows_is_the_same_patch() {
    let change = Change::make();
    // Of text alone: nothing puts CRs into binary data, and Latin-1 would not come through `crlf` above.
    let args = [
        "format-patch",
        "-1",
        "--stdout",
        "--",
        "modules/x",
        "modules/y",
        "modules/z",
        "CHANGES",
        ":!modules/x/latin.c",
    ];
    let mail = change.git(&args);
    let plain = change.read(mail.clone(), true);
    for (name, patch) in [
        ("mail", crlf(&mail)),
        (
            "unified",
            crlf(&change.git(&[
                "diff",
                "--no-renames",
                "HEAD^",
                "HEAD",
                "--",
                "modules/x/mod_x.c",
                "modules/y/shared.c",
            ])),
        ),
    ] {
        let based = change.read(patch, true);
        change.assert_applied(&based, name);
        if name == "mail" {
            assert_eq!(listing(&based), listing(&plain));
        }
    }
}

#[test]
fn a_series_of_mails_ends_where_the_branch_ends() {
    let folder = tempfile::tempdir().unwrap();
    let repo = folder.path();
    git(repo, &["init", "-q", "-b", "main", "."]);
    let commit = |message: &str| {
        git(repo, &["add", "-A"]);
        git(repo, &["commit", "-q", "--no-gpg-sign", "-m", message]);
    };
    write(repo, "modules/y/old.c", "int one;\nint two;\nint three;\n");
    write(repo, "modules/y/a.c", (1..40).map(|n| format!("int a_{n};\n")).collect::<String>());
    commit("base");
    write(repo, "modules/x/mod_x.c", MODULE);
    write(repo, "modules/x/draft.c", "int draft;\n");
    commit("one");
    write(repo, "modules/x/mod_x.c", MODULE.replace("an example", "the final example"));
    git(repo, &["mv", "modules/y/old.c", "modules/y/new.c"]);
    git(repo, &["rm", "-q", "modules/x/draft.c"]);
    commit("two");
    write(repo, "modules/y/new.c", "int one;\nint 2;\nint three;\n");
    git(repo, &["mv", "modules/y/a.c", "modules/y/b.c"]);
    write(repo, "modules/y/a.c", (1..40).map(|n| format!("char *fresh{};\n", n * 77)).collect::<String>());
    commit("three");
    let output = Command::new("git")
        .current_dir(repo)
        .args(["format-patch", "--stdout", "-B", "HEAD~3"])
        .output()
        .unwrap();
    let tree = |revision: &str| {
        git(repo, &["checkout", "-q", revision]);
        Tree::directory(repo).unwrap()
    };
    let read = |base: Option<Tree>| {
        let patches = vec![PatchFile::new("series.patch", output.stdout.clone(), None)];
        changeset::read(&Sources { patches, base, files: Vec::new(), description: String::new() }, &[])
            .unwrap()
    };
    let based = read(Some(tree("main~3")));
    insta::assert_snapshot!(listing(&based), @r"
    Added module source by module.new: modules/x/mod_x.c @25+4-0 @58+1-1
    Modified shared source by shared.source: modules/y/new.c (was modules/y/old.c) @177+1-1
    Modified shared source by shared.source: modules/y/a.c @90+39-39
    Added shared source by shared.source: modules/y/b.c (copy of modules/y/a.c)
    ");
    assert_eq!(
        based.messages.iter().filter_map(|m| m.subject.as_deref()).collect::<Vec<_>>(),
        ["one", "two", "three"]
    );
    git(repo, &["checkout", "-q", "main"]);
    for path in paths(&based) {
        assert_eq!(after(&based, path), fs_err::read_to_string(repo.join(path)).unwrap(), "{path}");
    }
    // What the series brings whole is whole without a base tree too.
    let alone = read(None);
    assert_eq!(after(&alone, "modules/x/mod_x.c"), after(&based, "modules/x/mod_x.c"));
    assert_eq!(fragments(&alone, "modules/y/new.c"), "1 int one;\n2!+int 2;\n3 int three;\n-int two;\n");
}

#[test]
fn random_changes_come_out_as_git_has_them() {
    let folder = tempfile::tempdir().unwrap();
    let repo = folder.path();
    git(repo, &["init", "-q", "-b", "main", "."]);
    let mut random = Random(7);
    // Few different lines, so that hunks fit in many places and only exact ones may be taken.
    let mut texts: Vec<Vec<String>> =
        (0..60).map(|_| (0..random.below(80)).map(|_| format!("{}\n", random.below(6))).collect()).collect();
    let save = |texts: &[Vec<String>]| {
        for (number, text) in texts.iter().enumerate() {
            write(repo, &format!("f{number}.c"), text.concat());
        }
        git(repo, &["add", "-A"]);
        git(repo, &["commit", "-q", "--no-gpg-sign", "-m", "x"]);
    };
    save(&texts);
    let before = tempfile::tempdir().unwrap();
    copy(repo, before.path());
    for text in &mut texts {
        for _ in 0..random.below(6) {
            let at = random.below(text.len() + 1);
            match random.below(3) {
                0 if at < text.len() => drop(text.remove(at)),
                1 => text.insert(at, format!("{}\n", random.below(6))),
                _ => {
                    text.splice(at..at, ["a\n".to_owned(), "b".repeat(random.below(3)) + "\n"]).for_each(drop)
                }
            }
        }
        if random.below(4) == 0 {
            text.last_mut().map(String::pop);
        }
    }
    save(&texts);
    for context in ["-U0", "-U1", "-U3"] {
        let patch = Command::new("git")
            .current_dir(repo)
            .args(["diff", context, "HEAD^", "HEAD"])
            .output()
            .unwrap()
            .stdout;
        let sources = Sources {
            patches: vec![PatchFile::new("x.patch", patch, None)],
            base: Some(Tree::directory(before.path()).unwrap()),
            files: Vec::new(),
            description: String::new(),
        };
        let rules = rules("[[classify]]\npath = \"**\"\nclass = \"shared-source\"\nwhy = \"for the test\"\n");
        let changeset = changeset::read(&sources, &rules).unwrap();
        assert!(changeset.files.len() > 40, "{}", changeset.files.len());
        for path in paths(&changeset) {
            assert_eq!(
                after(&changeset, path),
                fs_err::read_to_string(repo.join(path)).unwrap(),
                "{context} {path}"
            );
        }
    }
}

/// A small generator of its own, so that a failure is the same every time.
struct Random(u64);

impl Random {
    fn below(&mut self, limit: usize) -> usize {
        self.0 = self.0.wrapping_mul(6364136223846793005).wrapping_add(1442695040888963407);
        usize::try_from(self.0 >> 33).unwrap() % limit.max(1)
    }
}
