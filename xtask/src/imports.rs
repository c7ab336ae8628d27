//! Import circles among the files of the product.
//!
//! A file imports another when a path in its code resolves to an item of that file's module:
//! `crate::…`, `super::…`, `self::…`, a child module, or a name that a `use` has made.
//! `mod x;` is no import, and neither is code below `#[cfg(test)]`.

use std::collections::{BTreeMap, BTreeSet};

use anyhow::{Result, bail};
use ra_ap_rustc_lexer::TokenKind;

use crate::source::{self, Token};

/// Roots of the product's crates.
const ROOTS: &[&str] = &[
    "crds/src/lib.rs",
    "operator/core/src/lib.rs",
    "operator/kafka-admin/src/lib.rs",
    "operator/src/lib.rs",
    "cli/src/main.rs",
];

/// Path of a module from the root of its crate.
type Module = Vec<String>;

/// For each file the files it imports, with the place and the path of one import.
type Imports = BTreeMap<String, BTreeMap<String, (usize, String)>>;

/// Modules of a crate with their files.
#[derive(Debug, Default)]
struct Crate {
    files: BTreeMap<Module, String>,
    sources: BTreeMap<String, String>,
}

/// Returns a text for each set of files that import each other.
pub fn findings() -> Result<Vec<String>> {
    let mut findings = Vec::new();
    for root in ROOTS {
        let product = Crate::read(root)?;
        findings.extend(circles(&product.imports()));
    }
    Ok(findings)
}

impl Crate {
    fn read(root: &str) -> Result<Self> {
        let mut product = Self::default();
        product.add(Module::new(), root.to_owned())?;
        Ok(product)
    }

    /// Adds a file and the files of its child modules, without those of tests.
    fn add(&mut self, module: Module, file: String) -> Result<()> {
        let text = source::read(&file)?;
        let folder = folder_of_children(&file);
        for child in children(&product_code(&text)) {
            let candidates = [
                format!("{folder}/{child}.rs"),
                format!("{folder}/{child}/mod.rs"),
            ];
            let Some(found) = candidates.iter().find(|file| source::path(file).exists()) else {
                bail!("{file}: no file for mod {child}");
            };
            let mut path = module.clone();
            path.push(child);
            self.add(path, found.clone())?;
        }
        self.sources.insert(file.clone(), text);
        self.files.insert(module, file);
        Ok(())
    }

    fn imports(&self) -> Imports {
        let mut imports = Imports::new();
        for (module, file) in &self.files {
            let text = self.sources.get(file).map_or("", String::as_str);
            let of_file = imports.entry(file.clone()).or_default();
            for (line, path) in self.paths(module, &product_code(text)) {
                let Some(target) = self.file_of(&path).filter(|target| *target != file) else {
                    continue;
                };
                of_file
                    .entry(target.clone())
                    .or_insert((line, path.join("::")));
            }
        }
        imports
    }

    /// Returns the file that holds the item at a path, unless the path is a module itself.
    fn file_of(&self, path: &[String]) -> Option<&String> {
        if self.files.contains_key(path) {
            return None;
        }
        (0..path.len())
            .rev()
            .find_map(|end| self.files.get(&path[..end]))
    }

    /// Returns all paths in a file's code that begin in this crate, from the crate's root.
    fn paths(&self, module: &[String], code: &[Token<'_>]) -> Vec<(usize, Module)> {
        let mut names: BTreeMap<String, Module> = BTreeMap::new();
        for child in self
            .files
            .keys()
            .filter(|path| parent(path) == Some(module))
        {
            names.extend(child.last().map(|name| (name.clone(), child.clone())));
        }
        let mut paths = Vec::new();
        let mut bodies = Vec::new();
        let mut at = 0;
        while let Some(token) = code.get(at) {
            if token.text != "use" || !matches!(token.kind, TokenKind::Ident) {
                bodies.push(at);
                at += 1;
                continue;
            }
            let mut leaves = Vec::new();
            at = use_tree(code, at + 1, &[], &mut leaves);
            for (path, name) in leaves {
                let Some(path) = absolute(module, &names, &path) else {
                    continue;
                };
                if self.files.contains_key(&path) {
                    names.insert(name, path);
                } else {
                    paths.push((token.line, path));
                }
            }
        }
        for at in bodies {
            let Some(path) = path_at(code, at).and_then(|path| absolute(module, &names, &path))
            else {
                continue;
            };
            paths.push((code[at].line, path));
        }
        paths
    }
}

fn parent(module: &[String]) -> Option<&[String]> {
    module.split_last().map(|(_, parent)| parent)
}

fn folder_of_children(file: &str) -> String {
    let (folder, name) = file.rsplit_once('/').unwrap_or(("", file));
    match name {
        "lib.rs" | "main.rs" | "mod.rs" => folder.to_owned(),
        _ => format!("{folder}/{}", name.trim_end_matches(".rs")),
    }
}

/// Returns the code without items below `#[cfg(test)]`.
fn product_code(text: &str) -> Vec<Token<'_>> {
    let code = source::code(text);
    let mut product = Vec::new();
    let mut at = 0;
    while let Some(token) = code.get(at) {
        match source::attribute(&code, at) {
            Some((next, attribute)) if attribute == "[cfg(test)]" => at = end_of_item(&code, next),
            Some((next, _)) => at = next,
            None => {
                product.push(token.clone());
                at += 1;
            }
        }
    }
    product
}

/// Returns the index after the item that starts here: after its `;` or its braces.
fn end_of_item(code: &[Token<'_>], start: usize) -> usize {
    let mut depth = 0;
    for (at, token) in code.iter().enumerate().skip(start) {
        match token.text {
            "{" | "(" | "[" => depth += 1,
            "}" | ")" | "]" => depth -= 1,
            _ => {}
        }
        if depth == 0 && (token.text == "}" || token.text == ";") {
            return at + 1;
        }
    }
    code.len()
}

/// Returns the names of `mod x;` declarations.
fn children(code: &[Token<'_>]) -> Vec<String> {
    let declarations = code
        .windows(3)
        .filter(|w| w[0].text == "mod" && w[2].text == ";");
    declarations.map(|w| w[1].text.to_owned()).collect()
}

/// Reads the tree of a `use` item; returns the index after it.
fn use_tree(
    code: &[Token<'_>],
    mut at: usize,
    prefix: &[String],
    leaves: &mut Vec<(Module, String)>,
) -> usize {
    let mut path = prefix.to_vec();
    let mut name = None;
    while let Some(token) = code.get(at) {
        match token.text {
            ":" => {}
            "{" => {
                at += 1;
                while code.get(at).is_some_and(|token| token.text != "}") {
                    at = use_tree(code, at, &path, leaves);
                    if code.get(at).is_some_and(|token| token.text == ",") {
                        at += 1;
                    }
                }
                return at + 1;
            }
            "as" => {
                name = code.get(at + 1).map(|token| token.text.to_owned());
                at += 1;
            }
            "self" if !path.is_empty() => {}
            "," | "}" | ";" => break,
            text => path.push(text.to_owned()),
        }
        at += 1;
    }
    let name = name.or_else(|| path.last().cloned());
    leaves.extend(name.map(|name| (path, name)));
    at
}

/// Returns the path `a::b::…` whose first segment is here; `None` for a single name.
fn path_at(code: &[Token<'_>], at: usize) -> Option<Module> {
    if continues(code, at) {
        return None;
    }
    let mut path = Vec::new();
    let mut at = at;
    while let Some(token) = code
        .get(at)
        .filter(|token| matches!(token.kind, TokenKind::Ident))
    {
        path.push(token.text.to_owned());
        let colons = code.get(at + 1..at + 3)?;
        if colons.iter().any(|colon| colon.text != ":") {
            break;
        }
        at += 3;
    }
    (path.len() > 1).then_some(path)
}

/// Returns whether a name belongs to what stands before it: `x::name`, `x.name`, `pub(in name`.
fn continues(code: &[Token<'_>], at: usize) -> bool {
    let text = |back: usize| {
        let before = at.checked_sub(back).and_then(|at| code.get(at));
        before.map_or("", |token| token.text)
    };
    match text(1) {
        ":" => text(2) == ":",
        "in" => text(2) == "(" && text(3) == "pub",
        before => before == ".",
    }
}

/// Returns a path from the crate's root; `None` if it begins elsewhere.
fn absolute(
    module: &[String],
    names: &BTreeMap<String, Module>,
    path: &[String],
) -> Option<Module> {
    let (first, rest) = path.split_first()?;
    let mut rest = rest;
    let mut absolute = match first.as_str() {
        "crate" => Module::new(),
        "self" => module.to_vec(),
        "super" => parent(module)?.to_vec(),
        name => names.get(name)?.clone(),
    };
    while let Some((_, after)) = rest.split_first().filter(|(next, _)| *next == "super") {
        absolute.pop();
        rest = after;
    }
    absolute.extend(rest.iter().cloned());
    Some(absolute)
}

/// Returns a text for each strongly connected component of more than one file.
fn circles(imports: &Imports) -> Vec<String> {
    let reached: BTreeMap<&String, BTreeSet<&String>> = imports
        .keys()
        .map(|file| (file, reached_from(imports, file)))
        .collect();
    let mut circles = BTreeSet::new();
    for (file, reached_from_it) in &reached {
        let back = |other: &&&String| {
            reached
                .get(**other)
                .is_some_and(|files| files.contains(file))
        };
        let mut circle: BTreeSet<&String> = reached_from_it.iter().filter(back).copied().collect();
        circle.insert(file);
        if circle.len() > 1 {
            circles.insert(circle);
        }
    }
    circles
        .iter()
        .map(|circle| describe(imports, circle))
        .collect()
}

fn reached_from<'a>(imports: &'a Imports, file: &String) -> BTreeSet<&'a String> {
    let mut reached = BTreeSet::new();
    let mut next: Vec<&String> = imports
        .get(file)
        .into_iter()
        .flat_map(BTreeMap::keys)
        .collect();
    while let Some(file) = next.pop() {
        if reached.insert(file) {
            next.extend(imports.get(file).into_iter().flat_map(BTreeMap::keys));
        }
    }
    reached
}

fn describe(imports: &Imports, circle: &BTreeSet<&String>) -> String {
    let mut text = format!("import circle of {} files:", circle.len());
    for file in circle {
        let targets = imports.get(*file).into_iter().flatten();
        for (target, (line, path)) in targets.filter(|(target, _)| circle.contains(target)) {
            text += &format!("\n  {file}:{line} imports {target} ({path})");
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn product_has_no_import_circle() -> Result<()> {
        crate::expect_none(&findings()?);
        Ok(())
    }

    #[test]
    fn imports_follow_paths_and_skip_tests() {
        let files = [
            (
                "",
                "lib.rs",
                "mod a; mod b; use a::{self, B as C}; fn f(x: b::c::D) { a::g() }",
            ),
            (
                "a",
                "a.rs",
                "use crate::b::{c, e::{F, *}}; pub(in crate::b) fn g() { c::h(); x.super::y }",
            ),
            (
                "b",
                "b/mod.rs",
                "pub mod c; #[cfg(test)] mod tests { use crate::a::X; } use std::io;",
            ),
            (
                "b::c",
                "b/c.rs",
                "fn h() { for x in super::super::a::all() {} print!(\"crate::b::x\") }",
            ),
        ];
        let mut product = Crate::default();
        for (module, file, text) in files {
            let module = module.split("::").filter(|name| !name.is_empty());
            product
                .files
                .insert(module.map(str::to_owned).collect(), file.to_owned());
            product.sources.insert(file.to_owned(), text.to_owned());
        }
        let found = product.imports();
        let found = found
            .iter()
            .map(|(file, to)| (file.as_str(), to.keys().map(String::as_str).collect()));
        let expected: [(&str, Vec<&str>); 4] = [
            ("a.rs", vec!["b/c.rs", "b/mod.rs"]),
            ("b/c.rs", vec!["a.rs"]),
            ("b/mod.rs", vec![]),
            ("lib.rs", vec!["a.rs", "b/c.rs"]),
        ];
        assert_eq!(found.collect::<Vec<_>>(), expected);
        let circles = circles(&product.imports());
        assert_eq!(circles.len(), 1, "{circles:?}");
        assert!(
            circles[0].contains("2 files") && circles[0].contains("a.rs:1 imports b/c.rs"),
            "{circles:?}"
        );
    }
}
