//! Container images built from files of this machine, without a registry.

use std::{
    fs,
    path::{Path, PathBuf},
};

use anyhow::{Context, Result};
use ring::digest::{SHA256, digest as hash};
use serde_json::{Value, json};
use tar::{Builder, EntryType, Header};

use super::files;

/// User and group of containers. Numeric, so that the kubelet can verify that the user
/// isn't root.
pub const USER: &str = "65532:65532";

/// The content of an image and its entrypoint.
pub struct Image {
    /// Full name with a tag, such as `akili.test/busybox:1`.
    pub name: String,
    pub files: Vec<ImageFile>,
    /// Command of the image's containers, unless the pod names another.
    pub entrypoint: Vec<String>,
}

/// An entry of an image's file system. Paths in the image have no leading slash.
pub enum ImageFile {
    /// A copy of a file of this machine, readable (and executable) by all users.
    Copy { from: PathBuf, to: String },
    /// A symbolic link.
    Link { at: String, to: String },
}

impl Image {
    /// Writes the image as an OCI archive, which container engines can load, and returns
    /// its digest. The image holds neither time nor origin, so equal files give an equal
    /// digest.
    pub fn write_archive(&self, path: &Path) -> Result<String> {
        let layer = self.layer()?;
        let config = json!({
            "architecture": architecture(),
            "os": "linux",
            "config": { "User": USER, "Entrypoint": self.entrypoint, "Env": ["PATH=/bin"] },
            "rootfs": { "type": "layers", "diff_ids": [digest(&layer)] },
        });
        let config = config.to_string().into_bytes();
        let manifest = json!({
            "schemaVersion": 2,
            "mediaType": "application/vnd.oci.image.manifest.v1+json",
            "config": descriptor("application/vnd.oci.image.config.v1+json", &config),
            "layers": [descriptor("application/vnd.oci.image.layer.v1.tar", &layer)],
        });
        let manifest = manifest.to_string().into_bytes();
        let mut entry = descriptor("application/vnd.oci.image.manifest.v1+json", &manifest);
        entry["annotations"] = json!({
            "io.containerd.image.name": self.name,
            "org.opencontainers.image.ref.name": self.name,
        });
        let index = json!({
            "schemaVersion": 2,
            "mediaType": "application/vnd.oci.image.index.v1+json",
            "manifests": [entry],
        });

        let mut archive = Builder::new(Vec::new());
        append(
            &mut archive,
            "oci-layout",
            br#"{"imageLayoutVersion":"1.0.0"}"#,
            0o644,
        )?;
        append(
            &mut archive,
            "index.json",
            index.to_string().as_bytes(),
            0o644,
        )?;
        for blob in [&layer, &config, &manifest] {
            let path = format!("blobs/{}", digest(blob).replace(':', "/"));
            append(&mut archive, &path, blob, 0o644)?;
        }
        files::write(path, archive.into_inner()?)?;
        Ok(digest(&manifest))
    }

    fn layer(&self) -> Result<Vec<u8>> {
        let mut layer = Builder::new(Vec::new());
        for file in &self.files {
            match file {
                ImageFile::Copy { from, to } => {
                    let content =
                        fs::read(from).with_context(|| format!("can't read {}", from.display()))?;
                    append(&mut layer, to, &content, mode_of(from)?)?;
                }
                ImageFile::Link { at, to } => {
                    let mut header = Header::new_gnu();
                    header.set_entry_type(EntryType::Symlink);
                    header.set_size(0);
                    header.set_mode(0o777);
                    layer.append_link(&mut header, at, to)?;
                }
            }
        }
        Ok(layer.into_inner()?)
    }
}

fn append(archive: &mut Builder<Vec<u8>>, path: &str, content: &[u8], mode: u32) -> Result<()> {
    let mut header = Header::new_gnu();
    header.set_size(content.len() as u64);
    header.set_mode(mode);
    archive.append_data(&mut header, path, content)?;
    Ok(())
}

/// Returns the mode of the copy: executable by all users if the owner may execute the
/// file.
fn mode_of(path: &Path) -> Result<u32> {
    use std::os::unix::fs::PermissionsExt;
    let mode = fs::metadata(path)?.permissions().mode();
    Ok(if mode & 0o100 == 0 { 0o644 } else { 0o755 })
}

fn descriptor(media_type: &str, blob: &[u8]) -> Value {
    json!({ "mediaType": media_type, "digest": digest(blob), "size": blob.len() })
}

/// Returns the digest of a blob, as `sha256:…`.
pub fn digest(blob: &[u8]) -> String {
    format!(
        "sha256:{}",
        files::hexadecimal(hash(&SHA256, blob).as_ref())
    )
}

/// Returns this machine's architecture in OCI's spelling.
fn architecture() -> &'static str {
    match std::env::consts::ARCH {
        "x86_64" => "amd64",
        "aarch64" => "arm64",
        other => other,
    }
}
