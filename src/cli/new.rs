use std::path::PathBuf;

use super::args::recipes::New;
use crate::pipeline::{self, Beginning, NewRecipe};
use crate::report::Reporter;
use crate::source::{Base, Snapshot};
use crate::{Error, address, scaffold};

pub fn run(args: &New, reporter: &dyn Reporter) -> Result<(), Error> {
    let beginning = match (&args.from, &args.commit, args.input.as_slice()) {
        (Some(tree), _, [] | [_]) => Beginning::Tree {
            tree: Snapshot::parse(tree).absolute()?,
            called: address::shown(tree.split("#sha256=").next().unwrap_or(tree)),
            file: args.input.first().cloned(),
        },
        (None, Some(commit), _) => Beginning::Commit(Base::parse(commit).absolute()?),
        (None, None, [_, ..]) => Beginning::Patches {
            files: args.input.iter().map(PathBuf::from).collect(),
            base: args.base.as_deref().map(|base| Base::parse(base).absolute()).transpose()?,
        },
        (Some(_), _, [_, _, ..]) | (None, None, []) => return Err(scaffold::Error::Nothing.into()),
    };
    let new =
        NewRecipe { beginning, out: args.out.clone(), module: args.module.clone(), offline: args.offline };
    pipeline::new_recipe(&new, reporter)
}
