//! Cases by chance, the same for the same seed: modules in drop-ins of any number, guarded, doubled, included, or left out.

use rand::prelude::*;
use rand::rngs::StdRng;

use crate::table::Case;

const MODULES: &[&str] =
    &["ta", "tb", "tc", "td", "tx", "ty", "weak", "dup1", "dup2", "plainuser", "linked", "minor"];

/// Cases of this seed; their names have what makes one of them alone.
pub fn cases(seed: u64, count: u64) -> Vec<Case> {
    (0..count).map(|index| case(seed, index)).collect()
}

fn case(seed: u64, index: u64) -> Case {
    let mut random = StdRng::seed_from_u64(seed ^ index.wrapping_mul(0x9e37_79b9_7f4a_7c15));
    let mut files = vec![];
    let mut main = "{base}".to_owned();
    // Most cases must be able to succeed: what others need is loaded first in half of them.
    if random.gen_bool(0.5) {
        main.push_str("LoadFile {m}/lib/libplain.so\n");
    }
    if random.gen_bool(0.5) {
        main.push_str("LoadModule ta_module {m}/mod_ta.so\n");
    }
    let count = random.gen_range(1..6);
    for _ in 0..count {
        let name = format!("conf.modules.d/{:02}-{}.conf", random.gen_range(0..30), random.gen_range(0..9));
        let mut text = String::new();
        for _ in 0..random.gen_range(1..4) {
            let module = MODULES.choose(&mut random).copied().unwrap_or("ta");
            let line = format!("LoadModule {module}_module {{m}}/mod_{module}.so\n");
            let other = MODULES.choose(&mut random).copied().unwrap_or("ta");
            text.push_str(&match random.gen_range(0..8) {
                0 => format!("<IfModule !{module}_module>\n  {line}</IfModule>\n"),
                1 => format!("<IfModule mod_{other}.c>\n{line}</IfModule>\n"),
                2 => format!(
                    "<IfModule {other}_module>\n  <IfModule !mod_td.c>\n{line}</IfModule>\n</IfModule>\n"
                ),
                3 => format!("<IfDefine !NOTHING>\n{line}</IfDefine>\n"),
                4 => format!("# {line}LoadModule \\\n  td_module {{m}}/mod_td.so\n"),
                _ => line,
            });
        }
        files.push((name, text));
    }
    main.push_str("Include conf.modules.d/*.conf\n");
    if random.gen_bool(0.3) {
        main.push_str("<IfModule tb_module>\nLoadModule tc_module {m}/mod_tc.so\n</IfModule>\n");
    }
    files.push(("conf/httpd.conf".to_owned(), main));
    Case { name: format!("seed {seed:#x}, number {index}"), files, arguments: Vec::new() }
}
