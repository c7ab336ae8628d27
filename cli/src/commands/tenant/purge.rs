//! `akili tenant purge`

use akili_crds::{State, Tenant};
use clap::Args;
use kube::{Client, ResourceExt};
use serde_json::json;

use super::change::{Change, Target, called};
use super::find::find;
use super::goal::Goal;
use crate::failure::Failure;

#[derive(Args)]
#[command(
    after_help = "Examples:\n  akili tenant purge acme-corp\n  akili tenant purge acme-corp --confirm --wait --timeout 1h"
)]
pub struct Arguments {
    #[command(flatten)]
    target: Target,
}

pub async fn run(arguments: Arguments, client: Client) -> Result<(), Failure> {
    let target = &arguments.target;
    let tenant = find(&client, &target.slug).await?;
    refuse_others_than_archived(&tenant)?;
    let change = Change {
        field: "retention",
        value: json!("0s"),
        done: "purged",
        goal: Goal::Purged,
    };
    change
        .confirm(&client, &tenant, target, would(&tenant))
        .await
}

fn refuse_others_than_archived(tenant: &Tenant) -> Result<(), Failure> {
    if tenant.spec.state == State::Archived {
        return Ok(());
    }
    Err(
        Failure::failed(format!("can't purge {}: it isn't archived", called(tenant))).hint(
            format!(
                "archive it first with `akili tenant archive {} --confirm`",
                tenant.name_any()
            ),
        ),
    )
}

fn would(tenant: &Tenant) -> String {
    let status = tenant.status.as_ref();
    let due = status.and_then(|status| status.purge_after.as_ref());
    let due = due.map_or_else(String::new, |due| format!(" instead of at {}", due.0));
    format!(
        "would delete all data of {} in every plane now{due}; this can't be undone, and the name {} \
         can never be used again",
        called(tenant),
        tenant.name_any()
    )
}

#[cfg(test)]
mod tests {
    use super::super::tests::acme;
    use super::*;

    #[test]
    fn purge_of_a_tenant_not_archived_is_refused() {
        let mut tenant = acme();
        assert_eq!(
            refuse_others_than_archived(&tenant)
                .unwrap_err()
                .to_string(),
            "error: can't purge tenant acme-corp (Acme Corporation): it isn't archived\n\
             hint: archive it first with `akili tenant archive acme-corp --confirm`"
        );
        tenant.spec.state = State::Archived;
        assert_eq!(refuse_others_than_archived(&tenant), Ok(()));
    }

    #[test]
    fn announcement_names_tenant_and_purge_date() {
        let mut tenant = acme();
        let rest = "this can't be undone, and the name acme-corp can never be used again";
        let start =
            "would delete all data of tenant acme-corp (Acme Corporation) in every plane now";
        assert_eq!(
            would(&tenant),
            format!("{start} instead of at 2026-06-14T10:00:00Z; {rest}")
        );
        tenant.status = None;
        assert_eq!(would(&tenant), format!("{start}; {rest}"));
    }
}
