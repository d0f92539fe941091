//! What differs between the releases of httpd in how configuration is read, and in the words of its errors. Each from the
//! sources of the releases named.

use super::lines::Continuation;

/// A release's habits.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Dialect {
    /// Major, minor and patch level.
    pub version: (u32, u32, u32),
    /// How a backslash at the end of a line is read.
    pub continuation: Continuation,
    /// `IncludeOptional`, `Define` and `UnDefine` exist, wildcards may be in folders' names, and LoadModule looks for a bare
    /// name as dlopen does: 2.4.
    pub is_2_4: bool,
    /// IncludeOptional passes over a file without wildcards in its name, and over a folder, that are not there: 2.4.33. Before,
    /// it was a wildcard that might fit nothing.
    pub optional_missing: bool,
    /// `<IfFile>`, `<IfDirective>` and `<IfSection>` exist, and conditions may be quoted: 2.4.34.
    pub conditions_of_files: bool,
    /// Errors of Include begin with the names of the directives: 2.4.41.
    pub include_prefix: bool,
    /// Directives that take any number of arguments take none too: 2.2.
    pub iterates_over_none: bool,
    /// How many modules can be loaded (DYNAMIC_MODULE_LIMIT of httpd.h).
    pub most_modules: usize,
}

impl Dialect {
    /// Of a version such as `2.4.62`.
    pub fn of(version: &str) -> Self {
        let mut numbers = version.split('.').map(|part| part.parse::<u32>().unwrap_or(0));
        let mut number = || numbers.next().unwrap_or(0);
        let version = (number(), number(), number());
        let is_2_4 = version >= (2, 4, 0);
        Dialect {
            version,
            continuation: if is_2_4 { Continuation::Always } else { Continuation::Escapable },
            is_2_4,
            optional_missing: version >= (2, 4, 33),
            conditions_of_files: version >= (2, 4, 34),
            include_prefix: version >= (2, 4, 41),
            iterates_over_none: !is_2_4,
            most_modules: if is_2_4 { 256 } else { 128 },
        }
    }

    /// The help of a directive, of which 2.4's is given.
    pub fn help(&self, directive: &str, help: &'static str) -> &'static str {
        match directive {
            _ if self.is_2_4 => help,
            "Include" => "Name of the config file to be included",
            "<IfModule" => "Container for directives based on existance of specified modules",
            "<IfDefine" => "Container for directives based on existance of command line defines",
            _ => help,
        }
    }

    /// What stands before an error of Include.
    pub fn prefix(&self) -> &'static str {
        if self.include_prefix { "Include/IncludeOptional: " } else { "" }
    }

    /// A wildcard that fits nothing.
    pub fn no_matches(&self, pattern: &str, folder: &str) -> String {
        let prefix = self.prefix();
        let hint = if self.include_prefix { "" } else { " (use IncludeOptional if required)" };
        format!("{prefix}No matches for the wildcard '{pattern}' in '{folder}', failing{hint}")
    }

    /// A folder that cannot be read.
    pub fn no_folder(&self, folder: &str, why: &str) -> String {
        let word = if self.include_prefix { "" } else { "config " };
        format!("{}Could not open {word}directory {folder}: {why}", self.prefix())
    }

    /// Files that include each other.
    pub fn too_deep(&self, most: usize) -> String {
        if self.is_2_4 {
            format!("Exceeded maximum include depth of {most}, There appears to be a recursion.")
        } else {
            format!("Exceeded maximum include depth of {most}. You have probably a recursion somewhere.")
        }
    }

    /// Folders within folders.
    pub fn folders_too_deep(&self, folder: &str, most: usize) -> String {
        let quote = if self.include_prefix { "'" } else { "" };
        format!(
            "{}Directory {quote}{folder}{quote} exceeds the maximum include directory nesting level of {most}. You have \
             probably a recursion somewhere.",
            self.prefix()
        )
    }
}
