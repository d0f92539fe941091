//! Targets for the tests: prefixes as httpd's `make install` leaves them, made of header fixtures or of this machine's
//! headers with names taken out. No httpd runs there; the program only says which httpd it would be.

use std::collections::BTreeSet;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::process::Command;

use modgraft::target::{self, Options, Target};
use serde::Deserialize;

use super::support::{apxs, run, scratch};

/// The httpd of this machine.
pub fn local() -> Target {
    let options = Options { offline: true, ..Options::new(scratch("adapt-cache")) };
    target::resolve("local", &options, &|_| {}).expect("the test needs apache2-dev or httpd-devel")
}

/// The header fixtures of httpd 2.2; or the real httpd 2.2 in the folder that `MODGRAFT_HTTPD_2_2` names.
pub fn httpd_2_2() -> Target {
    match std::env::var_os("MODGRAFT_HTTPD_2_2") {
        Some(folder) => resolve(Path::new(&folder)),
        None => {
            let fixture = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/httpd-2.2/include");
            prefix("httpd-2.2", "2.2.15", |include| symlink(fixture, include).unwrap())
        }
    }
}

/// The header fixtures of httpd 2.2 and these headers beside them: name and text.
pub fn httpd_2_2_with(name: &str, headers: &[(&str, &str)]) -> Target {
    let fixture = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/httpd-2.2/include");
    prefix(name, "2.2.15", |include| {
        fs_err::create_dir(include).unwrap();
        for entry in fs_err::read_dir(fixture).unwrap() {
            let path = entry.unwrap().path();
            fs_err::copy(&path, include.join(path.file_name().unwrap())).unwrap();
        }
        for (header, text) in headers {
            fs_err::write(include.join(header), text).unwrap();
        }
    })
}

/// What the older httpd 2.4 of [`older_2_4`] calls itself.
const OLDER: (&str, &str, &str) = ("2.4.6", "6", "23");

/// An older httpd 2.4: this machine's headers, in which the public names that came later have other names, and those of
/// `more` as well: `name`, or `owner.member` for a member of `struct owner`.
pub fn older_2_4(more: &[String]) -> Target {
    let name = format!("httpd-2.4 {}", more.join(" "));
    prefix(&name, OLDER.0, |include| {
        fs_err::create_dir(include).unwrap();
        let lacks =
            include_str!("../fixtures/httpd-2.4/lacks.txt").lines().filter(|line| !line.starts_with('#'));
        let all = lacks.map(str::to_owned).chain(more.iter().cloned());
        let (members, names): (Vec<String>, Vec<String>) = all.partition(|name| name.contains('.'));
        let names: BTreeSet<String> = names.into_iter().chain(later_names()).collect();
        for entry in fs_err::read_dir(apxs("INCLUDEDIR")).unwrap() {
            let path = entry.unwrap().path();
            let name = path.file_name().unwrap().to_str().unwrap().to_owned();
            if !name.ends_with(".h") || members.contains(&name) {
                continue;
            }
            let text = String::from_utf8_lossy(&fs_err::read(&path).unwrap()).into_owned();
            let mut text = without(&text, &names);
            for member in &members {
                text = if member.ends_with(".h") {
                    let include = format!("#include \"{member}\"");
                    text.split_inclusive('\n').filter(|line| line.trim_end() != include).collect()
                } else {
                    without_member(&text, member)
                };
            }
            match name.as_str() {
                "ap_release.h" => text = defined(&text, "AP_SERVER_PATCHLEVEL_NUMBER", OLDER.1),
                "ap_mmn.h" => text = defined(&text, "MODULE_MAGIC_NUMBER_MINOR", OLDER.2),
                _ => {}
            }
            fs_err::write(include.join(name), text).unwrap();
        }
    })
}

/// The names that releases behind [`OLDER`] brought.
fn later_names() -> Vec<String> {
    #[derive(Deserialize)]
    struct Api {
        since: std::collections::BTreeMap<String, String>,
    }
    let api: Api = toml::from_str(include_str!("../../templates/httpd-api.toml")).unwrap();
    let patch = |version: &str| version.strip_prefix("2.4.").and_then(|patch| patch.parse::<u32>().ok());
    let older = patch(OLDER.0).unwrap();
    let later = api.since.iter().filter(|(version, _)| patch(version).is_some_and(|patch| patch > older));
    later.flat_map(|(_, names)| names.split_whitespace().map(str::to_owned)).collect()
}

/// A text with these names called otherwise, wherever they stand; a hook's, where the macro that declares it has it.
fn without(text: &str, names: &BTreeSet<String>) -> String {
    let hooks: BTreeSet<&str> = names.iter().filter_map(|name| Some(name.split_once("_hook_")?.1)).collect();
    let mut made = String::with_capacity(text.len());
    let mut declares_hook = false;
    for word in words(text) {
        if word.ends_with("_HOOK") {
            declares_hook = true;
        } else if word.starts_with(';') || word.starts_with("((") || word.contains('\n') {
            declares_hook = false;
        }
        if declares_hook && hooks.contains(word) || names.contains(word) {
            made.push_str("lacking_");
        }
        made.push_str(word);
    }
    made
}

/// A text with a member of a structure called otherwise.
fn without_member(text: &str, member: &str) -> String {
    let (owner, member) = member.split_once('.').unwrap();
    // `struct OWNER {`, or `typedef struct {` up to `} OWNER;`.
    let named = text.find(&format!("struct {owner} {{"));
    let unnamed = || text[..text.find(&format!("\n}} {owner};"))?].rfind("typedef struct");
    let Some(at) = named.or_else(unnamed) else { return text.to_owned() };
    let end = text[at..].find("\n}").map_or(text.len(), |end| at + end);
    let inner = without(&text[at..end], &BTreeSet::from([member.to_owned()]));
    format!("{}{inner}{}", &text[..at], &text[end..])
}

/// A text in which a macro has another value.
fn defined(text: &str, name: &str, value: &str) -> String {
    let line = |line: &str| {
        let defines = line.trim_start().strip_prefix('#').is_some_and(|rest| {
            let mut words = rest.split_whitespace();
            words.next() == Some("define") && words.next() == Some(name)
        });
        if defines { format!("#define {name} {value}\n") } else { line.to_owned() }
    };
    text.split_inclusive('\n').map(line).collect()
}

/// Identifiers, and what stands between them.
fn words(text: &str) -> impl Iterator<Item = &str> {
    let is_word = |letter: char| letter.is_ascii_alphanumeric() || letter == '_';
    let mut rest = text;
    std::iter::from_fn(move || {
        let first = rest.chars().next()?;
        let end = rest.find(|letter| is_word(letter) != is_word(first)).unwrap_or(rest.len());
        let (word, behind) = rest.split_at(end);
        rest = behind;
        Some(word)
    })
}

fn resolve(folder: &Path) -> Target {
    let options = Options { offline: true, ..Options::new(scratch("adapt-cache")) };
    let name = folder.to_str().expect("tests have their folders at UTF-8 paths");
    target::resolve(name, &options, &|_| {}).unwrap_or_else(|error| panic!("{error}"))
}

/// Puts a prefix together; `include` makes its header folder.
fn prefix(name: &str, version: &str, include: impl FnOnce(&Path)) -> Target {
    let folder = scratch("prefixes").join(name.replace([' ', '.'], "_"));
    if folder.exists() {
        return resolve(&folder);
    }
    let made = tempfile::tempdir_in(folder.parent().unwrap()).unwrap();
    let path = |name: &str| made.path().join(name);
    for name in ["bin", "build", "conf", "modules"] {
        fs_err::create_dir(path(name)).unwrap();
    }
    include(&path("include"));
    program(&path("bin/httpd"), version);
    let variables = format!(
        "prefix = {}\nexec_prefix = ${{prefix}}\nsbindir = ${{exec_prefix}}/bin\nprogname = httpd\n\
         includedir = ${{prefix}}/include\nlibexecdir = ${{exec_prefix}}/modules\nsysconfdir = ${{prefix}}/conf\n\
         CC = gcc\nEXTRA_CPPFLAGS = {}\nAPR_INCLUDEDIR = {}\nAPU_INCLUDEDIR = {}\n",
        folder.display(),
        apxs("EXTRA_CPPFLAGS"),
        apxs("APR_INCLUDEDIR"),
        apxs("APU_INCLUDEDIR"),
    );
    fs_err::write(path("build/config_vars.mk"), variables).unwrap();
    // Two threads may make the same one: the first has it.
    if fs_err::rename(made.path(), &folder).is_ok() {
        let _ = made.keep();
    }
    resolve(&folder)
}

/// A program that exports nothing and says which httpd it is.
fn program(path: &Path, version: &str) {
    let source: PathBuf = path.with_extension("c");
    fs_err::write(
        &source,
        format!("const char *volatile v = \"Apache/{version}\";\nint main(void) {{ return 0; }}\n"),
    )
    .unwrap();
    run(Command::new("cc").arg("-o").arg(path).arg(&source));
}
