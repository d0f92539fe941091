use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use super::args::submit::{Remote, Results, Submit, SubmitCommand};
use super::generate::print;
use crate::Error;
use crate::pipeline::{self, SigningKey, Submitting};
use crate::report::Reporter;
use crate::sign::KeySpec;
use crate::submit::{self, Copr, Engine, Koji, Mock, Obs};

pub fn run(args: &Submit, reporter: &dyn Reporter) -> Result<(), Error> {
    match &args.command {
        SubmitCommand::Mock(args) => {
            let here = Remote { no_wait: false, build: Vec::new(), config: None };
            let engine = Mock::new(args.root.clone(), args.more.clone())?;
            build(&engine, &args.sources, &here, &args.results, reporter)
        }
        SubmitCommand::Copr(args) => {
            let engine = Copr::new(args.project.clone(), args.chroot.clone(), args.remote.config.clone())?;
            build(&engine, &args.sources, &args.remote, &args.results, reporter)
        }
        SubmitCommand::Koji(args) => {
            let engine = Koji::new(
                args.target.clone(),
                args.scratch,
                args.profile.clone(),
                args.remote.config.clone(),
            )?;
            build(&engine, &args.sources, &args.remote, &args.results, reporter)
        }
        SubmitCommand::Obs(args) => {
            if let (Some(name), [first, second, ..]) = (&args.package, &args.sources[..]) {
                let (first, second) = (first.clone(), second.clone());
                return Err(submit::Error::Same { first, second, name: name.clone() }.into());
            }
            let (package, api) = (args.package.clone(), args.api.clone());
            let engine = Obs::new(args.project.clone(), package, api, args.remote.config.clone())?;
            build(&engine, &args.sources, &args.remote, &args.results, reporter)
        }
    }
}

fn build(
    engine: &dyn Engine,
    sources: &[PathBuf],
    remote: &Remote,
    results: &Results,
    reporter: &dyn Reporter,
) -> Result<(), Error> {
    let spec = results.key.spec()?.unwrap_or(KeySpec::Development);
    let key = Arc::new(SigningKey::new(spec, results.key.environment()?));
    let submitting = Submitting {
        sources,
        engine,
        builds: &remote.build,
        wait: !remote.no_wait,
        out: &results.out,
        profile: results.serve.as_deref(),
        limit: Duration::from_secs(results.limit * 60 * 60),
    };
    // A machine reads them as events.
    let printed = remote.no_wait && !results.talk.json;
    pipeline::submit(&submitting, &key, reporter, &mut |build| match printed {
        true => print(format!("{}\n", build.id).as_bytes()),
        false => Ok(()),
    })
}
