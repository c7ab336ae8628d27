//! The operator's image, as a cluster runs it.

use std::fs;
use std::path::Path;

use akili_scenarios::pod::{self, Ended};
use akili_testbed::Testbed;
use akili_testbed::command::{binary, repository};
use akili_testbed::operator_image::{RELEASE, operator_image, tag_of};
use anyhow::{Result, ensure};

pub async fn restricted_pod_runs_the_image() -> Result<()> {
    let testbed = Testbed::connect().await?;
    let admin = testbed.admin();
    let program = binary("akili-operator")?;
    let image = operator_image(&program, &tag_of(&program)?)?;
    testbed.import_image(&image).await?;

    let version = concat!("akili-operator ", env!("CARGO_PKG_VERSION"), "\n");
    for (argument, succeeds, said) in [
        ("--version", true, version),
        (
            "check",
            false,
            "error: configuration key postgres: missing field `postgres`",
        ),
    ] {
        let Ended { succeeded, log } = pod::run(&admin, &image.name, &[argument]).await?;
        ensure!(
            succeeded == succeeds && log.contains(said),
            "{argument}: {log}"
        );
    }
    Ok(())
}

pub async fn equal_files_give_an_equal_digest() -> Result<()> {
    let folder = std::env::temp_dir().join(format!("akili-image-{}", std::process::id()));
    fs::create_dir_all(&folder)?;
    let (program, copy) = (binary("akili-operator")?, folder.join("later-copy"));
    fs::copy(&program, &copy)?;
    let digest =
        |program: &Path| operator_image(program, RELEASE)?.write_archive(&folder.join("image.tar"));
    let digests = (digest(&program)?, digest(&copy)?);
    fs::remove_dir_all(&folder)?;
    ensure!(digests.0 == digests.1, "{digests:?}");
    Ok(())
}

pub async fn containerfile_matches_the_image() -> Result<()> {
    let containerfile = fs::read_to_string(repository("operator/Containerfile"))?;
    let image = operator_image(&binary("akili-operator")?, RELEASE)?;
    for line in [
        format!("USER {}", akili_testbed::IMAGE_USER),
        format!("ENTRYPOINT {:?}", image.entrypoint),
    ] {
        ensure!(
            containerfile.contains(&line),
            "the Containerfile has no line {line:?}"
        );
    }
    Ok(())
}
