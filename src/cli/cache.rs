use std::time::{Duration, SystemTime};

use indicatif::HumanBytes;

use super::args::build_all::{Cache, CacheCommand, CacheInfo, CachePrune};
use super::build_all::results;
use super::generate::print;
use crate::Error;
use crate::cache::{self, Limits};

pub fn run(args: &Cache) -> Result<(), Error> {
    match &args.command {
        CacheCommand::Info(args) => info(args),
        CacheCommand::Prune(args) => prune(args),
    }
}

fn info(args: &CacheInfo) -> Result<(), Error> {
    let folder = args.cache.clone().unwrap_or_else(results);
    let info = cache::Cache::new(folder).info()?;
    if args.json {
        let text = serde_json::to_string_pretty(&info).expect("it is plain data");
        return print(format!("{text}\n").as_bytes());
    }
    let mut text = format!("{}\n", info.folder.display());
    text.push_str(&format!("{} results, {}\n", info.results, HumanBytes(info.size)));
    for (module, results) in &info.modules {
        text.push_str(&format!("  {module}: {results}\n"));
    }
    print(text.as_bytes())
}

fn prune(args: &CachePrune) -> Result<(), Error> {
    let cache = cache::Cache::new(args.cache.clone().unwrap_or_else(results));
    let all = if args.all { 0 } else { u64::MAX };
    let limits = Limits {
        size: args.size.unwrap_or(all),
        unused: args.unused.map(|days| Duration::from_secs(u64::from(days) * 86400)),
    };
    let (gone, freed) = cache.prune(limits, SystemTime::now())?;
    print(format!("{gone} results went, {}\n", HumanBytes(freed)).as_bytes())
}
