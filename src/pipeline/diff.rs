//! What another target changes: for everyone, and for one module.

use std::time::Duration;

use serde::Serialize;

use super::Request;
use super::prepare::resolve;
use super::verdict::{self, Macros, ModuleDiff, Verdict};
use crate::compile::Toolchain;
use crate::layout::{self, Found};
use crate::recipe::Input;
use crate::report::Reporter;
use crate::target::Target;
use crate::target::diff::{Diff, Subject};

/// The most time for one compiler call; all headers of httpd and APR take under a second.
const LIMIT: Duration = Duration::from_secs(120);

/// Two targets, compared.
#[derive(Debug, Clone, Serialize)]
pub struct Compared {
    /// What differs.
    #[serde(flatten)]
    pub diff: Diff,
    /// What that means for the module that was asked about.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub module: Option<ModuleDiff>,
}

impl Compared {
    /// Whether whoever asked has nothing to do: of a module, that what was made for the old target is right for the new one;
    /// else that the two do not differ.
    pub fn is_unchanged(&self) -> bool {
        match &self.module {
            Some(module) => module.verdict == Verdict::Unchanged,
            None => self.diff.is_empty(),
        }
    }

    /// For a person, in lines.
    pub fn text(&self, verbose: bool) -> String {
        let module = self.module.as_ref().map(ModuleDiff::text).unwrap_or_default();
        self.diff.text(verbose) + &module
    }
}

/// A target with all that is compared of it.
struct Side {
    target: Target,
    found: Found,
    macros: Macros,
}

impl Side {
    fn subject(&self) -> Subject<'_> {
        Subject { target: &self.target, found: &self.found, macros: &self.macros }
    }
}

/// Compares the targets `old` and `new`; `module` is a recipe or the like, which is grafted onto both.
///
/// # Errors
/// A target that cannot be found or compiled for; a recipe that cannot be read. A module that does not fit is no error, but
/// the verdict.
pub fn diff(
    old: &str,
    new: &str,
    module: Option<&Input>,
    offline: bool,
    reporter: &dyn Reporter,
) -> Result<Compared, crate::Error> {
    let (old, new) = (side(old, offline, reporter)?, side(new, offline, reporter)?);
    let diff = Diff::between(old.subject(), new.subject());
    let module = match module {
        Some(input) => {
            let request = |target: &Target| Request {
                input: input.clone(),
                module: None,
                target: target.name.clone(),
                requires: Vec::new(),
                base: None,
                accept_risks: Vec::new(),
                offline,
                line_directives: false,
                locked: None,
            };
            Some(verdict::verdict(
                &request(&old.target),
                &request(&new.target),
                &diff,
                &old.macros,
                reporter,
            )?)
        }
        None => None,
    };
    Ok(Compared { diff, module })
}

fn side(name: &str, offline: bool, reporter: &dyn Reporter) -> Result<Side, crate::Error> {
    let target = resolve(name, offline, reporter)?;
    let (found, toolchain) = layouts(&target, reporter)?;
    let macros = layout::macros(&found, &target, &toolchain, LIMIT)?;
    Ok(Side { target, found, macros })
}

/// Its public types, with the compiler that was asked.
pub(super) fn layouts(target: &Target, reporter: &dyn Reporter) -> Result<(Found, Toolchain), crate::Error> {
    let toolchain = Toolchain::find(target)?;
    let found = layout::of(target, &toolchain, LIMIT)?;
    for note in &found.notes {
        reporter.detail(format!("{}: {note}", target.name));
    }
    for (header, why) in &found.left_out {
        reporter.detail(format!("{}: {header} does not compile by itself here: {why}", target.name));
    }
    Ok((found, toolchain))
}
