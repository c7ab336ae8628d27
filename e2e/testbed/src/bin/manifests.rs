//! Renders the chart as plain YAML into its file.

use std::fs;

use akili_testbed::chart;

fn main() -> anyhow::Result<()> {
    let file = chart::plain_yaml_file();
    fs::write(&file, chart::plain_yaml()?)?;
    println!("{}", file.display());
    Ok(())
}
