//! The documents' examples equal the real output.

use std::collections::BTreeSet;
use std::fs;
use std::process::Command;

use akili_scenarios::documents::{self, Example};
use akili_scenarios::platform::Platform;
use akili_testbed::command::{binary, repository, run, stderr, stdout};
use anyhow::{Context, Result, ensure};

pub async fn readme_commands_print_the_shown_output() -> Result<()> {
    let platform = Platform::install().await?;
    let _operator = platform.start_operator().await?;
    let kubectl = platform.testbed.kubectl();
    let programs = [kubectl, binary("akili")?];
    let folders = programs.iter().filter_map(|program| program.parent());
    let path = std::env::join_paths(folders.chain(["/usr/bin".as_ref(), "/bin".as_ref()]))?;

    let shown = documents::commands("README.md")?;
    ensure!(shown.len() >= 6, "only {} commands are shown", shown.len());
    for Example { command, output } in shown {
        let answer = Command::new("bash")
            .args(["-c", &command])
            .current_dir(repository("."))
            .env("PATH", &path)
            .env("KUBECONFIG", platform.testbed.kubeconfig())
            .output()?;
        // The output while a command waits differs each time.
        let said = if answer.status.success() {
            stdout(&answer)
        } else {
            stdout(&answer) + &stderr(&answer)
        };
        let (said, output) = (documents::lasting(&said)?, documents::lasting(&output)?);
        ensure!(said == output, "$ {command}\n{said}isn't\n{output}");
    }
    Ok(())
}

pub async fn metrics_equal_the_documented_table() -> Result<()> {
    let platform = Platform::install().await?;
    let _operator = platform.start_operator().await?;
    platform.activate("metered")?;
    // Metrics of requests exist only after a request.
    let product = "apiVersion: akili.io/v1alpha1\nkind: DataProduct\nmetadata: {name: orders}\nspec: {namespace: sales}\n";
    let file = platform.file("orders.yaml", product)?;
    let namespace = platform.status("metered", "namespace")?;
    platform.kubectl(&["create", "-n", &namespace, "-f", &file])?;
    let metrics = platform.metrics()?;
    let exported = metrics
        .lines()
        .filter_map(|line| line.strip_prefix("# TYPE "));
    let exported: BTreeSet<&str> = exported.filter_map(|line| line.split(' ').next()).collect();

    let document = fs::read_to_string(repository("docs/operations.md"))?;
    let rows = document
        .lines()
        .filter_map(|line| line.strip_prefix("| `akili_"));
    let documented: BTreeSet<String> = rows
        .filter_map(|row| row.split(['`', '{']).next())
        .map(|name| format!("akili_{}", name.trim_end_matches("_total")))
        .collect();
    let exported: BTreeSet<String> = exported.into_iter().map(str::to_owned).collect();
    ensure!(exported == documented, "{exported:?} aren't {documented:?}");
    ensure!(
        metrics.contains("akili_tenants{phase=\"ACTIVE\"} "),
        "{metrics}"
    );
    Ok(())
}

pub async fn makefile_has_the_readmes_targets() -> Result<()> {
    let readme = fs::read_to_string(repository("README.md"))?;
    let makefile = fs::read_to_string(repository("Makefile"))?;
    for target in ["demo", "test", "up", "down", "image"] {
        ensure!(
            readme.contains(&format!("make {target}")),
            "{target} isn't explained"
        );
        ensure!(
            makefile.contains(&format!("\n{target}:")),
            "there is no {target}"
        );
    }
    let ci = fs::read_to_string(repository(".ci/run"))?;
    ensure!(ci.lines().last() == Some("exec make test"), "{ci}");
    run(Command::new("make")
        .args(["-n", "demo"])
        .current_dir(repository(".")))
    .context("make demo")?;
    Ok(())
}
