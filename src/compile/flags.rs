//! The flags of the compiler call: apxs's own without what does not fit this machine, CFLAGS, and modgraft's.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::LazyLock;

use serde::{Deserialize, Serialize};

use super::probe::UnknownFlag;
use super::toolchain::{Family, Toolchain};
use crate::target::Target;

/// A flag of apxs that is not passed on.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct DroppedFlag {
    /// As it stands in apxs's variables.
    pub flag: String,
    /// The variable: `CFLAGS`.
    pub variable: String,
    /// Why, in words.
    pub reason: String,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct OwnFlags {
    flag: Vec<OwnFlag>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct OwnFlag {
    flag: String,
    gcc: Option<[u32; 2]>,
    clang: Option<[u32; 2]>,
    otherwise: Option<String>,
}

static OWN: LazyLock<Vec<OwnFlag>> = LazyLock::new(|| {
    let text = include_str!("../../templates/compiler-flags.toml");
    let data: OwnFlags = toml::from_str(text)
        .unwrap_or_else(|error| panic!("compiler-flags.toml is embedded and tested: {error}"));
    data.flag
});

/// The variables that apxs passes to the compiler and the linker, in its order (apxs.in); but for SHLTCFLAGS and LTCFLAGS,
/// which are libtool's.
const COMPILE_VARIABLES: &[&str] =
    &["CFLAGS", "CPPFLAGS", "NOTEST_CPPFLAGS", "EXTRA_CPPFLAGS", "EXTRA_CFLAGS"];
const LINK_VARIABLES: &[&str] = &["LDFLAGS", "NOTEST_LDFLAGS", "SH_LDFLAGS"];
const INCLUDE_VARIABLES: &[&str] = &["EXTRA_INCLUDES", "INCLUDES"];

/// apxs's flags.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct TargetFlags {
    /// For the compiler.
    pub compile: Vec<String>,
    /// Further header folders, as flags.
    pub include: Vec<String>,
    /// For the linker.
    pub link: Vec<String>,
    /// What was left out.
    pub dropped: Vec<DroppedFlag>,
}

impl TargetFlags {
    /// Takes apxs's flags from its variables, but for those that the compiler does not take (`unknown`). `find` tells where
    /// a path of the target is on this host.
    pub fn of(
        variables: &BTreeMap<String, String>,
        unknown: &[UnknownFlag],
        find: &dyn Fn(&Path) -> Option<PathBuf>,
    ) -> Self {
        let usable = Usable { unknown, exists: &|path| find(path).is_some_and(|found| found == path) };
        let mut flags = TargetFlags::default();
        // What follows the program in `CC = gcc -std=gnu99` is apxs's too.
        let cc = variables.get("CC").map(String::as_str).unwrap_or_default();
        let rest = cc.split_whitespace().skip(1).map(str::to_owned).collect::<Vec<_>>();
        let mut compile = Vec::new();
        flags.take("CC", rest, &usable, &mut compile);
        for variable in COMPILE_VARIABLES {
            flags.take(variable, words(variables, variable), &usable, &mut compile);
        }
        let mut link = Vec::new();
        for variable in LINK_VARIABLES {
            flags.take(variable, words(variables, variable), &usable, &mut link);
        }
        // The folders of httpd's and APR's own headers are the target's `include_dirs`, wherever those lie on this host.
        let own = ["exp_includedir", "includedir", "APR_INCLUDEDIR", "APU_INCLUDEDIR"];
        let own: Vec<&String> = own.iter().filter_map(|name| variables.get(*name)).collect();
        let mut include = Vec::new();
        for variable in INCLUDE_VARIABLES {
            let folders = words(variables, variable).into_iter().filter(|flag| {
                flag.strip_prefix("-I").is_some_and(|path| {
                    path.starts_with('/') && path != "/usr/include" && !own.iter().any(|own| *own == path)
                })
            });
            let found = folders.filter_map(|flag| find(Path::new(&flag[2..])));
            include.extend(found.map(|folder| format!("-I{}", folder.display())));
        }
        include.dedup();
        TargetFlags { compile, include, link, dropped: flags.dropped }
    }

    fn take(&mut self, variable: &str, words: Vec<String>, usable: &Usable<'_>, kept: &mut Vec<String>) {
        let is_link = LINK_VARIABLES.contains(&variable);
        for group in grouped(words) {
            let flag = group.join(" ");
            let drop =
                |flag: String, reason: String| DroppedFlag { flag, variable: variable.to_owned(), reason };
            if let Some(warning) = flag.strip_prefix("-Werror").filter(|_| !is_link) {
                // The warning itself stays on.
                let warning = warning.strip_prefix('=').map(|name| format!("-W{name}"));
                kept.extend(warning.filter(|warning| usable.reason_unknown(warning).is_none()));
                self.dropped.push(drop(flag, POLICY.to_owned()));
                continue;
            }
            match reason_to_drop(&flag, is_link, usable.exists).or_else(|| usable.reason_unknown(&flag)) {
                Some(reason) => self.dropped.push(drop(flag, reason)),
                None => kept.extend(group),
            }
        }
    }
}

/// What decides whether a flag can be used here.
struct Usable<'a> {
    unknown: &'a [UnknownFlag],
    exists: &'a dyn Fn(&Path) -> bool,
}

impl Usable<'_> {
    fn reason_unknown(&self, flag: &str) -> Option<String> {
        let unknown = self.unknown.iter().find(|unknown| unknown.flag == flag)?;
        Some(format!("the compiler here does not take it: {}", unknown.said))
    }
}

/// Each flag with the words that belong to it: those that begin with no dash.
pub fn grouped(words: Vec<String>) -> Vec<Vec<String>> {
    let mut groups: Vec<Vec<String>> = Vec::new();
    for word in words {
        match groups.last_mut() {
            Some(group) if !word.starts_with(['-', '@']) => group.push(word),
            _ => groups.push(vec![word]),
        }
    }
    groups
}

/// Where a path of the target is on this host, if it is there. What lies in a sysroot is not at the path that the target's
/// own tools would name, so of its flags those for header folders are of use only.
pub fn find(target: &Target, path: &Path) -> Option<PathBuf> {
    match target.sysroot() {
        Some(_) => target.in_sysroot(&path.to_string_lossy()),
        None => Some(path.to_owned()).filter(|path| path.exists()),
    }
}

/// A variable's words. httpd's build system quotes no flags, but a vendor's may: quotes keep words together.
fn words(variables: &BTreeMap<String, String>, name: &str) -> Vec<String> {
    let mut words = Vec::new();
    let mut word = String::new();
    let mut quote = None;
    for c in variables.get(name).map(String::as_str).unwrap_or_default().chars() {
        match (quote, c) {
            (Some(open), c) if c == open => quote = None,
            (None, '"' | '\'') => quote = Some(c),
            (None, c) if c.is_whitespace() => words.push(std::mem::take(&mut word)),
            (_, c) => word.push(c),
        }
    }
    words.push(word);
    words.retain(|word| !word.is_empty());
    words
}

/// Why a target's `-Werror` and `-Werror=NAME` become warnings. Debian and Enterprise Linux have -Werror=format-security, which
/// upstream's own code did not always pass (mod_sed). What must be an error for a graft to be safe, modgraft adds itself:
/// `templates/compiler-flags.toml`; the variable CFLAGS is the user's, and taken as it is.
const POLICY: &str = "a distribution's policy for its own code: here it stays a warning, which is shown";

/// Silences all warnings, those too that `-Werror=NAME` makes errors of.
pub const SILENT: &str = "-w";

/// Why it is never passed on, whoever asks for it.
pub const SILENCES: &str =
    "it silences what tells this httpd's interface from the one that the module was written for";

/// Why a flag of the target's own build is of no use here.
fn reason_to_drop(flag: &str, is_link: bool, exists: &dyn Fn(&Path) -> bool) -> Option<String> {
    let starts = |prefixes: &[&str]| prefixes.iter().any(|prefix| flag.starts_with(prefix));
    if flag == SILENT && !is_link {
        return Some(SILENCES.to_owned());
    }
    if starts(&["-ffile-prefix-map=", "-fdebug-prefix-map=", "-fmacro-prefix-map="]) {
        return Some("it maps the folders of httpd's own build".to_owned());
    }
    if starts(&["-fplugin"]) {
        return Some(
            "it loads a plugin of the distribution's compiler, which annotates its own packages".to_owned(),
        );
    }
    if starts(&["-flto", "-ffat-lto-objects", "-fno-fat-lto-objects", "-fuse-linker-plugin"]) {
        return Some("a module is one file: there is nothing to optimise across files".to_owned());
    }
    if matches!(flag, "-pie" | "-fPIE" | "-fpie" | "-static") || starts(&["-static-"]) {
        return Some("it is for programs, not for modules".to_owned());
    }
    if starts(&["-rpath", "-Wl,-rpath", "-Wl,--rpath", "-Wl,-R", "-R"]) {
        return Some("a module must not search folders of its own for libraries".to_owned());
    }
    if is_link && starts(&["-l"]) {
        return Some("httpd itself is linked with it; a module names what it needs".to_owned());
    }
    if starts(&["-specs=", "-Wl,", "@", "-L", "-B"])
        && let Some(path) = missing_path(flag, exists)
    {
        return Some(format!("{path} is not on this machine"));
    }
    None
}

/// The first absolute path in a flag that does not exist.
fn missing_path<'a>(flag: &'a str, exists: &dyn Fn(&Path) -> bool) -> Option<&'a str> {
    let start = flag.find('/').filter(|at| {
        matches!(flag.as_bytes().get(at.wrapping_sub(1)), Some(b'=' | b',' | b'@' | b'L' | b'B' | b'T'))
    })?;
    let path = flag[start..].split(',').next()?;
    // A library folder that is a file is a mistake of the build that wrote it.
    let usable = exists(Path::new(path)) && !(flag.starts_with("-L") && path.contains(".so"));
    (!usable).then_some(path)
}

/// modgraft's own flags that this compiler knows.
pub fn own(toolchain: &Toolchain) -> Vec<String> {
    let known = |flag: &OwnFlag| {
        let since = match toolchain.family {
            Family::Gcc => flag.gcc,
            Family::Clang => flag.clang,
        };
        since.is_some_and(|since| toolchain.version >= since)
    };
    let flag = |own: &OwnFlag| if known(own) { Some(own.flag.clone()) } else { own.otherwise.clone() };
    OWN.iter().filter_map(flag).collect()
}

/// The flag that replaces a folder by another in all that the compiler writes.
pub fn prefix_map(toolchain: &Toolchain, from: &str, to: &str) -> String {
    let since = match toolchain.family {
        Family::Gcc => [8, 0],
        Family::Clang => [10, 0],
    };
    // Older compilers keep the folder in macros such as __FILE__, where #line has put upstream's name in any case.
    let name = if toolchain.version >= since { "file" } else { "debug" };
    format!("-f{name}-prefix-map={from}={to}")
}

/// What the flags so far leave to be said about debug information, which goes into a package of its own, about optimisation,
/// and about FORTIFY, which needs optimisation to work.
pub fn levels(flags: &[String]) -> Vec<String> {
    let level = flags.iter().rev().find(|flag| flag.starts_with("-O"));
    let mut own = Vec::new();
    let debug = flags.iter().rev().find(|flag| flag.starts_with("-g") && !flag.starts_with("-gno-"));
    if debug.is_none_or(|level| level == "-g0") {
        own.push("-g".to_owned());
    }
    if level.is_none() {
        own.push("-O2".to_owned());
    }
    let off = level.is_some_and(|level| level == "-O0");
    if !off && !flags.iter().any(|flag| flag.contains("_FORTIFY_SOURCE")) {
        own.extend(["-U_FORTIFY_SOURCE", "-D_FORTIFY_SOURCE=2"].map(str::to_owned));
    }
    own
}

#[cfg(test)]
mod tests {
    use super::*;

    fn variables(pairs: &[(&str, &str)]) -> BTreeMap<String, String> {
        pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
    }

    #[test]
    fn vendor_flags_are_dropped_with_their_reason() {
        let flags = TargetFlags::of(
            &variables(&[
                ("CC", "gcc -std=gnu99"),
                (
                    "CFLAGS",
                    "-O2 -g -flto=auto -specs=/usr/lib/rpm/redhat/redhat-hardened-cc1 -fplugin=annobin -march=x86-64",
                ),
                ("CPPFLAGS", "-ffile-prefix-map=/build/apache2=. -Wdate-time"),
                ("EXTRA_CPPFLAGS", "-DLINUX -D_GNU_SOURCE"),
                (
                    "LDFLAGS",
                    "-Wl,-z,now -lpcre2-8 -Wl,-dT,/builddir/note.ld -Wl,-rpath,/opt -L/usr/lib/libpcre2-8.so.0 -pie",
                ),
                ("exp_includedir", "/usr/include/apache2"),
                ("EXTRA_INCLUDES", "-I/usr/include/apache2 -I. -I/usr/include -I/usr/include/more"),
            ]),
            &[],
            &|path| path.starts_with("/usr/include").then(|| path.to_owned()),
        );
        assert_eq!(
            flags.compile,
            ["-std=gnu99", "-O2", "-g", "-march=x86-64", "-Wdate-time", "-DLINUX", "-D_GNU_SOURCE"]
        );
        assert_eq!(flags.link, ["-Wl,-z,now"]);
        assert_eq!(flags.include, ["-I/usr/include/more"]);
        let dropped: Vec<_> = flags.dropped.iter().map(|dropped| &*dropped.flag).collect();
        assert_eq!(
            dropped,
            [
                "-flto=auto",
                "-specs=/usr/lib/rpm/redhat/redhat-hardened-cc1",
                "-fplugin=annobin",
                "-ffile-prefix-map=/build/apache2=.",
                "-lpcre2-8",
                "-Wl,-dT,/builddir/note.ld",
                "-Wl,-rpath,/opt",
                "-L/usr/lib/libpcre2-8.so.0",
                "-pie",
            ]
        );
        let specs = flags.dropped.iter().find(|dropped| dropped.flag.starts_with("-specs")).unwrap();
        assert_eq!(specs.reason, "/usr/lib/rpm/redhat/redhat-hardened-cc1 is not on this machine");
        assert_eq!(specs.variable, "CFLAGS");
    }

    #[test]
    fn a_distributions_errors_become_warnings() {
        let flags = TargetFlags::of(
            &variables(&[
                ("CFLAGS", "-O2 -Wformat -Werror=format-security -Werror -Wall"),
                ("LDFLAGS", "-Wl,-z,now"),
            ]),
            &[],
            &|path| Some(path.to_owned()),
        );
        assert_eq!(flags.compile, ["-O2", "-Wformat", "-Wformat-security", "-Wall"]);
        let dropped: Vec<_> = flags.dropped.iter().map(|dropped| &*dropped.flag).collect();
        assert_eq!(dropped, ["-Werror=format-security", "-Werror"]);
        assert!(flags.dropped[0].reason.contains("stays a warning"), "{}", flags.dropped[0].reason);
    }

    #[test]
    fn no_target_silences_the_compiler() {
        let variables = variables(&[("CC", "gcc -w"), ("CFLAGS", "-O2 -w -Wall")]);
        let flags = TargetFlags::of(&variables, &[], &|path| Some(path.to_owned()));
        assert_eq!(flags.compile, ["-O2", "-Wall"]);
        assert_eq!(flags.dropped.iter().map(|dropped| &*dropped.flag).collect::<Vec<_>>(), ["-w", "-w"]);
    }

    #[test]
    fn specs_that_are_here_stay() {
        let flags = TargetFlags::of(
            &variables(&[("CFLAGS", "-specs=/usr/lib/rpm/redhat/redhat-hardened-cc1")]),
            &[],
            &|path| Some(path.to_owned()),
        );
        assert_eq!(flags.compile.len(), 1);
    }

    #[test]
    fn of_a_sysroot_only_headers_are_taken() {
        let flags = TargetFlags::of(
            &variables(&[
                ("CFLAGS", "-specs=/usr/lib/rpm/redhat/redhat-hardened-cc1"),
                ("LDFLAGS", "-L/usr/lib64"),
                ("EXTRA_INCLUDES", "-I/usr/include/more"),
            ]),
            &[],
            &|path| Some(Path::new("/root").join(path.strip_prefix("/").unwrap())),
        );
        assert_eq!((flags.compile, flags.link), (Vec::new(), Vec::new()));
        assert_eq!(flags.include, ["-I/root/usr/include/more"]);
        assert_eq!(flags.dropped.len(), 2);
    }

    #[test]
    fn what_the_compiler_does_not_take_is_dropped_with_its_words() {
        let unknown =
            |flag: &str| UnknownFlag { flag: flag.to_owned(), said: "never heard of it".to_owned() };
        let flags = TargetFlags::of(
            &variables(&[
                ("CFLAGS", "-m64 -O2 --param ssp-buffer-size=4 -Werror=new-warning"),
                ("LDFLAGS", "-R /opt -Wl,-z,now -lpcre /usr/lib/libown.a"),
            ]),
            &["-m64", "--param ssp-buffer-size=4", "-Wnew-warning"].map(unknown),
            &|_| None,
        );
        assert_eq!(flags.compile, ["-O2"]);
        assert_eq!(flags.link, ["-Wl,-z,now"]);
        let dropped: Vec<_> = flags.dropped.iter().map(|dropped| &*dropped.flag).collect();
        assert_eq!(
            dropped,
            [
                "-m64",
                "--param ssp-buffer-size=4",
                "-Werror=new-warning",
                "-R /opt",
                "-lpcre /usr/lib/libown.a"
            ]
        );
        assert_eq!(flags.dropped[0].reason, "the compiler here does not take it: never heard of it");
    }

    #[test]
    fn quoted_words_stay_together() {
        let variables = variables(&[("CFLAGS", "-DA='x y' \"-DB=z\"  ")]);
        assert_eq!(words(&variables, "CFLAGS"), ["-DA=x y", "-DB=z"]);
    }

    #[test]
    fn fortify_is_on_unless_it_is_set_or_cannot_work() {
        let with = |flags: &[&str]| levels(&flags.iter().map(|flag| (*flag).to_owned()).collect::<Vec<_>>());
        assert_eq!(with(&[]), ["-g", "-O2", "-U_FORTIFY_SOURCE", "-D_FORTIFY_SOURCE=2"]);
        assert_eq!(with(&["-g", "-O2", "-Wp,-D_FORTIFY_SOURCE=3"]), Vec::<String>::new());
        assert_eq!(with(&["-O2", "-O0", "-g3", "-g0"]), ["-g"]);
    }

    #[test]
    fn an_old_compiler_gets_what_it_knows() {
        let old = own(&Toolchain::of(Family::Gcc, [4, 4]));
        assert_eq!(old, ["-fstack-protector", "-Werror=implicit-function-declaration"]);
        assert!(own(&Toolchain::of(Family::Gcc, [12, 2])).contains(&"-fstack-protector-strong".to_owned()));
        assert!(!own(&Toolchain::of(Family::Clang, [14, 0])).iter().any(|flag| flag.contains("column-unit")));
        assert_eq!(prefix_map(&Toolchain::of(Family::Gcc, [4, 8]), "/a", "/b"), "-fdebug-prefix-map=/a=/b");
    }
}
