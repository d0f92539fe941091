//! Names that are defined (`-D`, Define), and the variables that stand for text.

use std::collections::BTreeMap;

/// What Define and the environment have set.
#[derive(Debug, Clone, Default)]
pub(super) struct Variables {
    defined: Vec<String>,
    /// Of Define, by names whose case does not matter (an APR table).
    values: BTreeMap<String, String>,
    environment: BTreeMap<String, String>,
}

impl Variables {
    pub(super) fn new(defines: &[String], environment: &BTreeMap<String, String>) -> Self {
        Variables { defined: defines.to_vec(), values: BTreeMap::new(), environment: environment.clone() }
    }

    pub(super) fn is_defined(&self, name: &str) -> bool {
        self.defined.iter().any(|known| known == name)
    }

    pub(super) fn define(&mut self, name: &str, value: Option<&str>) {
        if !self.is_defined(name) {
            self.defined.push(name.to_owned());
        }
        if let Some(value) = value {
            self.values.insert(name.to_ascii_lowercase(), value.to_owned());
        }
    }

    pub(super) fn undefine(&mut self, name: &str) {
        if let Some(at) = self.defined.iter().position(|known| known == name) {
            self.defined.swap_remove(at);
        }
        self.values.remove(&name.to_ascii_lowercase());
    }

    /// The text with `${NAME}` replaced where it is known (`ap_resolve_env`); what a value has is not looked at again.
    pub(super) fn expand(&self, text: &str) -> String {
        let mut expanded = String::with_capacity(text.len());
        let mut rest = text;
        while let Some((before, after)) = rest.split_once('$') {
            expanded.push_str(before);
            let name = after.strip_prefix('{').and_then(|after| after.split_once('}'));
            let Some((name, after_name)) = name else {
                expanded.push('$');
                rest = after;
                continue;
            };
            let value = self.values.get(&name.to_ascii_lowercase()).or_else(|| self.environment.get(name));
            match value {
                Some(value) => expanded.push_str(value),
                None => expanded.push_str(&format!("${{{name}}}")),
            }
            rest = after_name;
        }
        expanded.push_str(rest);
        expanded
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn variables_are_replaced_where_they_are_known() {
        let environment =
            BTreeMap::from([("HOME".to_owned(), "/h".to_owned()), ("A".to_owned(), "no".to_owned())]);
        let mut variables = Variables::new(&["X".to_owned()], &environment);
        variables.define("a", Some("1${HOME}"));
        assert_eq!(variables.expand("$ ${A}${HOME} ${B} ${x $$"), "$ 1${HOME}/h ${B} ${x $$");
        assert!(variables.is_defined("X") && variables.is_defined("a") && !variables.is_defined("A"));
        variables.undefine("a");
        assert_eq!(variables.expand("${A}"), "no");
    }
}
