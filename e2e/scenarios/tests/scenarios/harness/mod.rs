//! Runs scenarios as `cargo test` runs tests: the same options, filters and summary.

mod processor;
mod timings;

use std::pin::Pin;
use std::process::ExitCode;

use akili_scenarios::platform::Platform;
use anyhow::Result;
use libtest_mimic::{Arguments, Failed, Trial};

use timings::Timings;

type Run = Pin<Box<dyn Future<Output = Result<()>>>>;

/// Number of scenarios that run side by side; each mostly waits for the operator.
const SIDE_BY_SIDE: usize = 3;

/// A scenario by its name, such as `kafka::drift::…`.
pub struct Scenario {
    pub name: &'static str,
    pub run: fn() -> Run,
}

/// Lists scenarios by their paths. A scenario missing from the list is dead code, which
/// clippy rejects.
macro_rules! scenarios {
    ($($path:path),* $(,)?) => {
        vec![$($crate::harness::Scenario {
            name: stringify!($path),
            run: || Box::pin($path()),
        }),*]
    };
}
pub(crate) use scenarios;

/// Scenarios by what they share with others.
pub struct Groups {
    /// Scenarios that run side by side, with one installation and one operator.
    pub side_by_side: Vec<Scenario>,
    /// Scenarios that use the same installation and operator, one after the other.
    pub in_turn: Vec<Scenario>,
    /// Scenarios that start and stop operators of their own. Each subject has its own
    /// installation.
    pub alone: Vec<Scenario>,
}

/// Runs the scenarios that the command line selects, in the order of the groups.
pub fn run(groups: Groups) -> ExitCode {
    let arguments = Arguments::from_args();
    let timings = Timings::start();
    let threads = arguments.test_threads.unwrap_or(SIDE_BY_SIDE);
    let mut failed = false;
    for (scenarios, threads, is_shared) in [
        (groups.side_by_side, threads, true),
        (groups.in_turn, 1, true),
        (groups.alone, 1, false),
    ] {
        let arguments = Arguments {
            test_threads: Some(threads),
            ..arguments.clone()
        };
        let trials = scenarios.into_iter();
        let trials = trials.map(|scenario| trial(scenario, is_shared, timings.clone()));
        failed |= libtest_mimic::run(&arguments, trials.collect()).has_failed();
    }
    if !arguments.list {
        timings.print_slowest();
    }
    match failed {
        false => ExitCode::SUCCESS,
        true => ExitCode::FAILURE,
    }
}

fn trial(scenario: Scenario, is_shared: bool, timings: Timings) -> Trial {
    Trial::test(scenario.name, move || {
        let begin = timings.begin();
        let subject = match is_shared {
            true => "",
            false => scenario.name.split("::").next().unwrap_or_default(),
        };
        Platform::begin(subject, is_shared);
        // One thread per scenario, as with `#[tokio::test]`.
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()?;
        let run = runtime.block_on((scenario.run)());
        timings.end(scenario.name, run.is_ok(), &begin);
        run.map_err(|error| {
            Platform::invalidate();
            Failed::from(format!("{error:?}"))
        })
    })
}
