//! `make demo` on a running testbed.

use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use akili_scenarios::documents;
use akili_scenarios::platform::Platform;
use akili_testbed::command::{binary, run};
use anyhow::{Result, ensure};

pub async fn demo_prints_the_documented_proof_after_interruptions() -> Result<()> {
    const INTERRUPTIONS: u32 = 5;
    let platform = Platform::install().await?;
    let began = Instant::now();
    let shown = run(&mut Command::new(binary("demo")?))?;
    let whole = began.elapsed();
    for document in ["README.md", "docs/quota.md", "docs/lifecycle.md"] {
        let proofs = documents::text_with(document, "│ plane")?;
        ensure!(
            documents::lasting(&shown)?.contains(&documents::lasting(&proofs)?),
            "{shown}\ndoesn't contain what {document} shows:\n{proofs}"
        );
    }

    for interruption in 0..INTERRUPTIONS {
        let instant = whole.mul_f64((f64::from(interruption) + 0.5) / f64::from(INTERRUPTIONS));
        interrupt(instant)?;
        run(&mut Command::new(binary("demo")?))?;
        println!("interrupted after {instant:?} of {whole:?}: the next run succeeds");
    }
    platform.install_chart(&platform.values()?)
}

fn interrupt(instant: Duration) -> Result<()> {
    let mut demo = Command::new(binary("demo")?)
        .stdout(Stdio::null())
        .spawn()?;
    std::thread::sleep(instant);
    demo.kill()?;
    demo.wait()?;
    Ok(())
}
