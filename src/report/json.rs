//! The listener for machines: one JSON object a line, on stdout.

use serde_json::{Map, Value};

use super::stdout::Stdout;
use super::{Event, Reporter, diagnostic};

/// Writes every event, and the error that ends a run, as JSON lines on stdout.
#[derive(Debug, Default)]
pub struct Json(Stdout);

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
        self.0.line(&value.to_string());
    }

    fn failure(&self, error: &crate::Error) {
        let mut object = Map::new();
        object.insert("event".to_owned(), "error".into());
        object.insert("exit_code".to_owned(), error.kind().exit_code().into());
        object.insert("diagnostic".to_owned(), diagnostic::json(error));
        self.0.line(&Value::Object(object).to_string());
    }

    fn end(&self) -> std::io::Result<()> {
        self.0.end()
    }
}
