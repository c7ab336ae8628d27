//! Links between the documents: each leads to a file, and to a heading if it names one.

use std::collections::BTreeSet;

use anyhow::Result;
use regex::Regex;

use crate::source;

/// Returns a line for each link of a document that leads nowhere.
pub fn findings() -> Result<Vec<String>> {
    let link = Regex::new(r"\]\(([^)#\s]*)(?:#([^)\s]+))?\)")?;
    let mut findings = Vec::new();
    for file in source::files("")?
        .iter()
        .filter(|file| file.ends_with(".md"))
    {
        let text = source::read(file)?;
        let folder = file.rsplit_once('/').map_or("", |(folder, _)| folder);
        for (index, line) in text.lines().enumerate() {
            for found in link.captures_iter(line) {
                let path = found.get(1).map_or("", |path| path.as_str());
                if path.contains("://") || path.starts_with("mailto:") {
                    continue;
                }
                let target = match path {
                    "" => file.clone(),
                    path => join(folder, path),
                };
                let heading = found.get(2).map(|heading| heading.as_str());
                if !leads_somewhere(&target, heading)? {
                    findings.push(format!(
                        "{file}:{}: link leads nowhere: {}",
                        index + 1,
                        &found[0]
                    ));
                }
            }
        }
    }
    Ok(findings)
}

fn leads_somewhere(target: &str, heading: Option<&str>) -> Result<bool> {
    if !source::path(target).exists() {
        return Ok(false);
    }
    let Some(heading) = heading else {
        return Ok(true);
    };
    Ok(headings(&source::read(target)?).contains(heading))
}

/// Joins a folder and a relative path, such as `docs/adr` and `../quota.md`.
fn join(folder: &str, path: &str) -> String {
    let mut parts: Vec<&str> = folder.split('/').filter(|part| !part.is_empty()).collect();
    for part in path.split('/') {
        match part {
            "" | "." => {}
            ".." => {
                parts.pop();
            }
            part => parts.push(part),
        }
    }
    parts.join("/")
}

/// Returns the anchors of a document's headings, as GitHub derives them.
fn headings(text: &str) -> BTreeSet<String> {
    let headings = text.lines().filter(|line| line.starts_with('#'));
    let anchor = |heading: &str| {
        let title = heading.trim_start_matches('#').trim().to_lowercase();
        let kept = title
            .chars()
            .filter(|c| c.is_alphanumeric() || matches!(c, ' ' | '-' | '_'));
        kept.map(|c| if c == ' ' { '-' } else { c }).collect()
    };
    headings.map(anchor).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn links_of_documents_lead_somewhere() -> Result<()> {
        crate::expect_none(&findings()?);
        Ok(())
    }

    #[test]
    fn anchors_are_those_of_github() {
        let found = headings("# A: lease, no `fence`\ntext\n## After the CRDs were deleted\n");
        let expected = ["a-lease-no-fence", "after-the-crds-were-deleted"].map(str::to_owned);
        assert_eq!(found, expected.into());
    }

    #[test]
    fn relative_paths_are_joined() {
        assert_eq!(join("docs/adr", "../../SECURITY.md"), "SECURITY.md");
        assert_eq!(join("", "docs/./quota.md"), "docs/quota.md");
    }
}
