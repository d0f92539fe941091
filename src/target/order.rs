//! The digits in front of a drop-in's name: httpd reads `conf.modules.d/*.conf` by the alphabet, so they decide what is
//! loaded first. Files of httpd's own packages are 00- and 01-, those of others 10- (Fedora's packaging guidelines).

use super::roots::Roots;

const USUAL: u8 = 10;
const LAST: u8 = 99;

/// The order for a module that needs others before it. `load_file` is the layout's pattern.
pub fn after(load_file: &str, modules: &[&str], roots: &Roots) -> u8 {
    let Some((folder, _)) = load_file.rsplit_once('/').filter(|_| load_file.contains("{order}")) else {
        return USUAL;
    };
    let Some(folder) = roots.find(folder) else { return USUAL };
    let Ok(entries) = fs_err::read_dir(folder) else { return USUAL };
    let loads = |text: &str| {
        text.lines().any(|line| {
            let mut words = line.split_whitespace();
            words.next().is_some_and(|word| word.eq_ignore_ascii_case("LoadModule"))
                && words.next().is_some_and(|symbol| modules.contains(&symbol))
        })
    };
    let files = entries.flatten().filter(|entry| entry.file_name().to_string_lossy().ends_with(".conf"));
    let orders = files.filter_map(|entry| {
        let name = entry.file_name().to_string_lossy().into_owned();
        let order: u8 = name.get(..2)?.parse().ok()?;
        fs_err::read_to_string(entry.path()).is_ok_and(|text| loads(&text)).then_some(order)
    });
    match orders.max() {
        Some(order) if order >= USUAL => (order + 1).min(LAST),
        _ => USUAL,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_module_comes_after_what_it_needs() {
        let root = tempfile::tempdir().unwrap();
        let folder = root.path().join("etc/httpd/conf.modules.d");
        fs_err::create_dir_all(&folder).unwrap();
        let write = |name: &str, text: &str| fs_err::write(folder.join(name), text).unwrap();
        write("00-proxy.conf", "# LoadModule other_module x\nLoadModule proxy_module modules/mod_proxy.so\n");
        write("20-late.conf", "  loadmodule late_module modules/mod_late.so\n");
        write("99-last.conf", "LoadModule last_module modules/mod_last.so\n");
        let roots = Roots::only(root.path().to_owned());
        let pattern = "/etc/httpd/conf.modules.d/{order}-{name}.conf";
        assert_eq!(after(pattern, &[], &roots), 10);
        assert_eq!(after(pattern, &["proxy_module"], &roots), 10);
        assert_eq!(after(pattern, &["proxy_module", "late_module"], &roots), 21);
        assert_eq!(after(pattern, &["last_module"], &roots), 99);
        assert_eq!(after(pattern, &["other_module"], &roots), 10);
        assert_eq!(after("/etc/apache2/mods-available/{name}.load", &["late_module"], &roots), 10);
    }
}
