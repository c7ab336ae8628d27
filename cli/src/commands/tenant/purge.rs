//! `akili tenant purge`

use akili_crds::{Slug, State, Tenant};
use clap::Args;
use kube::{Client, ResourceExt};
use serde_json::json;

use super::change::{Change, Options, called};
use super::goal::Goal;
use crate::failure::Failure;

#[derive(Args)]
#[command(
    after_help = "Examples:\n  akili tenant purge acme-corp\n  akili tenant purge acme-corp --confirm --wait --timeout 1h"
)]
pub struct Arguments {
    /// The tenant's name
    slug: Slug,
    /// Do it; without this, the command says what it would do
    #[arg(long)]
    confirm: bool,
    #[command(flatten)]
    options: Options,
}

pub async fn run(arguments: Arguments, client: Client) -> Result<(), Failure> {
    let slug = &arguments.slug;
    let tenant = super::find(&client, slug).await?;
    refuse_others_than_archived(&tenant)?;
    let would = (!arguments.confirm).then(|| would(&tenant));
    let change = Change {
        field: "retention",
        value: json!("0s"),
        done: "purged",
        goal: Goal::Purged,
    };
    change
        .make(&client, slug, &tenant, would, &arguments.options)
        .await
}

fn refuse_others_than_archived(tenant: &Tenant) -> Result<(), Failure> {
    if tenant.spec.state == State::Archived {
        return Ok(());
    }
    Err(Failure::failed(format!(
        "{} isn't archived, and nothing else is purged",
        called(tenant)
    ))
    .hint(format!(
        "first `akili tenant archive {} --confirm`",
        tenant.name_any()
    )))
}

fn would(tenant: &Tenant) -> String {
    let status = tenant.status.as_ref();
    let due = status.and_then(|status| status.purge_after.as_ref());
    let due = due.map_or_else(String::new, |due| format!(", not only at {}", due.0));
    format!(
        "would delete everything that {} has in every plane, now{due}; that can't be undone, and \
         the name {} is never used again",
        called(tenant),
        tenant.name_any()
    )
}

#[cfg(test)]
mod tests {
    use super::super::tests::acme;
    use super::*;

    #[test]
    fn only_an_archived_tenant_is_purged() {
        let mut tenant = acme();
        assert_eq!(
            refuse_others_than_archived(&tenant)
                .unwrap_err()
                .to_string(),
            "error: tenant acme-corp (Acme Corporation) isn't archived, and nothing else is purged\n\
             hint: first `akili tenant archive acme-corp --confirm`"
        );
        tenant.spec.state = State::Archived;
        assert_eq!(refuse_others_than_archived(&tenant), Ok(()));
    }

    #[test]
    fn what_would_happen_is_said_of_that_very_tenant_and_its_time() {
        let mut tenant = acme();
        let rest = "that can't be undone, and the name acme-corp is never used again";
        let start = "would delete everything that tenant acme-corp (Acme Corporation) has in every plane, now";
        assert_eq!(
            would(&tenant),
            format!("{start}, not only at 2026-06-14T10:00:00Z; {rest}")
        );
        tenant.status = None;
        assert_eq!(would(&tenant), format!("{start}; {rest}"));
    }
}
