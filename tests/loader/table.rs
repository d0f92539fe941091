//! The cases that are written down. None is excused.

use crate::case::Httpd;

/// Files beneath a folder of their own, of which `conf/httpd.conf` is the main one: what ends with `/` is an empty folder, a
/// text that begins with `-> ` a link.
pub struct Case {
    pub name: String,
    pub files: Vec<(String, String)>,
    /// Pairs: `-D`, `-C`, `-c` and their values, `-E` and a variable of the environment.
    pub arguments: Vec<String>,
}

/// What a version must have for a case to mean anything.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Of {
    Any,
    /// 2.4: with a directive that 2.2 does not know, which has cases of its own.
    Httpd24,
    Httpd22,
}

type Row = (&'static str, Of, &'static [(&'static str, &'static str)], &'static [&'static str]);

/// The cases for this httpd.
pub fn cases(httpd: &Httpd) -> Vec<Case> {
    let wanted = |row: &&Row| match row.1 {
        Of::Any => true,
        Of::Httpd24 => httpd.is_2_4(),
        Of::Httpd22 => !httpd.is_2_4(),
    };
    let rows = [ORDER, MODULES, FILES, SYMBOLS, INCLUDES, CONDITIONS, SYNTAX].into_iter().flatten();
    rows.filter(wanted)
        .map(|(name, _, files, arguments)| Case {
            name: (*name).to_owned(),
            files: files.iter().map(|(name, text)| ((*name).to_owned(), (*text).to_owned())).collect(),
            arguments: arguments.iter().map(|text| (*text).to_owned()).collect(),
        })
        .collect()
}

const CONF: &str = "conf/httpd.conf";
const DROP_INS: &str = "{base}Include conf.modules.d/*.conf\n";

/// Which drop-in comes first.
const ORDER: &[Row] = &[
    ("nothing but what is needed", Of::Any, &[(CONF, "{base}")], &[]),
    (
        "numbers decide",
        Of::Any,
        &[
            (CONF, DROP_INS),
            ("conf.modules.d/00-a.conf", "LoadModule ta_module {m}/mod_ta.so\n"),
            ("conf.modules.d/10-b.conf", "LoadModule tb_module {m}/mod_tb.so\n"),
        ],
        &[],
    ),
    (
        "the prerequisite comes later",
        Of::Any,
        &[
            (CONF, DROP_INS),
            ("conf.modules.d/10-a.conf", "LoadModule ta_module {m}/mod_ta.so\n"),
            ("conf.modules.d/00-b.conf", "# a comment\n\nLoadModule tb_module {m}/mod_tb.so\n"),
        ],
        &[],
    ),
    (
        "capitals come before small letters",
        Of::Any,
        &[
            (CONF, DROP_INS),
            ("conf.modules.d/a.conf", "LoadModule ta_module {m}/mod_ta.so\n"),
            ("conf.modules.d/B.conf", "LoadModule tb_module {m}/mod_tb.so\n"),
        ],
        &[],
    ),
    (
        "100 comes before 20",
        Of::Any,
        &[
            (CONF, DROP_INS),
            ("conf.modules.d/100-b.conf", "LoadModule tb_module {m}/mod_tb.so\n"),
            ("conf.modules.d/20-a.conf", "LoadModule ta_module {m}/mod_ta.so\n"),
        ],
        &[],
    ),
    (
        "a chain of three",
        Of::Any,
        &[
            (CONF, DROP_INS),
            (
                "conf.modules.d/00-a.conf",
                "LoadModule ta_module {m}/mod_ta.so\nLoadModule tb_module {m}/mod_tb.so\n",
            ),
            ("conf.modules.d/01-c.conf", "LoadModule tc_module {m}/mod_tc.so\n"),
        ],
        &[],
    ),
    (
        "the link in the middle is missing",
        Of::Any,
        &[(CONF, "{base}LoadModule ta_module {m}/mod_ta.so\nLoadModule tc_module {m}/mod_tc.so\n")],
        &[],
    ),
    (
        "two that need each other",
        Of::Any,
        &[(CONF, "{base}LoadModule tx_module {m}/mod_tx.so\nLoadModule ty_module {m}/mod_ty.so\n")],
        &[],
    ),
    (
        "the other way round",
        Of::Any,
        &[(CONF, "{base}LoadModule ty_module {m}/mod_ty.so\nLoadModule tx_module {m}/mod_tx.so\n")],
        &[],
    ),
    (
        "from the command line, before all",
        Of::Any,
        &[(CONF, "{base}LoadModule tb_module {m}/mod_tb.so\n")],
        &["-C", "LoadModule ta_module {m}/mod_ta.so"],
    ),
    (
        "from the command line, after all",
        Of::Any,
        &[(CONF, "{base}LoadModule tb_module {m}/mod_tb.so\n")],
        &["-c", "LoadModule ta_module {m}/mod_ta.so"],
    ),
    (
        "an error on the command line",
        Of::Any,
        &[(CONF, "{base}")],
        &["-c", "LoadModule tb_module {m}/mod_tb.so"],
    ),
];

/// What LoadModule does with a structure.
const MODULES: &[Row] = &[
    (
        "the same module twice",
        Of::Any,
        &[(CONF, "{base}LoadModule ta_module {m}/mod_ta.so\nLoadModule ta_module {m}/mod_ta.so\n")],
        &[],
    ),
    (
        "the same module thrice, in several files",
        Of::Any,
        &[
            (CONF, DROP_INS),
            (
                "conf.modules.d/00.conf",
                "LoadModule ta_module {m}/mod_ta.so\nLoadModule td_module {m}/mod_td.so\n",
            ),
            ("conf.modules.d/01.conf", "LoadModule ta_module {m}/mod_ta.so\n"),
            (
                "conf.modules.d/02.conf",
                "LoadModule td_module {m}/mod_td.so\nLoadModule ta_module {m}/none.so\n",
            ),
        ],
        &[],
    ),
    (
        "a name that is loaded, of a file that is not there",
        Of::Any,
        &[(CONF, "{base}LoadModule ta_module {m}/mod_ta.so\nLoadModule ta_module {m}/none.so\n")],
        &[],
    ),
    (
        "another name of a file that is loaded",
        Of::Any,
        &[(CONF, "{base}LoadModule ta_module {m}/mod_ta.so\nLoadModule tz_module {m}/mod_link.so\n")],
        &[],
    ),
    ("a part of the program", Of::Any, &[(CONF, "{base}LoadModule so_module {m}/mod_so.so\n")], &[]),
    (
        "the core is no module of a file",
        Of::Any,
        &[(CONF, "{base}LoadModule core_module {m}/mod_ta.so\n")],
        &[],
    ),
    ("no structure of that name", Of::Any, &[(CONF, "{base}LoadModule tz_module {m}/mod_ta.so\n")], &[]),
    ("another cookie", Of::Any, &[(CONF, "{base}LoadModule cookie_module {m}/mod_cookie.so\n")], &[]),
    ("another major MMN", Of::Any, &[(CONF, "{base}LoadModule major_module {m}/mod_major.so\n")], &[]),
    ("a newer minor MMN", Of::Any, &[(CONF, "{base}LoadModule minor_module {m}/mod_minor.so\n")], &[]),
    (
        "a constant structure",
        Of::Any,
        &[(CONF, "{base}LoadModule constant_module {m}/mod_constant.so\n")],
        &[],
    ),
    ("a structure of zeros", Of::Any, &[(CONF, "{base}LoadModule zero_module {m}/mod_zero.so\n")], &[]),
    ("a function for a structure", Of::Any, &[(CONF, "{base}LoadModule code_module {m}/mod_zero.so\n")], &[]),
    ("no MPM", Of::Httpd24, &[(CONF, "ServerName localhost\nLoadModule ta_module {m}/mod_ta.so\n")], &[]),
    (
        "two MPMs",
        Of::Httpd24,
        &[(CONF, "{base}LoadModule mpm_prefork_module {own}/mod_mpm_prefork.so\n")],
        &[],
    ),
    (
        "no MPM is told before what -c says",
        Of::Httpd24,
        &[(CONF, "ServerName localhost\n")],
        &["-c", "LoadModule tb_module {m}/mod_tb.so"],
    ),
    (
        "modules of httpd's own",
        Of::Any,
        &[(
            CONF,
            "{base}LoadModule proxy_module {own}/mod_proxy.so\nLoadModule proxy_http_module {own}/mod_proxy_http.so\n",
        )],
        &[],
    ),
    (
        "modules of httpd's own in the wrong order",
        Of::Any,
        &[(
            CONF,
            "{base}LoadModule proxy_http_module {own}/mod_proxy_http.so\nLoadModule proxy_module {own}/mod_proxy.so\n",
        )],
        &[],
    ),
    (
        "mod_dav_fs without mod_dav",
        Of::Any,
        &[(CONF, "{base}LoadModule dav_fs_module {own}/mod_dav_fs.so\n")],
        &[],
    ),
];

/// What can be wrong with a file.
const FILES: &[Row] = &[
    ("not there", Of::Any, &[(CONF, "{base}LoadModule x_module {m}/none.so\n")], &[]),
    ("in no folder", Of::Any, &[(CONF, "{base}LoadModule x_module {m}/none/none.so\n")], &[]),
    ("below a file", Of::Any, &[(CONF, "{base}LoadModule x_module {m}/mod_ta.so/x.so\n")], &[]),
    ("a name alone", Of::Any, &[(CONF, "{base}LoadModule x_module none.so\n")], &[]),
    ("below ServerRoot", Of::Any, &[(CONF, "{base}LoadModule x_module modules//./none.so\n")], &[]),
    ("a link into nothing", Of::Any, &[(CONF, "{base}LoadModule x_module {m}/mod_dangling.so\n")], &[]),
    ("a folder", Of::Any, &[(CONF, "{base}LoadModule x_module {m}/mod_folder.so\n")], &[]),
    ("empty", Of::Any, &[(CONF, "{base}LoadModule x_module {m}/mod_empty.so\n")], &[]),
    ("text", Of::Any, &[(CONF, "{base}LoadModule x_module {m}/mod_text.so\n")], &[]),
    ("shorter than a header", Of::Any, &[(CONF, "{base}LoadModule x_module {m}/mod_short.so\n")], &[]),
    ("a header alone", Of::Any, &[(CONF, "{base}LoadModule x_module {m}/mod_header.so\n")], &[]),
    ("cut off", Of::Any, &[(CONF, "{base}LoadModule x_module {m}/mod_cut.so\n")], &[]),
    ("of 32 bits", Of::Any, &[(CONF, "{base}LoadModule x_module {m}/mod_class.so\n")], &[]),
    ("of the other byte order", Of::Any, &[(CONF, "{base}LoadModule x_module {m}/mod_order.so\n")], &[]),
    ("of another version of ELF", Of::Any, &[(CONF, "{base}LoadModule x_module {m}/mod_ident.so\n")], &[]),
    ("of another system", Of::Any, &[(CONF, "{base}LoadModule x_module {m}/mod_abi.so\n")], &[]),
    ("of another processor", Of::Any, &[(CONF, "{base}LoadModule x_module {m}/mod_machine.so\n")], &[]),
    ("a program", Of::Any, &[(CONF, "{base}LoadModule x_module {m}/mod_program.so\n")], &[]),
    ("a program that can be anywhere", Of::Any, &[(CONF, "{base}LoadModule x_module {m}/mod_pie.so\n")], &[]),
    (
        "an object that is not linked",
        Of::Any,
        &[(CONF, "{base}LoadModule x_module {m}/mod_object.so\n")],
        &[],
    ),
    ("debug information alone", Of::Any, &[(CONF, "{base}LoadModule x_module {m}/mod_debug.so\n")], &[]),
    ("an executable stack", Of::Any, &[(CONF, "{base}LoadModule stack_module {m}/mod_stack.so\n")], &[]),
];

/// Symbols, libraries and versions.
const SYMBOLS: &[Row] = &[
    ("weak and missing", Of::Any, &[(CONF, "{base}LoadModule weak_module {m}/mod_weak.so\n")], &[]),
    ("the first of several", Of::Any, &[(CONF, "{base}LoadModule several_module {m}/mod_several.so\n")], &[]),
    (
        "two with a symbol of the same name",
        Of::Any,
        &[(CONF, "{base}LoadModule dup1_module {m}/mod_dup1.so\nLoadModule dup2_module {m}/mod_dup2.so\n")],
        &[],
    ),
    (
        "LoadFile brings a symbol",
        Of::Any,
        &[(CONF, "{base}LoadFile {m}/lib/libplain.so\nLoadModule plainuser_module {m}/mod_plainuser.so\n")],
        &[],
    ),
    (
        "LoadFile brings it too late",
        Of::Any,
        &[(CONF, "{base}LoadModule plainuser_module {m}/mod_plainuser.so\nLoadFile {m}/lib/libplain.so\n")],
        &[],
    ),
    (
        "LoadFile of several files",
        Of::Any,
        &[(
            CONF,
            "{base}LoadFile {m}/lib/libplain.so {m}/mod_ta.so\nLoadModule tb_module {m}/mod_tb.so\nLoadModule ta_module {m}/mod_ta.so\n",
        )],
        &[],
    ),
    ("LoadFile of nothing", Of::Any, &[(CONF, "{base}LoadFile {m}/lib/libplain.so lib/none.so\n")], &[]),
    ("LoadFile of a library of the system", Of::Httpd24, &[(CONF, "{base}LoadFile libc.so.6\n")], &[]),
    ("LoadFile of no library of the system", Of::Any, &[(CONF, "{base}LoadFile libnothing.so.7\n")], &[]),
    (
        "a library that is not there",
        Of::Any,
        &[(CONF, "{base}LoadModule nolib_module {m}/mod_nolib.so\n")],
        &[],
    ),
    (
        "a library that LoadFile has loaded",
        Of::Any,
        &[(CONF, "{base}LoadFile {m}/lib/libtlib.so.1\nLoadModule nolib_module {m}/mod_nolib.so\n")],
        &[],
    ),
    ("a library by RUNPATH", Of::Any, &[(CONF, "{base}LoadModule runpath_module {m}/mod_runpath.so\n")], &[]),
    ("a library by RPATH", Of::Any, &[(CONF, "{base}LoadModule rpath_module {m}/mod_rpath.so\n")], &[]),
    (
        "a version that is not there",
        Of::Any,
        &[(CONF, "{base}LoadModule version_module {m}/mod_version.so\n")],
        &[],
    ),
    (
        "a version without its symbol",
        Of::Any,
        &[(CONF, "{base}LoadModule versionsymbol_module {m}/mod_versionsymbol.so\n")],
        &[],
    ),
    (
        "a version that is there",
        Of::Any,
        &[(CONF, "{base}LoadModule hidden_module {m}/mod_hidden.so\n")],
        &[],
    ),
    ("a library lacks a symbol", Of::Any, &[(CONF, "{base}LoadModule deep_module {m}/mod_deep.so\n")], &[]),
    (
        "a library and the module lack a symbol",
        Of::Any,
        &[(CONF, "{base}LoadModule deepuser_module {m}/mod_deepuser.so\n")],
        &[],
    ),
    (
        "LoadFile brings what a library lacks",
        Of::Any,
        &[(CONF, "{base}LoadFile {m}/lib/libprovides.so\nLoadModule deepuser_module {m}/mod_deepuser.so\n")],
        &[],
    ),
    (
        "a module for a library, not loaded",
        Of::Any,
        &[(CONF, "{base}LoadModule linked_module {m}/mod_linked.so\n")],
        &[],
    ),
    (
        "a module for a library, loaded",
        Of::Any,
        &[(CONF, "{base}LoadModule ta_module {m}/mod_ta.so\nLoadModule linked_module {m}/mod_linked.so\n")],
        &[],
    ),
];

/// Which files are read.
const INCLUDES: &[Row] = &[
    ("no file for a name", Of::Any, &[(CONF, "{base}Include conf.d/none.conf\n")], &[]),
    ("no file for a wildcard", Of::Any, &[(CONF, "{base}Include conf.d/*.conf\n"), ("conf.d/", "")], &[]),
    ("no folder for a wildcard", Of::Any, &[(CONF, "{base}Include none.d/*.conf\n")], &[]),
    ("no file, and it is optional", Of::Httpd24, &[(CONF, "{base}IncludeOptional conf.d/none.conf\n")], &[]),
    (
        "no match, and it is optional",
        Of::Httpd24,
        &[(CONF, "{base}IncludeOptional conf.d/*.conf\n"), ("conf.d/", "")],
        &[],
    ),
    ("no folder, and it is optional", Of::Httpd24, &[(CONF, "{base}IncludeOptional none.d/*.conf\n")], &[]),
    ("IncludeOptional in 2.2", Of::Httpd22, &[(CONF, "{base}IncludeOptional none.d/*.conf\n")], &[]),
    (
        "a folder, with folders in it",
        Of::Any,
        &[
            (CONF, "{base}Include conf.d\n"),
            ("conf.d/b.txt", "LoadModule tb_module {m}/mod_tb.so\n"),
            ("conf.d/a/z.conf", "LoadModule ta_module {m}/mod_ta.so\n"),
            ("conf.d/c", "LoadModule tc_module {m}/mod_tc.so\n"),
        ],
        &[],
    ),
    (
        "a folder with a slash at the end",
        Of::Any,
        &[(CONF, "{base}Include conf.d/\n"), ("conf.d/b", "LoadModule tb_module {m}/mod_tb.so\n")],
        &[],
    ),
    (
        "wildcards in folders",
        Of::Any,
        &[
            (CONF, "{base}Include {root}/sites-*/[ab]/*.conf\n"),
            ("sites-1/b/x.conf", "LoadModule tb_module {m}/mod_tb.so\n"),
            ("sites-1/c/x.conf", "LoadModule tc_module {m}/mod_tc.so\n"),
            ("sites-0/a/x.conf", "LoadModule ta_module {m}/mod_ta.so\n"),
            ("sites-0/ab", "LoadModule none_module none.so\n"),
            ("sites-2/a", "-> ../sites-1/b"),
        ],
        &[],
    ),
    (
        "names with a dot before them, and backups",
        Of::Any,
        &[
            (CONF, DROP_INS),
            ("conf.modules.d/.hidden.conf", "LoadModule none_module none.so\n"),
            ("conf.modules.d/a.conf.rpmnew", "LoadModule none_module none.so\n"),
            ("conf.modules.d/a.conf", "LoadModule ta_module {m}/mod_ta.so\n"),
        ],
        &[],
    ),
    (
        "links, as a2enmod makes them",
        Of::Any,
        &[
            (CONF, "{base}Include mods-enabled/*.load\n"),
            ("mods-available/a.load", "LoadModule ta_module {m}/mod_ta.so\n"),
            ("mods-available/b.load", "# Depends: a\nLoadModule tb_module {m}/mod_tb.so\n"),
            ("mods-enabled/b.load", "-> ../mods-available/b.load"),
            ("mods-enabled/a.load", "-> ../mods-available/a.load"),
        ],
        &[],
    ),
    (
        "an error within files within files",
        Of::Any,
        &[
            (CONF, "{base}\nInclude a.conf\n"),
            ("a.conf", "\n\n<IfModule so_module>\nInclude b.conf\n</IfModule>\n"),
            ("b.conf", "LoadModule tb_module {m}/mod_tb.so\n"),
        ],
        &[],
    ),
    ("a file that includes itself", Of::Any, &[(CONF, "{base}Include conf/httpd.conf\n")], &[]),
    (
        "a folder where a file is meant",
        Of::Any,
        &[
            (CONF, "{base}Include conf.d/*.conf\n"),
            ("conf.d/x.conf/y", "LoadModule tb_module {m}/mod_tb.so\n"),
        ],
        &[],
    ),
    (
        "ServerRoot moves",
        Of::Any,
        &[
            (CONF, "{base}ServerRoot {root}/other/../other\nInclude x/*.conf\n"),
            ("other/x/a.conf", "LoadModule ta_module ../../m/none.so\n"),
        ],
        &[],
    ),
    ("ServerRoot is none", Of::Any, &[(CONF, "{base}ServerRoot {root}/none\n")], &[]),
    ("Include of two", Of::Any, &[(CONF, "{base}Include a b\n")], &[]),
];

/// Which sections are read.
const CONDITIONS: &[Row] = &[
    (
        "by the structure's name",
        Of::Any,
        &[(
            CONF,
            "{base}<IfModule ta_module>\nLoadModule none_module none.so\n</IfModule>\nLoadModule ta_module {m}/mod_ta.so\n\
             <IfModule ta_module>\nLoadModule tb_module {m}/mod_tb.so\n</IfModule>\n",
        )],
        &[],
    ),
    (
        "by the file's name",
        Of::Any,
        &[(
            CONF,
            "{base}LoadModule ta_module {m}/mod_ta.so\n<IfModule mod_ta.c>\nLoadModule td_module {m}/mod_td.so\n</IfModule>\n\
             <IfModule mod_ta.so>\nLoadModule none_module none.so\n</IfModule>\n",
        )],
        &[],
    ),
    (
        "the other way round, and nested",
        Of::Any,
        &[(
            CONF,
            "{base}<IfModule !ta_module>\n  <IfModule !mod_tb.c>\n    LoadModule ta_module {m}/mod_ta.so\n  </IfModule>\n\
             <IfModule mod_nothing.c>\n <IfModule !mod_nothing.c>\nLoadModule none_module none.so\n</IfModule>\n</IfModule>\n\
             </IfModule>\n<IfModule !ta_module>\nLoadModule none_module none.so\n</IfModule>\n",
        )],
        &[],
    ),
    (
        "of what is part of the program",
        Of::Any,
        &[(
            CONF,
            "{base}<IfModule mod_so.c>\nLoadModule ta_module {m}/mod_ta.so\n</IfModule>\n<IfModule so_module>\n\
             LoadModule tb_module {m}/mod_tb.so\n</IfModule>\n<IfModule core.c>\nLoadModule tc_module {m}/mod_tc.so\n</IfModule>\n",
        )],
        &[],
    ),
    (
        "a guard against loading twice",
        Of::Any,
        &[
            (CONF, DROP_INS),
            ("conf.modules.d/a.conf", "LoadModule ta_module {m}/mod_ta.so\n"),
            (
                "conf.modules.d/b.conf",
                "<IfModule !ta_module>\n    LoadModule ta_module {m}/none.so\n</IfModule>\n",
            ),
        ],
        &[],
    ),
    (
        "names defined on the command line",
        Of::Any,
        &[(
            CONF,
            "{base}<IfDefine A>\nLoadModule ta_module {m}/mod_ta.so\n</IfDefine>\n<IfDefine !A>\nLoadModule none_module none.so\n\
             </IfDefine>\n<IfDefine a>\nLoadModule none_module none.so\n</IfDefine>\n",
        )],
        &["-D", "A"],
    ),
    (
        "Define and UnDefine",
        Of::Httpd24,
        &[(
            CONF,
            "{base}Define A\nDefine name mod_ta\n<IfDefine A>\nLoadModule ta_module {m}/${name}.so\n</IfDefine>\nUnDefine A\n\
             <IfDefine A>\nLoadModule none_module none.so\n</IfDefine>\nUnDefine name\nLoadModule tb_module {m}/${name}.so\n",
        )],
        &[],
    ),
    (
        "a variable of the environment",
        Of::Any,
        &[(CONF, "{base}LoadModule ${NAME}_module {m}/mod_${NAME}.so\nLoadModule x_module ${OTHER}/x.so\n")],
        &["-E", "NAME=ta"],
    ),
    (
        "a file that is there",
        Of::Httpd24,
        &[(
            CONF,
            "{base}<IfFile {m}/mod_ta.so>\nLoadModule ta_module {m}/mod_ta.so\n</IfFile>\n<IfFile \"none.so\">\n\
             LoadModule none_module none.so\n</IfFile>\n<IfFile !none.so>\nLoadModule tb_module {m}/mod_tb.so\n</IfFile>\n",
        )],
        &[],
    ),
    (
        "the version",
        Of::Httpd24,
        &[(
            CONF,
            "{base}<IfModule !version_module>\nLoadModule version_module {own}/mod_version.so\n</IfModule>\n<IfVersion >= 2.4>\n\
             LoadModule ta_module {m}/mod_ta.so\n</IfVersion>\n<IfVersion < 2.4.1>\nLoadModule none_module none.so\n</IfVersion>\n\
             <IfVersion !> 3>\nLoadModule tb_module {m}/mod_tb.so\n</IfVersion>\n<IfVersion = 2.4>\nLoadModule none_module none.so\n\
             </IfVersion>\n",
        )],
        &[],
    ),
    (
        "a version that is none",
        Of::Httpd24,
        &[(
            CONF,
            "{base}<IfModule !version_module>\nLoadModule version_module {own}/mod_version.so\n</IfModule>\n<IfVersion >= two>\n\
             </IfVersion>\n",
        )],
        &[],
    ),
    (
        "LoadModule within a host",
        Of::Any,
        &[(
            CONF,
            "{base}<VirtualHost *:80>\nServerName x\nLoadModule tb_module {m}/mod_tb.so\n</VirtualHost>\n",
        )],
        &[],
    ),
];

/// Lines, words and sections.
const SYNTAX: &[Row] = &[
    (
        "continued lines and quotes",
        Of::Any,
        &[(
            CONF,
            "{base}LoadModule \\\n   \"ta_module\" \\\n  '{m}/mod_ta.so'\r\n\n# LoadModule none_module \\\nnone.so\n  loadmodule\ttb_module {m}/mod_tb.so",
        )],
        &[],
    ),
    (
        "the line of an error is the last",
        Of::Any,
        &[(CONF, "{base}LoadModule \\\n  tb_module \\\n  {m}/mod_tb.so\n")],
        &[],
    ),
    ("LoadModule with one argument", Of::Any, &[(CONF, "{base}LoadModule ta_module\n")], &[]),
    (
        "LoadModule with three arguments",
        Of::Any,
        &[(CONF, "{base}LoadModule ta_module {m}/mod_ta.so x\n")],
        &[],
    ),
    ("LoadFile with none", Of::Any, &[(CONF, "{base}LoadFile\n")], &[]),
    ("Define with three", Of::Httpd24, &[(CONF, "{base}Define a b c\n")], &[]),
    ("Define with a colon", Of::Httpd24, &[(CONF, "{base}Define a:b c\n")], &[]),
    ("a section that is not closed", Of::Any, &[(CONF, "{base}<VirtualHost *:80>\n<Directory />\n")], &[]),
    (
        "a section that is not closed in its file",
        Of::Any,
        &[
            (CONF, "{base}Include a.conf\n"),
            ("a.conf", "\n<Directory />\nLoadModule ta_module {m}/mod_ta.so\n"),
        ],
        &[],
    ),
    ("a section that was not opened", Of::Any, &[(CONF, "{base}</Directory>\n")], &[]),
    ("another section is closed", Of::Any, &[(CONF, "{base}<Directory />\n</Location>\n")], &[]),
    ("a bracket is missing at the end", Of::Any, &[(CONF, "{base}<Directory />\n</Directory\n")], &[]),
    (
        "a bracket is missing at the beginning",
        Of::Any,
        &[(CONF, "{base}<IfModule ta_module\n</IfModule>\n")],
        &[],
    ),
    ("a condition is missing", Of::Any, &[(CONF, "{base}<IfModule >\n</IfModule>\n")], &[]),
    (
        "a condition that holds is not closed",
        Of::Any,
        &[(CONF, "{base}<IfModule so_module>\nLoadModule ta_module {m}/mod_ta.so\n")],
        &[],
    ),
    (
        "a condition that does not hold is not closed",
        Of::Any,
        &[(CONF, "{base}<IfModule none_module>\nLoadModule ta_module {m}/mod_ta.so\n")],
        &[],
    ),
    (
        "sections that cross",
        Of::Any,
        &[(CONF, "{base}<IfModule none_module>\n<Directory />\n</IfModule>\n</Directory>\n")],
        &[],
    ),
    (
        "sections that cross where they are read",
        Of::Any,
        &[(CONF, "{base}<IfModule so_module>\n<Directory />\n</IfModule>\n</Directory>\n")],
        &[],
    ),
    (
        "an error before what is unknown",
        Of::Any,
        &[(CONF, "{base}NoSuchDirective On\nLoadModule tb_module {m}/mod_tb.so\n")],
        &[],
    ),
];
