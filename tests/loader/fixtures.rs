//! Modules, libraries and files that are none, made once for each httpd.

use std::path::{Path, PathBuf};
use std::process::Command;

use modgraft::target::Target;

use crate::support::run;

/// What is beneath the folder of fixtures.
pub struct Fixtures {
    pub folder: PathBuf,
}

/// A module, but for its structure's name and what it has and uses.
const MODULE: &str = r#"
#include "httpd.h"
#include "http_config.h"
#ifdef MAJOR
#undef MODULE_MAGIC_NUMBER_MAJOR
#define MODULE_MAGIC_NUMBER_MAJOR MAJOR
#endif
#ifdef MINOR
#undef MODULE_MAGIC_NUMBER_MINOR
#define MODULE_MAGIC_NUMBER_MINOR MINOR
#endif
#ifdef COOKIE
#undef MODULE_MAGIC_COOKIE
#define MODULE_MAGIC_COOKIE COOKIE
#endif
#ifndef QUALIFIER
#define QUALIFIER
#endif
QUALIFIER module AP_MODULE_DECLARE_DATA STRUCTURE = { STANDARD20_MODULE_STUFF, NULL, NULL, NULL, NULL, NULL, NULL };
"#;

/// Modules: the name, what stands before the structure, what stands behind it, and arguments for the linker.
const MODULES: &[(&str, &str, &str, &[&str])] = &[
    ("ta", "", "int ta_function(void) { return 1; }", &["-Wl,-soname,mod_ta.so"]),
    ("tb", "", "int ta_function(void); int tb_function(void) { return ta_function(); }", &[]),
    ("tc", "", "int tb_function(void); int tc_function(void) { return tb_function(); }", &[]),
    ("td", "", "int td_function(void) { return 4; }", &[]),
    ("tx", "", "int ty_function(void); int tx_function(void) { return ty_function(); }", &[]),
    ("ty", "", "int tx_function(void); int ty_function(void) { return tx_function(); }", &[]),
    (
        "weak",
        "",
        "__attribute__((weak)) int nobody_has_it(void); int weak_f(void) { return nobody_has_it ? 1 : 0; }",
        &[],
    ),
    (
        "several",
        "",
        "extern int missing_data; int *several_data = &missing_data; int missing_a(void); int missing_b(void); \
         int several_f(void) { return missing_b() + missing_a(); } int (*several_pointer)(void) = missing_a;",
        &[],
    ),
    ("major", "#define MAJOR 20200101", "", &[]),
    ("minor", "#define MINOR 9999", "", &[]),
    ("cookie", "#define COOKIE 0x41503030UL", "", &[]),
    ("constant", "#define QUALIFIER const", "", &[]),
    ("dup1", "", "int shared_name = 1; int *dup1_p(void) { return &shared_name; }", &[]),
    ("dup2", "", "int shared_name = 2; int *dup2_p(void) { return &shared_name; }", &[]),
    ("plainuser", "", "int plain_function(void); int plainuser_f(void) { return plain_function(); }", &[]),
    ("stack", "", "", &["-Wl,-z,execstack"]),
];

/// Modules that are linked with libraries: the name, its text, the libraries' folder and arguments.
const LINKED: &[(&str, &str, &[&str])] = &[
    // Found in no folder.
    (
        "nolib",
        "int lib_function(void); int nolib_f(void) { return lib_function(); }",
        &["{lib}/libtlib.so.1"],
    ),
    (
        "runpath",
        "int lib_function(void); int runpath_f(void) { return lib_function(); }",
        &["{lib}/libtlib.so.1", "-Wl,--enable-new-dtags,-rpath,$ORIGIN/lib"],
    ),
    (
        "rpath",
        "int lib_function(void); int rpath_f(void) { return lib_function(); }",
        &["{lib}/libtlib.so.1", "-Wl,--disable-new-dtags,-rpath,{lib}"],
    ),
    (
        "version",
        "int versioned(void); int version_f(void) { return versioned(); }",
        &["{new}/libtver.so.1", "-Wl,-rpath,{lib}"],
    ),
    (
        "versionsymbol",
        "int only_new(void); int versionsymbol_f(void) { return only_new(); }",
        &["{new}/libtsym.so.1", "-Wl,-rpath,{lib}"],
    ),
    (
        "hidden",
        "int versioned(void); int hidden_f(void) { return versioned(); }",
        &["{lib}/libtver.so.1", "-Wl,-rpath,{lib}"],
    ),
    (
        "deep",
        "int outer_function(void); int deep_f(void) { return outer_function(); }",
        &["{lib}/libtouter.so.1", "-Wl,-rpath,{lib}", "-Wl,--allow-shlib-undefined"],
    ),
    (
        "deepuser",
        "int outer_function(void); int nobody(void); int deepuser_f(void) { return outer_function() + nobody(); }",
        &["{lib}/libtouter.so.1", "-Wl,-rpath,{lib}", "-Wl,--allow-shlib-undefined"],
    ),
    ("linked", "int ta_function(void); int linked_f(void) { return ta_function(); }", &["{m}/mod_ta.so"]),
];

/// Libraries: folder, name, text, version script.
const LIBRARIES: &[(&str, &str, &str, &str)] = &[
    ("lib", "libtlib.so.1", "int lib_function(void) { return 1; }", ""),
    ("lib", "libplain.so", "int plain_function(void) { return 1; }", ""),
    ("lib", "libtver.so.1", "int versioned(void) { return 1; }", "V1 { global: versioned; };"),
    ("new", "libtver.so.1", "int versioned(void) { return 2; }", "V1 { };\nV2 { global: versioned; };"),
    ("lib", "libtsym.so.1", "int other(void) { return 1; }", "V1 { global: other; };"),
    ("new", "libtsym.so.1", "int only_new(void) { return 1; }", "V1 { global: only_new; };"),
    (
        "lib",
        "libtouter.so.1",
        "int from_a_module(void); int outer_function(void) { return from_a_module(); }",
        "",
    ),
    ("lib", "libprovides.so", "int from_a_module(void) { return 1; } int nobody(void) { return 2; }", ""),
];

impl Fixtures {
    pub fn new(target: &Target, folder: &Path) -> Self {
        for name in ["lib", "new"] {
            fs_err::create_dir_all(folder.join(name)).unwrap();
        }
        fs_err::write(folder.join("module.h"), MODULE).unwrap();
        let fixtures = Fixtures { folder: folder.to_owned() };
        for (place, name, text, script) in LIBRARIES {
            fixtures.library(place, name, text, script);
        }
        let flags = flags(target);
        for (name, before, after, arguments) in MODULES {
            let arguments: Vec<String> = arguments.iter().map(|one| (*one).to_owned()).collect();
            fixtures.module(name, before, after, &flags, &arguments);
        }
        for (name, after, arguments) in LINKED {
            let arguments: Vec<String> = arguments.iter().map(|one| fixtures.filled(one)).collect();
            fixtures.module(name, "", after, &flags, &arguments);
        }
        fixtures.others();
        fixtures
    }

    fn filled(&self, text: &str) -> String {
        let at = |name: &str| self.folder.join(name).display().to_string();
        text.replace("{lib}", &at("lib")).replace("{new}", &at("new")).replace("{m}", &at(""))
    }

    fn library(&self, place: &str, name: &str, text: &str, script: &str) {
        let source = self.folder.join("library.c");
        let map = self.folder.join("library.map");
        fs_err::write(&source, text).unwrap();
        let mut command = Command::new("cc");
        command.args(["-shared", "-fPIC", "-nostdlib", "-Wno-implicit"]);
        command.arg(format!("-Wl,-soname,{name}"));
        if !script.is_empty() {
            fs_err::write(&map, script).unwrap();
            command.arg(format!("-Wl,--version-script={}", map.display()));
        }
        run(command.arg(&source).arg("-o").arg(self.folder.join(place).join(name)));
    }

    fn module(&self, name: &str, before: &str, after: &str, flags: &[String], arguments: &[String]) {
        let source = self.folder.join(format!("mod_{name}.c"));
        let text = format!("#define STRUCTURE {name}_module\n{before}\n#include \"module.h\"\n{after}\n");
        fs_err::write(&source, text).unwrap();
        let mut command = Command::new("cc");
        // Without the C library: the modules call nothing of it, and so fit any.
        command.args(["-shared", "-fPIC", "-O1", "-nostdlib", "-Wl,-z,lazy", "-Wl,--no-as-needed"]);
        command.args(flags).arg(&source).args(arguments);
        run(command.arg("-o").arg(self.folder.join(format!("mod_{name}.so"))));
    }

    /// Files that are no modules.
    fn others(&self) {
        let at = |name: &str| self.folder.join(name);
        let module = fs_err::read(at("mod_td.so")).unwrap();
        let write = |name: &str, content: &[u8]| fs_err::write(at(name), content).unwrap();
        write("mod_empty.so", b"");
        write(
            "mod_text.so",
            "This is no shared object, though it is longer than an ELF header is.\n".repeat(3).as_bytes(),
        );
        write("mod_short.so", &module[..40]);
        write("mod_header.so", &module[..64]);
        write("mod_cut.so", &module[..0x1100.min(module.len() / 2)]);
        let patched = |at: usize, byte: u8| {
            let mut content = module.clone();
            content[at] = byte;
            content
        };
        write("mod_class.so", &patched(4, 1));
        write("mod_order.so", &patched(5, 2));
        write("mod_ident.so", &patched(6, 9));
        write("mod_abi.so", &patched(7, 9));
        write("mod_machine.so", &patched(18, 0xb7));
        fs_err::create_dir_all(at("mod_folder.so")).unwrap();
        let source = at("program.c");
        fs_err::write(&source, "int main(void) { return 0; } int td_module;").unwrap();
        run(Command::new("cc").args(["-pie", "-fPIE"]).arg(&source).arg("-o").arg(at("mod_pie.so")));
        run(Command::new("cc").arg("-no-pie").arg(&source).arg("-o").arg(at("mod_program.so")));
        run(Command::new("cc").arg("-c").arg(&source).arg("-o").arg(at("mod_object.so")));
        run(Command::new("objcopy").arg("--only-keep-debug").arg(at("mod_td.so")).arg(at("mod_debug.so")));
        fs_err::write(&source, "int zero_module[64]; int code_module(void) { return 0; }").unwrap();
        let shared = ["-shared", "-fPIC", "-nostdlib"];
        run(Command::new("cc").args(shared).arg(&source).arg("-o").arg(at("mod_zero.so")));
        std::os::unix::fs::symlink("mod_ta.so", at("mod_link.so")).unwrap();
        std::os::unix::fs::symlink("nowhere.so", at("mod_dangling.so")).unwrap();
    }
}

/// Where the target's headers are, and what they want defined.
fn flags(target: &Target) -> Vec<String> {
    let mut flags: Vec<String> =
        ["-D_GNU_SOURCE", "-DLINUX", "-D_REENTRANT", "-D_LARGEFILE64_SOURCE"].map(str::to_owned).to_vec();
    flags.extend(target.include_dirs.iter().map(|folder| format!("-I{}", folder.display())));
    flags
}
