//! Folders of small recipes, each for a module of its own that answers requests.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};

/// A module that answers with a text.
#[derive(Debug, Clone)]
pub struct Answering<'a> {
    /// Without `mod_`.
    pub name: &'a str,
    pub version: &'a str,
    /// What it answers; its check expects that.
    pub text: &'a str,
}

impl<'a> Answering<'a> {
    pub fn new(name: &'a str) -> Self {
        Answering { name, version: "1.0", text: "hello" }
    }

    fn source(&self) -> String {
        let Answering { name, text, .. } = self;
        format!(
            r#"#include "httpd.h"
#include "http_config.h"
#include "http_protocol.h"
#include "apr_strings.h"

module AP_MODULE_DECLARE_DATA {name}_module;

typedef struct {{
    const char *text;
}} {name}_config;

static void *{name}_create(apr_pool_t *pool, char *folder)
{{
    {name}_config *config = apr_pcalloc(pool, sizeof(*config));
    config->text = "{text}";
    return config;
}}

static const command_rec {name}_directives[] = {{
    AP_INIT_TAKE1("{name}Text", ap_set_string_slot,
                  (void *)APR_OFFSETOF({name}_config, text), OR_ALL, "what is answered"),
    {{ NULL }}
}};

static int {name}_handler(request_rec *r)
{{
    {name}_config *config = ap_get_module_config(r->per_dir_config, &{name}_module);
    if (!r->handler || strcmp(r->handler, "{name}")) {{
        return DECLINED;
    }}
    ap_set_content_type(r, "text/plain");
    ap_rputs(apr_pstrcat(r->pool, config->text, " from {name}\n", NULL), r);
    return OK;
}}

static void {name}_hooks(apr_pool_t *pool)
{{
    ap_hook_handler({name}_handler, NULL, NULL, APR_HOOK_MIDDLE);
}}

AP_DECLARE_MODULE({name}) = {{
    STANDARD20_MODULE_STUFF,
    {name}_create, NULL, NULL, NULL,
    {name}_directives,
    {name}_hooks
}};
"#
        )
    }

    /// The recipe with its patch, in `modules/mod_NAME`; returns its folder.
    pub fn write(&self, modules: &Path) -> PathBuf {
        let Answering { name, version, text } = self;
        let folder = modules.join(format!("mod_{name}"));
        fs_err::create_dir_all(&folder).unwrap();
        fs_err::write(
            folder.join("0001.patch"),
            patch(&format!("modules/{name}/mod_{name}.c"), &self.source()),
        )
        .unwrap();
        let recipe = format!(
            r#"name = "mod_{name}"
summary = "Answers requests with a text"
description = "For tests."
license = "Apache-2.0"
version = "{version}"
release = "1"

[source]
patches = ["0001.patch"]

[[check]]
name = "it answers"
config = 'SetHandler {name}'
request = {{ path = "/" }}
expect = {{ status = 200, body-contains = "{text} from {name}" }}

[[check]]
name = "its directive is accepted"
directive = '{name}Text "something else"'

[[changelog]]
date = 2026-01-02
author = "Somebody <somebody@example.invalid>"
version = "{version}-1"
notes = ["First package."]
"#
        );
        fs_err::write(folder.join("module.toml"), recipe).unwrap();
        folder
    }
}

/// As git shows a new file.
pub fn patch(path: &str, text: &str) -> String {
    let lines = text.lines().count();
    let mut patch = format!(
        "diff --git a/{path} b/{path}\nnew file mode 100644\n--- /dev/null\n+++ b/{path}\n@@ -0,0 +1,{lines} @@\n"
    );
    for line in text.lines() {
        writeln!(patch, "+{line}").unwrap();
    }
    patch
}
