use super::args::update::Update;
use super::generate::{print, print_json};
use crate::Error;
use crate::pipeline;
use crate::report::Reporter;

pub fn run(args: &Update, reporter: &dyn Reporter) -> Result<(), Error> {
    let asked = pipeline::Update {
        recipes: args.recipes.clone(),
        targets: args.target.clone(),
        lock: args.lock.clone(),
        branch: args.branch.clone(),
        key: args.key.clone(),
        write: args.write,
        offline: args.offline,
    };
    let updates = pipeline::update(&asked, reporter)?;
    if args.json {
        return print_json(&serde_json::to_value(&updates).expect("what was found is plain data"));
    }
    print(updates.text().as_bytes())
}
