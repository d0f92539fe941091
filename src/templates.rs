//! The program's own templates.

use handlebars::Handlebars;

/// An engine with built-in templates, by name. To read one takes as long as to render ten of it: what is rendered more than once
/// is kept. A name that a template's data does not have is a mistake, not nothing.
pub(crate) fn built_in(escape: fn(&str) -> String, templates: &[(&str, &str)]) -> Handlebars<'static> {
    let mut engine = Handlebars::new();
    engine.register_escape_fn(escape);
    engine.set_strict_mode(true);
    for (name, text) in templates {
        engine.register_template_string(name, text).expect("it is part of the program");
    }
    engine
}
