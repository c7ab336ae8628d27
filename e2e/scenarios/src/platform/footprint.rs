//! What writing leaves in the backends, as they show it themselves.

use std::collections::BTreeMap;
use std::fs;

use anyhow::Result;

use super::{Backend, Platform};
use akili_testbed::layout;

/// The registry, and the catalogs that hold logins and protection.
const TABLES: [&str; 8] = [
    "akili.tenants",
    "akili.write_gates",
    "akili.installation",
    "pg_authid",
    "pg_auth_members",
    "pg_db_role_setting",
    "pg_policy",
    "pg_trigger",
];

impl Platform {
    /// What the backends show of all that was ever written: the same as before, if
    /// nothing was. Only to be compared.
    pub fn footprint(&self) -> Result<BTreeMap<&'static str, String>> {
        let shown = |backend: Backend| -> Result<String> {
            Ok(match backend {
                Backend::PostgreSql => self.superuser(&row_versions())?,
                Backend::ObjectStore => object_store_writes(" - akili-operator [")?.to_string(),
                Backend::Kafka => format!("{} bytes of metadata", kafkas_metadata()?),
                Backend::StarRocks => {
                    let state = layout::state("starrocks-stand-in").join("state.json");
                    format!("{:?}", fs::metadata(state)?.modified()?)
                }
            })
        };
        let here = |backend: &Backend| self.testbed.has(backend.component());
        let here = Backend::ALL.into_iter().filter(here);
        here.map(|backend| Ok((backend.metric(), shown(backend)?)))
            .collect()
    }
}

/// A hash over the versions of all rows: what is written has a new one, even if it is
/// the same as before.
fn row_versions() -> String {
    let versions = TABLES.map(|table| format!("SELECT '{table}', xmin::text, ctid FROM {table}"));
    let all = versions.join(" UNION ALL ");
    format!("SELECT md5(string_agg(row::text, '' ORDER BY row::text)) FROM ({all}) row")
}

/// How many requests that aren't reads the gateway has logged, of lines with this in them:
/// whoever asked, or from where.
pub fn object_store_writes(by: &str) -> Result<usize> {
    let log = fs::read(layout::log_file(Backend::ObjectStore.component()))?;
    let log = String::from_utf8_lossy(&log);
    let theirs = log.lines().filter(|line| line.contains(by));
    let reads = |line: &&str| line.contains("\"GET ") || line.contains("\"HEAD ");
    Ok(theirs.filter(|line| !reads(line)).count())
}

/// The bytes of what Kafka's controller has written: users, ACLs, topics.
fn kafkas_metadata() -> Result<u64> {
    let mut bytes = 0;
    for file in fs::read_dir(layout::state("kafka").join("data/__cluster_metadata-0"))? {
        let file = file?;
        if file
            .path()
            .extension()
            .is_some_and(|extension| extension == "log")
        {
            bytes += file.metadata()?.len();
        }
    }
    Ok(bytes)
}
