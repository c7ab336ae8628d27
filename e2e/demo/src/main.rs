//! `make demo`: installs the platform as an admin does, creates a tenant with `kubectl
//! apply`, and proves its access and isolation.

mod follow;
mod life;
mod limit;
mod planes;
mod proof;
mod table;

use std::process::ExitCode;

use akili_scenarios::platform::Platform;
use akili_testbed::command::{repository, succeed};
use akili_testbed::tool;
use anyhow::Result;
use serde_json::json;

/// The tenant of the sample manifest.
const TENANT: &str = "acme-corp";
/// Another tenant, to show the isolation.
const NEIGHBOUR: &str = "globex";

#[tokio::main]
async fn main() -> ExitCode {
    match demonstrate().await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("\ndemo: {error:#}");
            ExitCode::FAILURE
        }
    }
}

async fn demonstrate() -> Result<()> {
    let platform = Platform::connect().await?;
    install(&platform).await?;

    title("A tenant");
    let sample = repository("manifests/samples/tenant.yaml").canonicalize()?;
    println!("$ kubectl apply -f manifests/samples/tenant.yaml");
    print!(
        "{}",
        platform.kubectl(&["apply", "-f", &sample.to_string_lossy()])?
    );
    life::undo_suspension(&platform)?;
    follow::until_active(platform.testbed.admin(), TENANT).await?;
    limit::undo(&platform)?;
    println!();
    akili(&platform, &["tenant", "get", TENANT])?;

    title("Access and isolation");
    proof::create_neighbour(&platform).await?;
    proof::prove(&platform).await?;

    title("A quota limit");
    limit::reach(&platform).await?;

    title("Suspension and reactivation");
    life::suspend_and_reactivate(&platform).await?;
    print_next_steps(&platform);
    Ok(())
}

async fn install(platform: &Platform) -> Result<()> {
    title("The operator");
    step("import the operator's image into the node");
    platform.import_image().await?;
    step("run the bootstrap SQL in PostgreSQL, as a DBA does");
    platform.bootstrap().await?;
    step("create the Secrets that the chart refers to");
    platform.create_secrets()?;
    step("create the bucket that all tenants share");
    platform.create_bucket().await?;
    step("helm upgrade --install akili-operator charts/akili-operator");
    let mut values = platform.values_of_testbed()?;
    // New tables are open to tenants after one audit interval.
    values["config"]["auditInterval"] = json!("5s");
    platform.install_chart(&values)?;
    step("kubectl rollout status deployment/akili-operator");
    let rollout = [
        "rollout",
        "status",
        "deployment/akili-operator",
        "--timeout=120s",
    ];
    println!(
        "    {}",
        platform
            .of_operator(&rollout)?
            .lines()
            .last()
            .unwrap_or_default()
    );
    Ok(())
}

fn print_next_steps(platform: &Platform) {
    let (kubeconfig, tools) = (platform.testbed.kubeconfig(), tool("kubectl"));
    let folders = [
        tools.parent(),
        std::env::current_exe()
            .ok()
            .as_deref()
            .and_then(|it| it.parent()),
    ]
    .map(|folder| {
        folder
            .map(|it| it.display().to_string())
            .unwrap_or_default()
    });
    title("Try next");
    println!(
        "  export KUBECONFIG={}\n  export PATH={}:$PATH\n\n  \
         kubectl get akili                      # tenants and their quotas\n  \
         kubectl describe tenant {TENANT}      # conditions, and events of each step\n  \
         akili tenant create initech --display-name Initech --wait\n  \
         akili tenant archive initech           # shows what it would do; add --confirm\n  \
         akili tenant purge initech             # afterwards: purge before the retention ends\n  \
         kubectl logs -n akili-system deploy/akili-operator\n  \
         kubectl exec -n akili-system deploy/akili-operator -- akili-operator check\n\n\
         Everything keeps running; `make down` stops it.",
        kubeconfig.display(),
        folders.join(":")
    );
}

/// Prints and runs an `akili` command as an admin.
fn akili(platform: &Platform, arguments: &[&str]) -> Result<()> {
    println!("$ akili {}", arguments.join(" "));
    print!("{}", succeed(&platform.akili(arguments)?)?);
    Ok(())
}

fn title(title: &str) {
    println!(
        "\n── {title} {}",
        "─".repeat(70_usize.saturating_sub(title.len()))
    );
}

fn step(what: &str) {
    println!("  • {what}");
}
