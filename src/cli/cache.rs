use std::time::{Duration, SystemTime};

use indicatif::HumanBytes;

use super::args::build_all::{Cache, CacheCommand, CacheInfo, CachePrune};
use super::build_all::results;
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
        println!("{}", serde_json::to_string_pretty(&info).expect("it is plain data"));
        return Ok(());
    }
    println!("{}", info.folder.display());
    println!("{} results, {}", info.results, HumanBytes(info.size));
    for (module, results) in &info.modules {
        println!("  {module}: {results}");
    }
    Ok(())
}

fn prune(args: &CachePrune) -> Result<(), Error> {
    let cache = cache::Cache::new(args.cache.clone().unwrap_or_else(results));
    let all = if args.all { 0 } else { u64::MAX };
    let limits = Limits {
        size: args.size.unwrap_or(all),
        unused: args.unused.map(|days| Duration::from_secs(u64::from(days) * 86400)),
    };
    let (gone, freed) = cache.prune(limits, SystemTime::now())?;
    println!("{gone} results went, {}", HumanBytes(freed));
    Ok(())
}
