//! Files of a package that is not installed yet, switched on as the target's distribution does it.

use super::files::Files;
use super::{Error, Laid, Options, Settings, paths};
use crate::target::Target;

/// Debian's folder of what can be switched on, and that of what is: a2enmod links from the second to the first.
const AVAILABLE: &str = "/mods-available";
const ENABLED: &str = "/mods-enabled";

/// More than any module depends on; keeps a circle of `# Depends:` from going on.
const MOST_DEPENDENCIES: usize = 200;

impl Options {
    /// Lays a drop-in over the target at its path there, and switches it on where the distribution's own tool or an
    /// administrator has to: Debian's a2enmod with what its dependency line names, SUSE's list, or an Include at the
    /// end of httpd.conf.
    ///
    /// # Errors
    /// The target's httpd is not here, or its main configuration cannot be read.
    pub fn install(&mut self, target: &Target, path: &str, text: &str) -> Result<(), Error> {
        self.laid.insert(path.to_owned(), Laid::Text(text.to_owned()));
        let (folder, name) = paths::split(path);
        if let Some(parent) = folder.strip_suffix(AVAILABLE) {
            let enabled = format!("{parent}{ENABLED}/{name}");
            self.laid.insert(enabled, Laid::Text(text.to_owned()));
            self.enable_dependencies(target, parent, text);
        } else if target.layout.loaded_by_tool {
            let name = name.strip_suffix(".conf").unwrap_or(name).to_owned();
            if !self.enabled.contains(&name) {
                self.enabled.push(name);
            }
        } else if target.layout.enable.is_some() {
            let config = Settings::of(target)?.config;
            let files = Files::new(target.roots(), &self.laid);
            // One that is not there is told of when it is simulated.
            if let Ok(main) = files.read(&config) {
                let main = format!("{}\nInclude \"{path}\"\n", main.trim_end_matches('\n'));
                self.laid.insert(config, Laid::Text(main));
            }
        }
        Ok(())
    }

    /// Lays a module's file over the target's folder of modules.
    pub fn install_module(&mut self, target: &Target, name: &str, file: &std::path::Path) {
        let path = paths::joined(&target.layout.module_dir, name);
        self.laid.insert(path, Laid::File(file.to_owned()));
    }

    /// Switches on what a load file's dependency line names, and what those depend on.
    fn enable_dependencies(&mut self, target: &Target, parent: &str, text: &str) {
        let before = target.layout.dependency_line.as_deref().and_then(|line| line.split_once("{modules}"));
        let Some((before, _)) = before else { return };
        let named = |text: &str| -> Vec<String> {
            let lines = text.lines().filter_map(|line| line.trim().strip_prefix(before.trim_end()));
            lines
                .flat_map(|line| line.split([' ', ',', '\t']))
                .filter(|name| !name.is_empty())
                .map(str::to_owned)
                .collect()
        };
        let mut wanted = named(text);
        let mut next = 0;
        while let Some(name) = wanted.get(next).cloned() {
            next += 1;
            if next > MOST_DEPENDENCIES {
                return;
            }
            let files = Files::new(target.roots(), &self.laid);
            for ending in ["load", "conf"] {
                let enabled = format!("{parent}{ENABLED}/{name}.{ending}");
                let Ok(text) = files.read(&format!("{parent}{AVAILABLE}/{name}.{ending}")) else { continue };
                if ending == "load" {
                    wanted.extend(named(&text));
                }
                if files.kind(&enabled).is_err() {
                    self.laid.insert(enabled, Laid::Text(text));
                }
            }
        }
    }
}
