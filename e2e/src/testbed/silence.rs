//! A server that nobody hears from: what is sent to it is dropped on the way, as by a
//! broken network. It runs on, and its connections stay.

use anyhow::Result;

use super::{
    command::{command, run},
    connect::Testbed,
};

const TABLE: &str = "akili-silence";

impl Testbed {
    /// Drops what is sent to this TCP port of the node, until [`Testbed::end_silence`].
    pub async fn silence(&self, port: u16) -> Result<()> {
        let rules = format!(
            "table inet {TABLE} {{ \
                 chain input {{ \
                     type filter hook input priority -300; \
                     ip daddr {} tcp dport {port} drop; \
                 }}; \
             }}",
            self.node_address()
        );
        run(command("nft").arg(rules)).await?;
        Ok(())
    }

    /// Lets everything through again.
    pub async fn end_silence(&self) -> Result<()> {
        end().await
    }
}

/// Removes what [`Testbed::silence`] may have left.
pub(super) async fn end() -> Result<()> {
    // To delete what isn't there is an error, to destroy it isn't; older kernels don't
    // know the latter.
    run(command("nft").arg(format!(
        "table inet {TABLE} {{}}; delete table inet {TABLE}"
    )))
    .await?;
    Ok(())
}
