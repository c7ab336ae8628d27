//! Traces of writes in the backends, to detect writes that change nothing visible.

use std::collections::BTreeMap;
use std::fs;

use anyhow::Result;

use super::{Backend, Platform};
use akili_testbed::layout;

/// The registry's tables, and PostgreSQL's catalogs of logins, policies and triggers.
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
    /// Returns a trace of all writes in each backend: unchanged if nothing was written
    /// since. Useful only for comparison.
    pub fn footprint(&self) -> Result<BTreeMap<&'static str, String>> {
        let shown = |backend: Backend| -> Result<String> {
            Ok(match backend {
                Backend::PostgreSql => self.superuser(&row_versions())?,
                Backend::ObjectStore => object_store_writes(" - akili-operator [")?.to_string(),
                Backend::Kafka => format!("{} bytes of metadata", kafka_metadata_bytes()?),
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

/// Returns SQL for a hash over the versions of all rows: a written row gets a new version
/// even if its content stays the same.
fn row_versions() -> String {
    let versions = TABLES.map(|table| format!("SELECT '{table}', xmin::text, ctid FROM {table}"));
    let all = versions.join(" UNION ALL ");
    format!("SELECT md5(string_agg(row::text, '' ORDER BY row::text)) FROM ({all}) row")
}

/// Returns the number of logged write requests of the gateway whose log line contains
/// `by`, such as a user or an address.
pub fn object_store_writes(by: &str) -> Result<usize> {
    let log = fs::read(layout::log_file(Backend::ObjectStore.component()))?;
    let log = String::from_utf8_lossy(&log);
    let theirs = log.lines().filter(|line| line.contains(by));
    let reads = |line: &&str| line.contains("\"GET ") || line.contains("\"HEAD ");
    Ok(theirs.filter(|line| !reads(line)).count())
}

/// Returns the size in bytes of the metadata log of Kafka's controller: users, ACLs,
/// topics.
fn kafka_metadata_bytes() -> Result<u64> {
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
