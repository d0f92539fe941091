//! What a changeset says of patches: classes, texts, modules.

mod changeset_support;

use std::collections::BTreeMap;
use std::sync::Arc;

use changeset_support::{after, file, fragments, listing, paths, read, read_on, rules, sources};
use modgraft::changeset::{
    self, Action, Class, Encoding, Error, FileText, ModuleFound, describe, modules, single_module,
};
use modgraft::source::{Sources, Tree};

const MAIL: &str = include_str!("fixtures/patches/example-mail.patch");
const SVN: &str = include_str!("fixtures/patches/example-svn.patch");
const MODULE: &str = "AP_DECLARE_MODULE(x) = {\n    STANDARD20_MODULE_STUFF\n};\n";

/// A git file patch that adds a file.
fn adds(path: &str, text: &str) -> String {
    let count = text.lines().count();
    let lines: String = text.lines().map(|line| format!("+{line}\n")).collect();
    format!(
        "diff --git a/{path} b/{path}\nnew file mode 100644\n--- /dev/null\n+++ b/{path}\n@@ -0,0 +1,{count} @@\n{lines}"
    )
}

/// A unified file patch of one hunk.
fn changes(path: &str, hunks: &str) -> String {
    format!("--- a/{path}\n+++ b/{path}\n{hunks}")
}

fn numbered(range: std::ops::RangeInclusive<u32>) -> String {
    range.map(|n| format!("line {n}\n")).collect()
}

#[test]
fn a_mail_is_read_and_classified() {
    let changeset = read(MAIL).unwrap();
    insta::assert_snapshot!(listing(&changeset), @r"
    Modified documentation by documentation.log: CHANGES @24+3-0
    Added documentation by documentation.manual: docs/manual/mod/mod_example.xml @39+12-0
    Modified build system by build-system.autoconf: modules/examples/config.m4 @56+1-0
    Added module source by module.new: modules/examples/mod_example.c @66+20-0
    Added private header by header.private: modules/examples/example.h @92+4-0
    Modified shared source by shared.source: server/util.c @101+1-1 @110+5-0
    ");
    assert!(!changeset.based);
    let found = single_module(&changeset, None, None).unwrap();
    let expected = ModuleFound {
        name: "mod_example".into(),
        symbol: "example_module".into(),
        file: "modules/examples/mod_example.c".into(),
        line: 17,
    };
    assert_eq!(found, expected);
    insta::assert_snapshot!(fragments(&changeset, "server/util.c"), @r"
    10 }
    11 
    12 /* one */
    13!+int ap_one(int which)
    14 {
    15     return 1;
    16 }
    -int ap_one(void)
    40 {
    41     return 2;
    42 }
    43+
    44+int ap_three(void)
    45+{
    46+    return 3;
    47+}
    ");
}

#[test]
fn a_mail_says_what_a_recipe_would() {
    let changeset = read(MAIL).unwrap();
    let [message] = changeset.messages.as_slice() else { panic!("one mail") };
    assert_eq!(message.commit.as_deref(), Some("0123456789abcdef0123456789abcdef01234567"));
    assert!(message.body.starts_with("The greeting is set by ExampleGreeting."), "{}", message.body);
    assert!(message.body.ends_with("Signed-off-by: A U Thor <author@example.org>"), "{}", message.body);
    let facts = describe(&changeset, &single_module(&changeset, None, None).unwrap(), None);
    insta::assert_debug_snapshot!(facts, @r#"
    PatchFacts {
        subject: Some(
            Fact {
                value: "mod_example: Greet whoever asks, with a configurable greeting.",
                from: "the subject of the patch's mail",
            },
        ),
        author: Some(
            Fact {
                value: "A U Thor <author@example.org>",
                from: "the sender of the patch's mail",
            },
        ),
        date: Some(
            Fact {
                value: 2013-06-13,
                from: "the date of the patch's mail",
            },
        ),
        license: Some(
            Fact {
                value: "Apache-2.0",
                from: "the licence text at the top of modules/examples/mod_example.c",
            },
        ),
        summary: Some(
            Fact {
                value: "Greets whoever asks",
                from: "<description> in docs/manual/mod/mod_example.xml",
            },
        ),
        description: Some(
            Fact {
                value: "A handler that answers with a greeting & nothing else.",
                from: "<summary> in docs/manual/mod/mod_example.xml",
            },
        ),
        version: Some(
            Fact {
                value: "2.4.98",
                from: "<compatibility> in docs/manual/mod/mod_example.xml",
            },
        ),
    }
    "#);
}

#[test]
fn svn_s_form_is_read_and_classified() {
    let changeset = read(SVN).unwrap();
    insta::assert_snapshot!(listing(&changeset), @r"
    Modified documentation by documentation.log: CHANGES @5+1-0
    Modified documentation by documentation.manual: docs/icons/example.gif @12+0-0
    Added module source by module.new: modules/examples/mod_example.c @25+3-0
    Deleted shared source by shared.source: modules/examples/gone.c @40+0-2
    Modified shared source by shared.source: server/util.c @47+1-0
    Modified shared source by shared.source: server/main.c
    Modified shared source by shared.source: server/core.c
    ");
    assert_eq!(after(&changeset, "modules/examples/mod_example.c").lines().count(), 3);
    let base: &[(&str, &[u8])] = &[
        ("server/util.c", b"int one;\nint two;\nint three;\n"),
        ("server/main.c", b"int main;\n"),
        ("server/core.c", b"int core;\n"),
        ("modules/examples/gone.c", b"int gone;\nint too;\n"),
    ];
    let based = read_on(SVN, base).unwrap();
    assert_eq!(listing(&based), listing(&changeset));
    assert_eq!(after(&based, "server/util.c"), "int one;\nint brought;\nint two;\nint three;\n");
    assert_eq!(after(&based, "server/main.c"), "int main;\n");
}

#[test]
fn what_happened_to_a_patch_on_its_way_does_no_harm() {
    let hunk = "@@ -1,4 +1,5 @@\n one\n \n+two\n three\n four\n";
    let plain = read(changes("x.c", hunk)).unwrap();
    let expected = fragments(&plain, "x.c");
    for (what, patch) in [
        ("blanks were trimmed", changes("x.c", &hunk.replace(" \n", "\n"))),
        ("a byte order mark", format!("\u{feff}{}", changes("x.c", hunk))),
        ("text around it", format!("Hello,\n\nhere it is:\n{}\nRegards\n", changes("x.c", hunk))),
        ("a mail client's header", format!("Subject: x\nFrom: y\n\nsee below\n\n{}", changes("x.c", hunk))),
        ("a signature", format!("{}-- \nA U Thor\n", changes("x.c", hunk))),
        ("only two header lines", changes("x.c", hunk)),
        ("hg's header", format!("# HG changeset patch\n# User y\ndiff -r 0 x.c\n{}", changes("x.c", hunk))),
        ("times", changes("x.c", hunk).replace("x.c\n", "x.c\t2013-06-13 15:48:33.000 +0200\n")),
        (
            "quoted paths",
            changes("x.c", hunk).replace("a/x.c", "\"a/x.c\"").replace("b/x.c", "\"b/\\170.c\""),
        ),
    ] {
        let changeset =
            read(&patch).unwrap_or_else(|error| panic!("{what}: {}", changeset_support::shown(&error)));
        assert_eq!(
            (paths(&changeset), fragments(&changeset, "x.c")),
            (vec!["x.c"], expected.clone()),
            "{what}"
        );
    }
    // The marker in another language is the marker.
    let german = read(changes(
        "x.c",
        "@@ -1 +1 @@\n-a\n\\ Kein Zeilenumbruch am Dateiende.\n+b\n\\ Kein Zeilenumbruch am Dateiende.\n",
    ));
    assert_eq!(fragments(&german.unwrap(), "x.c"), "1!+b<no newline>\n-a");
}

#[test]
fn lines_of_a_patch_that_look_like_headers_are_lines() {
    let text = "-- a/y.c\n++ b/y.c\n@ -1 +1 @@\n";
    let patch = changes(
        "x.c",
        "@@ -1,3 +1,3 @@\n--- a/y.c\n-++ b/y.c\n-@ -1 +1 @@\n+-- a/z.c\n+++ b/z.c\n+diff --git a/z b/z\n",
    );
    let changeset = read_on(patch, &[("x.c", text.as_bytes())]).unwrap();
    assert_eq!(after(&changeset, "x.c"), "-- a/z.c\n++ b/z.c\ndiff --git a/z b/z\n");
}

#[test]
fn moved_lines_are_found_and_reported() {
    let base = format!("new top\n{}", numbered(1..=40));
    let patch = changes(
        "x.c",
        "@@ -9,3 +9,4 @@\n line 9\n+added\n line 10\n line 11\n@@ -30,3 +31,2 @@\n line 30\n-line 31\n line 32\n",
    );
    let changeset = read_on(patch, &[("x.c", base.as_bytes())]).unwrap();
    let offsets: Vec<i64> = file(&changeset, "x.c").hunks.iter().map(|hunk| hunk.offset).collect();
    assert_eq!(offsets, [1, 1]);
    assert_eq!(
        after(&changeset, "x.c"),
        base.replace("line 9\n", "line 9\nadded\n").replace("line 31\n", "")
    );
    let FileText::Whole { before, .. } = &file(&changeset, "x.c").text else { panic!("it is whole") };
    assert_eq!(before.as_deref(), Some(base.as_str()));
}

#[test]
fn a_recipe_overrules_the_class_of_a_file() {
    let patch = adds("modules/x/mod_x.c", MODULE)
        + &adds("modules/x/test_x.c", "int test;\n")
        + &adds("docs/x.c", "int x;\n");
    let rules = rules(
        "[[classify]]\nname = \"no-test\"\npath = \"**/test_*.c\"\nclass = \"test\"\nwhy = \"a program\"\n\
         [[classify]]\npath = \"docs/*.c\"\ncontent = [\"int x\"]\nclass = \"module-source\"\nwhy = \"it is needed\"\n",
    );
    let changeset = changeset::read(&sources(&[("p", patch.as_bytes())], None), &rules).unwrap();
    insta::assert_snapshot!(listing(&changeset), @r"
    Added module source by module.new: modules/x/mod_x.c @5+3-0
    Added test by no-test: modules/x/test_x.c @13+1-0
    Added module source by recipe.2: docs/x.c @19+1-0
    ");
}

#[test]
fn a_recipe_drops_one_hunk() {
    let base = numbered(1..=40);
    let hunks = "@@ -4,2 +4,5 @@\n line 4\n+unwanted 1\n+unwanted 2\n+unwanted 3\n line 5\n@@ -20,2 +23,3 @@\n line 20\n+wanted\n line 21\n";
    let rules = rules(
        "[[classify]]\npath = \"x.c\"\nadded = [\"unwanted\"]\nclass = \"other\"\nwhy = \"not for us\"\n",
    );
    let patch = changes("x.c", hunks);
    let patches: &[(&str, &[u8])] = &[("p", patch.as_bytes())];
    let based = changeset::read(&sources(patches, Some(&[("x.c", base.as_bytes())])), &rules).unwrap();
    assert_eq!(after(&based, "x.c"), base.replace("line 20\n", "line 20\nwanted\n"));
    let record = |changeset: &changeset::Changeset| -> Vec<(Class, String, i64)> {
        let hunks = &file(changeset, "x.c").hunks;
        hunks.iter().map(|hunk| (hunk.class, hunk.reason.rule.to_string(), hunk.offset)).collect()
    };
    let expected =
        vec![(Class::Other, "recipe.1".into(), 0), (Class::SharedSource, "shared.source".into(), 0)];
    assert_eq!(record(&based), expected);
    let alone = changeset::read(&sources(patches, None), &rules).unwrap();
    assert_eq!(record(&alone), expected);
    assert_eq!(fragments(&alone, "x.c"), "20 line 20\n21+wanted\n22 line 21\n");

    // Where nothing of a new file is left, the file is not there.
    let new = adds("x.c", "int unwanted;\n") + &adds("mod_x.c", MODULE);
    let changeset = changeset::read(&sources(&[("p", new.as_bytes())], None), &rules).unwrap();
    assert_eq!(file(&changeset, "x.c").class, Class::Other);
    assert_eq!(file(&changeset, "mod_x.c").class, Class::ModuleSource);
}

#[test]
fn a_series_changes_what_it_showed() {
    let first = changes("x.c", "@@ -10,3 +10,5 @@\n line 10\n+draft\n+kept\n line 11\n line 12\n");
    let second = changes(
        "x.c",
        "@@ -2,2 +2,3 @@\n line 2\n+early\n line 3\n@@ -10,4 +11,4 @@\n line 10\n-draft\n+final\n kept\n line 11\n",
    );
    let third = changes("x.c", "@@ -13,2 +13,1 @@\n kept\n-line 11\n");
    let patches: Vec<(&str, &[u8])> =
        vec![("1", first.as_bytes()), ("2", second.as_bytes()), ("3", third.as_bytes())];
    let base = numbered(1..=20);
    let based = changeset::read(&sources(&patches, Some(&[("x.c", base.as_bytes())])), &[]).unwrap();
    let expected = base
        .replace("line 2\n", "line 2\nearly\n")
        .replace("line 10\n", "line 10\nfinal\nkept\n")
        .replace("line 11\n", "");
    assert_eq!(after(&based, "x.c"), expected);
    assert_eq!(
        file(&based, "x.c").hunks.iter().map(|hunk| hunk.patch.as_str()).collect::<Vec<_>>(),
        ["1", "2", "2", "3"]
    );
    let alone = changeset::read(&sources(&patches, None), &[]).unwrap();
    insta::assert_snapshot!(fragments(&alone, "x.c"), @r"
    2 line 2
    3+early
    4 line 3
    11 line 10
    12!+final
    13+kept
    14 line 12
    -line 11
    ");
    // Each known line is the one that stands there.
    let FileText::Fragments(known) = &file(&alone, "x.c").text else { panic!("in fragments") };
    let lines: Vec<&str> = expected.split_inclusive('\n').collect();
    for fragment in known {
        for (number, line) in (fragment.start..).zip(&fragment.lines) {
            assert_eq!(lines[usize::try_from(number).unwrap() - 1], line.text);
        }
    }
}

#[test]
fn a_file_that_comes_and_goes_leaves_nothing() {
    let deletes = "diff --git a/x.c b/x.c\ndeleted file mode 100644\n--- a/x.c\n+++ /dev/null\n@@ -1 +0,0 @@\n-int x;\n";
    let patches = [adds("mod_x.c", MODULE) + &adds("x.c", "int x;\n"), deletes.to_owned()];
    let patches: Vec<(&str, &[u8])> =
        patches.iter().zip(["1", "2"]).map(|(patch, name)| (name, patch.as_bytes())).collect();
    let changeset = changeset::read(&sources(&patches, None), &[]).unwrap();
    assert_eq!(paths(&changeset), ["mod_x.c"]);
    // Gone and made again, it was there before.
    let base: &[(&str, &[u8])] = &[("x.c", b"int x;\n")];
    let again = deletes.to_owned() + &adds("x.c", "int y;\n");
    let changeset = read_on(again, base).unwrap();
    let change = file(&changeset, "x.c");
    assert_eq!((change.action, after(&changeset, "x.c")), (Action::Modified, "int y;\n"));
    assert!(matches!(&change.text, FileText::Whole { before: Some(before), .. } if &**before == "int x;\n"));
}

#[test]
fn one_module_is_told_from_others() {
    let other = MODULE.replace("(x)", "(other)");
    let changed = format!("{other}int changed(void)\n{{\n}}\n");
    let touch = changes("modules/p/mod_other.c", "@@ -3,1 +3,4 @@\n };\n+int changed(void)\n+{\n+}\n");
    let base: &[(&str, &[u8])] = &[("modules/p/mod_other.c", other.as_bytes())];

    // A new module, and an existing one that is touched: the new one is meant.
    let both = adds("modules/p/mod_x.c", MODULE) + &adds("modules/p/x_util.c", "int util;\n") + &touch;
    let changeset = read_on(&both, base).unwrap();
    assert_eq!(single_module(&changeset, None, None).unwrap().symbol, "x_module");
    assert_eq!(file(&changeset, "modules/p/mod_other.c").class, Class::SharedSource);
    // Unless the other one is asked for.
    let wanted = single_module(&changeset, None, Some("mod_other")).unwrap();
    assert_eq!(wanted.symbol, "other_module");
    let focused = changeset.focused_on(&wanted).unwrap();
    insta::assert_snapshot!(listing(&focused), @r"
    Added shared source by module.other: modules/p/mod_x.c @5+3-0
    Added module source by module.beside: modules/p/x_util.c @13+1-0
    Modified module source by module.wanted: modules/p/mod_other.c @17+3-0
    ");
    assert_eq!(after(&focused, "modules/p/mod_other.c"), changed);

    // Only an existing one: that is meant.
    let changeset = read_on(&touch, base).unwrap();
    assert_eq!(file(&changeset, "modules/p/mod_other.c").reason.rule.as_ref(), "module.changed");
    assert_eq!(single_module(&changeset, None, None).unwrap().name, "mod_other");

    // One that the patch does not fit is left out, where nothing uses what it has.
    let older = other.replace("};", "}; /* older */");
    let base: &[(&str, &[u8])] = &[("modules/p/mod_other.c", older.as_bytes())];
    let changeset = read_on(&both, base).unwrap();
    let wanted = single_module(&changeset, None, None).unwrap();
    let focused = changeset.focused_on(&wanted).unwrap();
    assert_eq!(file(&focused, "modules/p/mod_other.c").class, Class::Other);
    assert_eq!(
        focused.left_out().collect::<Vec<_>>(),
        [(
            "modules/p/mod_other.c",
            "the patches do not fit it, and nothing of mod_x uses what other_module has"
        )]
    );
    let rejected = |error| assert!(matches!(error, Error::Rejected { .. }), "{error}");
    rejected(single_module(&read_on(&both, base).unwrap(), None, Some("mod_other")).unwrap_err());
    rejected(single_module(&read_on(&touch, base).unwrap(), None, None).unwrap_err());
    for used in ["int util(void)\n{\n    return changed();\n}\n", "extern module other_module;\n"] {
        let both = adds("modules/p/mod_x.c", MODULE) + &adds("modules/p/x_util.c", used) + &touch;
        rejected(read_on(&both, base).unwrap().focused_on(&wanted).unwrap_err());
    }

    // Two new ones: one must be named, and the files of the other are shared then.
    let two = adds("modules/p/mod_x.c", MODULE)
        + &adds("modules/q/mod_other.c", &other)
        + &adds("modules/q/util.c", "int q;\n");
    let changeset = read(two).unwrap();
    assert_eq!(modules(&changeset).len(), 2);
    let wanted = single_module(&changeset, None, Some("x_module")).unwrap();
    insta::assert_snapshot!(listing(&changeset.focused_on(&wanted).unwrap()), @r"
    Added module source by module.new: modules/p/mod_x.c @5+3-0
    Added shared source by module.other: modules/q/mod_other.c @13+3-0
    Added shared source by module.other: modules/q/util.c @21+1-0
    ");
}

/// The base tree of an httpd: two modules and what is shared in one folder, and a part of httpd itself in another.
fn tree_of_siblings() -> Vec<(&'static str, Vec<u8>)> {
    let module = |name: &str| MODULE.replace("(x)", &format!("({name})"));
    let text = |text: &str| text.as_bytes().to_vec();
    vec![
        (
            "include/ap_release.h",
            text(
                "#define AP_SERVER_MAJORVERSION_NUMBER 2\n#define AP_SERVER_MINORVERSION_NUMBER 4\n#define AP_SERVER_PATCHLEVEL_NUMBER 6\n",
            ),
        ),
        ("include/util.h", text("line 1\n")),
        (
            "modules/p/config.m4",
            text(
                "p_objs=\"mod_p.lo p_util.lo\"\nAPACHE_MODULE(p, does p, $p_objs, , most)\nq_objs=\"dnl\nmod_q.lo dnl\n\
                 deep/q_util.lo dnl\n\"\nAPACHE_MODULE(q, does q, $q_objs, , most)\n",
            ),
        ),
        ("modules/p/mod_p.c", format!("#include \"both.h\"\n{}", module("p")).into_bytes()),
        ("modules/p/mod_p.h", text("line 1\n")),
        ("modules/p/p_util.c", text("line 1\n")),
        ("modules/p/mod_q.c", format!("#include \"q_private.h\"\n{}", module("q")).into_bytes()),
        ("modules/p/q_private.h", text("#include \"both.h\"\nline 2\n")),
        ("modules/p/both.h", text("line 1\n")),
        ("modules/p/deep/q_util.c", text("line 1\n")),
        ("modules/p/unlisted.c", text("line 1\n")),
        (
            "modules/http/config.m4",
            text(
                "http_objs=\"http_core.lo http_filters.lo\"\nAPACHE_MODULE(http, HTTP, $http_objs, , static)\n",
            ),
        ),
        ("modules/http/http_core.c", module("http").into_bytes()),
        ("modules/http/http_filters.c", text("line 1\n")),
        ("server/util.c", text("line 1\n")),
        ("server/mpm/event/fdqueue.c", text("line 1\n")),
    ]
}

#[test]
fn what_a_patch_changes_beside_a_module_is_the_modules_own() {
    let files = tree_of_siblings();
    let base: Vec<(&str, &[u8])> = files.iter().map(|(path, bytes)| (*path, bytes.as_slice())).collect();
    let whose = |touched: &[&str], wanted: Option<&str>| -> Result<String, String> {
        let patch: String =
            touched.iter().map(|path| changes(path, "@@ -1 +1,2 @@\n line 1\n+new\n")).collect();
        let patch = patch.replace(
            &changes("modules/p/q_private.h", "@@ -1 +1,2 @@\n line 1\n+new\n"),
            &changes("modules/p/q_private.h", "@@ -2 +2,2 @@\n line 2\n+new\n"),
        );
        let sources = sources(&[("p", patch.as_bytes())], Some(&base));
        let changeset = changeset::read(&sources, &[]).unwrap();
        let tree = sources.base.as_ref();
        let module = single_module(&changeset, tree, wanted).map_err(|error| error.to_string())?;
        let found = changeset::listing(&changeset, tree, &module).unwrap();
        let changeset = changeset.focused_on(&module).unwrap().listed(found.as_ref(), tree).unwrap();
        Ok(format!("{} of {}:{}\n{}", module.symbol, module.file, module.line, listing(&changeset)))
    };
    insta::assert_snapshot!(whose(&["modules/p/p_util.c", "modules/p/both.h"], None).unwrap(), @r"
    p_module of modules/p/mod_p.c:2
    Modified module source by module.listed: modules/p/p_util.c @3+1-0
    Modified shared header by header.shared: modules/p/both.h @8+1-0
    Modified module source by module.listed: modules/p/mod_p.c
    ");
    insta::assert_snapshot!(whose(&["modules/p/deep/q_util.c", "server/util.c"], None).unwrap(), @r"
    q_module of modules/p/mod_q.c:2
    Modified module source by module.listed: modules/p/deep/q_util.c @3+1-0
    Modified shared source by shared.source: server/util.c @8+1-0
    Modified module source by module.listed: modules/p/mod_q.c
    ");
    // Headers belong to the module of their name, else to those that include them.
    insta::assert_snapshot!(whose(&["modules/p/mod_p.h", "modules/p/both.h"], None).unwrap(), @r"
    p_module of modules/p/mod_p.c:2
    Modified shared header by header.shared: modules/p/mod_p.h @3+1-0
    Modified shared header by header.shared: modules/p/both.h @8+1-0
    Modified module source by module.listed: modules/p/mod_p.c
    Modified module source by module.listed: modules/p/p_util.c
    ");
    insta::assert_snapshot!(whose(&["modules/p/q_private.h"], None).unwrap(), @r"
    q_module of modules/p/mod_q.c:2
    Modified shared header by header.shared: modules/p/q_private.h @3+1-0
    Modified module source by module.listed: modules/p/mod_q.c
    Modified module source by module.listed: modules/p/deep/q_util.c
    ");
    insta::assert_snapshot!(whose(&["modules/p/both.h"], None).unwrap_err(), @"2 modules are defined: p_module (modules/p/mod_p.c:2), q_module (modules/p/mod_q.c:2)");
    let named = whose(&["modules/p/mod_p.h", "modules/p/both.h"], Some("mod_q")).unwrap();
    assert!(named.starts_with("q_module of modules/p/mod_q.c:2\n"), "{named}");

    // Of these alone, the target's own count where it has them; of the others the flattening knows more.
    let alone = |touched: &str, wanted: &str| {
        let patch = changes(touched, "@@ -1 +1,2 @@\n line 1\n+new\n");
        let sources = sources(&[("p", patch.as_bytes())], Some(&base));
        let (changeset, tree) = (changeset::read(&sources, &[]).unwrap(), sources.base.as_ref());
        let module = single_module(&changeset, tree, Some(wanted)).unwrap();
        let found = changeset::listing(&changeset, tree, &module).unwrap();
        let changeset = changeset.focused_on(&module).unwrap().listed(found.as_ref(), tree).unwrap();
        changeset.common_headers_alone().join(" ")
    };
    assert_eq!(alone("modules/p/both.h", "mod_q"), "modules/p/both.h");
    assert_eq!(alone("modules/p/mod_p.h", "mod_p"), "");
    assert_eq!(alone("modules/p/p_util.c", "mod_p"), "");

    // Of several one is named.
    let two = ["modules/p/p_util.c", "modules/p/deep/q_util.c"];
    insta::assert_snapshot!(whose(&two, None).unwrap_err(), @"2 modules are defined: p_module (modules/p/mod_p.c:2), q_module (modules/p/mod_q.c:2)");
    assert!(whose(&two, Some("mod_q")).unwrap().starts_with("q_module "));
    assert!(whose(&two, Some("p_module")).unwrap().starts_with("p_module "));
    insta::assert_snapshot!(whose(&two, Some("mod_r")).unwrap_err(), @"no file defines the module `mod_r`; defined: p_module (modules/p/mod_p.c:2), q_module (modules/p/mod_q.c:2)");

    // httpd's own files are no module's, and a file that nothing lists may be anything.
    let of_httpd = ["server/util.c", "modules/http/http_filters.c", "include/util.h"];
    for wanted in [None, Some("mod_http")] {
        let said = whose(&of_httpd, wanted).unwrap_err();
        assert_eq!(said, format!("the patch changes httpd itself, and no module: {}", of_httpd.join(", ")));
    }
    for unknown in ["modules/p/unlisted.c", "server/mpm/event/fdqueue.c"] {
        let said = whose(&[unknown], None).unwrap_err();
        assert!(said.starts_with("no file defines a module structure"), "{said}");
    }
}

#[test]
fn a_module_that_the_patch_changes_too_leaves_the_other_one_to_be_named() {
    let files = tree_of_siblings();
    let base: Vec<(&str, &[u8])> = files.iter().map(|(path, bytes)| (*path, bytes.as_slice())).collect();
    let patch = changes("modules/p/mod_p.c", "@@ -1 +1,2 @@\n #include \"both.h\"\n+new\n")
        + &changes("modules/p/deep/q_util.c", "@@ -1 +1,2 @@\n line 1\n+new\n");
    let sources = sources(&[("p", patch.as_bytes())], Some(&base));
    let changeset = changeset::read(&sources, &[]).unwrap();
    let tree = sources.base.as_ref();
    assert_eq!(single_module(&changeset, tree, None).unwrap().name, "mod_p");
    let module = single_module(&changeset, tree, Some("mod_q")).unwrap();
    let found = changeset::listing(&changeset, tree, &module).unwrap();
    let changeset = changeset.focused_on(&module).unwrap().listed(found.as_ref(), tree).unwrap();
    insta::assert_snapshot!(listing(&changeset), @r"
    Modified shared source by module.other: modules/p/mod_p.c @3+1-0
    Modified module source by module.listed: modules/p/deep/q_util.c @8+1-0
    Modified module source by module.listed: modules/p/mod_q.c
    ");
    assert_eq!(after(&changeset, "modules/p/deep/q_util.c"), "line 1\nnew\n");
}

#[test]
fn whole_files_bring_the_headers_they_include() {
    let files = [
        (
            "src/mod_x.c",
            "#include \"x.h\"\n# include \"sub/y.h\"\n#include <z.h>\n#include \"../up.h\"\n#include \"httpd.h\"\n",
        ),
        ("src/x.h", "#include \"z.h\"\r\n"),
        ("src/z.h", "#define Z\n"),
        ("src/sub/y.h", "#define Y\n"),
        ("src/unused.h", "#define U\n"),
        ("up.h", "#define UP\n"),
        ("src/util.c", "int util;\n"),
    ];
    let tree: BTreeMap<String, Arc<[u8]>> = files
        .iter()
        .map(|(path, text)| {
            (
                (*path).to_owned(),
                format!("{text}{}", if *path == "src/mod_x.c" { MODULE } else { "" }).into_bytes().into(),
            )
        })
        .collect();
    let sources = Sources {
        patches: Vec::new(),
        base: Some(Tree::memory("x-1.0.tar.gz".into(), tree)),
        files: vec!["src/mod_x.c".into(), "src/util.c".into()],
        description: String::new(),
    };
    let changeset = changeset::read(&sources, &[]).unwrap();
    insta::assert_snapshot!(listing(&changeset), @r"
    Added module source by module.new: src/mod_x.c
    Added module source by module.beside: src/util.c
    Added private header by header.private: src/x.h
    Added private header by header.private: src/sub/y.h
    Added private header by header.private: src/z.h
    ");
    assert_eq!(after(&changeset, "src/x.h"), "#include \"z.h\"\n");
    assert!(changeset.based);
}

/// As a third party's build has it, with `-I` and a list of files of its own.
#[test]
fn sources_that_keep_what_headers_promise_come_from_the_whole_tree() {
    let module = format!("#include \"x.h\"\n{MODULE}");
    let files = [
        ("src/mod_x.c", &*module),
        // A header brings the one that promises, and another one lies in another folder.
        ("src/x.h", "#include \"inner.h\"\n#include \"common.h\"\n"),
        ("src/inner.h", "int inner(void);\n"),
        ("src/util.c", "int inner(void) { return 1; }\n"),
        ("common/common.h", "int common(void);\n"),
        ("common/common.c", "#include \"common.h\"\nint common(void) { return 2; }\n"),
        ("common/unused.c", "int unused(void) { return 3; }\n"),
        ("other/mod_y.c", &MODULE.replace("x_module", "y_module")),
    ];
    let read = |more: &[(&str, &str)]| {
        let tree: BTreeMap<String, Arc<[u8]>> = files
            .iter()
            .chain(more)
            .map(|(path, text)| ((*path).to_owned(), text.as_bytes().to_vec().into()))
            .collect();
        let sources = Sources {
            patches: Vec::new(),
            base: Some(Tree::memory("x-1.0.tar.gz".into(), tree)),
            files: vec!["src/mod_x.c".into()],
            description: String::new(),
        };
        listing(&changeset::read(&sources, &[]).unwrap())
    };
    insta::assert_snapshot!(read(&[]), @r"
    Added module source by module.new: src/mod_x.c
    Added module source by module.promised: common/common.c
    Added module source by module.beside: src/util.c
    Added private header by header.private: src/x.h
    Added private header by header.private: common/common.h
    Added private header by header.private: src/inner.h
    ");
    // Of two headers of one name nobody knows which is meant.
    assert!(!read(&[("win32/common.h", "int common(int);\n")]).contains("common/common.c"));
}

#[test]
fn what_is_not_utf_8_is_latin_1_and_nothing_is_lost() {
    let patch = b"--- a/x.c\n+++ b/x.c\n@@ -1,2 +1,3 @@ caf\xe9\n caf\xe9\n+na\xefve \xc3\xa9\n end\n";
    let changeset = read(patch).unwrap();
    let change = file(&changeset, "x.c");
    assert_eq!(change.encoding, Encoding::Latin1);
    assert_eq!(fragments(&changeset, "x.c"), "1 café\n2+naïve Ã©\n3 end\n");
    let based = read_on(patch, &[("x.c", b"caf\xe9\nend\n")]).unwrap();
    let bytes: Vec<u8> = after(&based, "x.c").chars().map(|c| u8::try_from(u32::from(c)).unwrap()).collect();
    assert_eq!(bytes, b"caf\xe9\nna\xefve \xc3\xa9\nend\n");
}

#[test]
fn a_mail_of_a_commit_to_svn_names_the_files_of_the_tree() {
    let rule = "=".repeat(78);
    for branch in ["httpd/httpd/trunk", "httpd/httpd/branches/2.4.x", "asf/httpd/httpd/branches/2.4.x"] {
        let mail = format!(
            "Author: jim\nDate: Fri Mar  7 18:35:02 2014\nNew Revision: 1575394\n\nURL: http://svn.apache.org/r1575394\nLog:\n\
             A change of mod_x\n\nAdded:\n    {branch}/modules/p/mod_x.c\nModified:\n    {branch}/modules/p/util.c\n\n\
             Added: {branch}/modules/p/mod_x.c\nURL: http://svn.apache.org/viewvc/x.c\n{rule}\n\
             --- {branch}/modules/p/mod_x.c (added)\n+++ {branch}/modules/p/mod_x.c Fri Mar  7 18:35:02 2014\n@@ -0,0 +1,3 @@\n\
             +AP_DECLARE_MODULE(x) = {{\n+    STANDARD20_MODULE_STUFF\n+}};\n\n\
             Modified: {branch}/modules/p/util.c\nURL: http://svn.apache.org/viewvc/util.c\n{rule}\n\
             --- {branch}/modules/p/util.c (original)\n+++ {branch}/modules/p/util.c Fri Mar 17 18:35:02 2014\n@@ -1 +1,2 @@\n\
             line 1\n+line 2\n\n\n"
        )
        .replace("@@\nline 1", "@@\n line 1");
        let expected = "Added module source by module.new: modules/p/mod_x.c @19+3-0\n\
                        Modified shared source by shared.source: modules/p/util.c @29+1-0\n";
        assert_eq!(listing(&read(&mail).unwrap()), expected, "{branch}");
        let based = read_on(&mail, &[("modules/p/util.c", b"line 1\n")]).unwrap();
        assert_eq!(listing(&based), expected, "{branch}");
        assert_eq!(after(&based, "modules/p/util.c"), "line 1\nline 2\n");
    }
}

#[test]
fn a_copy_begins_as_the_file_it_was_made_of() {
    let patch = "diff --git a/modules/a/mod_a.c b/modules/b/mod_b.c\nsimilarity index 90%\ncopy from modules/a/mod_a.c\n\
                 copy to modules/b/mod_b.c\n--- a/modules/a/mod_a.c\n+++ b/modules/b/mod_b.c\n@@ -1,2 +1,2 @@\n-AP_DECLARE_MODULE(x) = {\n\
                 +AP_DECLARE_MODULE(b) = {\n     STANDARD20_MODULE_STUFF\n";
    let changeset = read_on(patch, &[("modules/a/mod_a.c", MODULE.as_bytes())]).unwrap();
    let change = file(&changeset, "modules/b/mod_b.c");
    assert_eq!((change.action, change.copied_from.as_deref()), (Action::Added, Some("modules/a/mod_a.c")));
    assert_eq!(single_module(&changeset, None, None).unwrap().symbol, "b_module");
    // Without the tree it is not known whole, and says so.
    let alone = read(patch).unwrap();
    assert!(matches!(file(&alone, "modules/b/mod_b.c").text, FileText::Fragments(_)));
}

#[test]
fn a_large_patch_takes_no_more_than_its_share() {
    let text = "int line;\n".repeat(200_000);
    let patch = adds("modules/x/mod_x.c", &(MODULE.to_owned() + &text));
    let started = std::time::Instant::now();
    let changeset = read(&patch).unwrap();
    assert_eq!(after(&changeset, "modules/x/mod_x.c").len(), MODULE.len() + text.len());
    assert!(started.elapsed().as_secs() < 20, "{:?} for {} bytes", started.elapsed(), patch.len());
}
