//! Checks of the repository itself: wording, import circles, licences, links,
//! and the map of files.
//!
//! `cargo test -p xtask` runs all checks, `cargo run -p xtask` prints what they find.

mod imports;
mod licences;
mod links;
mod map;
mod source;
mod text;

use std::process::ExitCode;

use anyhow::Result;

fn main() -> Result<ExitCode> {
    let mut findings = text::findings()?;
    findings.extend(imports::findings()?);
    findings.extend(licences::findings()?);
    findings.extend(links::findings()?);
    findings.extend(map::findings()?);
    for finding in &findings {
        println!("{finding}");
    }
    println!("{} findings", findings.len());
    Ok(ExitCode::from(u8::from(!findings.is_empty())))
}

#[cfg(test)]
fn expect_none(findings: &[String]) {
    assert!(findings.is_empty(), "\n{}\n", findings.join("\n"));
}
