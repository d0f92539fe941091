//! What packages are made of: drop-ins, relations, names, and what is refused.

mod support;

use miette::Diagnostic;
use modgraft::Kind;
use modgraft::package::{self, Error};
use modgraft::profile::Profile;
use modgraft::recipe::{Document, DocumentKind};
use support::module::{Module, text_of};

fn assemble(module: &Module) -> Result<package::PackageSet, Error> {
    package::assemble(&module.inputs())
}

#[test]
fn drop_ins_of_each_layout() {
    let mut module = Module::new();
    let set = module.packages();
    insta::assert_snapshot!(text_of(&set.binary, "/etc/apache2/mods-available/tiny.load"), @"
    # This module uses others, which have to be loaded before it:
    #   proxy_module (mod_proxy.so)
    # Depends: proxy
    LoadModule tiny_module /usr/lib/apache2/modules/mod_tiny.so
    ");
    insta::assert_snapshot!(text_of(&set.binary, "/etc/apache2/mods-available/tiny.conf"), @r#"
    <Location "/tiny">
        SetHandler tiny
    </Location>
    "#);

    module.target.layout.loaded_by_tool = true;
    module.target.layout.dependency_line = None;
    insta::assert_snapshot!(text_of(&module.packages().binary, "/etc/apache2/mods-available/tiny.load"), @r"
    # This module uses others, which have to be loaded before it:
    #   proxy_module (mod_proxy.so)
    # It is loaded after: a2enmod tiny
    ");

    module.target.layout.loaded_by_tool = false;
    module.target.layout.load_file = "/etc/httpd/conf.modules.d/{order}-{name}.conf".into();
    module.audit.load_order = 12;
    assert!(
        text_of(&module.packages().binary, "/etc/httpd/conf.modules.d/12-tiny.conf").contains("LoadModule")
    );

    module.target.profile = Profile::named("el6").unwrap();
    module.audit.load_after.clear();
    module.target.layout.module_dir = "/usr/lib64/httpd/modules".into();
    module.target.layout.load_prefix = "modules".into();
    module.target.layout.load_file = "/etc/httpd/conf.d/{name}.conf".into();
    module.target.layout.directives_file = "/etc/httpd/conf.d/{name}.conf".into();
    let set = module.packages();
    insta::assert_snapshot!(text_of(&set.binary, "/etc/httpd/conf.d/tiny.conf"), @r#"
    LoadModule tiny_module modules/mod_tiny.so

    <Location "/tiny">
        SetHandler tiny
    </Location>
    "#);
}

#[test]
fn relations_of_each_family() {
    let of_httpd = |family: &str, mmn: &str| {
        let mut module = Module::new();
        module.target.profile = Profile::named(family).unwrap();
        module.target.layout.mmn_requirement = mmn.into();
        let set = module.packages();
        let all = set.binary.requires.iter().chain(&set.binary.provides).map(|relation| relation.text());
        all.filter(|text| text.contains("mmn") || text.contains("mod_tiny.so")).collect::<Vec<_>>()
    };
    assert_eq!(of_httpd("debian", "20120211x8664"), ["httpd-mmn = 20120211x8664"]);
    assert_eq!(of_httpd("el6", "20051115"), ["httpd-mmn = 20051115", "mod_tiny.so()(64bit)"]);
    assert_eq!(of_httpd("el9", "20120211x8664"), ["httpd-mmn = 20120211x8664"]);
    assert_eq!(of_httpd("suse", "20120211x8664"), ["apache_mmn_20120211", "suse_maintenance_mmn_0"]);
    let mut module = Module::new();
    module.target.profile = Profile::named("suse").unwrap();
    assert_eq!(module.packages().binary.file_name(), "apache2-mod_tiny-1.0-1.x86_64.rpm");
}

#[test]
fn debug_files_are_named_as_the_family_names_them() {
    for (family, name) in [("debian", "mod_tiny.so-1.0-1.x86_64.debug"), ("el7", "mod_tiny.so.debug")] {
        let mut module = Module::new();
        module.target.profile = Profile::named(family).unwrap();
        let path = format!("/usr/lib/debug/usr/lib/apache2/modules/{name}");
        assert!(module.packages().debuginfo.files.iter().any(|file| file.path == path), "{family}");
    }
}

#[test]
fn the_source_package_has_it_all_untouched() {
    let mut module = Module::new();
    module.extra.push(("rules/compat-2.2.toml".into(), b"rules".as_slice().into()));
    let set = module.packages();
    let names: Vec<&str> = set.source.files.iter().map(|file| file.path.as_str()).collect();
    assert_eq!(
        names,
        [
            "0001-tiny_module.patch",
            "GRAFT.md",
            "LICENSE",
            "README.md",
            "compat-2.2.toml",
            "mod_tiny.c",
            "mod_tiny.spec",
            "module.toml",
            "tiny.conf",
            "tiny.load"
        ]
    );
    assert_eq!(text_of(&set.source, "0001-tiny_module.patch").as_bytes(), &*module.sources.patches[0].bytes);
    assert_eq!(text_of(&set.source, "mod_tiny.spec"), set.spec.1);
    assert_eq!(set.source.file_name(), "mod_tiny-1.0-1.src.rpm");
}

#[test]
fn two_patches_of_one_name_are_both_there() {
    let mut module = Module::new();
    let mut second = module.sources.patches[0].clone();
    second.name = "other/0001-tiny module.patch".into();
    second.bytes = b"second".as_slice().into();
    module.sources.patches.push(second);
    let set = module.packages();
    assert_eq!(text_of(&set.source, "2-0001-tiny_module.patch"), "second");
}

#[test]
fn directives_that_are_no_template_are_shown_with_their_line() {
    let cases = [
        ("# a\nHeader {{nmae}}\n", 2, "nmae"),
        ("a\nb\n{{#if name}}\n", 0, ""),
        ("a\nb {{/if}}\n", 0, ""),
        ("a\n{{> other}}\n", 2, "partials"),
        ("a\n\n{{~#> other}}{{/other}}\n", 3, "partials"),
        ("{{#*inline \"a\"}}{{> a}}{{/inline}}{{> a}}", 1, "partials"),
        ("a\nb\x07\n", 2, "control character"),
    ];
    for (template, line, reason) in cases {
        let mut module = Module::new();
        module.recipe.directives = Some(template.into());
        let error = assemble(&module).map(drop).unwrap_err();
        assert_eq!(error.kind(), Kind::Input);
        let Error::Directives { reason: found, span, .. } = &error else { panic!("{template:?}: {error:?}") };
        assert!(found.contains(reason), "{template:?}: {found}");
        assert!(error.source_code().is_some() && error.help().is_some());
        if line > 0 {
            assert_eq!(template[..span.offset()].matches('\n').count() + 1, line, "{template:?}: {found}");
        }
    }
    let mut module = Module::new();
    module.recipe.directives = Some("x".repeat(70_000));
    assert!(matches!(assemble(&module), Err(Error::Directives { .. })));
    // Nested as deep as 64 KiB allow: an answer, whichever, and no overflow of the stack.
    module.recipe.directives = Some(format!("{{{{{}name", "(".repeat(60_000)));
    assert!(matches!(assemble(&module), Err(Error::Directives { .. })));
    module.recipe.directives = Some("{{#if name}}".repeat(5_000));
    assert!(matches!(assemble(&module), Err(Error::Directives { .. })));
}

#[test]
fn directives_are_not_escaped() {
    let mut module = Module::new();
    module.recipe.directives = Some("Header set X \"<{{name}}> & '{{module_dir}}'\"\r\nY \\{{z}}".into());
    let set = module.packages();
    assert_eq!(
        text_of(&set.binary, "/etc/apache2/mods-available/tiny.conf"),
        "Header set X \"<mod_tiny> & '/usr/lib/apache2/modules'\"\nY {{z}}\n"
    );
}

#[test]
fn what_no_package_can_have_is_refused() {
    let refused = |change: fn(&mut Module), expected: fn(&Error) -> bool| {
        let mut module = Module::new();
        change(&mut module);
        let error = assemble(&module).map(drop).unwrap_err();
        assert!(expected(&error), "{error:?}");
        assert!(error.help().is_some() && error.code().is_some(), "{error:?}");
        assert_eq!(error.to_string().lines().count(), 1, "{error}");
    };
    refused(|m| m.recipe.version = "1-2".into(), |e| matches!(e, Error::BadVersion { field: "version", .. }));
    refused(
        |m| m.recipe.release = "1\n%prep".into(),
        |e| matches!(e, Error::BadVersion { field: "release", .. }),
    );
    refused(|m| m.recipe.name = "mod_x y".into(), |e| matches!(e, Error::BadName { .. }));
    refused(|m| m.recipe.name = "mod_\"x\"\n".into(), |e| matches!(e, Error::BadName { .. }));
    refused(|m| m.recipe.url = Some("http://a b".into()), |e| matches!(e, Error::BadUrl { .. }));
    refused(|m| m.recipe.summary = "\n".into(), |e| matches!(e, Error::Empty { .. }));
    refused(|m| m.recipe.license = "MIT\0".into(), |e| matches!(e, Error::ControlCharacter { .. }));
    refused(|m| m.target.layout.load_file = "etc/x".into(), |e| matches!(e, Error::Layout { .. }));
    refused(|m| m.target.layout.module_dir = "/usr/../x".into(), |e| matches!(e, Error::Layout { .. }));
    refused(
        |m| m.recipe.libraries = vec!["z; rm -rf".into()],
        |e| matches!(e, Error::Spec(modgraft::spec::Error::Library { .. })),
    );
}

#[test]
fn documents_stay_beneath_the_recipe() {
    let outside = tempfile::tempdir().unwrap();
    fs_err::write(outside.path().join("secret"), "secret").unwrap();
    for path in ["../secret", "/etc/passwd", "absent", "link", "folder", "..", ""] {
        let mut module = Module::new();
        let folder = module.folder.path();
        fs_err::create_dir(folder.join("folder")).unwrap();
        std::os::unix::fs::symlink(outside.path().join("secret"), folder.join("link")).unwrap();
        module.recipe.documents = vec![Document { path: path.into(), kind: DocumentKind::License }];
        let error = assemble(&module).map(drop).unwrap_err();
        assert!(matches!(error, Error::Document { .. }), "{path}: {error:?}");
    }
}

#[test]
fn licences_are_marked_where_rpm_knows_how() {
    for family in Profile::names() {
        let mut module = Module::new();
        module.target.profile = Profile::named(family).unwrap();
        let set = module.packages();
        let licence = set.binary.files.iter().find(|file| file.path.ends_with("/LICENSE")).unwrap();
        let expected = if family == "el6" { package::file::DOC } else { package::file::LICENSE };
        assert_eq!(licence.flags, expected, "{family}");
    }
}
