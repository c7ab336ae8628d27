//! `make demo`: the platform installed as an admin would do it, a tenant from
//! `kubectl apply` to ACTIVE, and the proof of what it has.

mod follow;
mod life;
mod limit;
mod planes;
mod proof;

use std::process::ExitCode;

use akili_scenarios::platform::Platform;
use akili_testbed::command::{repository, succeed};
use akili_testbed::tool;
use anyhow::Result;
use serde_json::json;

/// The sample's tenant.
const TENANT: &str = "acme-corp";
/// Another, from whom it must be kept away.
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

    title("What it has, and what is kept from it");
    proof::make_neighbour(&platform).await?;
    proof::prove(&platform).await?;

    title("A limit that holds");
    limit::reach(&platform).await?;

    title("Suspended, and back");
    life::suspend_and_reactivate(&platform).await?;
    say_what_is_next(&platform);
    Ok(())
}

async fn install(platform: &Platform) -> Result<()> {
    title("The operator");
    step("its image, as the node knows it");
    platform.import_image().await?;
    step("the bootstrap SQL in PostgreSQL, as a DBA runs it");
    platform.bootstrap().await?;
    step("the Secrets that the chart refers to");
    platform.make_secrets()?;
    step("the bucket that all tenants share");
    platform.make_bucket().await?;
    step("helm upgrade --install akili-operator charts/akili-operator");
    let mut values = platform.values_of_testbed()?;
    // New tables are open to tenants after so long at most.
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

fn say_what_is_next(platform: &Platform) {
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
         akili tenant archive initech           # says what it would do: add --confirm\n  \
         akili tenant purge initech             # then, before its retention is over\n  \
         kubectl logs -n akili-system deploy/akili-operator\n  \
         kubectl exec -n akili-system deploy/akili-operator -- akili-operator check\n\n\
         Everything is left running; `make down` ends it.",
        kubeconfig.display(),
        folders.join(":")
    );
}

/// Runs `akili` as an admin, for all to see.
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
