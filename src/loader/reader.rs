//! The reading of the configuration, as httpd does it before it runs any directive but those that act while they are read
//! (server/config.c: `ap_build_config`).

use super::dialect::Dialect;
use super::files::Files;
use super::lines::{self, Lines};
use super::linker::Process;
use super::outcome::{Cause, Load, Place};
use super::sections::RAW;
use super::variables::Variables;
use crate::target::Target;

/// Deeper than any configuration of a person; keeps the recursion bounded.
const MAX_DEPTH: usize = 400;

/// An error that ends the reading.
#[derive(Debug)]
pub(super) struct Stop {
    /// As httpd words it, without the places that are put before it.
    pub message: String,
    /// What is wrong, without anything else.
    pub inner: String,
    /// Where.
    pub place: Option<Place>,
    pub cause: Cause,
}

impl Stop {
    pub(super) fn new(cause: Cause, message: impl Into<String>) -> Self {
        let message = message.into();
        Stop { inner: message.clone(), message, place: None, cause }
    }

    pub(super) fn configuration(message: impl Into<String>) -> Self {
        Stop::new(Cause::Configuration, message)
    }
}

/// A file that is being read, or the lines of the command line.
pub(super) struct Source {
    pub name: String,
    pub lines: Lines,
    /// The directive that an error is about (`err_directive`).
    at: Option<Place>,
}

impl Source {
    pub(super) fn here(&self) -> Place {
        Place { file: self.name.clone(), line: self.lines.number() }
    }
}

/// A section that is open.
struct Open {
    /// With its bracket: `<VirtualHost`.
    name: String,
    place: Place,
}

/// A module that is there.
#[derive(Debug)]
pub(super) struct Module {
    /// Its structure, as LoadModule names it.
    pub symbol: String,
    /// The C file that its structure states, without folders.
    pub file: Option<String>,
    pub built_in: bool,
    /// It serves connections.
    pub is_mpm: bool,
}

/// The httpd that reads.
pub(super) struct Server<'t> {
    pub target: &'t Target,
    pub files: Files,
    pub dialect: Dialect,
    /// The program's name, which stands before messages.
    pub program: String,
    pub root: String,
    pub variables: Variables,
    /// `None`: files are taken as loaded without a look at them.
    pub process: Option<Process<'t>>,
    pub modules: Vec<Module>,
    pub read: Vec<String>,
    pub loads: Vec<Load>,
    pub warnings: Vec<String>,
    pub notes: Vec<String>,
    pub limits: Vec<String>,
    /// Directives that this httpd does not know, which it finds out when all is read.
    pub unknown: Vec<(Place, String)>,
    /// How many Include directives are open, and sections of any kind.
    pub including: usize,
    depth: usize,
}

impl<'t> Server<'t> {
    pub(super) fn new(
        target: &'t Target,
        files: Files,
        program: String,
        root: String,
        variables: Variables,
    ) -> Self {
        Server {
            target,
            files,
            dialect: Dialect::of(&target.httpd_version),
            program,
            root,
            variables,
            process: None,
            modules: Vec::new(),
            read: Vec::new(),
            loads: Vec::new(),
            warnings: Vec::new(),
            notes: Vec::new(),
            limits: Vec::new(),
            unknown: Vec::new(),
            including: 0,
            depth: 0,
        }
    }

    /// Reads a configuration file (`ap_process_resource_config`).
    pub(super) fn file(&mut self, path: &str) -> Result<(), Stop> {
        let unreadable =
            |why: &str| Stop::configuration(format!("Could not open configuration file {path}: {why}"));
        if self.files.kind(path).is_ok_and(|kind| kind != super::files::Kind::File) && path != "/dev/null" {
            return Err(unreadable("Bad file descriptor"));
        }
        let text = self.files.read(path).map_err(|why| unreadable(&why))?;
        self.read.push(path.to_owned());
        let mut source =
            Source { name: path.to_owned(), lines: Lines::new(text, self.dialect.continuation), at: None };
        self.build(&mut source).map_err(|mut stop| {
            if let Some(at) = source.at {
                stop.message = format!("Syntax error on line {} of {}: {}", at.line, at.file, stop.message);
                stop.place.get_or_insert(at);
            }
            stop
        })
    }

    /// Reads lines of the command line (`-C` and `-c`).
    pub(super) fn commands(&mut self, commands: &[String]) -> Result<(), Stop> {
        let mut source = Source {
            name: "-C/-c directives".to_owned(),
            lines: Lines::new(commands.join("\n"), self.dialect.continuation),
            at: None,
        };
        self.build(&mut source).map_err(|mut stop| {
            stop.message = format!("Syntax error in -C/-c directive: {}", stop.message);
            stop.place = stop.place.or(source.at);
            stop
        })
    }

    fn build(&mut self, source: &mut Source) -> Result<(), Stop> {
        let mut open: Vec<Open> = Vec::new();
        while let Some(line) = source.lines.next() {
            self.line(source, &mut open, &line.text)?;
        }
        let Some(outermost) = open.first() else { return Ok(()) };
        source.at = Some(outermost.place.clone());
        let unclosed = open.iter().rev().map(|section| {
            format!("{}:{}: {}> was not closed.", section.place.file, section.place.line, section.name)
        });
        Err(Stop::configuration(unclosed.collect::<Vec<_>>().join("\n")))
    }

    /// Reads the lines of a section whose condition holds, up to its end or that of the file, which is no error
    /// (`ap_build_cont_config`).
    pub(super) fn inside(&mut self, source: &mut Source, section: &str) -> Result<(), Stop> {
        self.depth += 1;
        if self.depth > MAX_DEPTH {
            return Err(Stop::configuration(format!("sections are nested deeper than {MAX_DEPTH}")));
        }
        let end = format!("</{}>", section.trim_start_matches('<'));
        let mut open = Vec::new();
        while let Some(line) = source.lines.next() {
            if open.is_empty() && line.text.eq_ignore_ascii_case(&end) {
                break;
            }
            self.line(source, &mut open, &line.text)?;
        }
        self.depth -= 1;
        Ok(())
    }

    /// Passes over the lines of a section whose condition does not hold (`ap_soak_end_container`).
    pub(super) fn skip(&mut self, source: &mut Source, section: &str) -> Result<(), Stop> {
        let mut open = vec![section.to_owned()];
        for line in source.lines.by_ref() {
            let mut rest = line.text.as_str();
            let Some(mut name) = lines::word(&mut rest).filter(|name| name.starts_with('<')) else {
                continue;
            };
            if !name.starts_with("</") {
                if rest.is_empty() && name.ends_with('>') {
                    name.pop();
                }
                open.push(name);
                continue;
            }
            name.pop();
            let expected = open.pop().unwrap_or_default();
            let expected = expected.strip_prefix('<').unwrap_or(&expected);
            if !name[2.min(name.len())..].eq_ignore_ascii_case(expected) {
                return Err(Stop::configuration(format!("Expected </{expected}> but saw {name}>")));
            }
            if open.is_empty() {
                return Ok(());
            }
        }
        let innermost = open.last().map_or("", |name| name.strip_prefix('<').unwrap_or(name));
        Err(Stop::configuration(format!("Expected </{innermost}> before end of configuration")))
    }

    /// One line (`ap_build_config_sub`).
    fn line(&mut self, source: &mut Source, open: &mut Vec<Open>, line: &str) -> Result<(), Stop> {
        if line.is_empty() || line.starts_with('#') {
            return Ok(());
        }
        let expanded = self.variables.expand(line);
        let mut rest = expanded.as_str();
        let Some(mut name) = lines::word(&mut rest).filter(|name| !name.is_empty()) else { return Ok(()) };
        if !name[1..].starts_with('/') {
            if name.ends_with('>') {
                name.pop();
            }
            if name.starts_with('<') && rest.is_empty() {
                rest = ">";
            }
        }
        let place = source.here();
        if let Some(directive) = self.acting(&name) {
            source.at = Some(place.clone());
            return self.act(directive, source, &name, rest, place);
        }
        if let Some(raw) = RAW.iter().find(|raw| raw.is(&name) && self.has(raw.module)) {
            source.at = Some(place.clone());
            if raw.may_load {
                self.limits.push(format!("{}:{}: {name}> is not looked into", place.file, place.line));
            }
            return self.skip_raw(source, &name);
        }
        if super::directives::is_of_later_httpd(&name) {
            self.unknown.push((place.clone(), name.clone()));
        }
        let wrong = |source: &mut Source, message: String| {
            source.at = Some(place.clone());
            Err(Stop::configuration(message))
        };
        let Some(section) = name.strip_prefix('<') else { return Ok(()) };
        let Some(ended) = section.strip_prefix('/') else {
            open.push(Open { name, place });
            return Ok(());
        };
        let Some(innermost) = open.last() else {
            return wrong(source, format!("{name} without matching <{ended} section"));
        };
        let Some(ended) = ended.strip_suffix('>') else {
            return wrong(source, format!("{name}> directive missing closing '>'"));
        };
        let expected = innermost.name.strip_prefix('<').unwrap_or(&innermost.name);
        if !ended.eq_ignore_ascii_case(expected) {
            return wrong(source, format!("Expected </{expected}> but saw {name}"));
        }
        open.pop();
        Ok(())
    }

    /// Passes over what is no configuration: the text of a script, the body of a macro.
    fn skip_raw(&mut self, source: &mut Source, name: &str) -> Result<(), Stop> {
        let end = format!("</{}>", name.trim_start_matches('<'));
        for line in source.lines.by_ref() {
            if line.text.eq_ignore_ascii_case(&end) {
                return Ok(());
            }
        }
        Err(Stop::configuration(format!("{name}> was not closed")))
    }

    /// Whether a module of that structure is there.
    pub(super) fn has(&self, symbol: &str) -> bool {
        self.modules.iter().any(|module| module.symbol == symbol)
    }
}
