//! The schemas of all types that a document names, in version 2020-12 of JSON Schema.

use schemars::generate::{SchemaGenerator, SchemaSettings};
use schemars::transform::RecursiveTransform;
use schemars::{JsonSchema, Schema};
use serde_json::{Map, Value};

/// Schemas of all types that were asked for.
pub(crate) struct Schemas {
    sent: SchemaGenerator,
    taken: SchemaGenerator,
}

impl Schemas {
    pub(crate) fn new() -> Self {
        let settings = SchemaSettings::draft2020_12().with(|settings| {
            settings.definitions_path = "/components/schemas".into();
            settings.meta_schema = None;
            settings.transforms.push(Box::new(RecursiveTransform(without_widths)));
        });
        Self {
            sent: settings.clone().for_serialize().into_generator(),
            taken: settings.for_deserialize().into_generator(),
        }
    }

    /// The schema of a type that the server sends.
    pub(crate) fn sent_schema<T: JsonSchema>(&mut self) -> Schema {
        self.sent.subschema_for::<T>()
    }

    /// The schema of a type that the server takes.
    pub(crate) fn taken_schema<T: JsonSchema>(&mut self) -> Schema {
        self.taken.subschema_for::<T>()
    }

    /// All of them by name, as `components.schemas` has them.
    pub(crate) fn finish(mut self) -> Map<String, Value> {
        let mut all = self.taken.take_definitions(true);
        all.extend(self.sent.take_definitions(true));
        all
    }
}

/// How many bits a number has here is nobody's business: JSON has none of it.
fn without_widths(schema: &mut Schema) {
    if schema
        .get("type")
        .is_some_and(|of| of.to_string().contains("number") || of.to_string().contains("integer"))
    {
        schema.remove("format");
    }
}
