//! `modgraft repo publish`: what is in a repository, what is refused, and that the same packages are the same bytes.

mod support;

use std::collections::BTreeMap;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::Command;

use quick_xml::Reader;
use quick_xml::events::Event;
use support::el::Release;
use support::publisher::{Publisher, contents, finish, listed, metadata, open, text};
use support::repository::{Size, Spec, createrepo, fill, rpms};
use support::run;

/// Three packages with something of each kind of relation and file.
fn spec() -> Spec {
    Spec::new()
        .package(
            "alpha",
            "1.0",
            &[
                "Epoch: 2",
                "Requires: beta >= 1:1.0-1, /usr/bin/alpha, /etc/other, libx(a) < 3",
                "Requires(post): gamma",
                "Requires: gamma",
                "Provides: libx(a) = 1:2.5-3, alpha-api",
                "Conflicts: delta < 1",
                "Obsoletes: alef <= 0.9",
                "Recommends: epsilon",
                "Suggests: zeta > 1",
                "Supplements: eta",
                "Enhances: theta = 2",
                "Url: https://example.org/?a=1&b=<2>",
                "Packager: A & B <ab@example.org>",
                "Vendor: \"V\"",
            ],
            &["/usr/bin/alpha", "/etc/alpha.conf", "/usr/share/alpha/b.txt", "/usr/lib/sendmail"],
        )
        .package("beta", "1.0", &["BuildArch: noarch"], &["/usr/share/beta"])
        .package("gamma", "1.0", &[], &["/usr/share/gamma"])
}

/// A source package and its binary one, with a changelog, a folder, a ghost and a link.
fn with_source(folder: &Path) {
    let work = tempfile::tempdir().unwrap();
    let path = work.path().join("omega.spec");
    let changes: String = (1..=12)
        .rev()
        .map(|day| {
            format!("* Mon Jan 01 2024 A. Packager <a@example.org> - 1-{day}\n- change {day} & more\n\n")
        })
        .collect();
    let spec = format!(
        "Name: omega\nVersion: 1~rc1^git\nRelease: 3\nSummary: Last <of> all\nLicense: MIT\nRequires: libc.so.6()(64bit)\n\
         Requires: libc.so.6(GLIBC_2.4)(64bit), libc.so.6(GLIBC_2.34)(64bit)\n%description\nLines\n\n\tand \"more\".\n\
         %install\nmkdir -p %{{buildroot}}/etc/omega.d\nln -s x %{{buildroot}}/etc/omega.d/link\n\
         %files\n%dir /etc/omega.d\n/etc/omega.d/link\n%ghost /etc/omega.d/ghost\n%post\ntrue\n%changelog\n{changes}"
    );
    fs_err::write(&path, spec).unwrap();
    run(Command::new("rpmbuild")
        .args(["-ba", "--quiet"])
        .arg("--define")
        .arg(format!("_topdir {}", work.path().display()))
        .arg("--define")
        .arg(format!("_rpmdir {}", folder.display()))
        .arg("--define")
        .arg(format!("_srcrpmdir {}", folder.display()))
        .args(["--define", "_rpmfilename %%{NAME}-%%{VERSION}-%%{RELEASE}.%%{ARCH}.rpm"])
        .arg(&path));
}

/// What the metadata says of each package: its elements with all their attributes and texts, in order.
fn said(folder: &Path, kind: &str) -> BTreeMap<String, Vec<String>> {
    let xml = open(folder, kind);
    let mut reader = Reader::from_str(&xml);
    reader.config_mut().expand_empty_elements = true;
    let (mut packages, mut lines, mut words) = (BTreeMap::new(), Vec::new(), String::new());
    loop {
        match reader.read_event().unwrap() {
            Event::Start(element) => {
                let mut attributes: Vec<String> = element
                    .attributes()
                    .map(|attribute| {
                        let attribute = attribute.unwrap();
                        let value = attribute.normalized_value(quick_xml::XmlVersion::Implicit1_0).unwrap();
                        format!(" {}={value:?}", attribute.key.as_ref())
                    })
                    .collect();
                attributes.sort();
                let name = element.name().as_ref().to_owned();
                if name == "package" {
                    lines.clear();
                }
                lines.push(format!("<{name}{}", attributes.concat()));
                words.clear();
            }
            Event::Text(more) => words.push_str(&more.xml10_content()),
            Event::GeneralRef(reference) => {
                let name = reference.xml10_content().into_owned();
                let letter = reference.resolve_char_ref().unwrap().map(String::from);
                words.push_str(&letter.unwrap_or_else(|| {
                    quick_xml::escape::resolve_predefined_entity(&name).unwrap().to_owned()
                }));
            }
            Event::End(element) => {
                let name = element.name().as_ref().to_owned();
                // Between elements stands nothing but how the file is laid out.
                let words = std::mem::take(&mut words);
                lines.push(format!("{}/{name}", if words.trim().is_empty() { "" } else { &words }));
                if name == "package" {
                    let first = lines.iter().find(|line| line.ends_with("/checksum")).unwrap_or(&lines[0]);
                    packages.insert(first.clone(), std::mem::take(&mut lines));
                }
            }
            Event::Eof => return packages,
            _ => {}
        }
    }
}

/// The only thing in which the two may differ is nothing: the list of excused differences is empty.
#[test]
fn the_metadata_says_what_createrepo_c_says() {
    let me = Publisher::new();
    let given = me.packages("given", &spec());
    with_source(&given);
    me.sign(&rpms(&given));
    for package in rpms(&Release::El8.repository().folder.join("Packages")) {
        fs_err::copy(&package, given.join(package.file_name().unwrap())).unwrap();
    }
    let (ours, theirs) = (me.path("ours"), me.path("theirs"));
    me.good(&["publish", text(&ours), text(&given), "--allow-unsigned"]);
    // The same files with the same times.
    run(Command::new("cp").arg("-a").arg(&ours).arg(&theirs));
    fs_err::remove_dir_all(theirs.join("repodata")).unwrap();
    createrepo(&theirs, &["--no-database"]);
    assert!(listed(&ours).iter().any(|name| name.ends_with(".src")) && listed(&ours).len() > 30);
    for kind in ["primary", "filelists", "other"] {
        let (mine, other) = (said(&ours, kind), said(&theirs, kind));
        assert_eq!(mine.len(), other.len(), "{kind}");
        for ((package, mine), (_, other)) in mine.iter().zip(&other) {
            assert_eq!(mine, other, "{kind} of {package}");
        }
        assert!(kind != "primary" || mine.values().flatten().any(|line| line.contains("rpm:supplements")));
    }
    // And `check` takes theirs as well.
    me.demand_whole(&ours);
    me.demand_whole(&theirs);
}

#[test]
fn the_same_packages_are_the_same_bytes() {
    let me = Publisher::new();
    let given = me.packages("given", &spec());
    let all = rpms(&given);
    let publish = |name: &str, packages: &[PathBuf], options: &[&str]| {
        let folder = me.path(name);
        let mut arguments =
            vec!["publish", text(&folder), "--name", "mods", "--base-url", "https://x.example/r"];
        arguments.extend(packages.iter().map(|package| text(package)));
        arguments.extend(options);
        me.good(&arguments);
        folder
    };
    let first = publish("first", &all, &["--for", "el6,el9"]);
    // Another order, other times of the files, copies of some already in place.
    let copies = me.path("copies");
    fs_err::create_dir(&copies).unwrap();
    let mut backwards: Vec<PathBuf> = all
        .iter()
        .map(|package| {
            let copy = copies.join(package.file_name().unwrap());
            fs_err::copy(package, &copy).unwrap();
            copy
        })
        .collect();
    backwards.reverse();
    let second = publish("second", &backwards, &["--for", "el6,el9"]);
    assert!(contents(&first) == contents(&second));
    assert_eq!(
        contents(&first).len(),
        3 + 3 + 4 + 3,
        "packages, metadata, what belongs to it, what is beside"
    );

    // One by one, it comes to the same metadata.
    let third = publish("third", &all[..1], &["--for", "el6,el9"]);
    publish("third", &all[1..], &[]);
    for kind in ["primary", "filelists", "other"] {
        assert_eq!(metadata(&first, kind).1, metadata(&third, kind).1);
    }
    let repomd = |folder: &Path| fs_err::read(folder.join("repodata/repomd.xml")).unwrap();
    assert_eq!(repomd(&first), repomd(&third));

    // Nothing new: nothing is written.
    let before = contents(&third);
    let run = me.good(&["publish", text(&third), text(&given)]);
    assert!(run.stderr.contains("3 packages; nothing to publish"), "{}", run.stderr);
    assert!(contents(&third) == before);

    // The time is an input.
    let dated = me.path("dated");
    let mut command = me.repo(&["publish", text(&dated), text(&given)]);
    assert_eq!(finish(command.env("SOURCE_DATE_EPOCH", "4000000000")).code, 0);
    assert!(String::from_utf8(repomd(&dated)).unwrap().contains("<revision>4000000000</revision>"));
    // It never goes back, for clients take what is older for a mirror that lags behind.
    let beta = all.iter().find(|package| text(package).contains("beta-")).unwrap();
    let name = beta.file_name().unwrap().to_str().unwrap();
    me.good(&["publish", text(&dated), "--remove", name]);
    assert!(String::from_utf8(repomd(&dated)).unwrap().contains("<revision>4000000000</revision>"));
}

#[test]
fn what_is_published_stays_and_is_not_read_again() {
    let me = Publisher::new();
    let given = me.packages("given", &spec());
    let all = rpms(&given);
    let folder = me.path("repo");
    me.good(&["publish", text(&folder), text(&all[0]), text(&all[1]), "--keep", "1"]);
    let first = listed(&folder);
    // Damaged behind its back, with size and time as they were: it is not read, but found by those who look.
    let package = folder.join("Packages").join(all[1].file_name().unwrap());
    let good = fs_err::read(&package).unwrap();
    let time = fs_err::metadata(&package).unwrap().modified().unwrap();
    let mut bad = good.clone();
    *bad.last_mut().unwrap() ^= 1;
    fs_err::write(&package, &bad).unwrap();
    fs_err::File::open(&package).unwrap().set_modified(time).unwrap();
    me.good(&["publish", text(&folder), text(&all[2])]);
    assert_eq!(me.kinds(&folder), ["package"]);
    me.refused(&["publish", text(&folder), "--full"], 3, "is damaged");
    // Of another time, it is.
    fs_err::write(&package, &bad).unwrap();
    me.refused(&["publish", text(&folder)], 3, "is damaged");
    fs_err::write(&package, &good).unwrap();
    let run = me.good(&["publish", text(&folder)]);
    assert!(run.stderr.contains("nothing to publish"), "{}", run.stderr);
    me.demand_whole(&folder);
    assert_eq!(fs_err::metadata(&package).unwrap().modified().unwrap(), time);
    assert_eq!(listed(&folder).len(), first.len() + 1);

    // A package that somebody has taken away.
    fs_err::remove_file(&package).unwrap();
    let name = package.file_name().unwrap().to_str().unwrap();
    let told = me.refused(&["publish", text(&folder)], 3, "is listed, and is not there");
    assert!(told.contains(&format!("--remove Packages/{name}")), "{told}");
    me.good(&["publish", text(&folder), "--remove", name]);
    me.demand_whole(&folder);
}

/// A client that has read repomd.xml finds all that it names until so many newer ones have come.
#[test]
fn older_metadata_stays_for_clients_that_have_begun() {
    let me = Publisher::new();
    let given = me.packages("given", &spec());
    let all = rpms(&given);
    let folder = me.path("repo");
    me.good(&["publish", text(&folder), text(&given), "--keep", "2"]);
    let kinds = ["primary", "filelists", "other"];
    let old: Vec<PathBuf> = kinds.iter().map(|kind| metadata(&folder, kind).0).collect();
    let package = folder.join("Packages").join(all[0].file_name().unwrap());
    let there = || old.iter().chain([&package]).all(|path| path.is_file());
    let remove = |package: &Path| {
        let name = package.file_name().unwrap().to_str().unwrap();
        me.good(&["publish", text(&folder), "--remove", name, "--keep", "2"]);
        me.demand_whole(&folder);
    };
    remove(&all[0]);
    assert!(there());
    remove(&all[1]);
    assert!(there());
    remove(&all[2]);
    assert!(old.iter().all(|path| !path.exists()) && !package.exists());
    assert_eq!(listed(&folder), [] as [&str; 0]);
    // A package that comes back while it is kept is the one that is there.
    me.good(&["publish", text(&folder), text(&given), "--keep", "0"]);
    me.demand_whole(&folder);
    let run = me.good(&["publish", text(&folder), "--keep", "0"]);
    assert!(run.stderr.contains("nothing to publish"), "{}", run.stderr);
}

#[test]
fn what_clients_would_refuse_is_refused() {
    let me = Publisher::new();
    let signed = me.packages("signed", &spec());
    let unsigned = me.unsigned("unsigned", &Spec::new().package("plain", "1", &[], &["/usr/share/plain"]));
    let folder = me.path("repo");
    me.good(&["publish", text(&folder), text(&signed)]);
    let before = contents(&folder);
    let as_it_was = || assert!(contents(&folder) == before, "something was changed");

    me.refused(&["publish", text(&folder), text(&unsigned)], 3, "is not signed, and the repository is");
    as_it_was();
    let stranger = Publisher::new();
    let foreign = stranger.packages("given", &Spec::new().package("plain", "1", &[], &["/usr/share/plain"]));
    let told = me.refused(&["publish", text(&folder), text(&foreign)], 3, "which is not among those given");
    assert!(told.contains("--key FILE") && told.contains("modgraft resign "), "{told}");
    me.refused(&["publish", text(&folder), "--sign-key", "none"], 2, "is signed, and no key is given");
    // The same name and version, and other bytes.
    let other = Spec::new().package("alpha", "1.0", &["Epoch: 2"], &["/usr/share/other"]);
    let changed = &rpms(&me.packages("again", &other))[0];
    me.refused(&["publish", text(&folder), text(changed)], 4, "is published already, and");
    me.refused(
        &["publish", text(&me.path("new")), text(changed), text(&rpms(&signed)[0])],
        3,
        "is given twice",
    );
    // Damaged, cut, and no package at all.
    let whole = fs_err::read(&rpms(&signed)[0]).unwrap();
    let bad = me.path("bad.rpm");
    let mut flipped = whole.clone();
    *flipped.last_mut().unwrap() ^= 1;
    for (bytes, words) in [
        (&flipped[..], "is damaged"),
        (&whole[..whole.len() / 2], "is damaged"),
        (b"no", "is no RPM package"),
    ] {
        fs_err::write(&bad, bytes).unwrap();
        me.refused(&["publish", text(&folder), text(&bad)], 3, words);
    }
    me.refused(
        &["publish", text(&folder), "--remove", "alpha-2:1.0-2.x86_64"],
        2,
        "like it are: alpha-2:1.0-1.x86_64",
    );
    me.refused(&["publish", text(&bad), text(&signed)], 2, "is no folder");
    me.refused(&["publish", text(&folder), text(&me.path("absent"))], 2, "there is no file");
    // No key is named, and the repository has one that its clients know.
    let run = finish(me.repo(&["publish", text(&folder)]).env_remove("MODGRAFT_SIGN_KEY"));
    assert!(run.code == 2 && run.stderr.contains("would be signed by the development key"), "{run:?}");
    me.refused(&["publish", text(&folder), "--base-url", "ftp://x"], 2, "cannot be the url");
    let said = me.refused(
        &["publish", text(&folder), "--base-url", "https://me:secret@x.example/r"],
        2,
        "would be published",
    );
    assert!(!said.contains("secret") && said.contains("username="), "{said}");
    me.refused(&["publish", text(&folder), "--name", "../x"], 2, "is no repository's name");
    as_it_was();
    // What failed left nothing where nothing was.
    assert!(!me.path("new").exists());

    // What is allowed expressly.
    let keys = ["--key", text(&me.public), "--key", text(&stranger.public)];
    let theirs = ["publish", text(&folder), "--sign-key", text(&stranger.key)];
    let run = me.good(&[&theirs[..], &keys].concat());
    assert!(run.stderr.contains("from now on, which clients have to import"), "{run:?}");
    me.good(&[&["publish", text(&folder), text(changed), "--replace"], &keys[..]].concat());
    me.good(&["publish", text(&folder), text(&foreign), "--key", text(&stranger.public)]);
    me.demand_whole(&folder);
    let repo = fs_err::read_to_string(folder.join("repo.repo")).unwrap();
    assert!(repo.contains("\ngpgcheck=1\nrepo_gpgcheck=1\n"), "{repo}");
    me.good(&["publish", text(&folder), text(&unsigned), "--allow-unsigned", "--replace"]);
    let repo = fs_err::read_to_string(folder.join("repo.repo")).unwrap();
    assert!(repo.contains("\ngpgcheck=0\nrepo_gpgcheck=1\n"), "{repo}");
    me.refused(&["publish", text(&folder)], 3, "is not signed, and the repository is");
}

/// Packages that claim files outside of their root, made by hand: rpmbuild makes none.
#[test]
fn a_package_that_leads_out_of_its_root_is_refused() {
    let me = Publisher::new();
    let given = me.unsigned("given", &Spec::new().package("plain", "1", &[], &["/usr/share/plain"]));
    let bytes = fs_err::read(&rpms(&given)[0]).unwrap();
    let folder = me.path("repo");
    let publish = |from: &[u8], to: &[u8], words: &str| {
        assert_eq!(from.len(), to.len());
        let mut bad = bytes.clone();
        let at = memchr::memmem::rfind(&bad, from).unwrap();
        bad[at..at + to.len()].copy_from_slice(to);
        let path = me.path("bad.rpm");
        fs_err::write(&path, without_digests(&bad)).unwrap();
        me.refused(&["publish", text(&folder), text(&path), "--sign-key", "none"], 3, words);
        assert!(!folder.exists());
    };
    publish(b"/usr/share/\0", b"/usr/../../\0", "which leads out of its folder");
    publish(b"/usr/share/\0", b"usr/shared/\0", "which is not absolute");
    publish(b"/usr/share/\0", b"/usr/\nhare/\0", "which has a control character");
    publish(b"\0plain\x001\x001\0", b"\0../ab\x001\x001\0", "which no package is");
}

/// The package with other tags in place of the digests of its header, which would not hold.
fn without_digests(package: &[u8]) -> Vec<u8> {
    let mut bytes = package.to_vec();
    for tag in [269_u32, 273, 1004] {
        let entry = tag.to_be_bytes();
        // The index of the signature header begins behind the lead and the introduction.
        let index = bytes[112..].chunks_exact(16).take(16).position(|one| one[..4] == entry);
        if let Some(at) = index.map(|number| 112 + number * 16) {
            bytes[at..at + 4].copy_from_slice(&(tag + 5000).to_be_bytes());
        }
    }
    bytes
}

/// By createrepo_c, with groups and databases: all is read anew, the groups stay, what is of the old list goes.
#[test]
fn a_repository_of_createrepo_c_is_taken_over() {
    let me = Publisher::new();
    let folder = me.packages("repo", &spec());
    let comps = me.path("comps.xml");
    fs_err::write(&comps, "<comps><group><id>g</id><name>G</name></group></comps>\n").unwrap();
    createrepo(&folder, &["--database", "-g", text(&comps)]);
    let group = metadata(&folder, "group");
    me.demand_whole(&folder);
    let more = me.packages("more", &Spec::new().package("more", "1", &[], &["/usr/share/more"]));
    let run = me.good(&["publish", text(&folder), text(&more), "--for", "fedora,el10"]);
    assert!(run.stderr.contains("written by another program"), "{}", run.stderr);
    assert_eq!(metadata(&folder, "group"), group);
    assert!(metadata(&folder, "primary").1.ends_with(".xml.zst"));
    assert_eq!(listed(&folder).len(), 4);
    me.demand_whole(&folder);
    let repomd = fs_err::read_to_string(folder.join("repodata/repomd.xml")).unwrap();
    assert!(!repomd.contains("_db"), "{repomd}");
    // What lay at the top stays there, and the new one goes where new ones go.
    assert!(open(&folder, "primary").contains("href=\"Packages/more-1-1.x86_64.rpm\""));
    assert!(open(&folder, "primary").contains("href=\"alpha-1.0-1.x86_64.rpm\""));
    // Metadata that is damaged beyond reading is no reason to lose it.
    fs_err::write(metadata(&folder, "primary").0, "x").unwrap();
    let before = contents(&folder);
    me.refused(&["publish", text(&folder)], 3, "cannot be read");
    assert!(contents(&folder) == before);
}

/// What rpmbuild of today makes el6 and el7 cannot take, as `verify --as` says.
#[test]
fn packages_are_for_the_releases_that_are_served() {
    let me = Publisher::new();
    let (given, folder) = (me.packages("given", &spec()), me.path("repo"));
    let publish = ["publish", text(&folder), text(&given), "--for"];
    let error =
        me.refused(&[&publish[..], &["el6,el7"]].concat(), 3, "none of the releases that are served takes");
    for release in ["el6", "el7"] {
        let reason = format!("{release}: it has no signature of header and payload");
        assert!(error.contains(&reason), "{reason}: {error}");
    }
    assert!(!folder.exists());
    // Some take it: that is told, once for all packages.
    let run = me.good(&[&publish[..], &["el7,el9"]].concat());
    assert_eq!(
        run.stderr.matches("el7 does not take alpha-2:1.0-1.x86_64 and 2 more: ").count(),
        1,
        "{}",
        run.stderr
    );
    assert!(!run.stderr.contains("el9 does not take"), "{}", run.stderr);
    let run = me.good(&["publish", text(&folder)]);
    assert!(!run.stderr.contains("does not take"), "{}", run.stderr);
    me.demand_whole(&folder);
    // Other releases are served from now on: what is there has to be for it.
    let before = contents(&folder);
    me.refused(&["publish", text(&folder), "--for", "el7"], 3, "none of the releases that are served takes");
    assert!(contents(&folder) == before);
    // What is taken out at the same time is no hindrance.
    let removed =
        listed(&folder).into_iter().flat_map(|nevra| ["--remove".to_owned(), nevra]).collect::<Vec<_>>();
    let removed: Vec<&str> = removed.iter().map(String::as_str).collect();
    let emptied = me.packages("emptied", &spec());
    me.good(&["publish", text(&emptied), text(&emptied)]);
    me.good(&[&["publish", text(&emptied), "--for", "el7"], &removed[..]].concat());
    assert_eq!(listed(&emptied), [""; 0]);
    // What a file of one's own says of a release is not known later, unless it is named again.
    let profile = me.path("site.toml");
    fs_err::write(&profile, "extends = \"el9\"\n").unwrap();
    let site = me.path("site");
    let serve = format!("el7,{}", profile.display());
    me.good(&["publish", text(&site), text(&given), "--for", &serve]);
    let later = me.packages("later", &Spec::new().package("later", "1", &[], &[]));
    let run = me.good(&["publish", text(&site), text(&later)]);
    let note = "whether site takes the packages is not known: name its file by --for again";
    assert!(run.stderr.contains(note), "{}", run.stderr);
    assert!(run.stderr.contains("el7 does not take later-1-1.x86_64: "), "{}", run.stderr);
    let run = me.good(&["publish", text(&site), "--for", &serve]);
    assert!(!run.stderr.contains(note), "{}", run.stderr);
    me.demand_whole(&site);
    // The check goes by what is noted.
    let noted = folder.join("repodata/modgraft.json");
    let state = fs_err::read_to_string(&noted).unwrap();
    fs_err::write(&noted, state.replace(r#"["el7","el9"]"#, r#"["el7"]"#)).unwrap();
    let run = me.run(&["check", text(&folder)]);
    assert_eq!(run.code, 3, "{}", run.stderr);
    let told =
        "none of the releases that are served takes it: el7: it has no signature of header and payload";
    assert_eq!(run.stdout.matches(told).count(), 3, "{}", run.stdout);
}

#[test]
fn people_and_package_managers_are_told_how_to_install() {
    let me = Publisher::new();
    let given = me.packages("given", &spec());
    let folder = me.path("My mods");
    let url = "https://x.example/el$releasever/?a&b";
    let run = me.good(&["publish", text(&folder), text(&given), "--base-url", url]);
    let repo = fs_err::read_to_string(folder.join("My-mods.repo")).unwrap();
    assert!(run.stdout.trim_end().ends_with("My-mods.repo"), "{}", run.stdout);
    assert_eq!(
        repo,
        format!(
            "# Written by modgraft repo publish\n[My-mods]\nname=My-mods\nbaseurl={url}\nenabled=1\ngpgcheck=1\nrepo_gpgcheck=1\n\
             gpgkey={url}/RPM-GPG-KEY-My-mods\n"
        )
    );
    let page = fs_err::read_to_string(folder.join("index.html")).unwrap();
    for words in [
        "sudo dnf install alpha",
        "sudo yum install alpha",
        "sudo tee /etc/zypp/repos.d/My-mods.repo",
        "?a&amp;b",
        "2:1.0-1",
    ] {
        assert!(page.contains(words), "{words}: {page}");
    }
    // What was said counts until something else is said.
    me.good(&["publish", text(&folder), "--remove", "gamma-1.0-1.x86_64"]);
    assert_eq!(fs_err::read_to_string(folder.join("My-mods.repo")).unwrap(), repo);
    me.good(&["publish", text(&folder), "--name", "other"]);
    assert!(fs_err::read_to_string(folder.join("other.repo")).unwrap().contains("\n[other]\n"));
    me.demand_whole(&folder);
    // gpg takes the signature.
    let read = |name: &str| fs_err::read(folder.join("repodata").join(name)).unwrap();
    let key = String::from_utf8(read("repomd.xml.key")).unwrap();
    support::gnupg::Gnupg::verifies(&key, &read("repomd.xml"), &read("repomd.xml.asc"));
}

/// Whoever serves the folder is somebody else than who publishes.
#[test]
fn everybody_can_read_what_is_published() {
    let me = Publisher::new();
    let folder = me.path("above/repo");
    let given = me.packages("given", &spec());
    // With a umask that lets nobody else read anything.
    let publish = |arguments: &[&str]| {
        let plain = me.repo(&[&["publish", text(&folder)], arguments].concat());
        let mut command = Command::new("sh");
        command.args(["-c", "umask 077; exec \"$@\"", "sh"]).arg(plain.get_program()).args(plain.get_args());
        for (name, value) in plain.get_envs() {
            match value {
                Some(value) => command.env(name, value),
                None => command.env_remove(name),
            };
        }
        let run = finish(command.current_dir(plain.get_current_dir().unwrap()));
        assert_eq!(run.code, 0, "{run:?}");
    };
    let mode = |path: &Path| fs_err::metadata(path).unwrap().permissions().mode() & 0o7777;
    let all_readable = || {
        for entry in walkdir::WalkDir::new(folder.parent().unwrap()) {
            let entry = entry.unwrap();
            let wanted = if entry.file_type().is_dir() { 0o755 } else { 0o644 };
            assert_eq!(mode(entry.path()) & 0o777, wanted, "{}", entry.path().display());
        }
    };
    publish(&[text(&rpms(&given)[0])]);
    all_readable();
    // What its owner chose for the metadata stays, in the folder that takes its place, too.
    let repodata = folder.join("repodata");
    for chosen in [0o2775, 0o750] {
        fs_err::set_permissions(&repodata, std::fs::Permissions::from_mode(chosen)).unwrap();
        publish(&["--name", &format!("mods{chosen}"), text(&given)]);
        assert_eq!(mode(&repodata), chosen);
    }
    // A lock of before that only its owner could read.
    let lock = folder.join(".modgraft-lock");
    fs_err::set_permissions(&lock, std::fs::Permissions::from_mode(0o600)).unwrap();
    fs_err::set_permissions(&repodata, std::fs::Permissions::from_mode(0o755)).unwrap();
    publish(&["--remove", "gamma-1.0-1.x86_64"]);
    all_readable();
    me.demand_whole(&folder);
}

#[test]
fn what_modgraft_did_not_write_stays() {
    let me = Publisher::new();
    let folder = me.path("repo");
    fs_err::create_dir(&folder).unwrap();
    let given = me.packages("given", &spec());
    let [page, repo, keys] = ["index.html", "repo.repo", "RPM-GPG-KEY-repo"].map(|name| folder.join(name));
    fs_err::write(&page, "<h1>my site</h1>").unwrap();
    fs_err::write(&repo, "[repo]\nname=mine\nbaseurl=https://x.example\n").unwrap();
    let stranger = Publisher::new();
    fs_err::copy(&stranger.public, &keys).unwrap();
    for arguments in [&[text(&given)][..], &["--remove", "gamma-1.0-1.x86_64"]] {
        let run = me.good(&[&["publish", text(&folder)], arguments].concat());
        for name in ["index.html", "repo.repo"] {
            assert!(
                run.stderr.contains(&format!("{name} stays as it is: modgraft did not write it")),
                "{run:?}"
            );
        }
        // What clients check signatures by is what the repository is signed by; who else is in it is told once.
        let told = run.stderr.contains("RPM-GPG-KEY-repo has no more ");
        assert_eq!(told, arguments.len() == 1, "{run:?}");
        assert_eq!(fs_err::read_to_string(&page).unwrap(), "<h1>my site</h1>");
        assert!(fs_err::read_to_string(&repo).unwrap().contains("name=mine"));
        me.demand_whole(&folder);
    }
    // Once they are away, its own are written, and follow what is published.
    fs_err::remove_file(&page).unwrap();
    fs_err::remove_file(&repo).unwrap();
    let run = me.good(&["publish", text(&folder), "--base-url", "https://y.example"]);
    assert!(!run.stderr.contains("stays as it is"), "{run:?}");
    let run = me.good(&["publish", text(&folder), "--base-url", "https://z.example"]);
    assert!(!run.stderr.contains("stays as it is"), "{run:?}");
    assert!(fs_err::read_to_string(&page).unwrap().contains("https://z.example/repo.repo"));
    assert!(fs_err::read_to_string(&repo).unwrap().contains("\nbaseurl=https://z.example\n"));
}

/// Another reader of several gzip members and zstd frames: createrepo_c's own.
#[test]
fn createrepo_c_reads_metadata_in_parts() {
    let me = Publisher::new();
    let given = me.path("given");
    fs_err::create_dir(&given).unwrap();
    fill(&given, 0..300, Size::LEAST);
    let mut merge = Command::new("mergerepo_c");
    let forms =
        [("all", &[][..], &[0x1f, 0x8b, 0x08][..]), ("new", &["--for", "fedora"], &[0x28, 0xb5, 0x2f, 0xfd])];
    for (name, options, magic) in forms {
        let folder = me.path(name);
        me.good(&[&["publish", text(&folder), text(&given), "--sign-key", "none"], options].concat());
        let packed = fs_err::read(metadata(&folder, "primary").0).unwrap();
        assert!(memchr::memmem::find_iter(&packed, magic).count() > 3, "{name}");
        merge.arg("--repo").arg(&folder);
    }
    let merged = me.path("merged");
    run(merge.arg("--no-database").arg("-o").arg(&merged));
    assert_eq!(listed(&merged), listed(&me.path("all")));
}
