use super::*;

fn read(text: &str) -> Vec<Module> {
    modules(&[Text { path: "modules/x/config.m4", text }], &[])
}

fn only(text: &str) -> Module {
    let mut found = read(text);
    assert_eq!(found.len(), 1, "{found:?}");
    found.remove(0)
}

#[test]
fn a_module_without_a_list_is_its_own_file() {
    let module = only(
        "APACHE_MODPATH_INIT(x)\nAPACHE_MODULE(one, does one (e.g. a thing)\n  and more., , , most)\nAPACHE_MODPATH_FINISH\n",
    );
    assert_eq!((module.name.as_str(), module.help.as_str()), ("one", "does one (e.g. a thing) and more."));
    assert_eq!(module.sources, ["mod_one.c"]);
    assert_eq!(module.file, "modules/x/config.m4");
}

#[test]
fn lists_in_variables_with_comments_and_continuations() {
    let module = only(
        "dnl # list\ntwo_objs=\"dnl\nmod_two.lo dnl\ntwo_util.lo dnl # utilities\nsub/two_x.lo \\\n two_y.o\"\n\
         case \"$host\" in\n  *os2*)\n    two_objs=\"$two_objs mod_one.la\"\n    ;;\nesac\n\
         APACHE_MODULE(two, [two, or more], $two_objs, , most, , one)\n",
    );
    assert_eq!(module.help, "two, or more");
    assert_eq!(module.sources, ["mod_two.c", "two_util.c", "sub/two_x.c", "two_y.c"]);
    assert_eq!(module.libraries, [] as [&str; 0]);
}

#[test]
fn calls_that_are_commented_out_or_broken_are_none() {
    for text in [
        "dnl APACHE_MODULE(a, b)\n",
        "APACHE_MODULE(a, [b",
        "APACHE_MODULE($1, b)",
        "AC_DEFUN([APACHE_MODULE],[x])",
        "",
    ] {
        assert_eq!(read(text), [], "{text}");
    }
    let twice = read("if x; then\n APACHE_MODULE(a, 1)\nelse\n APACHE_MODULE(a, 2)\nfi");
    assert_eq!(twice.iter().map(|module| module.help.as_str()).collect::<Vec<_>>(), ["1"]);
}

#[test]
fn libraries_are_found_in_each_way_that_configurations_name_them() {
    for (configuration, libraries) in [
        ("APR_ADDTO(MOD_X_LDADD, [-lfoo -export-symbols-regex x_module])", vec!["foo"]),
        (
            "AC_TRY_LINK([#include <z.h>], [int i;], [APR_ADDTO(MOD_X_LDADD, [$ldflags -lz])], [enable_x=no])",
            vec!["z"],
        ),
        ("AC_CHECK_LIB(crypt, crypt, [x=\"-lcrypt\"])", vec!["crypt"]),
        ("ap_libs=\"-L${base}/lib -lfoo -lbar\"\nAPR_ADDTO(MOD_X_LDADD, [$ap_libs])", vec!["foo", "bar"]),
        ("x_libs=\"${x_libs:--lfoo} `$apr_config --libs`\"", vec!["foo"]),
        (
            "if $PKGCONFIG --exists \"libbrotlienc >= 0.6.0\"; then\nx=`$PKGCONFIG libbrotlienc --libs`\nfi",
            vec!["brotlienc"],
        ),
        ("l=\"`$PKGCONFIG $OPTS --libs-only-l --silence-errors libcurl`\"", vec!["curl"]),
        ("PKG_CHECK_MODULES([J], [jansson >= 2.0 libcurl])", vec!["jansson", "curl"]),
        ("APR_ADDTO(MOD_X_LDADD, [$SYSTEMD_LIBS])", vec!["systemd"]),
        ("APACHE_CHECK_OPENSSL", vec!["ssl", "crypto"]),
        ("AC_MSG_NOTICE([it needs -lfoo.])", vec!["foo"]),
        ("APR_ADDTO(LIBS, [-l$4]) --help-lines pre-link", vec![]),
        ("AC_MSG_CHECKING([for x via pkg-config along $PKG_CONFIG_PATH])", vec![]),
        ("saved_LIBS=\"$LIBS\"", vec![]),
        ("if test \"$apr_major_version\" -lt 2 -a $x -le 3; then\nfi", vec![]),
    ] {
        let module =
            only(&format!("LIBS=\"-lother\"\nAPACHE_MODULE(x, help, , , most, [\n{configuration}\n])"));
        assert_eq!(module.libraries, libraries, "{configuration}");
        assert_eq!(module.unknown, [] as [&str; 0], "{configuration}");
    }
}

#[test]
fn macros_are_followed_to_their_definitions_here_and_in_acinclude() {
    let text = "AC_DEFUN([CHECK_FOO],[\n  CHECK_BAR([a])\n  APR_ADDTO(MOD_X_LDADD, [-lfoo])\n])\n\
                AC_DEFUN([CHECK_OTHER],[ APR_ADDTO(MOD_Y_LDADD, [-lother]) ])\n\
                APACHE_MODULE(x, help, , , most, [\n  CHECK_FOO\n])\nAPACHE_MODULE(y, help)\n";
    let shared = "AC_DEFUN([CHECK_BAR],[ CHECK_FOO\n bar_libs=-lbar ])";
    let found = modules(&[Text { path: "config.m4", text }], &[Text { path: "acinclude.m4", text: shared }]);
    assert_eq!(found[0].libraries, ["foo", "bar"]);
    assert_eq!(found[1].libraries, [] as [&str; 0]);
}

#[test]
fn what_pkg_config_alone_knows_is_told() {
    let module = only("APACHE_MODULE(x, help, , , most, [ PKG_CHECK_MODULES(Q, quux >= 1) ])");
    assert_eq!((module.libraries.len(), module.unknown), (0, vec!["quux".to_owned()]));
}

#[test]
fn a_library_of_the_modules_own_tree_makes_the_list_incomplete() {
    for (configuration, complete) in [
        ("APR_ADDTO(MOD_X_LDADD, [ \"libx.la\" ])", false),
        ("APR_ADDTO(MOD_X_LDADD, [$abs_builddir/sub/libx.la])", false),
        ("APR_ADDTO(MOD_X_LDADD, [mod_y.la -lz])", true),
    ] {
        assert_eq!(
            only(&format!("APACHE_MODULE(x, h, , , no, [ {configuration} ])")).complete,
            complete,
            "{configuration}"
        );
    }
}

#[test]
fn configuration_files_are_known_by_name() {
    for (path, is) in [
        ("modules/x/config.m4", true),
        ("config5.m4", true),
        ("modules/config.m4.in", false),
        ("acinclude.m4", false),
        ("x/configs.m4", false),
    ] {
        assert_eq!(is_configuration(path), is, "{path}");
    }
}

#[test]
fn any_text_is_read_without_harm() {
    for text in [
        "=",
        "$",
        "${",
        "[[[",
        ")))",
        "APACHE_MODULE(",
        "a=\"\\",
        "é=ü dnl é",
        "APACHE_MODULE(a, b, $a)\na=$b\nb=$a",
        "-l",
        "`$PKGCONFIG ",
    ] {
        let _ = read(&format!("APACHE_MODULE(m, h, $a, , , [{text}])\n{text}"));
        let _ = read(text);
    }
}

/// Neither a text cut anywhere nor one with any sign in any place does harm.
#[test]
fn damaged_texts_are_read_without_harm() {
    let text = "x_objs=\"dnl\nmod_x.lo dnl\n\"\nAC_DEFUN([C],[ x=`$PKGCONFIG --libs y` -lz ])\nAPACHE_MODULE(x, [h (e.g. é)], $x_objs, , no, [ C ])\n";
    for (at, _) in text.char_indices() {
        let _ = read(&text[..at]);
        for sign in ["[", "]", "(", ")", "\"", "$", "`", "\n", "#", "é"] {
            let _ = read(&format!("{}{sign}{}", &text[..at], &text[at..]));
        }
    }
}

#[test]
fn hostile_texts_end_soon() {
    let started = std::time::Instant::now();
    let doubling: String = (0..60).map(|n| format!("v{n}=\"$v{m} $v{m}\"\n", m = n + 1)).collect();
    for text in [
        "APACHE_MODULE(".repeat(100_000),
        "AC_DEFUN([X],[".repeat(100_000),
        "a=\"".repeat(400_000),
        "dnl".repeat(400_000),
        format!("{doubling}APACHE_MODULE(x, h, $v0, , , [$v0])"),
    ] {
        let _ = read(&text);
    }
    // Each takes milliseconds; without the bounds minutes.
    assert!(started.elapsed().as_secs() < 20, "{:?}", started.elapsed());
}

#[test]
fn a_package_says_what_it_is_and_asks_for_libraries() {
    let text = "AC_INIT([mod_x], [1.2], [bugs@x], [], [https://example.org/x])\nPKG_CHECK_MODULES(X, [libcurl >= 7.1 nosuch])\n\
                AC_CHECK_LIB([z], [inflate])\n";
    let of = |version: &str| Package {
        version: Some(version.to_owned()),
        url: Some("https://example.org/x".to_owned()),
    };
    assert_eq!(package(text), of("1.2"));
    assert_eq!(package("AC_INIT(x, m4_esyscmd([cat VERSION]))"), Package::default());
    assert_eq!(package(""), Package::default());
    let mut found = asked(text);
    found.libraries.sort();
    assert_eq!(
        (found.libraries, found.unknown),
        (vec!["curl".to_owned(), "z".to_owned()], vec!["nosuch".to_owned()])
    );
}

#[test]
fn headers_are_named_with_their_templates() {
    let text = "AC_CONFIG_HEADERS([config.h include/x.h:x.h.tmpl])\nAM_CONFIG_HEADER(old.h)\ndnl AC_CONFIG_HEADER(not.h)\n";
    let pair = |header: &str, template: &str| (header.to_owned(), template.to_owned());
    assert_eq!(
        headers(text),
        [pair("config.h", "config.h.in"), pair("include/x.h", "x.h.tmpl"), pair("old.h", "old.h.in")]
    );
}

#[test]
fn of_files_for_each_system_those_for_unix_are_taken() {
    let module = only(
        "case $host in *mingw*) x=\"pm_win.lo conf_win.lo\" ;; *) x=\"pm_unix.lo mutex_unix.lo\" ;; esac\n\
         APACHE_MODULE(x, does x, mod_x.lo $x)",
    );
    assert_eq!(module.sources, ["mod_x.c", "conf_win.c", "pm_unix.c", "mutex_unix.c"]);
}
