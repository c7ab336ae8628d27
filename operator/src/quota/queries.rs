//! What tenants' queries use, looked at now and then for all of them together.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};

use akili_crds::tenant_quota::Compute;

use super::Work;
use crate::backend::TenantKey;
use crate::tenant::jittered;

/// Amounts are told in steps of so many bytes, and of a tenth of a core: a load is never
/// the same twice, and each change of a status is a write.
const STEP: i64 = 1 << 24;

/// What was in use when it was last looked at; nothing before.
#[derive(Default)]
pub struct Queries(Mutex<Option<BTreeMap<String, Compute>>>);

impl Queries {
    /// What this tenant's queries used; nothing where nobody could look.
    pub fn of(&self, tenant: &TenantKey) -> Option<Compute> {
        let known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let load = known.as_ref()?.get(&tenant.id.starrocks_name());
        let load = load.cloned().unwrap_or_default();
        Some(Compute {
            cpu: Some((load.cpu.unwrap_or_default() * 10.0).ceil() / 10.0),
            memory_bytes: Some(stepped(load.memory_bytes.unwrap_or_default())),
        })
    }

    fn learn(&self, loads: BTreeMap<String, Compute>) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Some(loads);
    }
}

fn stepped(bytes: i64) -> i64 {
    let steps = bytes / STEP + i64::from(bytes % STEP > 0);
    steps.saturating_mul(STEP)
}

/// Looks, again and again, while there are tenants that may have queries.
pub async fn run(work: &Work) {
    loop {
        if work.has_tenants() {
            match work.context.loads.loads().await {
                Ok(loads) => work.queries.learn(loads),
                // What was known stays: the plane's own condition says what is wrong.
                Err(error) => tracing::debug!(%error, "what queries use isn't known"),
            }
        }
        tokio::time::sleep(jittered(work.context.audit_interval)).await;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tenant::fake::key as tenant;

    #[test]
    fn a_tenant_whose_queries_nobody_saw_uses_nothing_once_somebody_has_looked() {
        let compute = |cpu, memory_bytes| Compute {
            cpu: Some(cpu),
            memory_bytes: Some(memory_bytes),
        };
        let queries = Queries::default();
        assert_eq!(queries.of(&tenant()), None);
        queries.learn(BTreeMap::new());
        assert_eq!(queries.of(&tenant()), Some(compute(0.0, 0)));
        let load = compute(0.31, STEP + 1);
        queries.learn([(tenant().id.starrocks_name(), load)].into());
        assert_eq!(queries.of(&tenant()), Some(compute(0.4, 2 * STEP)));
    }
}
