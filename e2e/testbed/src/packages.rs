//! The Debian packages that the testbed needs.

use std::path::Path;

use anyhow::{Context, Result};

use super::{
    files,
    progress::Progress,
    setup_command::{command, run},
};

const PACKAGES: [&str; 14] = [
    "busybox-static",
    "ceph-mon",
    "ceph-osd",
    "containerd",
    "containernetworking-plugins",
    "curl",
    "iproute2",
    "maven",
    "nftables",
    "openjdk-17-jre-headless",
    "postgresql-15",
    "radosgw",
    "runc",
    "util-linux",
];

/// Installs the missing packages.
pub async fn install_missing(progress: &Progress) -> Result<()> {
    let mut missing = Vec::new();
    for package in PACKAGES {
        if !is_installed(package).await {
            missing.push(package);
        }
    }
    if missing.is_empty() {
        return Ok(());
    }
    let step = progress.step("Debian packages");
    disable_default_postgres_cluster()?;
    step.detail("finishing interrupted installations");
    run(command("dpkg").args(["--configure", "-a"])).await?;
    step.detail("updating package lists");
    run(apt_get().arg("update")).await?;
    step.detail(missing.join(" "));
    let installed = run(apt_get()
        .args(["install", "--yes", "--no-install-recommends"])
        .args(&missing))
    .await;
    installed.context("the testbed needs Debian 12 or a system with the same packages")?;
    step.done("installed");
    Ok(())
}

async fn is_installed(package: &str) -> bool {
    let status =
        run(command("dpkg-query").args(["--show", "--showformat=${db:Status-Status}", package]))
            .await;
    status.is_ok_and(|status| status == "installed")
}

fn apt_get() -> tokio::process::Command {
    let mut apt_get = command("apt-get");
    apt_get.env("DEBIAN_FRONTEND", "noninteractive").args([
        "--quiet",
        "--option",
        "DPkg::Lock::Timeout=300",
    ]);
    apt_get
}

/// Keeps Debian's package from creating and starting a cluster of its own.
fn disable_default_postgres_cluster() -> Result<()> {
    let settings = Path::new("/etc/postgresql-common/createcluster.conf");
    if settings.exists() {
        return Ok(());
    }
    files::write(settings, "create_main_cluster = false\n")
}
