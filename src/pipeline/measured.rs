//! Flattening and adapting alone, to be measured beside the compiler; and the compiler alone.

use std::process::Command;

use super::graft::{Bench, Next, compiling, graft};
use super::prepare::{Ready, prepare};
use super::required::{Required, required};
use super::work::Work;
use super::{Error, Request};
use crate::adapt::Adapted;
use crate::adapt::overlay::{self, Overlay};
use crate::compile;
use crate::report::Reporter;

/// The compiler's call for a module, with the files that it reads: what a build cannot do without.
pub struct Call {
    /// The call.
    pub command: Command,
    /// The folder that it runs in.
    _folder: Work,
}

impl Call {
    /// Grafts the module.
    ///
    /// # Errors
    /// The stages' up to adapt.
    pub fn new(request: &Request, reporter: &dyn Reporter) -> Result<Self, crate::Error> {
        let folder = super::work::folder().map_err(Error::from)?;
        let graft = graft(request, None, Next::Stop, folder.path(), reporter)?;
        let options = compiling(&graft.ready, &graft.adapted.unit, folder.path())?;
        let Ready { target, toolchain, .. } = &graft.ready;
        let command =
            compile::call(&graft.ready.unit(&graft.text), target, toolchain, &options, folder.path())?;
        Ok(Call { command, _folder: folder })
    }
}

/// All that is known before the first C file: nothing of the tree is parsed, none of the target's headers is read.
pub struct Prepared {
    ready: Ready,
    required: Vec<Required>,
    overlays: Vec<Overlay>,
    /// What the stages unpacked.
    _work: Work,
}

impl Prepared {
    /// Runs the stages before flattening.
    ///
    /// # Errors
    /// Theirs.
    pub fn new(request: &Request, reporter: &dyn Reporter) -> Result<Self, crate::Error> {
        let work = super::work::folder().map_err(Error::from)?;
        let ready = prepare(request, None, work.path(), reporter)?;
        let overlays = ready.overlays()?;
        let required = required(&ready, &[], request, work.path(), reporter)?;
        Ok(Prepared { ready, required, overlays, _work: work })
    }

    /// Flattens and adapts.
    ///
    /// # Errors
    /// As the two stages.
    pub fn fit(&self) -> Result<Adapted, crate::Error> {
        let bench = Bench::new(&self.ready, &self.required, false);
        let (unit, _) =
            overlay::apply(bench.flatten()?, &self.overlays).map_err(crate::adapt::Error::from)?;
        Ok(bench.adapt(unit, &self.overlays, None)?)
    }

    /// The call by which the target's compiler only reads the file `name`, with the flags of the real one.
    ///
    /// # Errors
    /// A compiler that cannot be asked which flags it takes.
    pub fn reading(&self, name: &str) -> Result<Command, crate::Error> {
        let Ready { target, toolchain, recipe, .. } = &self.ready;
        let mut command = Command::new(&toolchain.program);
        command.args(&toolchain.leading).args(compile::language(target, toolchain, &recipe.libraries)?);
        command.args(["-fsyntax-only", name]);
        Ok(command)
    }
}
