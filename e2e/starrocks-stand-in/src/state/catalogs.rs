//! Catalogs, databases and tables.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::error::{SqlError, SqlResult};

/// Name of the catalog of the cluster's own tables.
pub const INTERNAL_CATALOG: &str = "default_catalog";

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Catalog {
    /// `Internal`, or the property `type` with its first letter in upper case.
    pub kind: String,
    pub comment: Option<String>,
    /// Includes secrets in clear.
    pub properties: BTreeMap<String, String>,
    pub databases: BTreeMap<String, Database>,
}

#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Database {
    pub tables: BTreeMap<String, Table>,
}

#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Table {
    /// In the order of their declaration.
    pub columns: Vec<Column>,
    /// One value per column; `None` is NULL.
    pub rows: Vec<Vec<Option<String>>>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Column {
    pub name: String,
    /// Type of the values.
    pub holds: ColumnType,
}

/// Type of a column, as far as values are checked.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum ColumnType {
    Integer,
    Float,
    Text,
}

impl ColumnType {
    /// Returns whether the value is valid for this type.
    pub fn accepts(self, value: &str) -> bool {
        match self {
            Self::Integer => value.parse::<i128>().is_ok(),
            Self::Float => value.parse::<f64>().is_ok(),
            Self::Text => true,
        }
    }
}

impl Catalog {
    pub(super) fn internal() -> Self {
        let comment = "An internal catalog contains this cluster's self-managed tables.";
        Self {
            kind: "Internal".to_owned(),
            comment: Some(comment.to_owned()),
            properties: BTreeMap::new(),
            databases: BTreeMap::new(),
        }
    }

    /// Creates an external catalog, or rejects its properties.
    pub fn external(comment: Option<String>, properties: Vec<(String, String)>) -> SqlResult<Self> {
        let properties: BTreeMap<_, _> = properties.into_iter().collect();
        let kind = properties.get("type").filter(|kind| !kind.is_empty());
        let kind = kind.ok_or_else(|| SqlError::analysis("'type' can not be null or empty"))?;
        if kind != "iceberg" {
            // StarRocks has more types; the platform uses Iceberg.
            return Err(SqlError::analysis(format!(
                "[type : {kind}] is not supported"
            )));
        }
        check_iceberg(&properties)?;
        Ok(Self {
            kind: "Iceberg".to_owned(),
            comment,
            properties,
            databases: BTreeMap::new(),
        })
    }

    /// Returns the CREATE statement with masked secrets: of five or more characters, the
    /// first and the last two are shown.
    pub fn statement(&self, name: &str) -> String {
        let comment = match &self.comment {
            Some(comment) => format!("COMMENT \"{comment}\"\n"),
            None => String::new(),
        };
        let property = |(key, value): (&String, &String)| {
            let value = if SECRETS.contains(&key.as_str()) {
                masked(value)
            } else {
                value.clone()
            };
            format!("\"{key}\"  =  \"{value}\"")
        };
        let properties: Vec<_> = self.properties.iter().map(property).collect();
        let properties = properties.join(",\n");
        format!("CREATE EXTERNAL CATALOG `{name}`\n{comment}PROPERTIES ({properties}\n)")
    }
}

/// Properties of Iceberg catalogs that are masked.
const SECRETS: [&str; 8] = [
    "aws.s3.access_key",
    "aws.s3.secret_key",
    "aws.glue.access_key",
    "aws.glue.secret_key",
    "iceberg.catalog.oauth2.credential",
    "iceberg.catalog.oauth2.token",
    "iceberg.catalog.rest.access-key-id",
    "iceberg.catalog.rest.secret-access-key",
];

fn masked(secret: &str) -> String {
    let characters: Vec<_> = secret.chars().collect();
    match characters.as_slice() {
        [first, second, _, .., before_last, last] => {
            format!("{first}{second}******{before_last}{last}")
        }
        _ => "******".to_owned(),
    }
}

/// Checks the properties that an Iceberg catalog needs to find its tables.
fn check_iceberg(properties: &BTreeMap<String, String>) -> SqlResult<()> {
    let has = |key: &str| properties.get(key).is_some_and(|value| !value.is_empty());
    let kind = properties
        .get("iceberg.catalog.type")
        .map(String::as_str)
        .unwrap_or_default();
    let missing = match kind {
        "rest" if !has("iceberg.catalog.uri") => "iceberg.catalog.uri",
        "hive" if !has("hive.metastore.uris") && !has("iceberg.catalog.hive.metastore.uris") => {
            "hive.metastore.uris"
        }
        "hadoop" | "jdbc" if !has("iceberg.catalog.warehouse") => "iceberg.catalog.warehouse",
        "jdbc" if !has("iceberg.catalog.uri") => "iceberg.catalog.uri",
        "rest" | "hive" | "glue" | "hadoop" | "jdbc" => return Ok(()),
        _ => "iceberg.catalog.type",
    };
    let message = format!("Property {missing} is missing or not supported now.");
    Err(SqlError::general(message))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn properties(written: &[(&str, &str)]) -> Vec<(String, String)> {
        written
            .iter()
            .map(|(key, value)| ((*key).to_owned(), (*value).to_owned()))
            .collect()
    }

    #[test]
    fn iceberg_catalog_requires_type_and_uri() {
        let rest = ("iceberg.catalog.type", "rest");
        let iceberg = ("type", "iceberg");
        let table: [(&[_], bool, &str); 6] = [
            (
                &[iceberg, rest, ("iceberg.catalog.uri", "http://here")],
                true,
                "REST with its URI",
            ),
            (&[iceberg, rest], false, "REST without one"),
            (&[iceberg], false, "no catalog type"),
            (
                &[iceberg, ("iceberg.catalog.type", "csv")],
                false,
                "an unsupported catalog type",
            ),
            (&[("type", "no-such-thing")], false, "an unknown type"),
            (&[rest], false, "no type"),
        ];
        for (written, fine, reason) in table {
            let catalog = Catalog::external(None, properties(written));
            assert_eq!(catalog.is_ok(), fine, "{reason}");
        }
    }

    #[test]
    fn create_catalog_statement_masks_secrets() {
        let written = properties(&[
            ("type", "iceberg"),
            ("iceberg.catalog.type", "rest"),
            ("iceberg.catalog.uri", "http://here"),
            ("aws.s3.access_key", "ABCDEFGH"),
            ("aws.s3.secret_key", "abc"),
        ]);
        let catalog =
            Catalog::external(Some("about".to_owned()), written).expect("complete properties");
        assert_eq!(
            catalog.statement("one"),
            "CREATE EXTERNAL CATALOG `one`\n\
             COMMENT \"about\"\n\
             PROPERTIES (\"aws.s3.access_key\"  =  \"AB******GH\",\n\
             \"aws.s3.secret_key\"  =  \"******\",\n\
             \"iceberg.catalog.type\"  =  \"rest\",\n\
             \"iceberg.catalog.uri\"  =  \"http://here\",\n\
             \"type\"  =  \"iceberg\"\n)"
        );
    }
}
