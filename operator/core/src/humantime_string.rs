//! Serde and schema of durations such as `1h 30m`.

use std::time::Duration;

use schemars::{Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Deserializer, Serializer, de::Error};

pub fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Duration, D::Error> {
    let text = String::deserialize(deserializer)?;
    humantime::parse_duration(&text).map_err(D::Error::custom)
}

/// Serializes the defaults in the schema.
pub fn serialize<S: Serializer>(duration: &Duration, serializer: S) -> Result<S::Ok, S::Error> {
    match duration.as_secs() {
        seconds if seconds % 3600 == 0 => {
            serializer.collect_str(&format_args!("{}h", seconds / 3600))
        }
        seconds => serializer.collect_str(&format_args!("{seconds}s")),
    }
}

pub fn schema(_: &mut SchemaGenerator) -> Schema {
    json_schema!({
        "type": "string",
        "pattern": "^([0-9]+ *[a-zA-Z]+ *)+$",
        "examples": ["90s", "1h 30m", "2160h"],
    })
}
