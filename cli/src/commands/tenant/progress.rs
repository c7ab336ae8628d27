//! Progress of every plane on standard error: on a terminal a line for each plane that changes in
//! place, elsewhere a new line for each change.

use std::collections::BTreeMap;
use std::io::IsTerminal;
use std::time::Duration;

use akili_crds::Tenant;
use akili_crds::condition::types;
use indicatif::{MultiProgress, ProgressBar, ProgressStyle};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::Condition;

use super::goal::{is_stale, line};

/// Progress printed so far.
pub enum Progress {
    /// Progress bars by condition type.
    Terminal(MultiProgress, BTreeMap<String, ProgressBar>),
    /// Printed lines.
    Lines(Vec<String>),
}

impl Progress {
    /// Creates the kind of progress that suits standard error.
    pub fn new() -> Self {
        if std::io::stderr().is_terminal() {
            Self::Terminal(MultiProgress::new(), BTreeMap::new())
        } else {
            Self::Lines(Vec::new())
        }
    }

    /// Shows the tenant's conditions of the newest spec.
    pub fn show(&mut self, tenant: &Tenant) {
        for condition in news(tenant) {
            match self {
                Self::Terminal(lines, bars) => {
                    let bar = bars
                        .entry(condition.type_.clone())
                        .or_insert_with(|| bar(lines, &condition.type_));
                    let Condition {
                        reason, message, ..
                    } = condition;
                    if condition.status == "True" {
                        bar.finish_with_message(reason.clone());
                    } else {
                        bar.set_message(format!("{reason}: {message}"));
                    }
                }
                Self::Lines(printed) => {
                    let line = line(condition);
                    if !printed.contains(&line) {
                        eprintln!("{line}");
                        printed.push(line);
                    }
                }
            }
        }
    }

    /// Prints another line.
    pub fn print(&self, text: &str) {
        match self {
            Self::Terminal(lines, _) => drop(lines.println(text)),
            Self::Lines(_) => eprintln!("{text}"),
        }
    }
}

/// Clears the bars, so that later output starts on an empty line.
impl Drop for Progress {
    fn drop(&mut self) {
        if let Self::Terminal(_, bars) = self {
            for bar in bars.values() {
                bar.finish_and_clear();
            }
        }
    }
}

/// Returns the conditions of single planes that describe the newest spec.
fn news(tenant: &Tenant) -> impl Iterator<Item = &Condition> {
    let status = tenant.status.iter();
    let conditions = status.flat_map(|status| &status.conditions);
    let is_new = |c: &&Condition| !is_stale(tenant, c.observed_generation);
    conditions.filter(move |c| c.type_ != types::READY && is_new(c))
}

fn bar(lines: &MultiProgress, name: &str) -> ProgressBar {
    let style = ProgressStyle::with_template("{spinner} {prefix:18} {wide_msg}")
        .unwrap_or_else(|_| ProgressStyle::default_spinner());
    let bar = ProgressBar::new_spinner().with_style(style);
    let bar = lines.add(bar.with_prefix(name.to_owned()));
    bar.enable_steady_tick(Duration::from_millis(100));
    bar
}
