use std::path::Path;

use super::args::Explain;
use super::generate::print;
use crate::adapt::pack::{self, Explanation};
use crate::recipe::{self, Input};
use crate::{Error, adapt};

pub fn run(args: &Explain) -> Result<(), Error> {
    let own = match &args.recipe {
        Some(word) => match recipe::find(std::slice::from_ref(word), Path::new(""))? {
            Input::Recipe(file) => recipe::read(&file)?.compat.packs,
            Input::Reference | Input::Patches(_) | Input::Files { .. } => Vec::new(),
        },
        None => Vec::new(),
    };
    let text = match &args.rule {
        Some(id) => {
            let found = pack::find(&own, id).map(|(pack, rule)| Explanation::of(pack, rule));
            let explanation = found.ok_or_else(|| adapt::Error::UnknownRule {
                id: id.clone(),
                help: pack::suggestion(&own, id),
            })?;
            if args.json { json(&explanation) } else { explanation.text() }
        }
        None => {
            let packs = own.iter().chain(pack::built_in());
            let all: Vec<Explanation> =
                packs.flat_map(|pack| pack.rules.iter().map(|rule| Explanation::of(pack, rule))).collect();
            if args.json { json(&all) } else { pack::table(&all) }
        }
    };
    print(text.as_bytes())
}

fn json(value: &impl serde::Serialize) -> String {
    let mut text = serde_json::to_string_pretty(value).expect("an explanation is plain data");
    text.push('\n');
    text
}
