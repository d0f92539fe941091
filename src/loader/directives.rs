//! The directives that act while they are read, and their arguments.

use super::lines;
use super::outcome::Place;
use super::reader::{Server, Source, Stop};
use super::{include, paths};

/// A directive that acts while it is read, and decides on what is loaded.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Acting {
    LoadModule,
    LoadFile,
    Include,
    IncludeOptional,
    Define,
    UnDefine,
    ServerRoot,
    IfModule,
    IfDefine,
    IfFile,
    IfDirective,
    IfSection,
    IfVersion,
}

/// How many arguments one takes, in httpd's words, and its own help (the command tables of core.c and mod_so.c of 2.4).
struct Usage {
    directive: Acting,
    name: &'static str,
    least: usize,
    most: usize,
    takes: &'static str,
    help: &'static str,
}

const fn usage(
    directive: Acting,
    name: &'static str,
    (least, most): (usize, usize),
    takes: &'static str,
    help: &'static str,
) -> Usage {
    Usage { directive, name, least, most, takes, help }
}

const ALL: &[Usage] = &[
    usage(
        Acting::LoadModule,
        "LoadModule",
        (2, 2),
        "takes two arguments",
        "a module name and the name of a shared object file to load it from",
    ),
    usage(
        Acting::LoadFile,
        "LoadFile",
        (1, usize::MAX),
        "requires at least one argument",
        "shared object file or library to load into the server at runtime",
    ),
    usage(
        Acting::Include,
        "Include",
        (1, 1),
        "takes one argument",
        "Name(s) of the config file(s) to be included; fails if the wildcard does not match at least one file",
    ),
    usage(
        Acting::IncludeOptional,
        "IncludeOptional",
        (1, 1),
        "takes one argument",
        "Name or pattern of the config file(s) to be included; ignored if the file does not exist or the pattern does not match any files",
    ),
    usage(
        Acting::Define,
        "Define",
        (1, 2),
        "takes 1-2 arguments",
        "Define a variable, optionally to a value.  Same as passing -D to the command line.",
    ),
    usage(
        Acting::UnDefine,
        "UnDefine",
        (1, 1),
        "takes one argument",
        "Undefine the existence of a variable. Undo a Define.",
    ),
    usage(
        Acting::ServerRoot,
        "ServerRoot",
        (1, 1),
        "takes one argument",
        "Common directory of server-related files (logs, confs, etc.)",
    ),
    usage(
        Acting::IfModule,
        "<IfModule",
        (1, 1),
        "takes one argument",
        "Container for directives based on existence of specified modules",
    ),
    usage(
        Acting::IfDefine,
        "<IfDefine",
        (1, 1),
        "takes one argument",
        "Container for directives based on existence of command line defines",
    ),
    usage(Acting::IfFile, "<IfFile", (1, 1), "", ""),
    usage(Acting::IfDirective, "<IfDirective", (1, 1), "", ""),
    usage(Acting::IfSection, "<IfSection", (1, 1), "", ""),
    usage(
        Acting::IfVersion,
        "<IfVersion",
        (1, 3),
        "takes one, two or three arguments",
        "a comparison operator, a version (and a delimiter)",
    ),
];

fn find(name: &str) -> Option<&'static Usage> {
    ALL.iter().find(|usage| usage.name.eq_ignore_ascii_case(name))
}

/// Whether some httpd acts on this directive while it reads it: one that does not will not know it.
pub(super) fn is_of_later_httpd(name: &str) -> bool {
    find(name).is_some()
}

impl Server<'_> {
    /// The directive of that name, where this httpd has it.
    pub(super) fn acting(&self, name: &str) -> Option<Acting> {
        let directive = find(name)?.directive;
        let known = match directive {
            Acting::IncludeOptional | Acting::Define | Acting::UnDefine => self.dialect.is_2_4,
            Acting::IfFile | Acting::IfDirective | Acting::IfSection => self.dialect.conditions_of_files,
            Acting::IfVersion => self.has("version_module"),
            _ => true,
        };
        known.then_some(directive)
    }

    /// The arguments of a directive (`invoke_cmd`).
    ///
    /// # Errors
    /// There are more or fewer than it takes.
    fn arguments(&self, directive: Acting, text: &str) -> Result<Vec<String>, Stop> {
        let words = lines::words(text);
        let Some(usage) = ALL.iter().find(|usage| usage.directive == directive) else { return Ok(words) };
        // An empty word counts as none, as httpd's own functions do not tell the two apart.
        let given = words.iter().take_while(|word| !word.is_empty()).count();
        let least = if usage.most == usize::MAX && self.dialect.iterates_over_none { 0 } else { usage.least };
        if given < least || words.len() > usage.most {
            let help = self.dialect.help(usage.name, usage.help);
            return Err(Stop::configuration(format!("{} {}, {help}", usage.name, usage.takes)));
        }
        Ok(words)
    }

    pub(super) fn act(
        &mut self,
        directive: Acting,
        source: &mut Source,
        name: &str,
        rest: &str,
        place: Place,
    ) -> Result<(), Stop> {
        match directive {
            Acting::IfModule
            | Acting::IfDefine
            | Acting::IfFile
            | Acting::IfDirective
            | Acting::IfSection => {
                // Before 2.4.34 the condition was one argument, as any directive's.
                let condition = if self.dialect.conditions_of_files {
                    rest.to_owned()
                } else {
                    self.arguments(directive, rest)?.swap_remove(0)
                };
                self.conditional(directive, source, name, &condition)
            }
            Acting::IfVersion => {
                let words = self.arguments(directive, rest)?;
                self.if_version(source, &words)
            }
            Acting::Include => include::include(self, &self.arguments(directive, rest)?[0], false),
            Acting::IncludeOptional => include::include(self, &self.arguments(directive, rest)?[0], true),
            Acting::Define => {
                let words = self.arguments(directive, rest)?;
                self.without_colon(&words[0])?;
                self.variables
                    .define(&words[0], words.get(1).filter(|word| !word.is_empty()).map(String::as_str));
                Ok(())
            }
            Acting::UnDefine => {
                let words = self.arguments(directive, rest)?;
                self.without_colon(&words[0])?;
                self.variables.undefine(&words[0]);
                Ok(())
            }
            Acting::ServerRoot => {
                let folder = paths::merged("/", &self.arguments(directive, rest)?[0]);
                if self.files.kind(&folder) != Ok(super::files::Kind::Folder) {
                    return Err(Stop::configuration("ServerRoot must be a valid directory"));
                }
                self.root = folder;
                Ok(())
            }
            Acting::LoadModule => {
                let words = self.arguments(directive, rest)?;
                self.load_module(&words[0], &words[1], place)
            }
            Acting::LoadFile => {
                for file in self.arguments(directive, rest)?.iter().take_while(|word| !word.is_empty()) {
                    self.load_file(file, place.clone())?;
                }
                Ok(())
            }
        }
    }

    fn without_colon(&self, name: &str) -> Result<(), Stop> {
        if name.contains(':') {
            return Err(Stop::configuration("Variable name must not contain ':'"));
        }
        Ok(())
    }
}
