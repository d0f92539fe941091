//! Layouts of the public types: the compiler agrees with each number, and a probe of the headers tells what a program's own
//! debug information does.

mod support;

use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use modgraft::compile::{self, Toolchain};
use modgraft::layout::{self, Layouts, Shape};
use modgraft::target::{self, Options, Target};
use support::{run, scratch};

const LIMIT: Duration = Duration::from_secs(120);

fn local() -> Target {
    let options = Options { offline: true, ..Options::new(scratch("layout")) };
    target::resolve("local", &options, &|_| {}).expect("the test needs apache2-dev or httpd-devel")
}

/// One assertion of C for each size, alignment, offset and value.
fn assertions(layouts: &Layouts) -> String {
    let mut text = String::new();
    let mut that = |claim: String| text += &format!("_Static_assert({claim}, \"\");\n");
    for (name, layout) in &layouts.types {
        let opaque = matches!(layout.shape, Shape::Alias(_)) && layout.size == 0;
        if !opaque && !name.contains('{') {
            that(format!("sizeof({name}) == {} && _Alignof({name}) == {}", layout.size, layout.align));
        }
        match &layout.shape {
            Shape::Struct(members) | Shape::Union(members) => {
                for member in members.iter().filter(|member| member.bits.is_none()) {
                    let path = member.name.replace("[]", "[0]");
                    that(format!("__builtin_offsetof({name}, {path}) == {}", member.offset));
                    if member.size > 0 {
                        that(format!("sizeof((({name} *)0)->{path}) == {}", member.size));
                    }
                }
            }
            Shape::Enum(constants) => {
                constants.iter().for_each(|(constant, value)| that(format!("{constant} == {value}")));
            }
            Shape::Alias(_) => {}
        }
    }
    text
}

fn all_members(layouts: &Layouts) -> usize {
    let of = |shape: &Shape| match shape {
        Shape::Struct(members) | Shape::Union(members) => members.len(),
        Shape::Enum(constants) => constants.len(),
        Shape::Alias(_) => 0,
    };
    layouts.types.values().map(|layout| of(&layout.shape)).sum()
}

#[test]
fn the_compiler_agrees_with_each_number() {
    let target = local();
    let toolchain = Toolchain::find(&target).unwrap();
    let found = layout::of(&target, &toolchain, LIMIT).unwrap();
    println!("{} types, {} members", found.layouts.types.len(), all_members(&found.layouts));
    assert!(found.layouts.types.len() > 400 && all_members(&found.layouts) > 2000, "{:?}", found.left_out);
    let text = found.unit.clone() + &assertions(&found.layouts);
    let unit = compile::Unit { module: "asserted", symbol: "", text: &text };
    let said = compile::objections(&unit, &target, &toolchain, &[], LIMIT).unwrap();
    let errors: Vec<_> = said.iter().filter(|said| said.severity == compile::Severity::Error).collect();
    assert!(errors.is_empty(), "{:#?}", &errors[..errors.len().min(9)]);

    let type_of = |name: &str| found.layouts.objects[name].type_name.as_str();
    assert_eq!(type_of("ap_rwrite"), "int (const void *, int, struct request_rec *)");
    assert_eq!(type_of("core_module"), "module");
    assert_eq!(found.layouts.objects["ap_rwrite"].header, "http_protocol.h");
    let request = &found.layouts.types["struct request_rec"];
    let Shape::Struct(members) = &request.shape else { panic!("{request:?}") };
    assert_eq!((members[0].name.as_str(), members[0].type_name.as_str()), ("pool", "struct apr_pool_t *"));
    let bit_fields = |layout: &layout::Layout| match &layout.shape {
        Shape::Struct(members) => members.iter().any(|member| member.bits.is_some()),
        _ => false,
    };
    assert!(found.layouts.types.values().any(bit_fields));
    // The same question has the same answer.
    assert_eq!(layout::of(&target, &toolchain, LIMIT).unwrap(), found);
    assert!(
        serde_json::from_str::<Layouts>(&serde_json::to_string(&found.layouts).unwrap()).unwrap()
            == found.layouts
    );
}

/// A program that knows httpd's core structures, compiled as apxs's flags say.
const PROGRAM: &str = "#include \"httpd.h\"\n#include \"http_config.h\"\n#include \"util_filter.h\"\n\
    struct private_to_it { int x; };\nint main(int argc, char **argv)\n{\n    request_rec r; cmd_parms c; ap_filter_t f;\n\
    struct private_to_it p = { argc };\n    __asm__(\"\" : : \"r\"(&r), \"r\"(&c), \"r\"(&f), \"r\"(&p));\n    return 0;\n}\n";

fn compiled(folder: &Path, flags: &[&str]) -> PathBuf {
    let target = local();
    let toolchain = Toolchain::find(&target).unwrap();
    let source = folder.join("program.c");
    fs_err::write(&source, PROGRAM).unwrap();
    let program = folder.join("httpd");
    let mut command = Command::new(&toolchain.program);
    command.args(&toolchain.leading).args(compile::language(&target, &toolchain, &[]).unwrap());
    run(command.args(["-g", "-Wl,--build-id"]).args(flags).arg(&source).arg("-o").arg(&program));
    program
}

#[test]
fn a_programs_debug_information_and_the_probe_tell_the_same() {
    let target = local();
    let toolchain = Toolchain::find(&target).unwrap();
    let probed = layout::probe(&target, &toolchain, LIMIT).unwrap().layouts;
    let folder = tempfile::tempdir().unwrap();
    let equal = |own: Layouts| {
        assert!(own.types.len() > 40 && own.types.contains_key("struct request_rec"), "{}", own.types.len());
        assert!(!own.types.contains_key("struct private_to_it"));
        for (name, layout) in own.types {
            assert_eq!(probed.types.get(&name), Some(&layout), "{name}");
        }
    };
    for flags in [&["-gdwarf-5"][..], &["-gdwarf-4"], &["-gdwarf-2", "-gstrict-dwarf"], &["-gz=zlib"]] {
        equal(layout::of_program(&target, &compiled(folder.path(), flags)).unwrap());
    }

    let program = compiled(folder.path(), &[]);
    let debug = folder.path().join("httpd.debug");
    run(Command::new("objcopy").arg("--only-keep-debug").arg(&program).arg(&debug));
    run(Command::new("objcopy").args(["--strip-debug", "--add-gnu-debuglink"]).arg(&debug).arg(&program));
    equal(layout::of_program(&target, &program).unwrap());
    // Of another build.
    run(Command::new("objcopy").args(["--remove-section", ".note.gnu.build-id"]).arg(&debug));
    let reason = layout::of_program(&target, &program).unwrap_err();
    assert_eq!(reason, "the httpd program has no debug information here");
}

#[test]
fn a_program_that_disagrees_with_its_headers_is_told() {
    let folder = tempfile::tempdir().unwrap();
    let target = local();
    let toolchain = Toolchain::find(&target).unwrap();
    let honest = compiled(folder.path(), &[]);
    let target = Target { program: Some(honest), ..target };
    let found = layout::of(&target, &toolchain, LIMIT).unwrap();
    assert!(found.from_program > 40 && found.notes.is_empty(), "{:?}", found.notes);

    let other = compiled(folder.path(), &["-Dheaders_in=headers_in, *one_more"]);
    let found = layout::of(&Target { program: Some(other), ..target }, &toolchain, LIMIT).unwrap();
    assert_eq!(found.notes.len(), 1, "{:?}", found.notes);
    assert!(
        found.notes[0].starts_with("struct request_rec: the httpd program has it with "),
        "{:?}",
        found.notes
    );
    let Shape::Struct(members) = &found.layouts.types["struct request_rec"].shape else { panic!() };
    assert!(members.iter().any(|member| member.name == "one_more"));
}

/// All that a reader of layouts may get wrong.
const SHAPES: &str = r#"
typedef struct plain { char c; short s; long long l; double d; void *p; } plain;
typedef struct { unsigned a : 3, b : 5, : 2, c : 9; signed long long d : 33; char e; } bits;
struct nested { int kind; union { int i; struct { char x, y; } pair; } u; struct { int only; }; struct { short s; int t; } list[3]; };
struct __attribute__((packed)) tight { char c; int i; long long l; };
struct wide { char c; int aligned __attribute__((aligned(32))); };
struct open { int length; char tail[]; };
enum signs { MINUS = -5, ZERO, BIG = 2000000000 };
enum unsigned_ones { ONE = 1, TOP = 0xfffffff0u };
typedef int (*callback)(const char *const *, int (*)[4], ...);
typedef enum signs sign_t;
struct uses { callback call; sign_t sign; const volatile plain *plains[2][3]; int (*table[2])(void); long double ld; _Complex double z; };
plain v1; bits v2; struct nested v3; struct tight v4; struct wide v5; struct open v6; enum signs v7; enum unsigned_ones v8; struct uses v9;
"#;

#[test]
fn shapes_are_read_alike_from_each_form_and_for_each_processor() {
    let folder = tempfile::tempdir().unwrap();
    let source = folder.path().join("shapes.h");
    fs_err::write(&source, SHAPES).unwrap();
    let object = folder.path().join("shapes.so");
    let headers = [("shapes.h".to_owned(), source.clone())];
    let calls: [(&str, &[&str]); 8] = [
        ("cc", &["-gdwarf-5"]),
        ("cc", &["-gdwarf-4"]),
        ("cc", &["-gdwarf-3", "-gstrict-dwarf"]),
        ("cc", &["-gdwarf-2", "-gstrict-dwarf"]),
        ("cc", &["-g", "-gz=zlib"]),
        ("cc", &["-g", "-m32"]),
        ("aarch64-linux-gnu-gcc", &["-g"]),
        ("aarch64-linux-gnu-gcc", &["-gdwarf-2", "-gstrict-dwarf"]),
    ];
    let mut first: Option<Layouts> = None;
    for (compiler, flags) in calls {
        run(Command::new(compiler)
            .args(["-fPIC", "-shared", "-nostdlib", "-x", "c"])
            .args(flags)
            .arg(&source)
            .arg("-o")
            .arg(&object));
        let mut layouts = layout::read_elf(&fs_err::read(&object).unwrap(), &headers).unwrap();
        assert_eq!(layouts.types.len(), 11, "{:?}", layouts.types.keys());
        // Before DWARF 5 nothing states an alignment that the source asks for; gcc does so all the same unless it is strict.
        let wide = layouts.types.remove("struct wide").unwrap();
        if !flags.contains(&"-gstrict-dwarf") {
            assert_eq!((wide.size, wide.align), (64, 32), "{compiler} {flags:?}");
        }
        let asserted = folder.path().join("asserted.c");
        fs_err::write(&asserted, format!("{SHAPES}{}", assertions(&layouts))).unwrap();
        run(Command::new(compiler).args(["-fsyntax-only"]).args(flags).arg(&asserted));
        let same_abi = compiler == "cc" && !flags.contains(&"-m32");
        if let (Some(first), true) = (&first, same_abi) {
            assert_eq!(first, &layouts, "{compiler} {flags:?}");
        }
        let Shape::Struct(bits) = &layouts.types["bits"].shape else { panic!() };
        let bits: Vec<_> =
            bits.iter().map(|member| (member.name.as_str(), member.offset, member.bits)).collect();
        assert_eq!(bits[..3], [("a", 0, Some((0, 3))), ("b", 0, Some((3, 5))), ("c", 1, Some((2, 9)))]);
        if !flags.contains(&"-m32") {
            // It straddles no unit of 8 bytes, so it begins where the one before ends.
            assert_eq!(bits[3..], [("d", 2, Some((3, 33))), ("e", 7, None)], "{compiler} {flags:?}");
        }
        let Shape::Struct(uses) = &layouts.types["struct uses"].shape else { panic!() };
        let types: Vec<&str> = uses.iter().map(|member| member.type_name.as_str()).collect();
        assert_eq!(
            types[..4],
            ["callback", "sign_t", "const volatile struct plain *[2][3]", "int (*[2])(void)"]
        );
        assert_eq!(
            layouts.types["callback"].shape,
            Shape::Alias("int (*)(const char *const *, int (*)[4], ...)".into())
        );
        assert_eq!(layouts.types["sign_t"].shape, Shape::Alias("enum signs".into()));
        first.get_or_insert(layouts);
    }
}

#[test]
fn what_cannot_be_read_is_told_in_words() {
    let folder = tempfile::tempdir().unwrap();
    let source = folder.path().join("a.c");
    fs_err::write(&source, "struct a { int b; } a;\n").unwrap();
    let object = folder.path().join("a.so");
    let reason = |flags: &[&str]| {
        run(Command::new("cc")
            .args(["-fPIC", "-shared", "-nostdlib"])
            .args(flags)
            .arg(&source)
            .arg("-o")
            .arg(&object));
        layout::types_of_elf(&fs_err::read(&object).unwrap()).unwrap_err()
    };
    assert_eq!(reason(&[]), "it has no debug information");
    assert_eq!(
        reason(&["-g", "-gsplit-dwarf"]),
        "its debug information is split into files of its own (.dwo)"
    );
    assert_eq!(reason(&["-gdwarf-4", "-fdebug-types-section"]), "its debug information has type units");
    assert!(layout::types_of_elf(b"no object").is_err());

    // Cut off or changed anywhere, it is refused or read: never a panic, and never without end.
    run(Command::new("cc").args(["-fPIC", "-shared", "-nostdlib", "-g"]).arg(&source).arg("-o").arg(&object));
    let whole = fs_err::read(&object).unwrap();
    let mut state = 7_u64;
    for _ in 0..3000 {
        let mut broken = whole.clone();
        for _ in 0..3 {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            let at = (state >> 33) as usize % broken.len();
            broken[at] = (state >> 20) as u8;
        }
        let _ = layout::types_of_elf(&broken);
    }
}
