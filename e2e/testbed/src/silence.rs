//! Network faults: packets to a server are dropped, as by a broken network. The server
//! keeps running and its connections stay open.

use anyhow::Result;

use super::{
    connect::Testbed,
    layout::{API_SERVER_PORT, API_SERVICE_ADDRESS, NODE_ADDRESS},
    setup_command::{command, run},
};

const TABLE: &str = "akili-silence";

impl Testbed {
    /// Drops packets to this TCP port of the node until [`Testbed::restore_network`].
    pub async fn drop_packets_to(&self, port: u16) -> Result<()> {
        drop_at(
            "input",
            &format!("ip daddr {NODE_ADDRESS} tcp dport {port}"),
        )
        .await
    }

    /// Drops packets from this pod address to the API server until
    /// [`Testbed::restore_network`].
    pub async fn isolate_pod(&self, pod: &str) -> Result<()> {
        let server =
            format!("{{ {NODE_ADDRESS} . {API_SERVER_PORT}, {API_SERVICE_ADDRESS} . 443 }}");
        drop_at(
            "prerouting",
            &format!("ip saddr {pod} ip daddr . tcp dport {server}"),
        )
        .await
    }

    /// Removes all faults of [`Testbed::drop_packets_to`] and [`Testbed::isolate_pod`].
    pub async fn restore_network(&self) -> Result<()> {
        remove_rules().await
    }
}

/// Drops packets in a hook that runs before all others, kube-proxy's included.
async fn drop_at(hook: &str, packets: &str) -> Result<()> {
    let rules = format!(
        "table inet {TABLE} {{ \
             chain {hook} {{ \
                 type filter hook {hook} priority -300; \
                 {packets} drop; \
             }}; \
         }}"
    );
    run(command("nft").arg(rules)).await?;
    Ok(())
}

/// Removes the rules of [`Testbed::drop_packets_to`] and [`Testbed::isolate_pod`], if
/// any.
pub(super) async fn remove_rules() -> Result<()> {
    // Deleting a missing table is an error; `destroy` is not, but older kernels don't
    // know it. So the table is created first.
    run(command("nft").arg(format!(
        "table inet {TABLE} {{}}; delete table inet {TABLE}"
    )))
    .await?;
    Ok(())
}
