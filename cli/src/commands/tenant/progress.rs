//! How far every plane is, on standard error: a line for each that changes on a
//! terminal, elsewhere a line whenever something new is said.

use std::collections::BTreeMap;
use std::io::IsTerminal;
use std::time::Duration;

use akili_crds::Tenant;
use akili_crds::condition::types;
use indicatif::{MultiProgress, ProgressBar, ProgressStyle};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::Condition;

use super::goal::{is_stale, line};

/// What was said so far.
pub enum Progress {
    /// A line for each condition, by its type.
    Terminal(MultiProgress, BTreeMap<String, ProgressBar>),
    /// All lines.
    Lines(Vec<String>),
}

impl Progress {
    /// Decides by standard error how progress is shown.
    pub fn new() -> Self {
        if std::io::stderr().is_terminal() {
            Self::Terminal(MultiProgress::new(), BTreeMap::new())
        } else {
            Self::Lines(Vec::new())
        }
    }

    /// Shows what the tenant's conditions say of its newest spec.
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
                Self::Lines(told) => {
                    let line = line(condition);
                    if !told.contains(&line) {
                        eprintln!("{line}");
                        told.push(line);
                    }
                }
            }
        }
    }

    /// Says something else.
    pub fn say(&self, text: &str) {
        match self {
            Self::Terminal(lines, _) => drop(lines.println(text)),
            Self::Lines(_) => eprintln!("{text}"),
        }
    }
}

/// What comes after has the terminal to itself.
impl Drop for Progress {
    fn drop(&mut self) {
        if let Self::Terminal(_, bars) = self {
            for bar in bars.values() {
                bar.finish_and_clear();
            }
        }
    }
}

/// What is said of single planes, and of the newest spec.
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
