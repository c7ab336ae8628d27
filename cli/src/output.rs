//! Output formats of tenants.

use clap::{Args, ValueEnum};
use comfy_table::Table;
use comfy_table::presets::NOTHING;
use kube::ResourceExt;
use serde::Serialize;

use akili_crds::Tenant;

use crate::document::Document;
use crate::failure::Failure;

/// Options for the output format.
#[derive(Args)]
pub struct Output {
    /// Output format: json is akili's own document, yaml the Kubernetes object
    #[arg(short, long, value_enum)]
    pub output: Option<Form>,
    /// Same as --output json
    #[arg(long, conflicts_with = "output")]
    pub json: bool,
}

/// Output format.
#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Form {
    Table,
    Wide,
    Json,
    Yaml,
    Name,
}

impl Output {
    /// Returns the requested format.
    pub fn form(&self) -> Option<Form> {
        if self.json {
            Some(Form::Json)
        } else {
            self.output
        }
    }
}

/// Renders tenants in a format; `shown` is their JSON.
pub fn render(
    form: Form,
    tenants: &[(Tenant, Document)],
    shown: &impl Serialize,
) -> Result<String, Failure> {
    match form {
        Form::Table => Ok(table(tenants, false)),
        Form::Wide => Ok(table(tenants, true)),
        Form::Json => serde_json::to_string_pretty(shown).map_err(|error| unprintable(&error)),
        Form::Yaml => {
            let objects: Result<Vec<String>, _> = tenants.iter().map(|(it, _)| yaml(it)).collect();
            Ok(objects?.join("---\n").trim_end().to_owned())
        }
        Form::Name => {
            let names: Vec<String> = tenants
                .iter()
                .map(|(tenant, _)| format!("tenant.akili.io/{}", tenant.name_any()))
                .collect();
            Ok(names.join("\n"))
        }
    }
}

/// Renders a Kubernetes object as YAML.
pub fn yaml(object: &impl Serialize) -> Result<String, Failure> {
    serde_saphyr::to_string(object).map_err(|error| unprintable(&error))
}

fn unprintable(error: &dyn std::fmt::Display) -> Failure {
    Failure::failed(format!("can't print the object: {error}"))
}

fn table(tenants: &[(Tenant, Document)], wide: bool) -> String {
    let mut table = Table::new();
    table.load_style(NOTHING);
    let mut header = vec!["NAME", "DISPLAY NAME", "STATUS", "READY", "CREATED"];
    if wide {
        header.extend(["ID", "REASON"]);
    }
    table.set_header(header);
    for (_, document) in tenants {
        let mut row = vec![
            document.slug.clone(),
            document.display_name.clone(),
            document.status.to_string(),
            if document.is_ready() { "True" } else { "False" }.to_owned(),
            document.created_at.clone().unwrap_or_default(),
        ];
        if wide {
            row.extend([
                document.id.clone().unwrap_or_else(|| "-".into()),
                document.reason().to_owned(),
            ]);
        }
        table.add_row(row);
    }
    lines(&table)
}

/// Renders a table without a frame.
pub fn lines(table: &Table) -> String {
    let lines = table.lines().map(|line| line.trim().to_owned());
    lines.collect::<Vec<_>>().join("\n")
}
