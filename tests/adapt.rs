//! The loop of adapt as a whole, with packs and modules that are made up: rounds, spans, origins, and what is left.

mod adapt_support;

use std::sync::OnceLock;

use adapt_support::{FILE, Source, built_in, execute, prefix, words};
use modgraft::adapt::pack::{self, Rules};
use modgraft::adapt::{self, Adapted, Error};
use modgraft::error::Kind;
use modgraft::flatten::Location;
use modgraft::target::Target;

/// What the made-up packs are about: a structure of the target, and macros that use more of it than there is.
const MADE_UP: &str = r#"
#ifndef MADE_UP_H
#define MADE_UP_H
#include "httpd.h"
#include "apr_optional.h"
typedef struct made_up { int here; int number; struct made_up *next; char *text; } made_up;
#define MADE_UP_GONE(m) ((m)->gone)
int made_up_take(int one, int two);
typedef struct made_up_closed made_up_closed;
int made_up_each(int (*callback)(int one, int two));
APR_DECLARE_OPTIONAL_FN(int, made_up_asked, (int one));
#endif
"#;

const MADE_LATER: &str = "typedef int made_later_t;\nint made_later(made_later_t a);\n";

fn target() -> Target {
    static TARGET: OnceLock<Target> = OnceLock::new();
    TARGET
        .get_or_init(|| {
            prefix::httpd_2_2_with("made-up", &[("made_up.h", MADE_UP), ("made_later.h", MADE_LATER)])
        })
        .clone()
}

/// A pack of rules, each as `when` and `do`.
fn rules(all: &[(&str, &str)]) -> Rules {
    let rule = |(number, (when, does)): (usize, &(&str, &str))| {
        format!(
            "[[rule]]\nid = \"made/r{number}\"\nwhen = {{ {when} }}\n{does}\nnote = \"n\"\nsource = \"s\"\n"
        )
    };
    let rules: String = all.iter().enumerate().map(rule).collect();
    let text = format!("[pack]\nname = \"made\"\nabout = \"made up\"\n{rules}");
    let pack = pack::read(&text, "made.toml").unwrap_or_else(|error| panic!("{}", words(&*error)));
    Rules::of(&[pack], target().mmn)
}

fn module(code: &str) -> Source {
    Source::module(&["httpd.h", "http_config.h", "made_up.h"], code, "")
}

fn adapted(code: &str, rules: &Rules) -> Adapted {
    module(code).adapt(&target(), rules).unwrap_or_else(|error| panic!("{}", words(&error)))
}

fn refused(code: &str, rules: &Rules) -> Error {
    match module(code).adapt(&target(), rules) {
        Ok(adapted) => panic!("it is adapted:\n{}", adapted.unit.render(false)),
        Err(error) => error,
    }
}

fn text(adapted: &Adapted) -> String {
    adapted.unit.render(false)
}

const A_TO_HERE: (&str, &str) =
    (r#"kind = "member", owner = "made_up", name = "a""#, r#"do = { replace = "{object}{operator}here" }"#);
const B_TO_A: (&str, &str) =
    (r#"kind = "member", owner = "made_up", name = "b""#, r#"do = { replace = "{object}{operator}a" }"#);
const A_TO_B: (&str, &str) =
    (r#"kind = "member", owner = "made_up", name = "a""#, r#"do = { replace = "{object}{operator}b" }"#);

/// What the target's structure has no place for: compilers only warn, and the last function would never be called.
#[test]
fn no_initialiser_is_cut_short() {
    let filled =
        |values: &str| format!("static const made_up filled = {{ {values} }};\nconst void *x = &filled;");
    adapted(&filled("1, 2, NULL, \"text\""), &rules(&[]));
    let error = words(&refused(&filled("1, 2, NULL, \"text\", \"more\""), &rules(&[])));
    assert!(error.contains("excess elements in struct initializer"), "{error}");
    let error = refused(&filled("1, 2, NULL, \"text\", \"more\""), &rules(&[]));
    assert_eq!(error.kind(), Kind::Refused, "the target's structure is the smaller one");
}

/// What a compiler says of headers behind a place that it cannot read is no matter of theirs.
#[test]
fn what_cannot_be_read_leads() {
    let error = refused("UNKNOWN_DECLARE(int) f(void)\n#include \"made_later.h\"\n", &rules(&[]));
    let Error::Walls { count, .. } = &error else { panic!("{}", words(&error)) };
    let said = words(&error);
    assert!(*count == 1 && said.contains("expected "), "{said}");
}

#[test]
fn a_header_of_a_library_is_told_with_its_package() {
    let said = words(&refused("#include <nghttp2/absent.h>\n", &rules(&[])));
    assert!(said.contains("libnghttp2-dev (Debian) or libnghttp2-devel (Enterprise Linux)"), "{said}");
    let said = words(&refused("#include <absent/absent.h>\n", &rules(&[])));
    assert!(said.contains("apt-file search absent/absent.h"), "{said}");
}

/// A type that the target keeps closed has the target's members, whatever upstream's header says of them.
#[test]
fn a_closed_type_is_never_opened() {
    let source = module("int inside(struct made_up_closed *c) { return c->member; }");
    let tree = "#include \"httpd.h\"\ntypedef struct made_up_closed made_up_closed;\nstruct made_up_closed { int member; };\n";
    let error = source.with("include/made_up.h", tree).adapt(&target(), &rules(&[])).unwrap_err();
    assert!(matches!(error, Error::Walls { .. }), "{}", words(&error));
}

/// Two calls of a registration, one argument of a call with too few, a shim, a header, members read and set.
#[test]
fn what_is_independent_takes_one_round() {
    let rules = rules(&[
        A_TO_HERE,
        (
            r#"kind = "member", owner = "made_up", name = "log", access = "write""#,
            r#"do = { drop = "statement" }"#,
        ),
        (r#"kind = "arity", name = "made_up_take""#, r#"do = { replace = "made_up_take({1}, 0)" }"#),
        (
            r#"kind = "type", name = "made_size_t""#,
            r#"do = { shim = { text = "typedef int made_size_t;" } }"#,
        ),
    ]);
    let code = "static made_size_t size(made_up *m)\n{\n    m->log = 0;\n    return made_up_take(m->number) + m->a;\n}\n\
                static int both(made_up *m) { return m->a + m->next->a; }\n\
                static int core(server_rec *s) { return s == ap_server_conf && APLOG_TRACE3; }\n";
    let adapted = adapted(code, &rules);
    assert_eq!(adapted.rounds, 2, "{:#?}", adapted.edits);
    let text = text(&adapted);
    assert!(text.contains("    ;\n    return made_up_take(m->number, 0) + m->here;"), "{text}");
    assert!(text.contains("return m->here + m->next->here;"), "{text}");
    assert_eq!(adapted.edits.iter().filter(|edit| edit.rule == "made/r0").count(), 3);
}

#[test]
fn what_a_header_of_the_c_library_declares_is_found_there() {
    let code =
        "static int local(const char *address) { return inet_addr(address) == 0 && getpwuid(0) != NULL; }\n";
    let adapted = adapted(code, &rules(&[]));
    let text = text(&adapted);
    for header in ["arpa/inet.h", "pwd.h"] {
        assert_eq!(text.matches(&format!("#include \"{header}\"")).count(), 1, "{text}");
        assert!(
            adapted.edits.iter().any(|edit| edit.rule == "target/include" && edit.source == header),
            "{header}"
        );
    }
}

#[test]
fn what_follows_from_an_edit_takes_the_next_round() {
    let adapted = adapted("static int f(made_up *m) { return m->b; }\n", &rules(&[A_TO_HERE, B_TO_A]));
    assert_eq!(adapted.rounds, 3);
    assert!(text(&adapted).contains("return m->here;"));
    let rules: Vec<_> = adapted
        .edits
        .iter()
        .map(|edit| (edit.rule.as_str(), edit.before.as_str(), edit.after.as_str()))
        .collect();
    assert_eq!(rules, [("made/r1", "m->b", "m->a"), ("made/r0", "m->a", "m->here")]);
}

/// Rules that undo each other, that change nothing, and that put in what does not help.
#[test]
fn what_does_not_help_ends_with_one_clear_error() {
    let same =
        (r#"kind = "member", owner = "made_up", name = "a""#, r#"do = { replace = "{object}{operator}a" }"#);
    let grows = (
        r#"kind = "member", owner = "made_up", name = "a""#,
        r#"do = { replace = "{object}{operator}next->a" }"#,
    );
    let shim =
        (r#"kind = "function", name = "made_up_gone""#, "do = { shim = { text = \"/* nothing */\" } }");
    let code = "static int f(made_up *m) { return m->a; }\n";
    for rules in [rules(&[A_TO_B, B_TO_A]), rules(&[same]), rules(&[grows])] {
        let error = refused(code, &rules);
        assert_eq!(error.kind(), Kind::Refused);
        let said = words(&error);
        assert!(
            said.starts_with("mod_sample cannot be grafted onto httpd 2.2.15: 1 thing stands in the way\n"),
            "{said}"
        );
        assert!(said.contains("made_up has no member `a` in httpd 2.2.15\n"), "{said}");
    }
    let said = words(&refused("static int f(void) { return made_up_gone(); }\n", &rules(&[shim])));
    assert!(
        said.contains("1 thing stands") && said.contains("httpd 2.2.15 has no function `made_up_gone`"),
        "{said}"
    );
    // It is there, and what is missing is upstream's own include, of a header that POSIX does not know.
    let said = words(&refused("static int f(void) { return prctl(0); }\n", &rules(&[])));
    assert!(
        said.contains("the C library has `prctl`, and no header declares it that the module includes"),
        "{said}"
    );
}

/// What a library has not is no matter of httpd's, nor is what APR has not.
#[test]
fn what_is_missing_is_told_of_whom() {
    let said = |code: &str, tree: &str| {
        let source = module(code).with("include/made_elsewhere.h", tree);
        words(&source.adapt(&target(), &rules(&[])).unwrap_err())
    };
    // This machine need not have it.
    let ssl = "#ifdef NOT_HERE\n#include <openssl/ssl.h>\n#endif\n";
    let text = said(&format!("{ssl}static void f(void) {{ CRYPTO_gone_init(); }}"), "");
    assert!(text.contains("declares the function `CRYPTO_gone_init`, and it is none of httpd's"), "{text}");
    assert!(text.contains("than is installed here (libssl-dev (Debian) or openssl-devel"), "{text}");
    let text = said(&format!("{ssl}static int f(SSL_GONE *s) {{ return 0; }}"), "");
    assert!(text.contains("shows what is in the type `SSL_GONE`, and it is none of httpd's"), "{text}");
    let text = said("static void f(void) { made_up_gone(); }", "");
    assert!(text.contains("find the library, or the header that the source lacks"), "{text}");
    let text = said("static void f(void) { apr_gone(); }", "");
    assert!(text.contains("APR 1.") && text.contains("of httpd 2.2.15 has no function `apr_gone`"), "{text}");
    let text = said("static void f(void) { ap_gone(); }", "");
    assert!(text.contains("httpd 2.2.15 has no function `ap_gone`"), "{text}");
    let text = said("static int f(void) { return made_up_asked(1); }", "");
    assert!(text.contains("httpd 2.2.15 has `made_up_asked` as an optional function only"), "{text}");
    assert!(text.contains("APR_RETRIEVE_OPTIONAL_FN(made_up_asked)"), "{text}");
    // Upstream's tree has it, and nobody here.
    let text = said("static void f(void) { made_elsewhere(); }", "void made_elsewhere(void);\n");
    assert!(text.contains("httpd 2.2.15 has no function `made_elsewhere`"), "{text}");
}

/// The includes stand in the branch that nobody chose: all else that the compiler says follows from that.
#[test]
fn an_error_of_the_modules_own_is_quoted() {
    let source = |condition: &str| {
        Source::new(format!(
            "{condition}\n#include \"httpd.h\"\n#include \"http_config.h\"\n#else\n# error Unsupported Apache version\n#endif\n\
             static int f(request_rec *r) {{ return r->status; }}\n\
             module AP_MODULE_DECLARE_DATA sample_module = {{ STANDARD20_MODULE_STUFF }};\n"
        ))
    };
    let error = source("#if defined(WITH_APACHE20)").adapt(&target(), &rules(&[])).unwrap_err();
    assert_eq!(error.kind(), Kind::Refused);
    let said = words(&error);
    assert!(said.contains("not for this target: Unsupported Apache version"), "{said}");
    assert!(
        said.contains("nothing defines `WITH_APACHE20`") && said.contains("`defines = [\"WITH_APACHE20\"]`"),
        "{said}"
    );
    assert!(!said.contains("request_rec"), "{said}");
    // What only a compiler knows, and no recipe can change.
    let said = words(&source("#ifndef __GNUC__").adapt(&target(), &rules(&[])).unwrap_err());
    assert!(said.contains("Unsupported Apache version") && said.contains("needs another httpd"), "{said}");
    assert!(!said.contains("nothing defines"), "{said}");
}

/// What stands within something that is rewritten is rewritten in the next round, and nothing is lost.
#[test]
fn what_overlaps_waits() {
    let twice = (r#"kind = "function", name = "made_up_twice""#, r#"do = { replace = "(2 * ({1}))" }"#);
    let code = "static int f(made_up *m) { return made_up_twice(made_up_twice(m->a)) + made_up_twice(m->next->a); }\n";
    let adapted = adapted(code, &rules(&[A_TO_HERE, twice]));
    assert!(
        text(&adapted).contains("return (2 * ((2 * (m->here)))) + (2 * (m->next->here));"),
        "{}",
        text(&adapted)
    );
    assert!(adapted.rounds <= 3, "{}", adapted.rounds);
    let printed =
        execute(&adapted, &target(), "", "made_up n = { 1 }, m = { 3, 0, &n }; printf(\"%d\", f(&m));");
    assert_eq!(printed, "14");
}

/// Lines that are dropped, joined or put in move none of those behind them, and the record has upstream's places.
#[test]
fn lines_and_places_stay_upstreams() {
    let rules = rules(&[
        A_TO_HERE,
        (r#"kind = "arity", name = "made_up_take""#, r#"do = { replace = "made_up_take({1},\n    {1})" }"#),
        (
            r#"kind = "member", owner = "made_up", name = "log", access = "write""#,
            r#"do = { drop = "statement" }"#,
        ),
        (
            r#"kind = "argument", name = "made_up_each", argument = 1"#,
            "do = { adapter = { text = \"static int {adapter}(int first, int second)\\n{\\n    return {argument}(first);\\n}\" } }",
        ),
    ]);
    let code = "static int one(int one) { return one; }\nstatic int other(int one) { return -one; }\n\n\
                static int f(made_up *m)\n{\n    m->log =\n        one(\n          1);\n    made_up_take(\n        m->number /* all\n           of it */\n    );\n\
                made_up_each(one);\n    made_up_each(other);\n    return m->a; /* marked */\n}\nstatic int last(made_up *m) { return m->a; } /* also marked */\n";
    let source = module(code);
    let adapted = source.adapt(&target(), &rules).unwrap_or_else(|error| panic!("{}", words(&error)));
    assert_eq!(adapted.rounds, 2, "{:#?}", adapted.edits);
    let upstream = adapted.unit.sources.get(FILE).unwrap().clone();
    for line_directives in [false, true] {
        let text = adapted.unit.render(line_directives);
        for mark in ["/* marked */", "/* also marked */"] {
            let line = |text: &str| {
                u32::try_from(text.lines().position(|line| line.contains(mark)).unwrap() + 1).unwrap()
            };
            let found = adapted.unit.locate(line(&text), line_directives);
            assert_eq!(
                found,
                Some(Location::Upstream { file: FILE.into(), line: line(&upstream) }),
                "{text}"
            );
        }
    }
    for edit in adapted.edits.iter().filter(|edit| !edit.file.is_empty() && !edit.before.is_empty()) {
        assert_eq!(edit.file, FILE);
        let line = upstream.lines().nth(usize::try_from(edit.line).unwrap() - 1).unwrap();
        assert!(line.contains(edit.before.lines().next().unwrap()), "{edit:?} is not in {line:?}");
    }
    // What the compiler makes of `#line` says the same.
    let numbered = adapted.unit.render(true);
    let last = upstream.lines().position(|line| line.contains("also marked")).unwrap() + 1;
    let counted = count_by_directives(&numbered, "/* also marked */");
    assert_eq!(counted, (FILE.to_owned(), last), "{numbered}");
}

/// File and line of the line with `mark`, counted as a compiler counts: by `#line`.
fn count_by_directives(text: &str, mark: &str) -> (String, usize) {
    let mut at = (String::new(), 0);
    for line in text.lines() {
        if line.contains(mark) {
            return at;
        }
        match line.strip_prefix("#line ").and_then(|rest| rest.split_once(' ')) {
            Some((number, file)) => at = (file.trim_matches('"').to_owned(), number.parse().unwrap()),
            None => at.1 += 1,
        }
    }
    panic!("{mark} is not in the text");
}

#[test]
fn a_callback_that_is_registered_twice_has_one_adapter() {
    let each = (
        r#"kind = "argument", name = "made_up_each", argument = 1"#,
        "do = { adapter = { text = \"static int {adapter}(int first, int second)\\n{\\n    return {argument}(first);\\n}\" } }",
    );
    let code = "static int one(int one) { return one; }\nstatic int f(void)\n{\n    return made_up_each(one) + made_up_each(one);\n}\n";
    let adapted = adapted(code, &rules(&[each]));
    assert_eq!(adapted.rounds, 2);
    let text = text(&adapted);
    assert_eq!(text.matches("static int graft_one(").count(), 1, "{text}");
    assert!(text.contains("return made_up_each(graft_one) + made_up_each(graft_one);"), "{text}");
}

#[test]
fn what_a_macro_of_the_targets_uses_is_refused() {
    let gone = (r#"kind = "member", owner = "made_up", name = "gone""#, r#"do = { constant = "0" }"#);
    let said = words(&refused("static int f(made_up *m) { return MADE_UP_GONE(m); }\n", &rules(&[gone])));
    assert!(
        said.contains(
            "made_up has no member `gone` in httpd 2.2.15, and a macro that the module uses reads it"
        ),
        "{said}"
    );
}

#[test]
fn what_a_macro_of_the_modules_uses_is_rewritten_in_the_macro() {
    let code = "#define A(m) \\\n    ((m)->next \\\n     ->a)\n#define BOTH(m) (A(m) + (m)->a)\n\
                static int f(made_up *m) { return A(m) + BOTH(m); }\nstatic int g(made_up *m) { return A(m); }\n";
    let adapted = adapted(code, &rules(&[A_TO_HERE]));
    assert_eq!(adapted.rounds, 2, "{:#?}", adapted.edits);
    let text = text(&adapted);
    assert!(text.contains("(A(m) + (m)->here)"), "{text}");
    assert!(text.contains("return A(m) + BOTH(m);"), "{text}");
    let printed = execute(
        &adapted,
        &target(),
        "",
        "made_up n = { 1 }, m = { 3, 0, &n }; printf(\"%d%d\", f(&m), g(&m));",
    );
    assert_eq!(printed, "51");
}

/// Edits are of what the compiler objects to, and not of what looks like it.
#[test]
fn what_only_looks_like_it_is_left_alone() {
    let code = "typedef struct { int a; } own;\n/* m->a */\n\
                static const char *f(made_up *m, own *o) { return /* m->a */ o->a + m->a ? \"m->a\" : \"'m'->a\"; } // m->a\n\
                static int a(int a) { int m = a; return m; }\n";
    let adapted = adapted(code, &rules(&[A_TO_HERE]));
    let kept = code.replacen("o->a + m->a", "o->a + m->here", 1);
    let kept = kept.lines().nth(2).unwrap();
    assert!(text(&adapted).contains(kept), "{}", text(&adapted));
    assert_eq!(adapted.edits.len(), 1);
}

/// Columns are of bytes; tabs, letters of several bytes and other line ends do not move them.
#[test]
fn columns_are_bytes() {
    let line = "\t\tint x = /* größer als 本 \t*/ m->a;\tint y = m->next->a; /* é */ return x + y + m->a;";
    let code = format!("static int f(made_up *m)\n{{\n{line}\n}}\n");
    let expected = line.replace("->a", "->here");
    let whole = |code: &str| {
        format!(
            "#include \"httpd.h\"\n#include \"http_config.h\"\n#include \"made_up.h\"\n{code}\
                 module AP_MODULE_DECLARE_DATA sample_module = {{ STANDARD20_MODULE_STUFF, NULL, NULL, NULL, NULL, NULL, NULL }};\n"
        )
    };
    let unix = whole(&code).into_bytes();
    let dos = whole(&code).replace('\n', "\r\n").into_bytes();
    for source in [unix, dos] {
        let adapted = Source::new(source).adapt(&target(), &rules(&[A_TO_HERE]));
        let adapted = adapted.unwrap_or_else(|error| panic!("{}", words(&error)));
        assert!(text(&adapted).replace('\r', "").contains(&expected), "{}", text(&adapted));
        assert_eq!((adapted.rounds, adapted.edits.len()), (2, 3));
    }
    let latin: Vec<u8> = whole("static int f(made_up *m) { /* gr\u{f6}\u{df}er */ return m->a; }\n")
        .chars()
        .map(|letter| u8::try_from(letter).unwrap())
        .collect();
    let adapted = Source::new(latin)
        .adapt(&target(), &rules(&[A_TO_HERE]))
        .unwrap_or_else(|error| panic!("{}", words(&error)));
    assert!(text(&adapted).contains("er */ return m->here;"), "{}", text(&adapted));
}

#[test]
fn what_is_left_is_one_error_with_places_and_releases() {
    let no =
        (r#"kind = "member", owner = "made_up", name = "no""#, r#"do = { refuse = "nobody would read it" }"#);
    let code = "static int f(made_up *m, request_rec *r)\n{\n    m->no = 1;\n    m->no = 2;\n    m->never = m->a;\n\
                return ap_proxy_create_hdrbrgd(r->pool) + m->a;\n}\n";
    let error = refused(code, &rules(&[A_TO_HERE, no]));
    assert_eq!(error.kind(), Kind::Refused);
    let said = words(&error);
    assert!(
        said.starts_with("mod_sample cannot be grafted onto httpd 2.2.15: 3 things stand in the way\n"),
        "{said}"
    );
    assert!(
        said.contains(
            "made_up has no member `no` in httpd 2.2.15, and the module sets it\nnobody would read it\n"
        ),
        "{said}"
    );
    assert!(
        said.contains("made_up has no member `never` in httpd 2.2.15, and the module sets it\nused here\n"),
        "{said}"
    );
    assert!(said.contains("httpd 2.2.15 has no function `ap_proxy_create_hdrbrgd`\n"), "{said}");
    assert!(
        said.contains("help: it works from httpd 2.4.6 on: choose such a target, or decide by hand\n"),
        "{said}"
    );
}

/// An edit that changes what the module does is made, and needs a person's word.
#[test]
fn a_change_of_behaviour_has_to_be_accepted() {
    let other = (
        r#"kind = "member", owner = "made_up", name = "a""#,
        "do = { constant = \"7\" }\nrisk = \"changes-behaviour\"",
    );
    let rules = rules(&[other]);
    let adapted = adapted("static int f(made_up *m) { return m->a; }\n", &rules);
    let demand = |accepted: &[&str]| {
        let accepted: Vec<String> = accepted.iter().map(|id| (*id).to_owned()).collect();
        let pack = "[pack]\nname = \"made\"\nabout = \"a\"\n[[rule]]\nid = \"made/r0\"\nwhen = { kind = \"function\", name = \"f\" }\n\
                    do = { refuse = \"x\" }\nnote = \"n\"\nsource = \"s\"\n";
        let own = [pack::read(pack, "made.toml").unwrap()];
        adapt::demand_accepted(&adapted, &accepted, &own, &target())
    };
    let error = demand(&[]).unwrap_err();
    assert_eq!(error.kind(), Kind::Refused);
    let said = words(&error);
    assert!(said.contains("mod_sample would behave differently on httpd 2.2.15: made/r0"), "{said}");
    assert!(said.contains("--accept-risk made/r0"), "{said}");
    demand(&["made/r0"]).unwrap();
    let said = words(&demand(&["made/r0", "made/r1"]).unwrap_err());
    assert!(
        said.contains("there is no rule `made/r1`") && said.contains("did you mean `made/r0`?"),
        "{said}"
    );
    assert_eq!(demand(&["nothing"]).unwrap_err().kind(), Kind::Usage);
}

/// A name that a module defines itself is its own, whatever a rule would do about it.
#[test]
fn what_the_module_defines_is_left_alone() {
    let adapted = module(
        "static int ap_cstr_casecmp(const char *a, const char *b) { return *a - *b; }\n\
                          static int f(const char *a) { return ap_cstr_casecmp(a, \"x\"); }\n",
    )
    .adapt(&target(), &built_in(&target()))
    .unwrap_or_else(|error| panic!("{}", words(&error)));
    assert_eq!((adapted.rounds, adapted.edits.len()), (1, 0), "{}", text(&adapted));
}

/// The same within a structure, where no declaration of its own has the name.
#[test]
fn what_the_module_defines_in_a_structure_is_left_alone() {
    let adapted = module(
        "struct walk {\n    int type;\n#define DAV_WALKTYPE_TOLERANT 0x0008\n};\n\
         static int f(struct walk *w) { return w->type & DAV_WALKTYPE_TOLERANT; }\n",
    )
    .adapt(&target(), &built_in(&target()))
    .unwrap_or_else(|error| panic!("{}", words(&error)));
    assert_eq!((adapted.rounds, adapted.edits.len()), (1, 0), "{}", text(&adapted));
}

/// A hook that is never called is told by its name and that of the callback, and what does more than to tell is a person's to accept.
#[test]
fn a_hook_that_is_never_called_has_to_be_accepted() {
    let code = "static void armed(request_rec *r, conn_rec *c) { }\n\
                static int checked(apr_pool_t *p, apr_pool_t *l, apr_pool_t *t, server_rec *s) { return OK; }\n";
    let demand = |hooks: &str| {
        let source = Source::module(&["httpd.h", "http_config.h"], code, hooks);
        let adapted =
            source.adapt(&target(), &built_in(&target())).unwrap_or_else(|error| panic!("{}", words(&error)));
        adapt::demand_accepted(&adapted, &[], &[], &target())
    };
    demand("ap_hook_check_config(checked, NULL, NULL, APR_HOOK_MIDDLE);").unwrap();
    let error = demand("ap_hook_pre_read_request(armed, NULL, NULL, APR_HOOK_MIDDLE);").unwrap_err();
    assert_eq!(error.kind(), Kind::Refused);
    let said = words(&error);
    assert!(said.contains("(armed of ap_hook_pre_read_request)"), "{said}");
    assert!(said.contains("--accept-risk common/hook"), "{said}");
}
