//! containerd with all its files below the state directory, independent of a containerd
//! of the machine.

use std::{
    path::{Path, PathBuf},
    time::Duration,
};

use anyhow::Result;
use async_trait::async_trait;
use nix::sys::signal::Signal;
use serde_json::json;

use crate::{
    component::Component,
    files,
    image::{Image, ImageFile},
    layout::{self, POD_CIDR},
    leftovers,
    process::{Daemon, Process},
    setup_command::{command, run},
    tools::tool,
};

/// Control group of the kubelet's containers.
const CONTROL_GROUP: &str = "k8s.io";

/// Image with a shell and the usual commands, for tests' pods.
pub const BUSYBOX_IMAGE: &str = "akili.test/busybox:1";

const PAUSE_IMAGE: &str = "akili.test/pause:1";
const BUSYBOX: &str = "/bin/busybox";
const NETWORK: &str = "akili";
/// Directory of the shims' sockets, fixed in containerd 1.6.
const SHIM_SOCKETS: &str = "/run/containerd/s";
/// Directory of the CNI library's results, fixed in containerd.
const NETWORK_RESULTS: &str = "/var/lib/cni/results";

/// containerd as a component.
pub struct Containerd;

#[async_trait]
impl Component for Containerd {
    fn name(&self) -> &'static str {
        "containerd"
    }

    /// Containers that outlived their containerd are removed; the kubelet starts new
    /// ones.
    async fn prepare(&self) -> Result<Daemon> {
        self.clean_up().await?;
        let config = layout::state("containerd/config.toml");
        files::write(&config, configuration())?;
        files::write_json(
            &network_configuration_directory().join("10-akili.conflist"),
            &network_configuration(),
        )?;
        Ok(Daemon::new("/usr/bin/containerd")
            .arg("--config")
            .arg(config))
    }

    async fn ready(&self) -> Result<()> {
        run(ctr().arg("version")).await?;
        Ok(())
    }

    async fn initialize(&self) -> Result<()> {
        for image in [pause(), busybox().await?] {
            import_image(&image).await?;
        }
        Ok(())
    }

    async fn clean_up(&self) -> Result<()> {
        let shims = Process::all_of(self.name());
        let contained = Process::all_in_containers_of(&layout::state("containerd"));
        for process in shims.into_iter().chain(contained) {
            process.end(Signal::SIGKILL, Duration::ZERO).await?;
        }
        leftovers::remove_control_group(CONTROL_GROUP).await;
        leftovers::unmount_all_below(&layout::state("containerd"))?;
        files::remove_directory(&layout::state("containerd"))?;
        files::remove_directory(&layout::state("cni"))?;
        remove_network_results()?;
        leftovers::remove_dead_sockets(SHIM_SOCKETS.as_ref())?;
        leftovers::remove_empty_directories(&[
            SHIM_SOCKETS,
            "/run/containerd",
            NETWORK_RESULTS,
            "/var/lib/cni",
        ]);
        Ok(())
    }
}

/// Returns the path of containerd's socket.
pub fn socket() -> PathBuf {
    layout::state("containerd/containerd.sock")
}

/// Imports an image, unless one of that name is present.
pub async fn import_image(image: &Image) -> Result<()> {
    let present = run(ctr().args(["images", "list", "--quiet"])).await?;
    if present.lines().any(|name| name == image.name) {
        return Ok(());
    }
    let archive =
        layout::state("containerd/import.tar").with_added_extension(image.name.replace('/', "-"));
    image.write_archive(&archive)?;
    run(ctr().args(["images", "import"]).arg(&archive)).await?;
    files::remove(&archive)
}

/// Sends a signal to all processes of a container.
pub async fn signal_container(id: &str, signal: Signal) -> Result<()> {
    let kill = ["tasks", "kill", "--all", "--signal", signal.as_str(), id];
    run(ctr().args(kill)).await?;
    Ok(())
}

fn ctr() -> tokio::process::Command {
    let mut ctr = command("ctr");
    ctr.args(["--namespace", "k8s.io", "--address"])
        .arg(socket());
    ctr
}

fn pause() -> Image {
    let program = ImageFile::Copy {
        from: tool("pause"),
        to: "pause".to_owned(),
    };
    Image {
        name: PAUSE_IMAGE.to_owned(),
        files: vec![program],
        entrypoint: vec!["/pause".to_owned()],
    }
}

async fn busybox() -> Result<Image> {
    let commands = run(command(BUSYBOX).arg("--list")).await?;
    let program = ImageFile::Copy {
        from: BUSYBOX.into(),
        to: "bin/busybox".to_owned(),
    };
    let links = commands.lines().filter(|name| *name != "busybox");
    let links = links.map(|name| ImageFile::Link {
        at: format!("bin/{name}"),
        to: "busybox".to_owned(),
    });
    Ok(Image {
        name: BUSYBOX_IMAGE.to_owned(),
        files: std::iter::once(program).chain(links).collect(),
        entrypoint: vec!["/bin/sh".to_owned()],
    })
}

fn configuration() -> String {
    let [root, state, runc, optional, networks] = [
        "containerd/root",
        "containerd/run",
        "containerd/runc",
        "containerd/opt",
        "cni/net.d",
    ]
    .map(|path| layout::state(path).display().to_string());
    let socket = socket();
    let socket = socket.display();
    format!(
        r#"version = 2
root = "{root}"
state = "{state}"

[grpc]
  address = "{socket}"

[plugins."io.containerd.internal.v1.opt"]
  path = "{optional}"

[plugins."io.containerd.grpc.v1.cri"]
  sandbox_image = "{PAUSE_IMAGE}"
  netns_mounts_under_state_dir = true
  # What a container or virtual machine around us may not allow, and nothing here needs.
  disable_apparmor = true
  restrict_oom_score_adj = true
  tolerate_missing_hugetlb_controller = true

  [plugins."io.containerd.grpc.v1.cri".cni]
    bin_dir = "/usr/lib/cni"
    conf_dir = "{networks}"

  [plugins."io.containerd.grpc.v1.cri".containerd.runtimes.runc]
    runtime_type = "io.containerd.runc.v2"

    [plugins."io.containerd.grpc.v1.cri".containerd.runtimes.runc.options]
      Root = "{runc}"
      SystemdCgroup = false
"#
    )
}

/// Each pod has its own point-to-point link to the node, which routes between them. With
/// a bridge, an answer from one pod to another would bypass the packet filter, which has
/// to translate it back, unless the kernel module br_netfilter is loaded.
fn network_configuration() -> serde_json::Value {
    json!({
        "cniVersion": "0.4.0",
        "name": NETWORK,
        "plugins": [{
            "type": "ptp",
            "ipam": {
                "type": "host-local",
                "dataDir": layout::state("cni/addresses"),
                "ranges": [[{ "subnet": POD_CIDR }]],
                "routes": [{ "dst": "0.0.0.0/0" }],
            },
        }],
    })
}

fn network_configuration_directory() -> PathBuf {
    layout::state("cni/net.d")
}

/// Removes the CNI library's results, one file per container and network: the testbed's
/// network, and the loopback device of each container.
fn remove_network_results() -> Result<()> {
    for result in leftovers::entries(NETWORK_RESULTS) {
        let name = result
            .file_name()
            .unwrap_or_default()
            .to_string_lossy()
            .into_owned();
        let container = name
            .strip_prefix(&format!("{NETWORK}-"))
            .and_then(|rest| rest.strip_suffix("-eth0"));
        if let Some(container) = container {
            files::remove(&result)?;
            files::remove(
                &Path::new(NETWORK_RESULTS).join(format!("cni-loopback-{container}-lo")),
            )?;
        }
    }
    Ok(())
}
