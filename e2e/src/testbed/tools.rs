//! What the testbed builds for itself: Kubernetes, and the program of the pause image.
//!
//! Built once a version and source, and kept in the user's cache directory.

use std::{
    fs,
    path::{Path, PathBuf},
    process::Stdio,
};

use anyhow::{Context, Result, bail};
use ring::digest::{Context as Hash, SHA256};
use tokio::{
    io::{AsyncBufReadExt, BufReader},
    process::Command,
};

use super::{
    command::{command, run},
    files, layout,
    progress::{Progress, Step},
};

const SOURCE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/kubernetes");
const SOURCES: [&str; 3] = [
    include_str!("../../kubernetes/go.mod"),
    include_str!("../../kubernetes/go.sum"),
    include_str!("../../kubernetes/main.go"),
];
const PAUSE_SOURCE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/images/pause.c");

/// The names that the one binary is called by.
const KUBERNETES: [&str; 7] = [
    "etcd",
    "kube-apiserver",
    "kube-controller-manager",
    "kube-scheduler",
    "kubelet",
    "kube-proxy",
    "kubectl",
];

/// A built tool of the testbed, by its name.
pub fn tool(name: &str) -> PathBuf {
    layout::state("tools").join(name)
}

/// Builds what isn't built yet, and puts it where [`tool`] says.
pub async fn build_missing(progress: &Progress) -> Result<()> {
    let version = kubernetes_version()?;
    let built = layout::cache_directory()?.join(format!("kubernetes-{version}-{}", fingerprint()));
    if !built.exists() {
        let unfinished = built.with_added_extension("unfinished");
        files::remove_directory(&unfinished)?;
        files::create_directory(&unfinished)?;
        build_kubernetes(version, &unfinished, progress).await?;
        for name in KUBERNETES {
            std::os::unix::fs::symlink("kubernetes", unfinished.join(name))?;
        }
        build_pause(&unfinished.join("pause")).await?;
        fs::rename(&unfinished, &built)
            .with_context(|| format!("can't create {}", built.display()))?;
    }
    link(&built, &layout::state("tools"))
}

async fn build_kubernetes(version: &str, directory: &Path, progress: &Progress) -> Result<()> {
    require_go().await?;
    let step = progress.step(format!("Kubernetes {version}"));
    step.detail("fetching modules");
    let packages = run(go().args(["list", "-deps", "."]))
        .await?
        .lines()
        .count();

    let symbols = "k8s.io/component-base/version.gitVersion";
    let mut build = go();
    build
        .args(["build", "-v", "-ldflags"])
        .arg(format!("-s -w -X {symbols}=v{version}"));
    // What a killed build leaves goes with the unfinished directory.
    build.env("GOTMPDIR", directory);
    build.arg("-o").arg(directory.join("kubernetes")).arg(".");
    follow(build.stderr(Stdio::piped()), &step, packages)
        .await
        .context("can't build Kubernetes")?;
    step.done("built");
    Ok(())
}

/// Runs `go build -v`, which writes the name of each package that it compiles.
async fn follow(build: &mut Command, step: &Step, packages: usize) -> Result<()> {
    let mut build = build.spawn().context("can't run go")?;
    let mut lines = BufReader::new(build.stderr.take().context("no standard error")?).lines();
    let mut last = Vec::new();
    let mut compiled = 0;
    while let Some(line) = lines.next_line().await? {
        compiled += 1;
        step.detail(format!(
            "{compiled} of at most {packages} packages compiled"
        ));
        if last.len() == 20 {
            last.remove(0);
        }
        last.push(line);
    }
    let status = build.wait().await?;
    if !status.success() {
        bail!("go build: {status}\n{}", last.join("\n"));
    }
    Ok(())
}

async fn build_pause(binary: &Path) -> Result<()> {
    let mut cc = command("cc");
    cc.args(["-static", "-Os", "-s", "-o"])
        .arg(binary)
        .arg(PAUSE_SOURCE);
    run(&mut cc).await.context(
        "a C compiler with a static C library is needed; Debian: apt-get install gcc libc6-dev",
    )?;
    Ok(())
}

async fn require_go() -> Result<()> {
    let version = run(command("go").arg("version")).await;
    version.context(
        "Go 1.25 or later is needed to build Kubernetes; see https://go.dev/doc/install",
    )?;
    Ok(())
}

fn go() -> Command {
    let mut go = command("go");
    go.current_dir(SOURCE).env("CGO_ENABLED", "0");
    go
}

fn kubernetes_version() -> Result<&'static str> {
    let requirement = SOURCES[0]
        .lines()
        .find_map(|line| line.trim().strip_prefix("k8s.io/kubernetes v"));
    requirement.context("e2e/kubernetes/go.mod doesn't require k8s.io/kubernetes")
}

fn fingerprint() -> String {
    let mut hash = Hash::new(&SHA256);
    for source in SOURCES
        .iter()
        .chain([&include_str!("../../images/pause.c")])
    {
        hash.update(source.as_bytes());
    }
    files::hexadecimal(&hash.finish().as_ref()[..6])
}

fn link(to: &Path, at: &Path) -> Result<()> {
    let unfinished = at.with_added_extension("new");
    let _ = fs::remove_file(&unfinished);
    std::os::unix::fs::symlink(to, &unfinished)?;
    fs::rename(&unfinished, at).with_context(|| format!("can't create {}", at.display()))
}
