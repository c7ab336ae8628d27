//! Programs without a Debian package: Kubernetes, Helm and the pause image's program,
//! which the testbed builds, and Kafka, which it fetches.
//!
//! Built once per version and source, and kept in the user's cache directory.

mod go;
mod maven;

use std::{
    fs,
    path::{Path, PathBuf},
};

use anyhow::{Context, Result};
use ring::digest::{Context as Hash, SHA256};

use super::{
    files, layout,
    progress::Progress,
    setup_command::{command, run},
};
use go::Module;
use maven::Project;

/// Programs that are built together into one folder.
struct Tool {
    module: Module,
    c_programs: &'static [CProgram],
    /// Names of the links to the Go binary.
    programs: &'static [&'static str],
}

struct CProgram {
    name: &'static str,
    path: &'static str,
    source: &'static str,
}

const TOOLS: [Tool; 2] = [
    Tool {
        module: Module {
            name: "Kubernetes",
            directory: concat!(env!("CARGO_MANIFEST_DIR"), "/kubernetes"),
            sources: &[
                include_str!("../../kubernetes/go.mod"),
                include_str!("../../kubernetes/go.sum"),
                include_str!("../../kubernetes/main.go"),
            ],
            package: ".",
            versioned_by: "k8s.io/kubernetes",
            version_symbol: "k8s.io/component-base/version.gitVersion",
        },
        c_programs: &[CProgram {
            name: "pause",
            path: concat!(env!("CARGO_MANIFEST_DIR"), "/images/pause.c"),
            source: include_str!("../../images/pause.c"),
        }],
        programs: &[
            "etcd",
            "etcdctl",
            "etcdutl",
            "kube-apiserver",
            "kube-controller-manager",
            "kube-scheduler",
            "kubelet",
            "kube-proxy",
            "kubectl",
        ],
    },
    Tool {
        module: Module {
            name: "Helm",
            directory: concat!(env!("CARGO_MANIFEST_DIR"), "/helm"),
            sources: &[
                include_str!("../../helm/go.mod"),
                include_str!("../../helm/go.sum"),
            ],
            package: "helm.sh/helm/v3/cmd/helm",
            versioned_by: "helm.sh/helm/v3",
            version_symbol: "helm.sh/helm/v3/internal/version.version",
        },
        c_programs: &[],
        programs: &["helm"],
    },
];

const KAFKA: Project = Project {
    name: "Kafka",
    pom: concat!(env!("CARGO_MANIFEST_DIR"), "/kafka/pom.xml"),
    source: include_str!("../../kafka/pom.xml"),
    versioned_by: "kafka.version",
};

/// Returns the path of a tool by its name. Kafka is a folder of jars.
pub fn tool(name: &str) -> PathBuf {
    directory().join(name)
}

/// Returns the directory of all tools.
pub fn directory() -> PathBuf {
    layout::state("bin")
}

/// Builds the missing tools and links them at the path of [`tool`].
pub async fn build_missing(progress: &Progress) -> Result<()> {
    files::create_directory(&directory())?;
    for tool in &TOOLS {
        let folder = tool.folder()?;
        let built = cached(&folder, async |folder| tool.build(folder, progress).await).await?;
        let c_programs = tool.c_programs.iter().map(|program| program.name);
        for program in tool.programs.iter().copied().chain(c_programs) {
            link(&built.join(program), &self::tool(program))?;
        }
    }
    Ok(())
}

/// Fetches the missing tools and links them at the path of [`tool`]. Needs Maven, which
/// is one of the Debian packages.
pub async fn fetch_missing(progress: &Progress) -> Result<()> {
    files::create_directory(&directory())?;
    let folder = folder_name(KAFKA.name, KAFKA.version()?, [KAFKA.source]);
    let fetched = cached(&folder, async |folder| KAFKA.fetch(folder, progress).await).await?;
    link(&fetched, &tool("kafka"))
}

/// Returns a folder of the cache; fills it unless it exists.
async fn cached(name: &str, fill: impl AsyncFnOnce(&Path) -> Result<()>) -> Result<PathBuf> {
    let folder = layout::cache_directory()?.join(name);
    if !folder.exists() {
        let unfinished = folder.with_added_extension("unfinished");
        files::remove_directory(&unfinished)?;
        files::create_directory(&unfinished)?;
        fill(&unfinished).await?;
        fs::rename(&unfinished, &folder)
            .with_context(|| format!("can't create {}", folder.display()))?;
    }
    Ok(folder)
}

/// Returns a folder name that is unique for name, version and sources.
fn folder_name<'a>(
    name: &str,
    version: &str,
    sources: impl IntoIterator<Item = &'a str>,
) -> String {
    let mut hash = Hash::new(&SHA256);
    for source in sources {
        hash.update(source.as_bytes());
    }
    let fingerprint = files::hexadecimal(&hash.finish().as_ref()[..6]);
    format!("{}-{version}-{fingerprint}", name.to_lowercase())
}

impl Tool {
    fn folder(&self) -> Result<String> {
        let c_sources = self.c_programs.iter().map(|program| program.source);
        let sources = self.module.sources.iter().copied().chain(c_sources);
        Ok(folder_name(
            self.module.name,
            self.module.version()?,
            sources,
        ))
    }

    async fn build(&self, folder: &Path, progress: &Progress) -> Result<()> {
        self.module.build(folder, progress).await?;
        let binary = self.module.binary();
        for name in self.programs.iter().filter(|name| **name != binary) {
            std::os::unix::fs::symlink(&binary, folder.join(name))?;
        }
        for program in self.c_programs {
            program.build(folder).await?;
        }
        Ok(())
    }
}

impl CProgram {
    async fn build(&self, directory: &Path) -> Result<()> {
        let mut cc = command("cc");
        cc.args(["-static", "-Os", "-s", "-o"])
            .arg(directory.join(self.name))
            .arg(self.path);
        run(&mut cc).await.context(
            "building the pause image needs a C compiler with a static C library; Debian: apt-get install gcc libc6-dev",
        )?;
        Ok(())
    }
}

fn link(to: &Path, at: &Path) -> Result<()> {
    let unfinished = at.with_added_extension("new");
    let _ = fs::remove_file(&unfinished);
    std::os::unix::fs::symlink(to, &unfinished)?;
    fs::rename(&unfinished, at).with_context(|| format!("can't create {}", at.display()))
}
