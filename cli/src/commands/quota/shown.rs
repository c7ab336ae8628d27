//! What is shown of a quota: every limit beside what is used of it. Pure.

use std::fmt::Write as _;

use akili_crds::TenantQuota;
use akili_crds::condition::{is_true, types};
use akili_crds::quota::GB;
use akili_crds::tenant_quota::{Compute, Usage};
use comfy_table::presets::NOTHING;
use comfy_table::{CellAlignment, Table};
use kube::ResourceExt;
use serde_json::{Value, json};

use crate::document;

/// Characters of a bar.
const WIDTH: usize = 20;

/// What a limit is of, how much is used, if it was measured, and the limit.
struct Line {
    of: &'static str,
    used: Option<f64>,
    limit: i64,
}

/// As `quota get --json` shows it.
pub fn document(quota: &TenantQuota) -> Value {
    let status = quota.status.clone().unwrap_or_default();
    json!({
        "slug": quota.name_any(),
        "quota": document::limits(&quota.spec),
        "usage": document::usage(&status.used.unwrap_or_default()),
        "measured_at": status.measured_at,
        "exceeded": is_true(&status.conditions, types::EXCEEDED),
    })
}

/// A line for each limit, on a terminal with a bar; and what is to be said of it all.
pub fn table(quota: &TenantQuota, bars: bool) -> String {
    let status = quota.status.clone().unwrap_or_default();
    let mut table = Table::new();
    table.load_style(NOTHING);
    let mut header = vec!["RESOURCE", "USED", "LIMIT", "USE"];
    header.extend(bars.then_some(""));
    table.set_header(header);
    for line in lines(quota, &status.used.unwrap_or_default()) {
        let mut row = vec![
            line.of.to_owned(),
            line.used.map_or_else(|| "-".into(), decimals),
            line.limit.to_string(),
            line.share()
                .map_or_else(|| "-".into(), |share| format!("{:.0} %", share * 100.0)),
        ];
        row.extend(bars.then(|| bar(line.share().unwrap_or_default())));
        table.add_row(row);
    }
    for column in table.column_iter_mut().skip(1).take(3) {
        column.set_cell_alignment(CellAlignment::Right);
    }
    let mut text = String::new();
    for line in table.lines() {
        let _ = writeln!(text, "{}", line.trim_end().trim_start_matches(' '));
    }
    if let Some(measured) = status.measured_at {
        let _ = writeln!(text, "\nStorage was measured at {}.", measured.0);
    }
    let exceeded = status.conditions.iter();
    for condition in exceeded.filter(|it| it.type_ == types::EXCEEDED && it.status == "True") {
        let _ = writeln!(text, "\nExceeded: {}", condition.message);
    }
    text.trim_end().to_owned()
}

fn lines(quota: &TenantQuota, used: &Usage) -> Vec<Line> {
    let spec = &quota.spec;
    let whole = |count: Option<i64>| count.map(real);
    let gb = |bytes: Option<i64>| bytes.map(|bytes| real(bytes) / real(GB));
    let cpu = |of: &Option<Compute>| of.as_ref().and_then(|it| it.cpu);
    let memory = |of: &Option<Compute>| gb(of.as_ref().and_then(|it| it.memory_bytes));
    let line = |of, used, limit| Line { of, used, limit };
    vec![
        line("Products", whole(used.products), spec.max_products),
        line("Connections", whole(used.connections), spec.max_connections),
        line("Storage GB", gb(used.storage_bytes), spec.max_storage_gb),
        line("CPU of pods", cpu(&used.pods), spec.max_compute_cpu),
        line(
            "Memory GB of pods",
            memory(&used.pods),
            spec.max_compute_memory_gb,
        ),
        line("CPU of queries", cpu(&used.queries), spec.max_compute_cpu),
        line(
            "Memory GB of queries",
            memory(&used.queries),
            spec.max_compute_memory_gb,
        ),
    ]
}

impl Line {
    /// Of 1; nothing where nothing was measured. Whatever is used of a limit of 0 is all.
    fn share(&self) -> Option<f64> {
        let used = self.used?;
        match self.limit {
            0 => Some(if used > 0.0 { 1.0 } else { 0.0 }),
            limit => Some(used / real(limit)),
        }
    }
}

/// Without decimals where there are none, else with one.
fn decimals(amount: f64) -> String {
    let text = format!("{amount:.1}");
    text.strip_suffix(".0").map(str::to_owned).unwrap_or(text)
}

/// What is used at all is seen, and what is over doesn't go on for ever.
fn bar(share: f64) -> String {
    let full = (0..WIDTH).filter(|&at| share * real(WIDTH as i64) > real(at as i64));
    let full = full.count();
    format!("{}{}", "█".repeat(full), "░".repeat(WIDTH - full))
}

#[expect(
    clippy::cast_precision_loss,
    reason = "for people, and with one decimal at most"
)]
fn real(whole: i64) -> f64 {
    whole as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    fn quota(status: Value) -> TenantQuota {
        serde_json::from_value(json!({
            "apiVersion": "akili.io/v1alpha1", "kind": "TenantQuota",
            "metadata": {"name": "acme-corp"}, "spec": {"maxConnections": 0}, "status": status,
        }))
        .unwrap()
    }

    fn busy() -> TenantQuota {
        quota(json!({
            "used": {
                "products": 85, "connections": 1, "storageBytes": 550_078_572_954_i64,
                "pods": {"cpu": 0.1, "memoryBytes": 1_073_741_824},
            },
            "measuredAt": "2026-03-16T10:00:00Z",
            "conditions": [{
                "type": "Exceeded", "status": "True", "reason": "StorageExceeded",
                "message": "it uses more than it may",
                "lastTransitionTime": "2026-03-16T10:00:00Z",
            }],
        }))
    }

    #[test]
    fn each_limit_is_a_line_and_on_a_terminal_a_bar() {
        let plain = "\
RESOURCE               USED  LIMIT    USE
Products                 85    100   85 %
Connections               1      0  100 %
Storage GB            512.3    500  102 %
CPU of pods             0.1      8    1 %
Memory GB of pods         1     32    3 %
CPU of queries            -      8      -
Memory GB of queries      -     32      -

Storage was measured at 2026-03-16T10:00:00Z.

Exceeded: it uses more than it may";
        assert_eq!(table(&busy(), false), plain);
        let drawn = table(&busy(), true);
        for (of, bar) in [
            ("Products", "█████████████████░░░"),
            ("Storage GB", "████████████████████"),
            ("CPU of pods", "█░░░░░░░░░░░░░░░░░░░"),
            ("CPU of queries", "░░░░░░░░░░░░░░░░░░░░"),
        ] {
            let line = drawn.lines().find(|line| line.starts_with(of)).unwrap();
            assert!(line.ends_with(bar), "{line}");
        }
    }

    #[test]
    fn what_was_not_measured_is_no_zero() {
        let nothing = quota(json!({}));
        let document = document(&nothing);
        assert_eq!(document["usage"], json!({}));
        assert_eq!(document["measured_at"], Value::Null);
        assert_eq!(document["exceeded"], false);
        let shown = table(&nothing, false);
        let products = shown.lines().nth(1).unwrap().split_whitespace();
        assert_eq!(products.collect::<Vec<_>>(), ["Products", "-", "100", "-"]);
    }
}
