//! Cost of the admission webhook: the same requests with and without the webhook, in one
//! run.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use akili_crds::DataProduct;
use akili_scenarios::platform::{Platform, WEBHOOK};
use anyhow::Result;
use comfy_table::{Table, presets::UTF8_FULL_CONDENSED};
use futures::future::try_join_all;
use kube::api::{DeleteParams, ListParams, PostParams};
use kube::{Api, Client};
use serde_json::json;

/// Numbers of concurrent clients.
const CLIENTS: [usize; 3] = [1, 16, 64];
/// Requests of all clients together, per round.
const REQUESTS: usize = 400;
/// Rounds with and without the webhook, alternating.
const ROUNDS: usize = 2;

#[tokio::main]
async fn main() -> Result<()> {
    let platform = Platform::install().await?;
    let _operator = platform.start_operator().await?;
    platform.activate("bench")?;
    platform.patch_spec("tenantquota", "bench", &json!({"maxProducts": 100_000}))?;
    let bench = Bench {
        id: platform.status("bench", "id")?,
        namespace: platform.status("bench", "namespace")?,
        platform: &platform,
    };
    // The namespace's ResourceQuota follows.
    tokio::time::sleep(Duration::from_secs(5)).await;

    let mut table = Table::new();
    table.load_style(UTF8_FULL_CONDENSED).set_header([
        "clients",
        "p50 without",
        "p50 with",
        "ratio",
        "p99 without",
        "p99 with",
        "ratio",
    ]);
    for clients in CLIENTS {
        let (mut with, mut without) = (Vec::new(), Vec::new());
        for _ in 0..ROUNDS {
            with.extend(bench.create(clients).await?);
            let alone = async {
                // The API server notices the removed webhook a little later.
                tokio::time::sleep(Duration::from_secs(2)).await;
                bench.create(clients).await
            };
            without.extend(platform.without(WEBHOOK, alone).await?);
            tokio::time::sleep(Duration::from_secs(5)).await;
        }
        let mut row = vec![clients.to_string()];
        for percent in [50, 99] {
            let (without, with) = (
                percentile(&mut without, percent),
                percentile(&mut with, percent),
            );
            let ratio = with.as_secs_f64() / without.as_secs_f64();
            row.extend([
                format!("{without:.1?}"),
                format!("{with:.1?}"),
                format!("{ratio:.2}"),
            ]);
        }
        table.add_row(row);
    }
    println!(
        "creating a product, {} requests a cell:\n{table}",
        ROUNDS * REQUESTS
    );
    Ok(())
}

/// A tenant that creates products.
struct Bench<'a> {
    platform: &'a Platform,
    id: String,
    namespace: String,
}

impl Bench<'_> {
    /// Creates products and returns the duration of each request; the products are
    /// deleted again.
    async fn create(&self, clients: usize) -> Result<Vec<Duration>> {
        let next = AtomicUsize::new(0);
        let clients = (0..clients).map(|_| async {
            let products = self.products(self.client().await?);
            // The connection is opened before the measurement.
            products.get_opt("none").await?;
            let mut took = Vec::new();
            loop {
                let number = next.fetch_add(1, Ordering::Relaxed);
                if number >= REQUESTS {
                    return anyhow::Ok(took);
                }
                let spec = serde_json::from_value(json!({"namespace": "sales"}))?;
                let product = DataProduct::new(&format!("bench-{number}"), spec);
                let began = Instant::now();
                products.create(&PostParams::default(), &product).await?;
                took.push(began.elapsed());
            }
        });
        let took = try_join_all(clients).await?.concat();
        let all = ListParams::default();
        let products = self.products(self.platform.testbed.admin());
        products
            .delete_collection(&DeleteParams::default(), &all)
            .await?;
        Ok(took)
    }

    async fn client(&self) -> Result<Client> {
        let claims = json!({
            "sub": "dev", "email": "dev@example.com", "email_verified": true, "tenant_id": self.id,
        });
        self.platform.testbed.user_client(claims).await
    }

    fn products(&self, client: Client) -> Api<DataProduct> {
        Api::namespaced(client, &self.namespace)
    }
}

fn percentile(times: &mut [Duration], percent: usize) -> Duration {
    times.sort_unstable();
    times[(times.len() - 1) * percent / 100]
}
