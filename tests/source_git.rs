//! Commits and bases by the real git, against real repositories.

mod source_support;

use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use modgraft::flatten::{SourceTree, Upstream as _};
use modgraft::source::{self, Base, Error, Options, SourceSpec, Sources};
use source_support::{Upstream, git, in_own_process, inner_folder, options, upstream, write};

const URL: &str = "https://upstream.invalid/httpd.git";

fn commit(url: &str, commit: &str) -> SourceSpec {
    SourceSpec::Commit { url: url.to_owned(), commit: commit.to_owned() }
}

fn fetch(spec: &SourceSpec, options: &Options) -> Result<Sources, Error> {
    source::fetch(spec, Path::new("/nonexistent"), options)
}

fn text(sources: &Sources, path: &str) -> Option<String> {
    let base = sources.base.as_ref().expect("a commit has a base tree");
    base.read(path).expect("readable").map(|bytes| String::from_utf8_lossy(&bytes).into_owned())
}

fn patch(sources: &Sources) -> String {
    String::from_utf8_lossy(&sources.patches[0].bytes).into_owned()
}

/// A home whose git settings send [`URL`] to the repository, and would change every byte of a diff.
fn hostile_home(home: &Path, upstream: &Upstream) {
    write(home, "attributes", "*.c diff=odd\n");
    write(home, "order", "server/*\nmodules/*\n");
    let settings = format!(
        "[url \"{}\"]\n insteadOf = {URL}\n[diff]\n noprefix = true\n mnemonicPrefix = true\n context = 1\n algorithm = patience\n\
         renames = copies\n external = /bin/false\n orderFile = {}\n suppressBlankEmpty = true\n[color]\n ui = always\n\
         [core]\n abbrev = 5\n attributesFile = {}\n quotePath = false\n hooksPath = {}\n[diff \"odd\"]\n xfuncname = ^nothing$\n\
         [init]\n defaultObjectFormat = sha256\n[fetch]\n prune = true\n writeCommitGraph = true\n[format]\n pretty = oneline\n",
        upstream.path.display(),
        home.join("order").display(),
        home.join("attributes").display(),
        home.join("hooks").display(),
    );
    write(home, ".gitconfig", settings);
    // A hook that runs would leave a mark.
    write(
        home,
        "hooks/reference-transaction",
        format!("#!/bin/sh\ntouch {}\n", home.join("hook-ran").display()),
    );
    fs_err::set_permissions(home.join("hooks/reference-transaction"), std::fs::Permissions::from_mode(0o755))
        .unwrap();
}

#[test]
fn a_commit_comes_through_instead_of_and_is_the_same_bytes_whatever_the_settings() {
    let name = "a_commit_comes_through_instead_of_and_is_the_same_bytes_whatever_the_settings";
    if std::env::var_os("MODGRAFT_TEST_INNER").is_none() {
        let home = tempfile::tempdir().unwrap();
        let upstream = upstream(home.path());
        write(home.path(), "id", &upstream.module);
        hostile_home(home.path(), &upstream);
        let hostile = in_own_process(name, &[("HOME", home.path())]).unwrap();
        assert!(!home.path().join("hook-ran").exists(), "no hook of the user may run");
        fs_err::remove_dir_all(home.path().join("cache")).unwrap();
        write(
            home.path(),
            ".gitconfig",
            format!("[url \"{}\"]\n insteadOf = {URL}\n", upstream.path.display()),
        );
        let plain = in_own_process(name, &[("HOME", home.path())]).unwrap();
        let digest = |said: &str| {
            said.lines().find_map(|line| line.split_once("sha256=")).map(|(_, sum)| sum.to_owned())
        };
        assert!(digest(&plain).is_some());
        assert_eq!(digest(&hostile), digest(&plain));
        return;
    }
    let home = inner_folder();
    let id = fs_err::read_to_string(home.join("id")).unwrap();
    // Only this machine is asked, so --offline allows it.
    let options = Options { offline: true, ..options(&home.join("cache")) };
    let sources = fetch(&commit(URL, &id), &options).unwrap();
    assert_eq!(sources.description, format!("commit {} of {URL}", &id[..12]));
    assert_eq!(sources.patches[0].name, format!("{id}.patch"));
    assert_eq!(sources.patches[0].commit.as_deref(), Some(id.as_str()));
    assert_eq!(text(&sources, "modules/examples/mod_example.c"), None, "the base is the parent");
    assert!(text(&sources, "server/util.c").unwrap().starts_with("int shared_1;\n"));
    println!("sha256={}", sources.patches[0].sha256);

    // What is cached needs the repository no more.
    fs_err::rename(home.join("httpd"), home.join("elsewhere")).unwrap();
    let again = fetch(&commit(URL, &id), &options).unwrap();
    assert_eq!(again.patches[0].bytes, sources.patches[0].bytes);
    assert!(text(&again, "include/httpd.h").is_some());
    fs_err::rename(home.join("elsewhere"), home.join("httpd")).unwrap();
}

#[test]
fn the_patch_is_a_mail_that_git_itself_applies() {
    let folder = tempfile::tempdir().unwrap();
    let upstream = upstream(folder.path());
    let url = upstream.path.to_str().unwrap();
    let sources = fetch(&commit(url, &upstream.module), &options(folder.path())).unwrap();
    insta::assert_snapshot!(patch(&sources).replace(&upstream.module, "MODULE").split("diff --git a/modules").next().unwrap(), @r"
    From MODULE Mon Sep 17 00:00:00 2001
    From: A U Thor <author@example.org>
    Date: Thu, 13 Jun 2013 15:48:33 +0200
    Subject: [PATCH] mod_example: Add an example.
    MIME-Version: 1.0
    Content-Type: text/plain; charset=UTF-8
    Content-Transfer-Encoding: 8bit

    It does
    nothing.
     ---
     diff --git a/x b/x
    ---
    ");
    write(folder.path(), "the.patch", &*sources.patches[0].bytes);
    git(&upstream.path, &["checkout", "-q", &upstream.root]);
    git(&upstream.path, &["am", "-q", "--no-gpg-sign", folder.path().join("the.patch").to_str().unwrap()]);
    let tree = |revision: &str| git(&upstream.path, &["rev-parse", &format!("{revision}^{{tree}}")]);
    assert_eq!(tree("HEAD"), tree(&upstream.module));
    assert_eq!(
        git(&upstream.path, &["log", "-1", "--format=%an %ad %s", "--date=raw"]),
        "A U Thor 1371131313 +0200 mod_example: Add an example."
    );
}

#[test]
fn neighbours_in_one_shallow_cache_keep_their_parents() {
    let folder = tempfile::tempdir().unwrap();
    let upstream = upstream(folder.path());
    let url = format!("file://{}", upstream.path.display());
    let options = options(&folder.path().join("cache"));
    // The fetch of the last cuts the history off below the one before it, which is asked for then.
    for (id, brings) in [
        (&upstream.change, "a better one"),
        (&upstream.module, "an example"),
        (&upstream.change, "a better one"),
    ] {
        let sources = fetch(&commit(&url, id), &options).unwrap();
        assert!(patch(&sources).contains(brings));
        assert!(!patch(&sources).contains("shared_1;"), "the whole tree as one change: the parent was lost");
    }
    let repositories = fs_err::read_dir(folder.path().join("cache/git")).unwrap();
    let names: Vec<String> =
        repositories.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    assert_eq!(names.iter().filter(|name| name.ends_with(".git")).count(), 1, "{names:?}");
    assert!(!names.iter().any(|name| name.starts_with(".new")), "{names:?}");
}

#[test]
fn a_merge_is_the_change_to_its_first_parent_and_a_root_has_an_empty_base() {
    let folder = tempfile::tempdir().unwrap();
    let upstream = upstream(folder.path());
    let url = format!("file://{}", upstream.path.display());
    let options = options(&folder.path().join("cache"));
    let merge = fetch(&commit(&url, &upstream.merge), &options).unwrap();
    assert!(
        merge.description.ends_with(", a merge, as the change to its first parent"),
        "{}",
        merge.description
    );
    assert!(
        patch(&merge).contains("+++ b/modules/examples/mod_side.c")
            && !patch(&merge).contains("b/server/util.c")
    );
    assert!(text(&merge, "modules/examples/mod_example.c").unwrap().contains("a better one"));

    let root = fetch(&commit(&url, &upstream.root), &options).unwrap();
    assert!(patch(&root).contains("+++ b/CHANGES"));
    assert_eq!(text(&root, "CHANGES"), None);
}

/// Upstream tags its releases so.
#[test]
fn a_commit_that_changes_nothing_is_called_that() {
    let folder = tempfile::tempdir().unwrap();
    let upstream = upstream(folder.path());
    let commit_id = || git(&upstream.path, &["rev-parse", "HEAD"]).trim().to_owned();
    git(&upstream.path, &["commit", "--quiet", "--allow-empty", "-m", "Tag 2.4.62"]);
    let url = format!("file://{}", upstream.path.display());
    let error = fetch(&commit(&url, &commit_id()), &options(&folder.path().join("cache"))).unwrap_err();
    let help = miette::Diagnostic::help(&error).unwrap().to_string();
    assert_eq!(error.to_string(), format!("the commit {} of {url} changes no file", commit_id()));
    assert!(help.contains(&format!("--from {url}@{} ", commit_id())), "{help}");
    assert_eq!(error.kind(), modgraft::error::Kind::Input);
}

#[test]
fn a_server_that_gives_tips_only_is_asked_for_everything() {
    let name = "a_server_that_gives_tips_only_is_asked_for_everything";
    if std::env::var_os("MODGRAFT_TEST_INNER").is_none() {
        let home = tempfile::tempdir().unwrap();
        let upstream = upstream(home.path());
        write(home.path(), "id", &upstream.module);
        write(home.path(), ".gitconfig", "[protocol]\n version = 0\n");
        in_own_process(name, &[("HOME", home.path())]);
        return;
    }
    let home = inner_folder();
    let id = fs_err::read_to_string(home.join("id")).unwrap();
    let url = format!("file://{}", home.join("httpd").display());
    let sources = fetch(&commit(&url, &id), &options(&home.join("cache"))).unwrap();
    assert!(patch(&sources).contains("mod_example.c") && text(&sources, "CHANGES").is_some());
    let unknown = fetch(&commit(&url, &"1".repeat(40)), &options(&home.join("cache"))).unwrap_err();
    assert!(matches!(unknown, Error::UnknownCommit { .. }), "{unknown}");
}

#[test]
fn what_cannot_be_fetched_says_why() {
    let folder = tempfile::tempdir().unwrap();
    let upstream = upstream(folder.path());
    let local = upstream.path.to_str().unwrap();
    let by_url = format!("file://{local}");
    let options = options(&folder.path().join("cache"));
    let offline = Options { offline: true, ..options.clone() };
    let zeros = "0".repeat(39) + "1";
    let refuse = |url: &str, id: &str, options: &Options| fetch(&commit(url, id), options).unwrap_err();

    assert!(matches!(refuse(local, &upstream.module[..12], &options), Error::CommitId { .. }));
    for url in [local, &by_url] {
        assert!(matches!(refuse(url, &zeros, &options), Error::UnknownCommit { .. }), "{url}");
    }
    // A tree's id is an id, and no commit's.
    let tree = git(&upstream.path, &["rev-parse", "HEAD^{tree}"]);
    assert!(matches!(refuse(local, &tree, &options), Error::UnknownCommit { .. }));
    assert!(matches!(refuse("file:///nonexistent/x.git", &zeros, &options), Error::Repository { .. }));
    assert!(matches!(refuse("/nonexistent/x.git", &zeros, &options), Error::Repository { .. }));
    let started = std::time::Instant::now();
    let unreachable = refuse("https://127.0.0.1:1/x.git", &zeros, &options);
    assert!(matches!(unreachable, Error::Network { .. }), "{unreachable}");
    assert!(started.elapsed().as_secs() < 30);
    let forbidden = refuse("https://127.0.0.1:1/x.git", &zeros, &offline);
    assert!(matches!(forbidden, Error::Offline { .. }), "{forbidden}");
    assert!(matches!(refuse("ext::sh -c id", &zeros, &options), Error::Url { .. }));
    assert!(matches!(refuse("--upload-pack=id", &zeros, &options), Error::Url { .. }));
}

#[test]
fn a_copy_that_ends_at_the_commit_lacks_the_parent() {
    let folder = tempfile::tempdir().unwrap();
    let upstream = upstream(folder.path());
    let shallow = folder.path().join("shallow");
    let from = format!("file://{}", upstream.path.display());
    git(
        folder.path(),
        &["clone", "-q", "--bare", "--depth=1", "--branch=v1", &from, shallow.to_str().unwrap()],
    );
    let options = options(&folder.path().join("cache"));
    for url in [shallow.display().to_string(), format!("file://{}", shallow.display())] {
        let error = fetch(&commit(&url, &upstream.module), &options).unwrap_err();
        assert!(matches!(error, Error::NoParent { .. }), "{url}: {error}");
    }
}

#[test]
fn two_at_once_share_one_cache() {
    let folder = tempfile::tempdir().unwrap();
    let upstream = upstream(folder.path());
    let url = format!("file://{}", upstream.path.display());
    let options = options(&folder.path().join("cache"));
    let ids = [&upstream.module, &upstream.change, &upstream.merge, &upstream.module];
    std::thread::scope(|scope| {
        for id in ids {
            scope.spawn(|| {
                let sources = fetch(&commit(&url, id), &options).unwrap();
                assert!(text(&sources, "CHANGES").is_some());
            });
        }
    });
}

#[test]
fn what_a_killed_fetch_left_does_not_stop_the_next() {
    let folder = tempfile::tempdir().unwrap();
    let upstream = upstream(folder.path());
    let url = format!("file://{}", upstream.path.display());
    let options = options(&folder.path().join("cache"));
    fetch(&commit(&url, &upstream.module), &options).unwrap();
    let repository = fs_err::read_dir(folder.path().join("cache/git")).unwrap();
    let repository = repository.map(|entry| entry.unwrap().path()).find(|path| path.is_dir()).unwrap();
    write(&repository, "shallow.lock", "");
    write(&repository, "objects/pack/tmp_pack_x", "half");
    fetch(&commit(&url, &upstream.merge), &options).unwrap();
    assert!(!repository.join("objects/pack/tmp_pack_x").exists());
}

#[test]
fn no_git_is_told_by_name() {
    let name = "no_git_is_told_by_name";
    let (home, empty) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    if in_own_process(name, &[("PATH", empty.path()), ("HOME", home.path())]).is_some() {
        return;
    }
    let error = fetch(&commit(URL, &"1".repeat(40)), &options(&inner_folder())).unwrap_err();
    assert!(matches!(error, Error::GitMissing), "{error}");
}

#[test]
fn a_base_is_a_folder_or_a_revision() {
    let folder = tempfile::tempdir().unwrap();
    let upstream = upstream(folder.path());
    let options = options(&folder.path().join("cache"));
    write(folder.path(), "x.patch", "--- a/CHANGES\n+++ b/CHANGES\n@@ -1 +1 @@\n-x\n+y\n");
    let open = |base: &str, options: &Options| {
        let base = Some(Base::parse(base));
        source::fetch(&SourceSpec::Patches { files: vec!["x.patch".into()], base }, folder.path(), options)
    };
    let module = "modules/examples/mod_example.c";
    let has = |base: &str| {
        let sources = open(base, &options).unwrap_or_else(|error| panic!("{base}: {error}"));
        text(&sources, module).is_some_and(|text| text.contains("an example"))
    };
    let url = format!("file://{}", upstream.path.display());
    assert!(has("httpd@v1") && has("httpd@HEAD~2") && has(&format!("httpd@{}", &upstream.module[..9])));
    assert!(has(&format!("{url}@v1")) && has(&format!("{url}@{}", upstream.module)));
    assert!(!has("httpd") && !has(&format!("{url}@main")) && !has(&format!("httpd@{}", upstream.root)));
    assert_eq!(open("httpd@v1", &options).unwrap().description, "1 patch on v1 of httpd");

    let kind = |base: &str| match open(base, &options).unwrap_err() {
        Error::Base { problem, .. } => problem.to_owned(),
        Error::BaseText { problem, .. } => problem.to_owned(),
        Error::UnknownRevision { revision, .. } => format!("no {revision}"),
        Error::Repository { .. } => "no repository".to_owned(),
        other => panic!("{base}: {other}"),
    };
    assert_eq!(kind("nowhere"), "does not exist");
    assert_eq!(kind("x.patch"), "is not a folder");
    assert_eq!(kind("nowhere@v1"), "does not exist");
    assert_eq!(kind("httpd@v2"), "no v2");
    assert_eq!(kind("httpd@--all"), "no --all");
    assert_eq!(kind(&format!("{url}@v2")), "no v2");
    assert_eq!(kind(&format!("{url}@main~1")), "no main~1");
    assert_eq!(kind("httpd@"), "there must be something on both sides of the @");
    assert_eq!(kind("git@example.org:httpd.git"), "a url needs a revision: URL@REV");
    assert_eq!(kind("https://example.org/httpd.git"), "a url needs a revision: URL@REV");
    assert_eq!(kind("https://user@example.org/httpd.git"), "a url needs a revision: URL@REV");
    write(folder.path(), "plain/x", "");
    assert_eq!(kind("plain@v1"), "no repository");
}

#[test]
fn a_branch_that_was_fetched_once_is_there_offline() {
    let folder = tempfile::tempdir().unwrap();
    let upstream = upstream(folder.path());
    write(folder.path(), "x.patch", "--- a/CHANGES\n+++ b/CHANGES\n@@ -1 +1 @@\n-x\n+y\n");
    let base = |revision: &str| {
        Some(Base::Git {
            repository: format!("file://{}", upstream.path.display()),
            revision: revision.into(),
        })
    };
    let open = |revision: &str, offline: bool| {
        let spec = SourceSpec::Patches { files: vec!["x.patch".into()], base: base(revision) };
        source::fetch(&spec, folder.path(), &Options { offline, ..options(&folder.path().join("cache")) })
    };
    open("main", false).unwrap();
    fs_err::rename(&upstream.path, folder.path().join("elsewhere")).unwrap();
    assert!(open("main", false).is_err());
    assert!(open("v1", true).is_err());
    assert!(text(&open("main", true).unwrap(), "CHANGES").is_some());
}

#[test]
fn a_server_that_asks_for_a_password_is_not_waited_for() {
    use std::io::{Read, Write};
    let name = "a_server_that_asks_for_a_password_is_not_waited_for";
    if std::env::var_os("MODGRAFT_TEST_INNER").is_none() {
        let home = tempfile::tempdir().unwrap();
        in_own_process(name, &[("HOME", home.path())]);
        return;
    }
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}/httpd.git", listener.local_addr().unwrap());
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let mut stream = stream.unwrap();
            let _ = stream.read(&mut [0; 4096]);
            let answer = "HTTP/1.1 401 Unauthorized\r\nWWW-Authenticate: Basic realm=\"x\"\r\nContent-Length: 0\r\nConnection: close\r\n\r\n";
            let _ = stream.write_all(answer.as_bytes());
        }
    });
    let error = fetch(&commit(&url, &"1".repeat(40)), &options(&inner_folder().join("cache"))).unwrap_err();
    assert!(matches!(error, Error::Repository { .. }), "{error}");
}

/// Files that are read together are those that are read one by one, and a file that is not there is none of them.
#[test]
fn files_read_together_are_those_read_one_by_one() {
    let folder = tempfile::tempdir().unwrap();
    let upstream = upstream(folder.path());
    let spec = commit(upstream.path.to_str().unwrap(), &upstream.change);
    let fetch = || source::fetch(&spec, folder.path(), &options(&folder.path().join("cache"))).unwrap();
    let paths =
        ["server/util.c", "server/none.c", "include/httpd.h", "server", "modules/examples/mod_example.c"];
    let (together, single) = (fetch().base.unwrap(), fetch().base.unwrap());
    together.preload(&paths.map(str::to_owned)).unwrap();
    for path in paths {
        assert_eq!(together.read(path).unwrap(), single.read(path).unwrap(), "{path}");
    }
    assert!(
        together.read("server/util.c").unwrap().is_some()
            && together.read("server/none.c").unwrap().is_none()
    );
    let listed = SourceTree::new(&together).c_files().unwrap();
    assert_eq!(
        *listed,
        ["include/httpd.h", "modules/examples/mod_example.c", "server/util.c"].map(str::to_owned)
    );
}
