//! Nodes, connections, and the queries that clients send when they connect.

use jiff::{Timestamp, tz::TimeZone};

use super::{Answer, DONE, Execution, Rows};
use crate::{
    COMMENT, MYSQL_VERSION, VERSION,
    error::{SqlError, SqlResult},
    grammar::statement::{Value, ValueKind},
    privileges::{Object, Privilege},
    state::{BACKENDS, CORES, MEMORY_GB},
};

impl Execution<'_> {
    pub(super) fn show_backends(&self) -> SqlResult<Answer> {
        self.require_operate_or_node()?;
        let mut shown = Rows::new(&[
            "BackendId",
            "IP",
            "HeartbeatPort",
            "BePort",
            "HttpPort",
            "BrpcPort",
            "LastStartTime",
            "LastHeartbeat",
            "Alive",
            "SystemDecommissioned",
            "ClusterDecommissioned",
            "TabletNum",
            "DataUsedCapacity",
            "AvailCapacity",
            "TotalCapacity",
            "UsedPct",
            "MaxDiskUsedPct",
            "ErrMsg",
            "Version",
            "Status",
            "DataTotalCapacity",
            "DataUsedPct",
            "CpuCores",
            "MemLimit",
            "NumRunningQueries",
            "MemUsedPct",
            "CpuUsedPct",
            "DataCacheMetrics",
            "Location",
        ]);
        for number in 1..=BACKENDS {
            let now = time(Timestamp::now());
            let id = (10_000 + number).to_string();
            let (ip, cores) = (format!("192.0.2.{number}"), CORES.to_string());
            let memory = format!("{MEMORY_GB}.000GB");
            shown.push([
                &id, &ip, "9050", "9060", "8040", "8060", &now, &now, "true", "false", "false",
                "0", "0.000 ", "1.000 TB", "1.000 TB", "0.00 %", "0.00 %", "", VERSION, "{}",
                "1.000 TB", "0.00 %", &cores, &memory, "0", "0.00 %", "0.0 %", "N/A", "",
            ]);
        }
        Ok(Answer::Rows(shown))
    }

    /// Lists no compute nodes: data and queries are on the backends.
    pub(super) fn show_compute_nodes(&self) -> SqlResult<Answer> {
        self.require_operate_or_node()?;
        Ok(Answer::Rows(Rows::new(&[
            "ComputeNodeId",
            "IP",
            "HeartbeatPort",
            "BePort",
            "HttpPort",
            "BrpcPort",
            "LastStartTime",
            "LastHeartbeat",
            "Alive",
            "SystemDecommissioned",
            "ClusterDecommissioned",
            "ErrMsg",
            "Version",
            "CpuCores",
            "MemLimit",
            "NumRunningQueries",
            "MemUsedPct",
            "CpuUsedPct",
            "DataCacheMetrics",
            "HasStoragePath",
            "StatusCode",
        ])))
    }

    /// Lists all connections for sessions with OPERATE, else only those of the same user.
    pub(super) fn show_processlist(&self, full: bool) -> SqlResult<Answer> {
        let mut shown = Rows::new(&[
            "ServerName",
            "Id",
            "User",
            "Host",
            "Db",
            "Command",
            "ConnectionStartTime",
            "Time",
            "State",
            "Info",
            "IsPending",
            "Warehouse",
            "CNGroup",
            "Catalog",
            "QueryId",
        ]);
        let all = self.may(Privilege::Operate, &Object::System);
        let listed = self.sessions.all();
        let listed = listed
            .into_iter()
            .filter(|it| all || it.session.user == self.session.user);
        for live in listed {
            let (info, since) = live.last.unwrap_or_else(|| (String::new(), live.began));
            let info = if full {
                info
            } else {
                info.chars().take(100).collect()
            };
            let is_this = live.session.id == self.session.id;
            shown.push([
                "starrocks-stand-in",
                &live.session.id.to_string(),
                &live.session.user.name,
                &live.peer,
                live.session.database.as_deref().unwrap_or(""),
                if is_this { "Query" } else { "Sleep" },
                &time(live.began),
                &Timestamp::now().duration_since(since).as_secs().to_string(),
                if is_this { "OK" } else { "EOF" },
                if is_this { &info } else { "" },
                "false",
                "default_warehouse",
                "",
                &live.session.catalog,
                "",
            ]);
        }
        Ok(Answer::Rows(shown))
    }

    /// Kills a connection. KILL QUERY has no effect, because queries end at once.
    pub(super) fn kill(&self, connection: bool, id: u32) -> SqlResult<Answer> {
        let live = self
            .sessions
            .get(id)
            .ok_or_else(|| SqlError::unknown_connection(id))?;
        if live.session.user.name != self.session.user.name {
            self.require(Privilege::Operate, &Object::System)?;
        }
        if connection {
            live.end.notify_one();
        }
        DONE
    }

    pub(super) fn select_values(&self, values: Vec<Value>) -> SqlResult<Answer> {
        let mut shown = Rows::default();
        let mut row = Vec::new();
        for value in values {
            row.push(match value.kind {
                ValueKind::Literal(literal) => literal,
                ValueKind::Column(name) => return Err(SqlError::unknown_column(&name)),
                ValueKind::Variable(name) => Some(variable(&name)?),
                ValueKind::Function(name) => self.function(&name)?,
            });
            shown.columns.push(value.name);
        }
        shown.rows.push(row);
        Ok(Answer::Rows(shown))
    }

    fn function(&self, name: &str) -> SqlResult<Option<String>> {
        let user = &self.session.user;
        Ok(match name {
            "current_user" | "user" | "session_user" => Some(user.to_string()),
            "current_role" => {
                let roles = self.active_roles();
                let roles = Vec::from_iter(roles.into_iter().filter(|role| role != "public"));
                Some(if roles.is_empty() {
                    "NONE".to_owned()
                } else {
                    roles.join(", ")
                })
            }
            "database" | "schema" => self.session.database.clone(),
            "catalog" => Some(self.session.catalog.clone()),
            "connection_id" => Some(self.session.id.to_string()),
            "version" => Some(MYSQL_VERSION.to_owned()),
            "current_version" => Some(VERSION.to_owned()),
            _ => {
                let message = format!("No matching function with signature: {name}()");
                return Err(SqlError::analysis(message));
            }
        })
    }
}

/// Returns a system variable that clients read when they connect.
fn variable(name: &str) -> SqlResult<String> {
    let value = match name.to_lowercase().as_str() {
        "version" => MYSQL_VERSION,
        "version_comment" => COMMENT,
        "max_allowed_packet" => "33554432",
        "wait_timeout" | "interactive_timeout" => "28800",
        "socket" => "",
        "autocommit" => "1",
        "character_set_client"
        | "character_set_connection"
        | "character_set_results"
        | "character_set_server"
        | "character_set_database" => "utf8",
        "collation_connection" | "collation_server" | "collation_database" => "utf8_general_ci",
        "sql_mode" => "ONLY_FULL_GROUP_BY",
        "time_zone" | "system_time_zone" => "UTC",
        "lower_case_table_names" => "0",
        "tx_isolation" | "transaction_isolation" => "REPEATABLE-READ",
        _ => return Err(SqlError::unknown_variable(name)),
    };
    Ok(value.to_owned())
}

fn time(at: Timestamp) -> String {
    at.to_zoned(TimeZone::UTC)
        .strftime("%Y-%m-%d %H:%M:%S")
        .to_string()
}
