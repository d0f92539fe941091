//! A line for each added target.

use serde_json::{Value, json};

use crate::cli::args::target::List;
use crate::cli::generate::{print, print_json};
use crate::report::Reporter;
use crate::target::store::{Added, Listed, Store};
use crate::{Error, paths, target};

pub fn run(args: &List, reporter: &dyn Reporter) -> Result<(), Error> {
    let found = Store::of(&paths::cache()).list().map_err(target::Error::from)?;
    if found.is_empty() {
        reporter.note("no target was added yet; `modgraft help target add` says how");
    }
    let mut targets = Vec::new();
    for Listed { name, found } in found {
        match found {
            Ok(added) => targets.push(added),
            Err(error) => reporter.warning(format!("{name} is left out: {error}")),
        }
    }
    if args.json {
        return print_json(&Value::Array(targets.iter().map(object).collect()));
    }
    let rows: Vec<[String; 7]> = targets.iter().map(row).collect();
    print(table(&rows).as_bytes())
}

fn object(Added { manifest, .. }: &Added) -> Value {
    json!({
        "name": manifest.name,
        "profile": manifest.profile,
        "httpd": manifest.found.httpd,
        "mmn": manifest.found.mmn,
        "arch": manifest.arch,
        "glibc": manifest.found.glibc,
        "origin": manifest.origin,
    })
}

fn row(Added { manifest, .. }: &Added) -> [String; 7] {
    let found = &manifest.found;
    [
        manifest.name.clone(),
        manifest.profile.clone(),
        format!("httpd {}", found.httpd),
        found.mmn.clone(),
        manifest.arch.clone(),
        format!("glibc {}", found.glibc),
        manifest.origin.in_short(),
    ]
}

/// Columns as wide as their longest text, the last one as it is.
fn table<const N: usize>(rows: &[[String; N]]) -> String {
    let width = |column: usize| rows.iter().map(|row| row[column].chars().count()).max().unwrap_or(0);
    let widths: Vec<usize> = (0..N).map(width).collect();
    let mut text = String::new();
    for row in rows {
        let cells: Vec<String> =
            row.iter().zip(&widths).map(|(cell, width)| format!("{cell:width$}")).collect();
        text.push_str(cells.join("  ").trim_end());
        text.push('\n');
    }
    text
}

#[cfg(test)]
mod tests {
    use super::table;

    #[test]
    fn columns_stand_below_each_other() {
        let rows = [["a".into(), "bcd".into()], ["efg".into(), String::new()], [String::new(), "h".into()]];
        assert_eq!(table(&rows), "a    bcd\nefg\n     h\n");
    }
}
