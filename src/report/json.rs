//! The listener for machines: one JSON object a line, on stdout.

use std::io::{self, Write};

use serde_json::{Map, Value};

use super::{Event, Reporter, diagnostic};

/// Writes every event, and the error that ends a run, as JSON lines on stdout.
#[derive(Debug, Default)]
pub struct Json;

impl Json {
    fn line(value: &Value) {
        // A reader that has gone away (a closed pipe) is no reason to fail a build.
        let _ = writeln!(io::stdout().lock(), "{value}");
    }
}

impl Reporter for Json {
    fn event(&self, event: Event) {
        let (module, target, event) = match event {
            Event::Of { module, target, told } => (module, Some(target), *told),
            event => (None, None, event),
        };
        let mut value = serde_json::to_value(event).expect("events are plain data");
        if let Value::Object(fields) = &mut value {
            let names = [("module", module), ("target", target)];
            fields.extend(names.into_iter().filter_map(|(name, text)| Some((name.to_owned(), text?.into()))));
        }
        Json::line(&value);
    }

    fn failure(&self, error: &crate::Error) {
        let mut object = Map::new();
        object.insert("event".to_owned(), "error".into());
        object.insert("exit_code".to_owned(), error.kind().exit_code().into());
        object.insert("diagnostic".to_owned(), diagnostic::json(error));
        Json::line(&Value::Object(object));
    }
}
