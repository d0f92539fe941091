//! The drop-ins: the file that loads the module, and the one with its directives.

use std::sync::{Arc, LazyLock};

use handlebars::{Handlebars, RenderError, TemplateError};
use miette::{NamedSource, SourceSpan};
use serde::Serialize;

use super::{Error, Inputs};
use crate::templates;

/// Longer than any configuration that a person would read; keeps the template engine's recursion bounded. Bytes.
const LONGEST: usize = 64 << 10;

/// What a template can use.
#[derive(Debug, Serialize)]
struct Context<'a> {
    /// `mod_proxy_wstunnel`.
    name: &'a str,
    /// `proxy_wstunnel`.
    short_name: &'a str,
    /// `proxy_wstunnel_module`.
    symbol: &'a str,
    version: &'a str,
    release: &'a str,
    /// `/usr/lib64/httpd/modules`.
    module_dir: &'a str,
    /// As in LoadModule: `modules`.
    load_prefix: &'a str,
    httpd_version: &'a str,
    /// Modules that have to be loaded before.
    load_after: Vec<Prerequisite<'a>>,
    /// The line in which the target's own tool reads the same; empty: it reads none.
    dependency_line: String,
    /// The command after which the target's own tool loads the module; empty: the drop-in does.
    enabled_by: String,
    /// The rendered directives, for the drop-in itself.
    directives: &'a str,
}

#[derive(Debug, Serialize)]
struct Prerequisite<'a> {
    symbol: &'a str,
    file: &'a str,
}

/// For the help of an error.
const NAMES: &str = "name, short_name, symbol, version, release, module_dir, load_prefix, httpd_version";

/// The texts of the drop-ins.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct DropIns {
    /// The file that loads the module.
    pub load: String,
    /// The file with the directives, where it is another, and there are directives.
    pub directives: Option<String>,
}

/// Renders both. `together` says that the target has one file for both.
///
/// # Errors
/// [`Error::Directives`] with the line.
pub(super) fn render(inputs: &Inputs<'_>, symbol: &str, together: bool) -> Result<DropIns, Error> {
    let recipe = inputs.recipe;
    let depends: Vec<&str> = inputs.audit.load_after.iter().map(|one| short_name(&one.file)).collect();
    let mut context = Context {
        name: &recipe.name,
        short_name: short_name(&recipe.name),
        symbol,
        version: &recipe.version,
        release: &recipe.release,
        module_dir: &inputs.target.layout.module_dir,
        load_prefix: &inputs.target.layout.load_prefix,
        httpd_version: &inputs.target.httpd_version,
        load_after: inputs
            .audit
            .load_after
            .iter()
            .map(|one| Prerequisite { symbol: &one.symbol, file: &one.file })
            .collect(),
        dependency_line: match &inputs.target.layout.dependency_line {
            Some(line) if !depends.is_empty() => line.replace("{modules}", &depends.join(" ")),
            _ => String::new(),
        },
        enabled_by: match &inputs.target.layout.enable {
            Some(command) if inputs.target.layout.loaded_by_tool => {
                command.replace("{name}", short_name(&recipe.name))
            }
            _ => String::new(),
        },
        directives: "",
    };
    let directives = match &recipe.directives {
        Some(template) => Some(user_template(template, &context)?),
        None => None,
    };
    let built_in = |name: &str, context: &Context<'_>| {
        // The templates are part of the program, and the tests render them.
        BUILT_IN.render(name, context).expect("the built-in drop-in templates render")
    };
    let directives_text = directives.as_deref().filter(|text| !text.trim().is_empty());
    if together {
        context.directives = directives_text.unwrap_or_default();
        let load = built_in(LOAD, &context);
        return Ok(DropIns { load, directives: None });
    }
    let load = built_in(LOAD, &context);
    let directives = directives_text.map(|text| {
        context.directives = text;
        built_in(DIRECTIVES, &context)
    });
    Ok(DropIns { load, directives })
}

/// `proxy_wstunnel` of `mod_proxy_wstunnel` or `mod_proxy_wstunnel.so`.
pub(super) fn short_name(name: &str) -> &str {
    let name = name.strip_suffix(".so").unwrap_or(name);
    name.strip_prefix("mod_").unwrap_or(name)
}

const LOAD: &str = "drop-in-load";
const DIRECTIVES: &str = "drop-in-directives";

/// The built-in templates, read once.
static BUILT_IN: LazyLock<Handlebars<'static>> = LazyLock::new(|| {
    engine(&[
        (LOAD, include_str!("../../templates/drop-in-load.hbs")),
        (DIRECTIVES, include_str!("../../templates/drop-in-directives.hbs")),
    ])
});

/// Configuration is no HTML.
fn engine(templates: &[(&str, &str)]) -> Handlebars<'static> {
    templates::built_in(handlebars::no_escape, templates)
}

fn user_template(template: &str, context: &Context<'_>) -> Result<String, Error> {
    if template.len() > LONGEST {
        return Err(wrong(template, 1, format!("they are longer than {LONGEST} bytes")));
    }
    if let Some(line) = partial(template) {
        return Err(wrong(template, line, "partials and decorators cannot be used here".to_owned()));
    }
    let mut engine = engine(&[]);
    engine.register_template_string("directives", template).map_err(|error: TemplateError| {
        wrong(template, error.pos().map_or(1, |(line, _)| line), error.reason().to_string())
    })?;
    let text = engine.render("directives", context).map_err(|error: RenderError| {
        wrong(template, error.line_no.unwrap_or(1), error.reason().to_string())
    })?;
    let mut text = text.replace("\r\n", "\n");
    if let Some(index) = text.chars().position(|c| c.is_control() && c != '\n' && c != '\t') {
        let line = text.chars().take(index).filter(|c| *c == '\n').count() + 1;
        return Err(wrong(template, line, "a control character is among them".to_owned()));
    }
    if !text.is_empty() && !text.ends_with('\n') {
        text.push('\n');
    }
    Ok(text)
}

/// The line of the first partial or decorator: two partials that include each other would not end.
fn partial(template: &str) -> Option<usize> {
    template.match_indices("{{").find_map(|(index, _)| {
        let inside =
            template[index..].trim_start_matches('{').trim_start_matches(['~', ' ', '\t', '\n', '#']);
        inside.starts_with(['>', '*']).then(|| template[..index].matches('\n').count() + 1)
    })
}

fn wrong(template: &str, line: usize, reason: String) -> Error {
    let start: usize = template.split_inclusive('\n').take(line.saturating_sub(1)).map(str::len).sum();
    let length = template.get(start..).and_then(|rest| rest.lines().next()).map_or(0, str::len);
    Error::Directives {
        reason: reason.lines().next().unwrap_or_default().to_owned(),
        known: NAMES.to_owned(),
        template: NamedSource::new("directives", Arc::from(template)),
        span: SourceSpan::from((start.min(template.len()), length)),
    }
}
