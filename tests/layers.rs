//! Imports point down only: reads the sources and compares every `crate::`
//! path with the layers of the design.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

/// The modules of each layer, lowest first. A module may use its own layer and those below.
const LAYERS: &[&[&str]] = &[
    &["error", "print"],
    &["kernel"],
    // One layer: the rule table makes the methods of the numbers that it runs on.
    &["rules", "num", "dual", "jet", "scalar", "nary", "lanes", "tape"],
    &["diff", "functions", "sharpness"],
    &["smooth"],
    &["program", "batch", "objective"],
    &["minimax"],
];

fn layer(module: &str) -> usize {
    LAYERS
        .iter()
        .position(|modules| modules.contains(&module))
        .unwrap_or_else(|| panic!("the module `{module}` has no place in LAYERS"))
}

fn sources(folder: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    let (folders, files): (Vec<_>, Vec<_>) = entries.partition(|path| path.is_dir());
    files.into_iter().chain(folders.iter().flat_map(|folder| sources(folder))).collect()
}

/// A source file without comments.
fn code(path: &Path) -> String {
    let text = fs::read_to_string(path).unwrap();
    text.lines().map(|line| line.split("//").next().unwrap()).collect::<Vec<_>>().join("\n")
}

/// The top-level module a file belongs to.
fn module_of(path: &Path, root: &Path) -> String {
    let first = path.strip_prefix(root).unwrap().iter().next().unwrap();
    first.to_str().unwrap().trim_end_matches(".rs").to_owned()
}

fn first_name(text: &str) -> String {
    text.trim_start().chars().take_while(|c| c.is_alphanumeric() || *c == '_').collect()
}

/// The parts of `a, b::{c, d}, e` between its outermost commas.
fn split_list(list: &str) -> Vec<&str> {
    let (mut depth, mut start, mut parts) = (0, 0, Vec::new());
    for (i, c) in list.char_indices() {
        match c {
            '{' => depth += 1,
            '}' if depth == 0 => {
                parts.push(&list[start..i]);
                return parts;
            }
            '}' => depth -= 1,
            ',' if depth == 0 => {
                parts.push(&list[start..i]);
                start = i + 1;
            }
            _ => {}
        }
    }
    parts
}

/// The names that follow `prefix`, those of a braced list one by one.
fn names_after(prefix: &str, code: &str) -> Vec<String> {
    let follows = code.split(prefix).skip(1);
    follows
        .flat_map(|rest| match rest.strip_prefix('{') {
            Some(list) => split_list(list).into_iter().map(first_name).collect(),
            None => vec![first_name(rest)],
        })
        .filter(|name| !name.is_empty())
        .collect()
}

/// Where the names that `lib.rs` re-exports come from.
fn re_exports(lib: &str) -> BTreeMap<String, String> {
    let statements = lib.split("pub use ").skip(1).map(|rest| rest.split(';').next().unwrap());
    statements
        .flat_map(|path| {
            let (module, names) = path.split_once("::").unwrap();
            let names = names_after("::", &format!("::{names},"));
            names.into_iter().map(move |name| (name, first_name(module)))
        })
        .collect()
}

#[test]
fn imports_point_down() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let re_exports = re_exports(&code(&root.join("lib.rs")));
    let files: Vec<_> = sources(&root).into_iter().filter(|path| !path.ends_with("lib.rs")).collect();
    let modules: Vec<_> = files.iter().map(|path| module_of(path, &root)).collect();
    let mut imports = 0;
    for (path, user) in files.iter().zip(&modules) {
        for name in names_after("crate::", &code(path)) {
            let used = if modules.contains(&name) { Some(&name) } else { re_exports.get(&name) };
            let used = used.unwrap_or_else(|| panic!("{}: where is `crate::{name}`?", path.display()));
            assert!(
                layer(used) <= layer(user),
                "{}: `{user}` must not know of `{used}` (`crate::{name}`)",
                path.display()
            );
            imports += 1;
        }
    }
    assert!(imports > 30, "only {imports} imports found");
}

#[test]
fn a_path_is_read_as_its_first_names() {
    assert_eq!(names_after("crate::", "use crate::rules::{A, B};"), ["rules"]);
    assert_eq!(names_after("crate::", "use crate::{Dual, tape::{A, B}, diff};"), ["Dual", "tape", "diff"]);
    assert_eq!(names_after("crate::", "crate::nary::evaluate(x)"), ["nary"]);
    assert_eq!(re_exports("pub use diff::{a, b};\npub use dual::Dual;")["b"], "diff");
    assert_eq!(re_exports("pub use dual::Dual;")["Dual"], "dual");
    assert!(layer("kernel") < layer("tape") && layer("tape") < layer("diff"));
}
