//! Target packs: what is built with one is what is built with the root that it came from, and what a stranger's can do.

mod support;

use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use sha2::{Digest, Sha256};
use support::debian::Release;
use support::run;

/// A folder with a cache.
struct Place(tempfile::TempDir);

impl Place {
    fn new() -> Self {
        Place(tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).unwrap())
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_modgraft"));
        command.env("MODGRAFT_CACHE", self.path("cache")).env("NO_COLOR", "1").current_dir(self.0.path());
        command.args(arguments);
        command
    }

    fn pack(&self, target: &Path) -> PathBuf {
        let printed = run(self.command(&["target", "pack"]).arg(target));
        self.path(printed.trim())
    }

    /// The error that a run ends with, and its exit code; the cache must be as it was.
    fn refused(&self, arguments: &[&str]) -> (i32, String) {
        let before = self.cached();
        let Output { status, stderr, stdout } = self.command(arguments).output().unwrap();
        assert_eq!((self.cached(), stdout.len()), (before, 0), "{arguments:?}");
        (status.code().unwrap(), String::from_utf8(stderr).unwrap())
    }

    fn cached(&self) -> Vec<PathBuf> {
        let files = walkdir::WalkDir::new(self.path("cache")).sort_by_file_name().into_iter().flatten();
        files.map(walkdir::DirEntry::into_path).collect()
    }
}

fn sha256(file: &Path) -> String {
    Sha256::digest(fs_err::read(file).unwrap()).iter().map(|byte| format!("{byte:02x}")).collect()
}

/// What is linked in from the C library, from a linker script (libm.so), and statically (libc_nonshared.a has atexit).
const LINKED: &str = "#include \"httpd.h\"\n#include \"http_config.h\"\n#include \"http_protocol.h\"\n#include <math.h>\n\
    #include <pthread.h>\n#include <stdlib.h>\n#include <sys/stat.h>\n\nstatic void bye(void)\n{\n}\n\n\
    static int answer(request_rec *r)\n{\n    struct stat found;\n    atexit(bye);\n\
    ap_rprintf(r, \"%d %f\\n\", stat(r->filename, &found), pow(2.0, strtod(r->args, NULL)));\n    return OK;\n}\n\n\
    static void hooks(apr_pool_t *p)\n{\n    ap_hook_handler(answer, NULL, NULL, APR_HOOK_MIDDLE);\n}\n\n\
    AP_DECLARE_MODULE(linked) = { STANDARD20_MODULE_STUFF, NULL, NULL, NULL, NULL, NULL, hooks };\n";

fn linked(folder: &Path) -> PathBuf {
    let lines: String = LINKED.lines().map(|line| format!("+{line}\n")).collect();
    let path = "modules/mine/mod_linked.c";
    let patch = format!(
        "diff --git a/{path} b/{path}\nnew file mode 100644\n--- /dev/null\n+++ b/{path}\n@@ -0,0 +1,{} @@\n{lines}",
        LINKED.lines().count()
    );
    let recipe = "name = \"mod_linked\"\nsummary = \"Links\"\nlicense = \"Apache-2.0\"\nversion = \"1.0\"\nrelease = \"1\"\n\
        libraries = [\"m\"]\ndescription = \"Links.\"\n\n[source]\npatches = [\"linked.patch\"]\n\n\
        [[changelog]]\ndate = 2013-06-13\nauthor = \"A. Packager <packager@example.org>\"\nnotes = [\"first\"]\n";
    let folder = folder.join("mod_linked");
    fs_err::create_dir_all(&folder).unwrap();
    fs_err::write(folder.join("linked.patch"), patch).unwrap();
    fs_err::write(folder.join("module.toml"), recipe).unwrap();
    folder
}

/// Builds, and returns what is on stderr and the files by name; the report tells the target, and is none of them.
fn built(place: &Place, module: &Path, target: &str, name: &str) -> (String, Vec<(String, Vec<u8>)>) {
    let out = place.path(name);
    let mut command =
        place.command(&["build-module", "--offline", "--sign-key", "none", "--target", target, "--out"]);
    let output = command.arg(&out).arg(module).output().unwrap();
    let stderr = String::from_utf8(output.stderr).unwrap();
    assert!(output.status.success(), "{stderr}");
    let mut files: Vec<(String, Vec<u8>)> = fs_err::read_dir(&out)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .map(|path| (path.file_name().unwrap().to_string_lossy().into_owned(), fs_err::read(path).unwrap()))
        // What tells what a package was made of names the target, which is a pack or is none.
        .filter(|(name, _)| {
            name != "report.json" && !name.ends_with(".intoto.json") && !name.ends_with(".spdx.json")
        })
        .collect();
    files.sort();
    (stderr, files)
}

#[test]
fn packages_are_the_same_with_a_pack_as_with_its_root() {
    let here = Place::new();
    let root = Release::Bullseye.sysroot();
    let pack = here.pack(&root);
    let id = sha256(&pack);
    let name = pack.file_name().unwrap().to_string_lossy().into_owned();
    assert_eq!(name, format!("bullseye-sysroot-{}.modgraft-pack", &id[..12]));
    let size = fs_err::metadata(&pack).unwrap().len();
    println!("{size} bytes");
    assert!(size < 5_000_000, "{size} bytes");
    // Again, elsewhere: the same bytes.
    let again = Place::new();
    assert_eq!(sha256(&again.pack(&root)), id);

    let there = Place::new();
    let file = pack.to_str().unwrap();
    run(&mut there.command(&[
        "target",
        "add",
        "deb11",
        "--offline",
        "--pack",
        file,
        "--sha256",
        &id.to_uppercase(),
    ]));
    let listed = run(&mut there.command(&["target", "list"]));
    assert!(listed.contains(&format!("pack {}", &id[..12])) && listed.contains("glibc 2.31"), "{listed}");

    let reference = Path::new(env!("CARGO_MANIFEST_DIR")).join("modules/mod_proxy_wstunnel");
    for (number, module) in [linked(here.0.path()), reference].into_iter().enumerate() {
        let (_, whole) = built(&here, &module, root.to_str().unwrap(), &format!("whole{number}"));
        let (said, packed) = built(&there, &module, "deb11", &format!("packed{number}"));
        assert!(said.contains("the target came from a pack, which has no code of its httpd"), "{said}");
        let names =
            |files: &[(String, Vec<u8>)]| files.iter().map(|(name, _)| name.clone()).collect::<Vec<_>>();
        assert_eq!(names(&whole), names(&packed));
        assert_eq!(whole.iter().filter(|(name, _)| name.ends_with(".rpm")).count(), 3);
        for ((name, whole), (_, packed)) in whole.iter().zip(&packed) {
            assert!(whole == packed, "{name} differs");
        }
        let report = fs_err::read_to_string(there.path(&format!("packed{number}/report.json"))).unwrap();
        assert!(report.contains(&format!("a pack, {id}")), "{report}");
    }
    // Nothing else is otherwise either.
    let same = there.command(&["target", "diff", "--exit-code", "deb11"]).arg(&root).output().unwrap();
    assert_eq!(same.status.code(), Some(0), "{}", String::from_utf8_lossy(&same.stdout));

    // The dynamic linker and httpd would find the same: an order that is wrong, a module that is loaded twice, another's structure.
    let modules = "/usr/lib/apache2/modules";
    let loads = [
        ("proxy_http", "proxy_http"),
        ("proxy", "proxy"),
        ("ssl", "ssl"),
        ("ssl", "ssl"),
        ("a", "authz_core"),
    ];
    for first in 0..2 {
        let lines = loads[first..].iter();
        let lines: String =
            lines.map(|(of, file)| format!("LoadModule {of}_module {modules}/mod_{file}.so\n")).collect();
        fs_err::write(there.path("h.conf"), lines).unwrap();
        let simulated = |target: &str| {
            let conf = there.path("h.conf");
            let mut command = there.command(&["target", "simulate", "--json", target, "--conf"]);
            let output = command.arg(conf).output().unwrap();
            (output.status.code(), String::from_utf8(output.stdout).unwrap().replace(target, "TARGET"))
        };
        let (code, told) = simulated("deb11");
        assert!(code == Some(8) && told.contains(".so"), "{told}");
        assert_eq!((code, told), simulated(root.to_str().unwrap()));
    }

    let (code, said) = there.refused(&["target", "pack", "deb11"]);
    assert!(code == 4 && said.contains("modgraft::pack::again") && said.contains(&id), "{said}");
    let (code, said) = there.refused(&["target", "pack", "local"]);
    assert!(code == 4 && said.contains("modgraft::pack::not_whole"), "{said}");
    let left: Vec<_> =
        fs_err::read_dir(there.0.path()).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    assert!(left.iter().all(|name| !name.to_string_lossy().contains("modgraft-pack")), "{left:?}");
    hostile(&there, &pack, &id);
}

/// The pack with something done to it.
fn hostile(place: &Place, pack: &Path, id: &str) {
    let content = fs_err::read(pack).unwrap();
    let write = |name: &str, content: &[u8]| {
        fs_err::write(place.path(name), content).unwrap();
        place.path(name).to_str().unwrap().to_owned()
    };
    let refused = |file: &str, more: &[&str]| {
        place.refused(&[&["target", "add", "other", "--offline", "--pack", file], more].concat())
    };
    let is = |(code, said): (i32, String), expected: i32, what: &str, words: &str| {
        assert!(
            code == expected && said.contains(what) && said.contains(words),
            "{expected} {what} {words}: {code} {said}"
        );
    };
    let short = &content[..content.len() * 2 / 3];
    is(refused(&write("cut.modgraft-pack", short), &[]), 3, "modgraft::unpack::damaged", "it is cut off");
    let named = format!("cut-{}.modgraft-pack", &id[..12]);
    is(refused(&write(&named, short), &[]), 3, "modgraft::pack::digest", &id[..12]);
    let good = write("good.modgraft-pack", &content);
    is(refused(&good, &["--sha256", &"0".repeat(64)]), 3, "modgraft::pack::digest", id);
    is(refused("none.modgraft-pack", &[]), 2, "modgraft::pack::no_file", "none.modgraft-pack");
    is(refused(&good, &["--sha256", "12"]), 2, "modgraft::pack::no_digest", "`12`");
    is(refused(&good, &["--arch", "aarch64"]), 3, "processor", "aarch64");
    is(refused(&write("text", b"a text"), &[]), 3, "modgraft::pack::no_pack", "zstd");
    let mut flipped = content.clone();
    let middle = flipped.len() / 2;
    flipped[middle] ^= 0x55;
    let (code, said) = refused(&write("flipped", &flipped), &[]);
    assert!(code == 3 && said.contains("damaged"), "{code} {said}");

    type Change = dyn Fn(&str, Vec<u8>) -> Option<Vec<u8>>;
    let archive = |change: &Change, more: &[(&str, &[u8])]| {
        let whole = zstd::decode_all(&content[..]).unwrap();
        let mut made = tar::Builder::new(zstd::Encoder::new(Vec::new(), 1).unwrap());
        for entry in tar::Archive::new(&whole[..]).entries().unwrap() {
            let mut entry = entry.unwrap();
            let path = entry.path().unwrap().into_owned();
            let mut header = entry.header().clone();
            if let Some(target) = entry.link_name().unwrap() {
                made.append_link(&mut header, &path, &target).unwrap();
                continue;
            }
            let mut text = Vec::new();
            std::io::Read::read_to_end(&mut entry, &mut text).unwrap();
            let Some(text) = change(path.to_str().unwrap(), text) else { continue };
            header.set_size(text.len() as u64);
            made.append_data(&mut header, &path, &text[..]).unwrap();
        }
        for (path, text) in more {
            let mut header = tar::Header::new_gnu();
            // The crate would not write such a path.
            header.as_old_mut().name[..path.len()].copy_from_slice(path.as_bytes());
            header.set_size(text.len() as u64);
            header.set_mode(0o644);
            header.set_cksum();
            made.append(&header, *text).unwrap();
        }
        made.into_inner().unwrap().finish().unwrap()
    };
    let same = |_: &str, text: Vec<u8>| Some(text);
    for (facts, age, words) in [
        ("format = 3\nsecret = true\n", "newer", "made by a newer modgraft"),
        ("format = 1\nsecret = true\n", "older", "made by an older modgraft"),
    ] {
        let change =
            move |path: &str, text| Some(if path == "pack.toml" { facts.as_bytes().to_vec() } else { text });
        is(refused(&write(age, &archive(&change, &[])), &[]), 3, &format!("modgraft::pack::{age}"), words);
    }
    let lies = archive(
        &|path, text| {
            let text = if path == "pack.toml" {
                String::from_utf8(text).unwrap().replace("glibc = \"2.31\"", "glibc = \"2.17\"").into_bytes()
            } else {
                text
            };
            Some(text)
        },
        &[],
    );
    is(refused(&write("lies", &lies), &[]), 3, "modgraft::pack::damaged", "\"2.17\"");
    let escapes = archive(&same, &[("root/../../escaped", b"x")]);
    is(refused(&write("escapes", &escapes), &[]), 3, "modgraft::unpack::outside", "../../escaped");
    let less = archive(&|path, text| (!path.ends_with("/httpd.h")).then_some(text), &[]);
    is(refused(&write("less", &less), &[]), 3, "modgraft::pack::damaged", "files");
    let no_profile = archive(&|path, text| (path != "profile.toml").then_some(text), &[]);
    is(refused(&write("no_profile", &no_profile), &[]), 3, "modgraft::pack::damaged", "profile.toml");
    let other_text =
        archive(&|path, text| Some(if path == "profile.toml" { b"= 1".to_vec() } else { text }), &[]);
    let (code, said) = refused(&write("other_text", &other_text), &[]);
    assert!(code == 3 && said.contains("modgraft::profile"), "{code} {said}");

    // 300 MB of zeros are a few kB of zstd.
    let mut made = tar::Builder::new(zstd::Encoder::new(Vec::new(), 1).unwrap());
    let whole = zstd::decode_all(&content[..]).unwrap();
    for entry in tar::Archive::new(&whole[..]).entries().unwrap().take(3) {
        let mut entry = entry.unwrap();
        let (mut header, path) = (entry.header().clone(), entry.path().unwrap().into_owned());
        made.append_data(&mut header, path, &mut entry).unwrap();
    }
    let mut header = tar::Header::new_gnu();
    let size = 300_u64 << 20;
    header.set_size(size);
    header.set_mode(0o644);
    made.append_data(&mut header, "root/usr/include/large.h", std::io::Read::take(std::io::repeat(0), size))
        .unwrap();
    let mut large = made.into_inner().unwrap();
    large.flush().unwrap();
    let large = large.finish().unwrap();
    assert!(large.len() < 4_000_000);
    is(refused(&write("large", &large), &[]), 3, "modgraft::unpack::too_large", "large.h has more than");
}
