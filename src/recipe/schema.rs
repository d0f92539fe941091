//! The JSON schema of `module.toml`, generated from the types that read it.

use super::manifest::Manifest;

/// The schema as pretty-printed JSON with a final newline. The copy in `modules/module.schema.json` is kept equal by a
/// test, so that editors can use it.
pub fn json() -> String {
    let mut schema = schemars::schema_for!(Manifest);
    schema.insert("title".to_owned(), "modgraft module recipe (module.toml)".into());
    let mut text = serde_json::to_string_pretty(&schema).expect("a schema is plain JSON");
    text.push('\n');
    text
}
