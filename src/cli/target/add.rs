use crate::cli::args::target::Add;
use crate::report::Reporter;
use crate::target::store::{Name, Request, Source, machine_named};
use crate::{Error, pipeline, target};

pub fn run(args: &Add, reporter: &dyn Reporter) -> Result<(), Error> {
    let source = match (&args.pack, &args.prefix, &args.packages[..], &args.repo[..]) {
        (Some(file), ..) => Source::Pack { file: file.clone(), sha256: args.sha256.clone() },
        (None, Some(prefix), ..) => Source::Prefix(prefix.clone()),
        (None, None, [], []) => Source::Lock,
        (None, None, [], places) => Source::Repositories { places: places.to_vec(), key: args.key.clone() },
        (None, None, packages, _) => Source::Packages(packages.to_vec()),
    };
    let request = Request {
        name: Name::parse(&args.name).map_err(target::Error::from)?,
        profile: args.profile.clone(),
        source,
        machine: args.arch.as_deref().map(machine_named).transpose().map_err(target::Error::from)?,
        force: args.force,
        lock: (!args.no_lock).then(|| args.lock.clone()),
        locked: args.locked,
        offline: args.offline,
    };
    pipeline::add_target(&request, reporter)
}
