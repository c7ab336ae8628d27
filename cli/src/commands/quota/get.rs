//! `akili quota get`

use std::io::IsTerminal;

use akili_crds::condition::{find, types};
use akili_crds::quota::Limit;
use akili_crds::{Slug, TenantQuota};
use clap::{Args, ValueEnum};
use comfy_table::presets::NOTHING;
use comfy_table::{CellAlignment, Table};
use kube::{Client, ResourceExt};
use serde_json::{Value, json};

use super::find::find_quota;
use crate::document;
use crate::failure::Failure;
use crate::output;

#[derive(Args)]
#[command(
    after_help = "Examples:\n  akili quota get acme-corp\n  akili quota get acme-corp --json"
)]
pub struct Arguments {
    /// Name of the tenant
    slug: Slug,
    /// Output format: json is akili's own document, yaml the Kubernetes object
    #[arg(short, long, value_enum)]
    output: Option<Form>,
    /// Same as --output json
    #[arg(long, conflicts_with = "output")]
    json: bool,
}

impl Arguments {
    /// Returns true if the answer is printed as JSON.
    pub fn is_json(&self) -> bool {
        self.json || self.output == Some(Form::Json)
    }
}

/// Output format.
#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Form {
    Table,
    Json,
    Yaml,
}

pub async fn run(arguments: Arguments, client: Client) -> Result<(), Failure> {
    let quota = find_quota(&client, &arguments.slug).await?;
    let text = match arguments.output {
        _ if arguments.is_json() => format!("{:#}", document(&quota)),
        Some(Form::Yaml) => output::yaml(&quota)?,
        Some(_) => table(&quota, None),
        None => {
            let colour = std::env::var_os("NO_COLOR").is_none_or(|it| it.is_empty());
            table(&quota, std::io::stdout().is_terminal().then_some(colour))
        }
    };
    println!("{}", text.trim_end());
    let conditions = quota.status.as_ref().map(|status| &status.conditions);
    let exceeded = conditions.and_then(|all| find(all, types::EXCEEDED));
    if let Some(exceeded) = exceeded.filter(|it| it.status == "True" && !arguments.is_json()) {
        eprintln!("warning: {}", exceeded.message);
    }
    Ok(())
}

fn document(quota: &TenantQuota) -> Value {
    let status = quota.status.clone().unwrap_or_default();
    let used = status.used.unwrap_or_default();
    json!({
        "slug": quota.name_any(),
        "quota": document::limits(&quota.spec),
        "usage": document::usage(&used),
        "measured_at": status.measured_at,
        "conditions": status.conditions,
    })
}

/// Renders a row for each limit, and two for each limit of compute. `bars` adds bars, in colour if
/// true.
fn table(quota: &TenantQuota, bars: Option<bool>) -> String {
    let used = quota.status.clone().unwrap_or_default().used;
    let used = used.unwrap_or_default();
    let queries = used.of_queries();
    let mut table = Table::new();
    table.load_style(NOTHING);
    table.set_header(["LIMIT", "USED", "OF", "SHARE"]);
    for limit in Limit::ALL {
        let users = match limit {
            Limit::Cpu | Limit::Memory => vec![(" of pods", &used), (" of queries", &queries)],
            _ => vec![("", &used)],
        };
        for (whose, used) in users {
            let title = format!("{}{whose}", limit.heading());
            let (amount, of) = (limit.amount(used), limit.max(&quota.spec).to_string());
            let share = limit.share(&quota.spec, used);
            let percent = share.map_or("-".to_owned(), |share| match share.is_finite() {
                true => format!("{:.0} %", (share * 100.0).floor()),
                false => "all".into(),
            });
            let bar = bars.map(|colour| bar(share.unwrap_or_default(), colour));
            let cells = [title, amount, of, percent];
            table.add_row(cells.into_iter().chain(bar));
        }
    }
    for column in table.column_iter_mut().skip(1).take(3) {
        column.set_cell_alignment(CellAlignment::Right);
    }
    output::lines(&table)
}

/// Width of a bar in characters.
const WIDTH: u16 = 20;

/// Renders a bar: green, yellow from 80 %, red where the limit is reached.
fn bar(share: f64, colour: bool) -> String {
    let is_full = |cell: &u16| share * f64::from(WIDTH) >= f64::from(*cell);
    let full = (1..=WIDTH).filter(is_full).count();
    let bar = "█".repeat(full) + &"░".repeat(usize::from(WIDTH) - full);
    let code = match share {
        _ if !colour => return bar,
        1.0.. => 31,
        0.8..1.0 => 33,
        _ => 32,
    };
    format!("\u{1b}[{code}m{bar}\u{1b}[0m")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn quota() -> TenantQuota {
        serde_json::from_value(json!({
            "apiVersion": "akili.io/v1alpha1", "kind": "TenantQuota",
            "metadata": {"name": "acme-corp"},
            "spec": {"maxConnections": 0},
            "status": {
                "measuredAt": "2026-03-16T10:00:00Z",
                "used": {
                    "products": 98, "storageBytes": 550_077_936_435_i64, "connections": 1,
                    "pods": {"cpu": 0.25, "memoryBytes": 0},
                    "queries": {"cpu": 4.0},
                },
            },
        }))
        .unwrap()
    }

    #[test]
    fn table_has_a_row_for_each_limit() {
        assert_eq!(
            table(&quota(), None),
            "LIMIT                  USED   OF  SHARE\n\
             Products                 98  100   98 %\n\
             Connections               1    0    all\n\
             Storage GB            512.3  500  102 %\n\
             CPU of pods            0.25    8    3 %\n\
             CPU of queries            4    8   50 %\n\
             Memory GB of pods       0.0   32    0 %\n\
             Memory GB of queries      -   32      -"
        );
        let mut new = quota();
        new.status = None;
        assert!(table(&new, None).contains("Products                 -  100      -"));
    }

    #[test]
    fn bar_has_the_colour_of_its_share() {
        assert_eq!(bar(0.5, false), "██████████░░░░░░░░░░");
        assert_eq!(bar(7.0, false), "████████████████████");
        for (share, code) in [(0.79, "32"), (0.8, "33"), (1.0, "31")] {
            assert!(bar(share, true).starts_with(&format!("\u{1b}[{code}m")));
        }
    }

    #[test]
    fn json_has_limits_usage_and_time_of_measurement() {
        let document = document(&quota());
        assert_eq!(document["quota"]["max_products"], 100);
        assert_eq!(
            document["usage"]["pods"],
            json!({"cpu": 0.25, "memory_bytes": 0})
        );
        assert_eq!(document["measured_at"], "2026-03-16T10:00:00Z");
    }
}
