//! The target `local`: the httpd that is installed here, and the distribution's own packages in its place.

use modgraft::flatten::Interface;
use modgraft::target::{self, Options, Provenance, Target};

fn installed() -> Target {
    let cache = tempfile::tempdir().unwrap();
    target::resolve("local", &Options { offline: true, ..Options::new(cache.path().to_owned()) }, &|line| {
        panic!("nothing is to be fetched: {line}")
    })
    .expect("apache2-dev and apache2-bin are installed")
}

#[test]
fn timings() {
    for _ in 0..3 {
    let t = std::time::Instant::now();
    let target = installed();
    eprintln!("resolve {:?}", t.elapsed());
    let t = std::time::Instant::now();
    let interface = target.interface();
    eprintln!("{:?}", interface.declared_in("ap_log_rerror"));
    eprintln!("names {:?}", t.elapsed());
    let t = std::time::Instant::now();
    eprintln!("{:?}", interface.exported_by("ap_proxy_pass_brigade"));
    eprintln!("symbols {:?}", t.elapsed());
    if false { eprintln!("{target:#?}"); }
    }
    {
        let target = installed();
        let i = target.interface();
        let out = std::process::Command::new("sh").args(["-c", "nm -D --defined-only /usr/sbin/apache2 /usr/lib/x86_64-linux-gnu/libapr-1.so.0 /usr/lib/x86_64-linux-gnu/libaprutil-1.so.0 /usr/lib/apache2/modules/*.so | awk 'NF==3{print $3}' | sort -u"]).output().unwrap();
        let headers: String = target.include_dirs.iter().flat_map(|d| std::fs::read_dir(d).unwrap()).map(|e| std::fs::read(e.unwrap().path()).map(|b| String::from_utf8_lossy(&b).into_owned()).unwrap_or_default()).collect();
        let words: std::collections::HashSet<&str> = headers.split(|c: char| !(c.is_ascii_alphanumeric()||c=='_')).collect();
        for n in String::from_utf8_lossy(&out.stdout).lines() { if i.declared_in(n).is_none() && words.contains(n) { eprintln!("MISSING {n}"); } }
    }
    let t = installed();
    let mut t2 = t.clone(); t2.variables.clear(); eprintln!("{t2:#?}");
    let _ = Provenance::Installed;
}
#[test]
fn fetched() {
    let cache = std::path::PathBuf::from("/tmp/mgcache");
    for _ in 0..2 {
    let t = std::time::Instant::now();
    let target = target::resolve("local", &Options { prefer_fetched: true, ..Options::new(cache.clone()) }, &|line| eprintln!("NOTE {line}"));
    eprintln!("fetch {:?}", t.elapsed());
    match target { Ok(mut t) => {t.variables.clear(); eprintln!("{t:#?}")} Err(e) => eprintln!("{e:?} {e}") }
    }
}
