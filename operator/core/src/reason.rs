//! The closed lists of reasons that conditions, events and logs give.

use std::fmt;
use std::str::FromStr;

/// Kind of a failure, which decides when a reconcile is retried.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Class {
    /// Somebody else wrote at the same time: retry quietly.
    Conflict,
    /// May succeed soon: retry with backoff.
    Transient,
    /// The backend is still working on it: requeue soon. Not an error.
    Pending,
    /// Needs a change of the Tenant, or of an object that another owns.
    Invalid,
    /// Needs a change of the operator's configuration, login or privileges.
    Operator,
}

impl Class {
    /// Returns the label in metrics.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Conflict => "conflict",
            Self::Transient => "transient",
            Self::Pending => "pending",
            Self::Invalid => "invalid",
            Self::Operator => "operator",
        }
    }
}

/// Defines [`Reason`]: one line each with its class, meaning and advice.
macro_rules! reasons {
    ($($class:ident { $($reason:ident: $meaning:literal, $advice:literal;)* })*) => {
        /// Why the desired state is not reached. The names are external API.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub enum Reason {
            $($($reason,)*)*
        }

        impl Reason {
            pub const ALL: &[Self] = &[$($(Self::$reason,)*)*];

            /// Returns the CamelCase word in conditions and events.
            pub fn as_str(self) -> &'static str {
                match self {
                    $($(Self::$reason => stringify!($reason),)*)*
                }
            }

            pub fn class(self) -> Class {
                match self {
                    $($(Self::$reason)|* => Class::$class,)*
                }
            }

            /// Returns one sentence about the present state.
            pub fn meaning(self) -> &'static str {
                match self {
                    $($(Self::$reason => $meaning,)*)*
                }
            }

            /// Returns the next step for an admin.
            pub fn advice(self) -> &'static str {
                match self {
                    $($(Self::$reason => $advice,)*)*
                }
            }
        }
    };
}

reasons! {
    Conflict {
        ApiServerConflict: "The object changed in the API server during the reconcile.",
            "Nothing: the operator retries.";
        LeaseLost: "This replica no longer holds the Lease `akili-operator`.",
            "Nothing: the replica that holds the Lease continues.";
        RetentionNotOver: "The retention of the archived tenant is not over.",
            "Nothing: the purge starts at `status.purgeAfter`.";
        TenantChanged: "The Tenant was changed or deleted during the reconcile.",
            "Nothing: the operator reconciles the new Tenant.";
    }
    Transient {
        ApiServerBusy: "The API server answered with 429 or 5xx.",
            "Check the load and the log of the API server if it persists.";
        ApiServerUnreachable: "The API server did not answer.",
            "Check that the API server runs and that the operator can reach it.";
        Conflict: "The backend rejected a change because of a concurrent one.",
            "Nothing: the operator retries.";
        Gone: "An object disappeared between two calls.",
            "Nothing: the operator creates it again.";
        KafkaBusy: "The brokers are starting, electing a leader, or throttling.",
            "Check the brokers' log if it persists.";
        NoCertificate: "The Secret `akili-operator-webhook` has no certificate.",
            "With cert-manager: check why it does not issue the Certificate of that name. \
             Without: the leader creates one.";
        NoCredential: "The Secret of a tenant's credential disappeared during the reconcile.",
            "Nothing: the operator creates it again.";
        NoLease: "The Lease `akili-operator` can't be acquired.",
            "Check the key `namespace` and the rights of the operator's ServiceAccount.";
        NoNodes: "No node of StarRocks reports its cores and memory.",
            "Start a backend or compute node.";
        NotInRegistry: "The tenant has no row in the registry yet.",
            "Nothing: the operator adds it.";
        NotObserved: "The backend's list has no answer for the tenant.",
            "Nothing: the operator retries. Check the operator's log if it persists.";
        RegistryUnavailable: "The registry in PostgreSQL did not answer.",
            "Check that PostgreSQL runs and accepts the operator's login.";
        ServerError: "The object store answered with an internal error.",
            "Check the gateway's log.";
        StarRocksBusy: "The frontend has no free connection, or is not the leader.",
            "Raise `max_user_connections` of the operator's user.";
        TooSlow: "PostgreSQL canceled a statement because of its timeout.",
            "Create an index on `tenant_id`, and one for each foreign key.";
        UnexpectedAnswer: "The backend's answer can't be read.",
            "Check the server's log if it persists.";
        Unreachable: "The backend did not answer.",
            "Check that it runs, its address in the configuration, and the network.";
    }
    Pending {
        GroupInUse: "A consumer group that should be deleted still has members.",
            "Nothing: the group is deleted once their sessions time out.";
        Locked: "Somebody holds a lock on an object, or sessions are still ending.",
            "Nothing: the operator retries. Look for long transactions if it persists.";
        NotYetEffective: "The backend accepted all steps but does not show the result yet.",
            "Nothing: the operator observes it again. Check the backend's log if it persists.";
        Purging: "The data of an archived tenant is being deleted.",
            "Nothing: the purge continues.";
        QuotaNotCounted: "The ResourceQuota `akili` has no counts yet.",
            "Check that the controller manager runs if it persists.";
    }
    Invalid {
        ApiServerRejected: "The API server rejected an object.",
            "Read the message: a policy or webhook of the cluster may be in the way.";
        CredentialUnreadable: "The Secret of a tenant's credential has no readable entry.",
            "Delete the Secret: the operator creates it again with a new password.";
        ForeignInstallation: "The registry belongs to another cluster.",
            "Use another database, or once that cluster is gone run \
             `akili-operator check --take-over`.";
        IdConflict: "`spec.id` belongs to another tenant, or differs from the registry.",
            "Remove `spec.id`, or set it to the id in the message.";
        InvalidId: "`spec.id` is not a UUID.", "Correct or remove `spec.id`.";
        InvalidQuota: "The TenantQuota can't be created.",
            "Check that the CRD `tenantquotas.akili.io` fits the operator's version.";
        InvalidRetention: "`spec.retention` is not a duration.",
            "Write it as in `2160h`.";
        InvalidSlug: "The name of the Tenant is not a valid slug.",
            "Create the Tenant under another name.";
        KeyTaken: "Another user of the object store has the tenant's access key.",
            "Remove the key from that user.";
        OwnedByAnother: "An object with the tenant's name exists and is not the tenant's.",
            "Remove it, or let the tenant adopt it as the message says.";
        PolicyViolation: "A policy of the brokers rejects a topic of the configuration.",
            "Change `kafka.topics` or the policy.";
        RegistryRefused: "The registry rejected a change that its rules forbid.",
            "Nothing was changed. Read the message.";
        RegistryUnreadable: "The registry holds a value that the operator does not know.",
            "Check that no newer operator wrote it, and that nobody edited the registry.";
        RoleInUse: "Objects in PostgreSQL depend on the tenant's role.",
            "Drop or reassign the objects in the message.";
        RowsInUse: "Rows without `tenant_id` refer to the tenant's rows.",
            "Delete the rows in the message.";
        SlugRetired: "A purged tenant had this name.",
            "Create the Tenant under another name.";
        TenantArchived: "The tenant is archived, which is permanent.",
            "Set `spec.state` to `Archived`, or create a Tenant under another name.";
        UnknownKind: "Kafka has an ACL of a kind that the operator can't change.",
            "Delete the ACL with Kafka's own tools.";
        Unreadable: "The Tenant can't be parsed.",
            "Correct it with `kubectl edit tenant`.";
    }
    Operator {
        BootstrapNeeded: "The operator lacks a function, table or privilege in PostgreSQL.",
            "Run the output of `akili-operator bootstrap-sql` as a superuser.";
        CertificateNotGenerated: "The webhook's certificate can't be generated.",
            "Read the operator's log.";
        CertificateRefused: "StarRocks' certificate is not valid for the configured CA.",
            "Check `starrocks.caFile` and the frontend's certificate.";
        ConnectionRefused: "TLS with the backend failed.",
            "Check the backend's `caFile` and its certificate.";
        Forbidden: "The operator's login may not do this.",
            "Run `akili-operator check`; for the API server check the chart's RBAC.";
        InvalidTopic: "The brokers reject a topic of the configuration.",
            "Check `kafka.topics` and the brokers' `default.replication.factor`.";
        LoginRefused: "The backend rejected the operator's login.",
            "Check the user and password in the configuration.";
        NoAuthorizer: "The Kafka cluster has no authorizer, so ACLs have no effect.",
            "Set the brokers' `authorizer.class.name`.";
        NoIdentity: "The uid of the namespace `kube-system` is not a UUID.",
            "Read the operator's log.";
        NoSuchBucket: "The bucket does not exist.",
            "Create it with the operator's own key, or correct `objectStore.bucket`.";
        NoSuchDatabase: "The database does not exist.", "Correct `postgres.database`.";
        NoTls: "StarRocks does not offer TLS, but `starrocks.caFile` is set.",
            "Give the frontend a certificate, or remove `starrocks.caFile`.";
        PrivilegeMissing: "The operator's user lacks a privilege.",
            "Run `akili-operator check`, which lists what to grant.";
        Refused: "The backend refused a request.",
            "Read the message and the server's log.";
        TopicDeletionDisabled: "The brokers do not allow the deletion of topics.",
            "Set the brokers' `delete.topic.enable`.";
        Unsupported: "The server's version lacks something that the operator needs.",
            "Upgrade the server to the version in the message.";
    }
}

/// Defines [`StatusReason`]: one line each with its meaning.
macro_rules! status_reasons {
    ($($reason:ident: $meaning:literal;)*) => {
        /// Reasons of conditions that report no failure. The names are external API.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        pub enum StatusReason {
            $($reason,)*
        }

        impl StatusReason {
            pub const ALL: &[Self] = &[$(Self::$reason,)*];

            /// Returns the CamelCase word in conditions and events.
            pub fn as_str(self) -> &'static str {
                match self {
                    $(Self::$reason => stringify!($reason),)*
                }
            }

            /// Returns one sentence about the present state.
            pub fn meaning(self) -> &'static str {
                match self {
                    $(Self::$reason => $meaning,)*
                }
            }
        }
    };
}

status_reasons! {
    Clamped: "StarRocks can't represent a limit exactly; the nearest allowed value is set.";
    ConnectionsExceeded: "The tenant has more connections than its quota allows.";
    Converged: "The backend holds the desired state.";
    CoverageGap: "Tables with a `tenant_id` are not protected yet.";
    CpuExceeded: "The tenant's pods request more CPU than its quota allows.";
    Kept: "The data of an archived tenant is kept until its retention is over.";
    MemoryExceeded: "The tenant's pods request more memory than its quota allows.";
    ProductsExceeded: "The tenant has more products than its quota allows.";
    Progressing: "The tenant is being created.";
    Purged: "All data of the tenant is deleted. Its name is not used again.";
    Reached: "Every backend has the state that `spec.state` wants.";
    StorageExceeded: "The tenant stores more than its quota allows.";
    WithinLimits: "The tenant uses no more than its quota allows.";
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl fmt::Display for StatusReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// A word that is not in the closed list.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0} is not a reason of the operator")]
pub struct UnknownReason(String);

impl FromStr for Reason {
    type Err = UnknownReason;

    fn from_str(word: &str) -> Result<Self, UnknownReason> {
        let known = Self::ALL.iter().find(|reason| reason.as_str() == word);
        known.copied().ok_or_else(|| UnknownReason(word.to_owned()))
    }
}

/// Returns the text of docs/conditions.md.
pub fn conditions_md() -> String {
    let failures = Reason::ALL.iter().map(|reason| {
        let class = reason.class().as_str();
        format!(
            "| `{reason}` | {class} | {} | {} |\n",
            reason.meaning(),
            reason.advice()
        )
    });
    let states = StatusReason::ALL
        .iter()
        .map(|reason| format!("| `{reason}` | {} |\n", reason.meaning()));
    format!(
        "{HEAD}{}{STATES_HEAD}{}",
        failures.collect::<String>(),
        states.collect::<String>()
    )
}

const HEAD: &str = "\
<!-- Generated from operator/core/src/reason.rs by `make generate`. -->

# Reasons in conditions

Every condition of a Tenant and a TenantQuota gives a reason from a closed list. The message beside it
names the object and the next step.

## The desired state is not reached

| class | what the operator does |
| --- | --- |
| conflict | retries after a second |
| transient | retries with backoff, up to the audit interval |
| pending | retries after a second; not an error |
| invalid | sets the condition `Stalled`, retries once per audit interval |
| operator | retries once per audit interval |

| reason | class | meaning | what to do |
| --- | --- | --- | --- |
";

const STATES_HEAD: &str = "
## All other reasons

| reason | meaning |
| --- | --- |
";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reason_is_parsed_from_its_own_word() {
        for reason in Reason::ALL {
            assert_eq!(reason.as_str().parse(), Ok(*reason));
        }
        assert!("Unknown".parse::<Reason>().is_err());
    }
}
