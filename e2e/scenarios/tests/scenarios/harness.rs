//! Runs scenarios as `cargo test` runs tests: the same options, filters and summary.

use std::pin::Pin;
use std::process::ExitCode;

use akili_scenarios::platform::Platform;
use anyhow::Result;
use libtest_mimic::{Arguments, Conclusion, Failed, Trial};

type Run = Pin<Box<dyn Future<Output = Result<()>>>>;

/// A scenario by its name, such as `kafka::drift::…`.
pub struct Scenario {
    pub name: &'static str,
    pub run: fn() -> Run,
}

/// Lists scenarios by their paths. One that is listed nowhere is dead code, which clippy
/// refuses.
macro_rules! scenarios {
    ($($path:path),* $(,)?) => {
        vec![$($crate::harness::Scenario {
            name: stringify!($path),
            run: || Box::pin($path()),
        }),*]
    };
}
pub(crate) use scenarios;

/// Runs those that the command line selects, one after the other in this order.
pub fn run(scenarios: Vec<Scenario>) -> ExitCode {
    let mut arguments = Arguments::from_args();
    arguments.test_threads = Some(1);
    let trials = scenarios.into_iter().map(trial).collect();
    let Conclusion { num_failed, .. } = libtest_mimic::run(&arguments, trials);
    match num_failed {
        0 => ExitCode::SUCCESS,
        _ => ExitCode::FAILURE,
    }
}

fn trial(scenario: Scenario) -> Trial {
    Trial::test(scenario.name, move || {
        let subject = scenario.name.split("::").next().unwrap_or_default();
        Platform::begin(subject);
        // One thread each, as `#[tokio::test]` has it.
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()?;
        let run = runtime.block_on((scenario.run)());
        run.map_err(|error| Failed::from(format!("{error:?}")))
    })
}
