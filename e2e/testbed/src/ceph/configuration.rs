//! Configuration of Ceph's daemons and commands.

use std::path::PathBuf;

use anyhow::Result;
use tokio::process::Command;

use crate::{
    files,
    layout::{self, CEPH_MONITOR_PORT, CEPH_OSD_PORTS, NODE_ADDRESS, OBJECT_STORE_PORT},
    pki::{self, Subject},
    setup_command::command,
};

/// The cluster's id; fixed, because there is one testbed per machine.
pub const CLUSTER: &str = "9f0b1c1e-5c0e-4b0b-9c55-8d1f5b0d3a77";

/// Maximum size of the object store in bytes; the file is sparse.
const SIZE: u64 = 20 << 30;

/// Returns the directory of Ceph's files.
pub fn directory() -> PathBuf {
    layout::state("ceph")
}

/// Returns the monitor's address in Ceph's notation.
pub fn monitor_address() -> String {
    format!("[v2:{NODE_ADDRESS}:{CEPH_MONITOR_PORT}]")
}

/// Writes the configuration file of all daemons and commands.
pub fn write() -> Result<()> {
    let directory = directory();
    let directory = directory.display();
    let (first, last) = CEPH_OSD_PORTS;
    let monitor = monitor_address();
    let names = [NODE_ADDRESS];
    let served = pki::issue(
        "object-store",
        &Subject {
            common_name: "object-store",
            organization: None,
            names: &names,
        },
    )?;
    let (certificate, key) = (served.certificate.display(), served.key.display());
    let settings = format!(
        "[global]
fsid = {CLUSTER}
mon_host = {monitor}
public_addr = {NODE_ADDRESS}
cluster_addr = {NODE_ADDRESS}
ms_bind_port_min = {first}
ms_bind_port_max = {last}
auth_cluster_required = none
auth_service_required = none
auth_client_required = none
run_dir = {directory}/run
log_file =
log_to_stderr = true
mon_cluster_log_to_file = false
admin_socket =
pid_file =
mon_data = {directory}/monitor
osd_data = {directory}/osd
mon_allow_pool_size_one = true
mon_max_pg_per_osd = 500
osd_pool_default_size = 1
osd_pool_default_min_size = 1
osd_pool_default_pg_num = 1
osd_pool_default_pgp_num = 1
osd_pool_default_pg_autoscale_mode = off
osd_crush_chooseleaf_type = 0
osd_objectstore = bluestore
bluestore_block_size = {SIZE}
osd_memory_target = 939524096

[client.gateway]
# Without authentication there is no key to encrypt with, and the default requires encryption.
ms_mon_client_mode = crc
rgw_data = {directory}/gateway
rgw_frontends = beast ssl_endpoint={NODE_ADDRESS}:{OBJECT_STORE_PORT} ssl_certificate={certificate} ssl_private_key={key}
rgw_run_sync_thread = false
"
    );
    files::create_directory(&self::directory().join("run"))?;
    files::create_directory(&self::directory().join("gateway"))?;
    files::write(&file(), settings)
}

/// Returns the path of the configuration file.
pub fn file() -> PathBuf {
    directory().join("ceph.conf")
}

/// Creates a command of Ceph with this configuration and a timeout of 30 s.
pub fn ceph(program: &str) -> Command {
    let mut ceph = command("timeout");
    ceph.args(["30", program, "--conf"]).arg(file());
    ceph
}
