//! What the testbed builds for itself: Kubernetes, Helm, and the program of the
//! pause image.
//!
//! Built once a version and source, and kept in the user's cache directory.

mod go;

use std::{
    fs,
    path::{Path, PathBuf},
};

use anyhow::{Context, Result};
use ring::digest::{Context as Hash, SHA256};

use super::{
    command::{command, run},
    files, layout,
    progress::Progress,
};
use go::Module;

/// What is built together and kept in one folder.
struct Tool {
    module: Module,
    /// Programs of one C file each.
    c_programs: &'static [CProgram],
    /// The names that the one Go binary is called by.
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
                include_str!("../../../kubernetes/go.mod"),
                include_str!("../../../kubernetes/go.sum"),
                include_str!("../../../kubernetes/main.go"),
            ],
            package: ".",
            versioned_by: "k8s.io/kubernetes",
            version_symbol: "k8s.io/component-base/version.gitVersion",
        },
        c_programs: &[CProgram {
            name: "pause",
            path: concat!(env!("CARGO_MANIFEST_DIR"), "/images/pause.c"),
            source: include_str!("../../../images/pause.c"),
        }],
        programs: &[
            "etcd",
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
                include_str!("../../../helm/go.mod"),
                include_str!("../../../helm/go.sum"),
            ],
            package: "helm.sh/helm/v3/cmd/helm",
            versioned_by: "helm.sh/helm/v3",
            version_symbol: "helm.sh/helm/v3/internal/version.version",
        },
        c_programs: &[],
        programs: &["helm"],
    },
];

/// A built tool of the testbed, by its name.
pub fn tool(name: &str) -> PathBuf {
    directory().join(name)
}

/// Where all of them are.
pub fn directory() -> PathBuf {
    layout::state("bin")
}

/// Builds what isn't built yet, and puts it where [`tool`] says.
pub async fn build_missing(progress: &Progress) -> Result<()> {
    files::create_directory(&directory())?;
    for tool in &TOOLS {
        let built = layout::cache_directory()?.join(tool.folder()?);
        if !built.exists() {
            tool.build(&built, progress).await?;
        }
        let c_programs = tool.c_programs.iter().map(|program| program.name);
        for program in tool.programs.iter().copied().chain(c_programs) {
            link(&built.join(program), &self::tool(program))?;
        }
    }
    Ok(())
}

impl Tool {
    /// A name that another version or another source doesn't have.
    fn folder(&self) -> Result<String> {
        let (name, version) = (self.module.name.to_lowercase(), self.module.version()?);
        Ok(format!("{name}-{version}-{}", self.fingerprint()))
    }

    fn fingerprint(&self) -> String {
        let mut hash = Hash::new(&SHA256);
        let c_sources = self.c_programs.iter().map(|program| program.source);
        for source in self.module.sources.iter().copied().chain(c_sources) {
            hash.update(source.as_bytes());
        }
        files::hexadecimal(&hash.finish().as_ref()[..6])
    }

    async fn build(&self, built: &Path, progress: &Progress) -> Result<()> {
        let unfinished = built.with_added_extension("unfinished");
        files::remove_directory(&unfinished)?;
        files::create_directory(&unfinished)?;
        self.module.build(&unfinished, progress).await?;
        let binary = self.module.binary();
        for name in self.programs.iter().filter(|name| **name != binary) {
            std::os::unix::fs::symlink(&binary, unfinished.join(name))?;
        }
        for program in self.c_programs {
            program.build(&unfinished).await?;
        }
        fs::rename(&unfinished, built).with_context(|| format!("can't create {}", built.display()))
    }
}

impl CProgram {
    async fn build(&self, directory: &Path) -> Result<()> {
        let mut cc = command("cc");
        cc.args(["-static", "-Os", "-s", "-o"])
            .arg(directory.join(self.name))
            .arg(self.path);
        run(&mut cc).await.context(
            "a C compiler with a static C library is needed; Debian: apt-get install gcc libc6-dev",
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
