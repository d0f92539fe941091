//! `modgraft repo publish` where something is published already: what is believed of it, and what stays.

mod support;

use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::{Value, json};
use support::publisher::{Publisher, Run, contents, listed, metadata, open, text};
use support::repository::{Spec, createrepo, rpms};
use support::run;

fn one(name: &str) -> Spec {
    Spec::new().package(name, "1", &[], &[&format!("/usr/share/{name}")])
}

/// What modgraft has noted.
fn noted(folder: &Path) -> PathBuf {
    folder.join("repodata/modgraft.json")
}

fn edit(folder: &Path, change: impl FnOnce(&mut Value)) {
    let mut state: Value = serde_json::from_slice(&fs_err::read(noted(folder)).unwrap()).unwrap();
    change(&mut state);
    fs_err::write(noted(folder), state.to_string()).unwrap();
}

fn copy(from: &Path, to: &Path) {
    let _ = fs_err::remove_dir_all(to);
    run(Command::new("cp").arg("-a").arg(from).arg(to));
}

/// The names of all packages that lie in a folder.
fn lying(folder: &Path) -> Vec<String> {
    contents(folder).into_iter().map(|(name, _)| name).filter(|name| name.ends_with(".rpm")).collect()
}

#[test]
fn nothing_that_is_noted_leads_out_of_the_folder() {
    let me = Publisher::new();
    let folder = me.path("repo");
    me.good(&["publish", text(&folder), text(&me.packages("given", &one("a")))]);
    let more = me.packages("more", &one("b"));
    let elsewhere = me.path("elsewhere");
    fs_err::create_dir(&elsewhere).unwrap();
    let victim = elsewhere.join("secret.rpm");
    fs_err::write(&victim, "secret").unwrap();
    symlink(&elsewhere, folder.join("link")).unwrap();
    symlink(&victim, folder.join("repodata/link")).unwrap();
    let older = |files: &[&str], packages: &[&str]| json!([{ "files": files, "packages": packages }]);
    let changes: [(&str, Value); 6] = [
        ("leaving", json!([text(&victim)])),
        ("leaving", json!(["../elsewhere/secret.rpm"])),
        ("leaving", json!(["link/secret.rpm"])),
        ("older", older(&["../../elsewhere/secret.rpm"], &[])),
        ("older", older(&["link"], &[])),
        ("older", older(&[], &["../elsewhere/secret.rpm"])),
    ];
    for (key, value) in changes {
        let copied = me.path("copied");
        copy(&folder, &copied);
        edit(&copied, |state| state[key] = value.clone());
        me.good(&["publish", text(&copied), text(&more), "--keep", "0"]);
        me.good(&["publish", text(&copied), "--remove", "b-1-1.x86_64", "--keep", "9"]);
        assert_eq!(fs_err::read_to_string(&victim).unwrap(), "secret", "{value}");
        let repodata = contents(&copied.join("repodata"));
        assert!(repodata.iter().all(|(_, bytes)| bytes != b"secret"), "{value}");
    }
}

/// Somebody who can write to the folder has no part in what is signed next.
#[test]
fn metadata_that_no_named_key_has_signed_is_not_signed_again() {
    let (me, other) = (Publisher::new(), Publisher::new());
    let folder = me.path("repo");
    me.good(&["publish", text(&folder), text(&me.packages("given", &one("a"))), "--name", "mods"]);
    let evil = me.unsigned("evil", &one("evil"));
    let attacked = me.path("attacked");
    copy(&folder, &attacked);
    let options = ["--allow-unsigned", "--take-over"];
    other.good(&[&["publish", text(&attacked), text(&evil)], &options[..]].concat());
    edit(&attacked, |state| state["settings"]["packages_signed"] = json!(true));
    let repodata = |name: &str| attacked.join("repodata").join(name);

    let refused = |options: &[&str], words: &str| {
        let before = contents(&attacked);
        let told = me.refused(&[&["publish", text(&attacked)], options].concat(), 3, words);
        assert!(contents(&attacked) == before, "something was changed");
        told
    };
    let told = refused(&[], "which is not among those given");
    assert!(told.contains("--take-over") && told.contains("--key FILE"), "{told}");
    refused(&["--full"], "which is not among those given");
    refused(&["--take-over"], "is not signed, and the repository is");
    // Without the signature, and without all that told of one.
    fs_err::remove_file(repodata("repomd.xml.asc")).unwrap();
    refused(&[], "it is not there, and there are keys to check it by");
    refused(&["--take-over"], "is not signed, and the repository is");
    fs_err::remove_file(repodata("repomd.xml.key")).unwrap();
    refused(&[], "is not signed, and the repository is");
    // Whoever looked takes it over without that package, and without that key.
    copy(&folder, &attacked);
    other.good(&[&["publish", text(&attacked), text(&evil)], &options[..]].concat());
    let run = me.good(&["publish", text(&attacked), "--take-over", "--remove", "evil-1-1.x86_64.rpm"]);
    assert!(run.stderr.contains("all packages are read: the metadata is not signed by a key"), "{run:?}");
    assert_eq!(listed(&attacked), ["a-1-1.x86_64"]);
    me.demand_whole(&attacked);
    let keys = |folder: &Path| fs_err::read(folder.join("repodata/repomd.xml.key")).unwrap();
    assert!(keys(&attacked) == keys(&folder));
    assert!(attacked.join("mods.repo").is_file(), "what was said before still counts");
}

/// No signature covers the keys beside the metadata: what is signed names those that count.
#[test]
fn a_key_that_lies_in_the_folder_lets_nothing_in() {
    let (me, other) = (Publisher::new(), Publisher::new());
    let folder = me.path("repo");
    me.good(&["publish", text(&folder), text(&me.packages("given", &one("a")))]);
    let key = folder.join("repodata/repomd.xml.key");
    let good = fs_err::read(&key).unwrap();
    let both = [good.clone(), fs_err::read(&other.public).unwrap()].concat();
    fs_err::write(&key, both).unwrap();
    let theirs = other.packages("theirs", &one("theirs"));
    me.refused(&["publish", text(&folder), text(&theirs)], 3, "which is not among those given");
    assert_eq!(listed(&folder), ["a-1-1.x86_64"]);
    // Nor is it given out any longer.
    let run = me.good(&["publish", text(&folder)]);
    assert!(run.stderr.contains("not given out any more: "), "{}", run.stderr);
    assert_eq!(fs_err::read(&key).unwrap(), good);
    assert_eq!(fs_err::read(folder.join("RPM-GPG-KEY-repo")).unwrap(), good);
    // One that the owner names counts from then on.
    me.good(&["publish", text(&folder), text(&theirs), "--key", text(&other.public)]);
    let more = other.packages("more", &one("more"));
    let run = me.good(&["publish", text(&folder), text(&more)]);
    assert!(!run.stderr.contains("not given out"), "{}", run.stderr);
    me.good(&["publish", text(&folder), "--full"]);
    me.demand_whole(&folder);
    assert_eq!(listed(&folder), ["a-1-1.x86_64", "more-1-1.x86_64", "theirs-1-1.x86_64"]);
}

#[test]
fn the_owner_says_when_the_key_changes() {
    let (old, new) = (Publisher::new(), Publisher::new());
    let folder = old.path("repo");
    old.good(&["publish", text(&folder), text(&old.packages("given", &one("a")))]);
    let more = new.packages("more", &one("b"));
    new.refused(&["publish", text(&folder), text(&more)], 3, "which is not among those given");
    let run = new.good(&["publish", text(&folder), text(&more), "--key", text(&old.public)]);
    assert!(run.stderr.contains("from now on, which clients have to import; it was "), "{run:?}");
    new.demand_whole(&folder);
    // From then on the new one is enough, for packages of the old one that are still the same, too.
    let package = folder.join("Packages/a-1-1.x86_64.rpm");
    fs_err::File::open(&package).unwrap().set_modified(std::time::SystemTime::now()).unwrap();
    for options in [&[][..], &["--full"]] {
        let run = new.good(&[&["publish", text(&folder)], options].concat());
        assert!(!run.stderr.contains("from now on"), "{run:?}");
    }
    new.demand_whole(&folder);
    assert_eq!(listed(&folder), ["a-1-1.x86_64", "b-1-1.x86_64"]);
    old.refused(&["publish", text(&folder)], 3, "which is not among those given");
}

#[test]
fn settings_outlive_the_metadata() {
    let me = Publisher::new();
    let comps = me.path("comps.xml");
    fs_err::write(&comps, "<comps><group><id>g</id><name>G</name></group></comps>\n").unwrap();
    let (given, more) = (me.packages("given", &one("a")), me.packages("more", &one("b")));
    for (name, key) in [("signed", text(&me.key)), ("open", "none")] {
        let folder = me.path(name);
        let publish = |more: &[&str]| -> Run {
            me.good(&[&["publish", text(&folder), "--sign-key", key], more].concat())
        };
        publish(&[text(&given), "--name", "mods", "--base-url", "https://x.example/r", "--for", "el9"]);
        publish(&[text(&more)]);
        publish(&["--remove", "b-1-1.x86_64"]);
        let before = fs_err::read(folder.join("mods.repo")).unwrap();
        let unchanged = |run: &Run, why: &str| {
            assert!(run.stderr.contains(why), "{why}: {}", run.stderr);
            assert_eq!(fs_err::read(folder.join("mods.repo")).unwrap(), before);
            assert!(!folder.join(format!("{name}.repo")).exists());
            assert!(fs_err::read_to_string(noted(&folder)).unwrap().contains(r#""served":["el9"]"#));
            // It is still known of the package that was taken out.
            assert_eq!(me.kinds(&folder), [""; 0]);
            assert_eq!(listed(&folder), ["a-1-1.x86_64"]);
        };
        run(Command::new("modifyrepo_c").arg(&comps).arg(folder.join("repodata")));
        let told = if key == "none" {
            publish(&[])
        } else {
            me.refused(&["publish", text(&folder)], 3, "what it covers was changed");
            let told = publish(&["--take-over"]);
            assert!(!told.stderr.contains("from now on"), "{told:?}");
            told
        };
        let why = match key {
            "none" => "another program has changed the metadata",
            _ => "the metadata is not signed by a key that is named",
        };
        unchanged(&told, &format!("all packages are read: {why}"));
        assert!(open(&folder, "comps").contains("<id>g</id>"));
        let (other, _) = metadata(&folder, "other");
        let mut bytes = fs_err::read(&other).unwrap();
        *bytes.last_mut().unwrap() ^= 1;
        fs_err::write(&other, bytes).unwrap();
        unchanged(&publish(&[]), "all packages are read: the metadata is damaged: the sum of a file");
    }
}

#[test]
fn what_was_taken_out_comes_back_when_it_is_named() {
    let me = Publisher::new();
    let folder = me.packages("repo", &one("a").package("b", "1", &[], &["/usr/share/b"]));
    me.good(&["publish", text(&folder), text(&folder)]);
    // In one step with looking through the folder, and in later ones.
    me.good(&["publish", text(&folder), text(&folder), "--remove", "b-1-1.x86_64"]);
    assert_eq!(listed(&folder), ["a-1-1.x86_64"]);
    me.good(&["publish", text(&folder), text(&folder)]);
    assert_eq!(listed(&folder), ["a-1-1.x86_64"]);
    // The build that was replaced does not come back either.
    let rebuilt = Spec::new().package("a", "1", &["Summary: again"], &["/usr/share/again"]);
    let rebuilt = me.packages("rebuilt", &rebuilt);
    me.good(&["publish", text(&folder), text(&rebuilt), "--replace"]);
    for options in [&[][..], &["--replace"]] {
        me.good(&[&["publish", text(&folder), text(&folder)], options].concat());
        assert!(open(&folder, "primary").contains("<summary>again<"));
    }
    me.demand_whole(&folder);
    let named = folder.join("b-1-1.x86_64.rpm");
    me.good(&["publish", text(&folder), text(&folder), text(&named)]);
    assert_eq!(listed(&folder), ["a-1-1.x86_64", "b-1-1.x86_64"]);
    me.demand_whole(&folder);
}

#[test]
fn a_path_takes_out_what_lies_there_and_nothing_else() {
    let me = Publisher::new();
    let folder = me.path("repo");
    // Their files have one name.
    let epoch = |epoch: &str| Spec::new().package("a", "1", &[epoch], &["/usr/share/a"]);
    let [first, second] = ["Epoch: 1", "Epoch: 2"].map(|tag| me.packages(tag, &epoch(tag)));
    me.good(&["publish", text(&folder), text(&first)]);
    me.good(&["publish", text(&folder), text(&second)]);
    let all = lying(&folder);
    assert_eq!(all.len(), 2);
    assert!(all.contains(&"Packages/a-1-1.x86_64.rpm".to_owned()), "{all:?}");
    me.good(&["publish", text(&folder), "--remove", "Packages/a-1-1.x86_64.rpm", "--keep", "0"]);
    let left: Vec<String> = all.into_iter().filter(|name| name != "Packages/a-1-1.x86_64.rpm").collect();
    assert_eq!(lying(&folder), left);
    assert!(open(&folder, "primary").contains("epoch=\"2\""));
    // From a list of which nothing is known.
    let other = me.packages("other", &one("a").package("b", "1", &[], &["/usr/share/b"]));
    createrepo(&other, &["--no-database"]);
    fs_err::remove_file(other.join("b-1-1.x86_64.rpm")).unwrap();
    me.refused(&["publish", text(&other)], 3, "--remove b-1-1.x86_64.rpm");
    me.good(&["publish", text(&other), "--remove", "b-1-1.x86_64.rpm"]);
    assert_eq!(listed(&other), ["a-1-1.x86_64"]);
    me.refused(&["publish", text(&other), "--remove", "c-1-1.x86_64.rpm"], 2, "there is no package");
}

/// They would be listed, and the next publication could not read that.
#[test]
fn a_place_that_metadata_cannot_name_is_refused() {
    let me = Publisher::new();
    let given = me.packages("given", &one("a"));
    let package = &rpms(&given)[0];
    for name in ["a-1:1-1.x86_64.rpm", "a\\b.rpm", "a\nb.rpm"] {
        let folder = me.path("repo");
        fs_err::create_dir(&folder).unwrap();
        fs_err::copy(package, folder.join(name)).unwrap();
        me.refused(&["publish", text(&folder), text(&folder)], 3, "cannot be published where it lies");
        assert!(!folder.join("repodata").exists());
        // From elsewhere it goes where all go.
        let elsewhere = me.path("elsewhere");
        fs_err::rename(&folder, &elsewhere).unwrap();
        me.good(&["publish", text(&folder), text(&elsewhere)]);
        me.demand_whole(&folder);
        for folder in [folder, elsewhere] {
            fs_err::remove_dir_all(folder).unwrap();
        }
    }
}

#[test]
fn a_package_that_is_damaged_or_gone_is_put_right_by_publishing_it() {
    let me = Publisher::new();
    let given = me.packages("given", &one("a").package("b", "1", &[], &["/usr/share/b"]));
    let rebuilt = Spec::new().package("a", "1", &["Summary: again"], &["/usr/share/again"]);
    let rebuilt = me.packages("rebuilt", &rebuilt);
    for key in [text(&me.key), "none"] {
        let whole = me.path("whole");
        let _ = fs_err::remove_dir_all(&whole);
        let url = ["--base-url", "https://x.example"];
        me.good(&[&["publish", text(&whole), text(&given), "--sign-key", key], &url[..]].concat());
        let damage: [fn(&Path); 4] = [
            |path| fs_err::OpenOptions::new().write(true).open(path).unwrap().set_len(1000).unwrap(),
            |path| fs_err::write(path, "").unwrap(),
            |path| fs_err::write(path, "no package, and some text").unwrap(),
            |path| fs_err::remove_file(path).unwrap(),
        ];
        for damage in damage {
            let folder = me.path("repo");
            copy(&whole, &folder);
            let before = contents(&folder);
            damage(&folder.join("Packages/a-1-1.x86_64.rpm"));
            let publish = ["publish", text(&folder), "--sign-key", key];
            for arguments in [&[][..], &[text(&rpms(&given)[1])]] {
                let told =
                    me.refused(&[&publish[..], arguments].concat(), 3, "Packages/a-1-1.x86_64.rpm is ");
                assert!(
                    told.contains("FILE; or take it out of the list with --remove Packages/a-1-1"),
                    "{told}"
                );
            }
            let damaged = me.path("damaged");
            copy(&folder, &damaged);
            // The file that it was: for clients nothing has changed.
            let run = me.good(&[&publish[..], &[text(&rpms(&given)[0])]].concat());
            assert!(run.stderr.contains("2 packages; 1 repaired"), "{run:?}");
            assert!(contents(&folder) == before, "{run:?}");
            me.demand_whole(&folder);
            let run = me.good(&[&publish[..], &[text(&given)]].concat());
            assert!(run.stderr.contains("nothing to publish"), "{run:?}");
            // Another one is another one, as always.
            copy(&damaged, &folder);
            me.refused(&[&publish[..], &[text(&rebuilt)]].concat(), 4, "is published already, and");
            me.good(&[&publish[..], &[text(&rebuilt), "--replace"]].concat());
            assert!(open(&folder, "primary").contains("<summary>again<"));
            assert_eq!(listed(&folder), ["a-1-1.x86_64", "b-1-1.x86_64"]);
            me.good(&[&publish[..], &["--keep", "0"]].concat());
        }
    }
    // Also where nothing is known but where it lay.
    let other = me.packages("other", &one("a"));
    createrepo(&other, &["--no-database"]);
    let right = me.path("a.rpm");
    fs_err::rename(other.join("a-1-1.x86_64.rpm"), &right).unwrap();
    me.good(&["publish", text(&other), text(&right)]);
    assert_eq!(listed(&other), ["a-1-1.x86_64"]);
    me.demand_whole(&other);
}

/// The packages' keys stay for those who check by them.
#[test]
fn a_repository_that_is_not_signed_any_more_is_whole_and_can_be_signed_again() {
    let me = Publisher::new();
    let folder = me.path("repo");
    me.good(&["publish", text(&folder), text(&me.packages("given", &one("a")))]);
    let open = ["publish", text(&folder), "--sign-key", "none", "--allow-unsigned"];
    me.good(&open);
    assert!(!folder.join("repodata/repomd.xml.asc").exists());
    let page = fs_err::read_to_string(folder.join("index.html")).unwrap();
    assert!(page.contains("Nothing here is signed"), "{page}");
    me.demand_whole(&folder);
    let run = me.run(&["check", text(&folder)]);
    assert!(run.stderr.contains("the metadata is not signed, as it was published"), "{run:?}");
    // Whoever names a key wants to know whether it signed.
    let run = me.run(&["check", text(&folder), "--key", text(&me.public)]);
    assert!(run.code == 3 && run.stdout.contains("it is not there, and there are keys"), "{run:?}");
    // What is noted belongs to that repomd.xml and no other.
    let mut text_of = fs_err::read_to_string(folder.join("repodata/repomd.xml")).unwrap();
    let before = text_of.clone();
    text_of.push('\n');
    fs_err::write(folder.join("repodata/repomd.xml"), text_of).unwrap();
    assert_eq!(me.kinds(&folder), ["signature"]);
    fs_err::write(folder.join("repodata/repomd.xml"), before).unwrap();
    // Nobody who has no key that clients know signs it by chance.
    let run =
        support::publisher::finish(me.repo(&["publish", text(&folder)]).env_remove("MODGRAFT_SIGN_KEY"));
    assert!(run.code == 2 && run.stderr.contains("would be signed by the development key"), "{run:?}");
    // Its packages are read then: what is noted makes none of them good.
    let evil = me.unsigned("evil", &one("evil"));
    me.good(&[&open[..], &[text(&evil)]].concat());
    me.refused(&["publish", text(&folder)], 3, "is not signed, and the repository is");
    let run = me.good(&["publish", text(&folder), "--remove", "Packages/evil-1-1.x86_64.rpm"]);
    assert!(run.stderr.contains("all packages are read: the metadata was not signed"), "{run:?}");
    me.good(&["check", text(&folder), "--key", text(&me.public)]);
    // The signature alone is missed again.
    fs_err::remove_file(folder.join("repodata/repomd.xml.asc")).unwrap();
    assert_eq!(me.kinds(&folder), ["signature"]);
}

#[test]
fn each_release_that_is_served_takes_the_next_key_too() {
    let me = Publisher::new();
    let folder = me.path("repo");
    me.good(&["publish", text(&folder), text(&me.packages("given", &one("a"))), "--for", "el7,el9"]);
    let new = me.path("new.asc");
    let mut key = Command::new(env!("CARGO_BIN_EXE_modgraft"));
    run(key.args(["key", "new", "--type", "ed25519", "--out"]).arg(&new));
    let arguments = ["publish", text(&folder), "--sign-key", text(&new), "--key", text(&me.public)];
    let told = me.refused(&arguments, 9, "el7");
    assert!(told.contains("it takes rsa"), "{told}");
    me.good(&[&arguments[..], &["--for", "el9"]].concat());
}
