//! The simulation of loading, compared with a real httpd's `-t` on the same files: the verdict, the whole message, the
//! warnings of modules that are loaded twice, and the order of what is loaded (`-M`).

#[path = "../support/mod.rs"]
mod support;

mod case;
mod fixtures;
mod random;
mod table;

use std::sync::OnceLock;

use case::Httpd;
use modgraft::target::{self, Options};

fn local() -> &'static Httpd {
    static HTTPD: OnceLock<Httpd> = OnceLock::new();
    HTTPD.get_or_init(|| {
        let folder = support::scratch("loader");
        let options = Options { offline: true, ..Options::new(folder.join("cache")) };
        let target = target::resolve("local", &options, &|_| {}).unwrap();
        Httpd::new(target, folder.join("local"))
    })
}

/// All cases in turn; the first few that differ are told together, each whole.
fn compare(httpd: &Httpd, cases: &[table::Case]) {
    let wrong: Vec<String> = cases.iter().filter_map(|case| httpd.compare(case).err()).collect();
    assert!(wrong.is_empty(), "{} of {} cases differ:\n\n{}", wrong.len(), cases.len(), wrong.join("\n\n"));
}

#[test]
fn the_table_agrees_with_the_httpd_of_this_host() {
    let cases = table::cases(local());
    assert!(cases.len() >= 60, "{}", cases.len());
    compare(local(), &cases);
}

#[test]
fn random_orders_agree_with_the_httpd_of_this_host() {
    compare(local(), &random::cases(0x6d6f_6467_7261_6674, 80));
}
