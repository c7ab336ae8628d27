//! A server that nobody hears from: what is sent to it is dropped on the way, as by a
//! broken network. It runs on, and its connections stay.

use anyhow::Result;

use super::{
    connect::Testbed,
    layout::{API_SERVER_PORT, API_SERVICE_ADDRESS, NODE_ADDRESS},
    setup_command::{command, run},
};

const TABLE: &str = "akili-silence";

impl Testbed {
    /// Drops what is sent to this TCP port of the node, until [`Testbed::end_silence`].
    pub async fn silence(&self, port: u16) -> Result<()> {
        drop_at(
            "input",
            &format!("ip daddr {NODE_ADDRESS} tcp dport {port}"),
        )
        .await
    }

    /// Drops what the pod of this address sends to the API server, until
    /// [`Testbed::end_silence`].
    pub async fn cut_off(&self, pod: &str) -> Result<()> {
        let server =
            format!("{{ {NODE_ADDRESS} . {API_SERVER_PORT}, {API_SERVICE_ADDRESS} . 443 }}");
        drop_at(
            "prerouting",
            &format!("ip saddr {pod} ip daddr . tcp dport {server}"),
        )
        .await
    }

    /// Lets everything through again.
    pub async fn end_silence(&self) -> Result<()> {
        end().await
    }
}

/// Before anything else sees it, kube-proxy included.
async fn drop_at(hook: &str, what: &str) -> Result<()> {
    let rules = format!(
        "table inet {TABLE} {{ \
             chain {hook} {{ \
                 type filter hook {hook} priority -300; \
                 {what} drop; \
             }}; \
         }}"
    );
    run(command("nft").arg(rules)).await?;
    Ok(())
}

/// Removes what [`Testbed::silence`] and [`Testbed::cut_off`] may have left.
pub(super) async fn end() -> Result<()> {
    // To delete what isn't there is an error, to destroy it isn't; older kernels don't
    // know the latter.
    run(command("nft").arg(format!(
        "table inet {TABLE} {{}}; delete table inet {TABLE}"
    )))
    .await?;
    Ok(())
}
