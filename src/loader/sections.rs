//! Sections with a condition.

use super::directives::Acting;
use super::lines;
use super::paths;
use super::reader::{Server, Source, Stop};

/// A section whose text is no configuration, where its module is there.
pub(super) struct Raw {
    name: &'static str,
    pub module: &'static str,
    /// What comes of it may load modules.
    pub may_load: bool,
}

impl Raw {
    pub(super) fn is(&self, name: &str) -> bool {
        match self.name.strip_suffix('*') {
            Some(start) => name.get(..start.len()).is_some_and(|head| head.eq_ignore_ascii_case(start)),
            None => name.eq_ignore_ascii_case(self.name),
        }
    }
}

/// Sections that modules of httpd read by themselves.
pub(super) const RAW: &[Raw] = &[
    Raw { name: "<Macro", module: "macro_module", may_load: true },
    Raw { name: "<Perl", module: "perl_module", may_load: true },
    Raw { name: "<Lua*", module: "lua_module", may_load: false },
];

impl Server<'_> {
    /// `<IfModule`, `<IfDefine`, `<IfFile`, `<IfDirective`, `<IfSection` (core.c: `start_cond_section`).
    pub(super) fn conditional(
        &mut self,
        directive: Acting,
        source: &mut Source,
        name: &str,
        condition: &str,
    ) -> Result<(), Stop> {
        let Some((condition, _)) = condition.rsplit_once('>') else {
            return Err(Stop::configuration(format!("{name}> directive missing closing '>'")));
        };
        let (negated, condition) = match condition.strip_prefix('!') {
            Some(condition) => (true, condition),
            None => (false, condition),
        };
        let mut rest = condition;
        let word = if self.dialect.conditions_of_files {
            lines::word(&mut rest).unwrap_or_default()
        } else {
            condition.to_owned()
        };
        if word.is_empty() {
            return Err(Stop::configuration(format!("{name}> directive requires additional arguments")));
        }
        if self.holds(directive, &word, source) != negated {
            self.inside(source, name)
        } else {
            self.skip(source, name)
        }
    }

    fn holds(&mut self, directive: Acting, word: &str, source: &Source) -> bool {
        match directive {
            Acting::IfModule => self
                .modules
                .iter()
                .any(|module| module.symbol == word || module.file.as_deref() == Some(word)),
            Acting::IfDefine => self.variables.is_defined(word),
            Acting::IfFile => self.files.kind(&paths::merged(&self.root, word)).is_ok(),
            _ => {
                let word = if directive == Acting::IfSection { format!("<{word}") } else { word.to_owned() };
                let known = self.acting(&word).is_some();
                if !known {
                    let here = source.here();
                    self.limits.push(format!(
                        "{}:{}: whether a module has the directive {word} is not known; taken as no",
                        here.file, here.line
                    ));
                }
                known
            }
        }
    }

    /// `<IfVersion` (mod_version.c).
    pub(super) fn if_version(&mut self, source: &mut Source, words: &[String]) -> Result<(), Stop> {
        let [first, second, third] =
            [0, 1, 2].map(|index| words.get(index).map(String::as_str).filter(|word| !word.is_empty()));
        let (mut operator, mut version, mut closing) = match (first, second) {
            (Some(operator), Some(version)) => (operator, version, third),
            (version, _) => ("=", version.unwrap_or_default(), third),
        };
        if closing.is_none() && version == ">" {
            (operator, version, closing) = ("=", operator, Some(">"));
        }
        let version = match (closing, version.strip_suffix('>')) {
            (Some(">"), _) if !version.is_empty() => version,
            (_, Some(version)) => version,
            _ => return Err(Stop::configuration("<IfVersion> directive missing closing '>'")),
        };
        let (negated, plain) = match operator.strip_prefix('!') {
            Some(plain) if !plain.is_empty() => (true, plain),
            _ => (false, operator),
        };
        let pattern = version.strip_prefix('/').filter(|_| matches!(plain, "=" | "=="));
        let holds = match (plain, pattern) {
            (_, Some(pattern)) => {
                let pattern = pattern.strip_suffix('/').filter(|pattern| !pattern.is_empty());
                let pattern = pattern
                    .ok_or_else(|| Stop::configuration("Missing delimiting / of regular expression."))?;
                self.version_fits(pattern, source)
            }
            ("~", _) => self.version_fits(version, source),
            ("=" | "==", _) => self.compare(version)?.is_eq(),
            ("<", _) => self.compare(version)?.is_lt(),
            ("<=", _) => self.compare(version)?.is_le(),
            (">", _) => self.compare(version)?.is_gt(),
            (">=", _) => self.compare(version)?.is_ge(),
            _ => return Err(Stop::configuration(format!("unrecognized operator '{operator}'"))),
        };
        if holds != negated { self.inside(source, "<IfVersion") } else { self.skip(source, "<IfVersion") }
    }

    fn compare(&self, version: &str) -> Result<std::cmp::Ordering, Stop> {
        const INVALID: &str = "Version appears to be invalid. It must have the format major[.minor[.patch]] where major, minor and patch are numbers.";
        let invalid = || Stop::configuration(INVALID);
        let mut numbers = [0_u32; 3];
        let parts: Vec<&str> = version.split('.').collect();
        if parts.len() > numbers.len() {
            return Err(invalid());
        }
        for (number, part) in numbers.iter_mut().zip(&parts) {
            let digits = part.bytes().all(|byte| byte.is_ascii_digit());
            *number =
                if part.is_empty() { 0 } else { part.parse().ok().filter(|_| digits).ok_or_else(invalid)? };
        }
        if parts[0].is_empty() {
            return Err(invalid());
        }
        Ok(self.dialect.version.cmp(&(numbers[0], numbers[1], numbers[2])))
    }

    /// A regular expression, to which this simulation says no.
    fn version_fits(&mut self, pattern: &str, source: &Source) -> bool {
        let here = source.here();
        self.limits.push(format!(
            "{}:{}: whether httpd's version fits the expression {pattern} is not looked at; taken as no",
            here.file, here.line
        ));
        false
    }
}
