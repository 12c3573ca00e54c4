//! The tutorial holds together: every example asserts its answer and draws the committed picture
//! (the test in `examples/draw`, which is compiled here once for each), and every example has its
//! picture, its tile in the README and its chapter in the documentation.

#![cfg(feature = "minimax")]
// Each example brings its own `draw`, as when it is a program.
#![allow(clippy::duplicate_mod)]

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

#[path = "../examples/07_certificate.rs"]
mod certificate;
#[path = "../examples/03_derive_it.rs"]
mod derive_it;
#[path = "../examples/06_descend_a_kink.rs"]
mod descend_a_kink;
#[path = "../examples/15_e8_from_noise.rs"]
mod e8_from_noise;
#[path = "../examples/10_equioscillation.rs"]
mod equioscillation;
#[path = "../examples/11_filter.rs"]
mod filter;
#[path = "../examples/01_first_gradient.rs"]
mod first_gradient;
#[path = "../examples/08_games.rs"]
mod games;
#[path = "../examples/02_overflow.rs"]
mod overflow;
#[path = "../examples/13_reach_goals.rs"]
mod reach_goals;
#[path = "../examples/12_record_once.rs"]
mod record_once;
#[path = "../examples/14_sixteen_points.rs"]
mod sixteen_points;
#[path = "../examples/05_softmax_contours.rs"]
mod softmax_contours;
#[path = "../examples/09_stackloss.rs"]
mod stackloss;
#[path = "../examples/04_zoo.rs"]
mod zoo;

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn read(path: &str) -> String {
    std::fs::read_to_string(root().join(path)).unwrap_or_else(|error| panic!("{path}: {error}"))
}

/// The names, without extension, of the numbered files of a directory.
fn numbered(directory: &str) -> BTreeSet<String> {
    let entries = std::fs::read_dir(root().join(directory)).expect("a directory of the repository");
    let stems = entries.map(|entry| PathBuf::from(entry.expect("a readable entry").file_name()));
    stems
        .filter_map(|path| Some(path.file_stem()?.to_str()?.to_owned()))
        .filter(|stem| stem.starts_with(|c: char| c.is_ascii_digit()))
        .collect()
}

#[test]
fn every_example_has_a_picture_a_tile_a_chapter_and_a_test() {
    let examples = numbered("examples");
    assert!(!examples.is_empty());
    assert_eq!(examples, numbered("docs/images"), "examples on the left, pictures on the right");
    let (readme, chapters, tests) = (read("README.md"), read("src/tutorial.rs"), read("tests/tutorial.rs"));
    for name in examples {
        assert!(readme.contains(&format!("docs/images/{name}.svg")), "{name} has no picture in the README");
        assert!(readme.contains(&format!("examples/{name}.rs")), "{name} has no link in the README");
        assert!(chapters.contains(&format!("\"{name}\"")), "{name} has no chapter in src/tutorial.rs");
        assert!(tests.contains(&format!("/{name}.rs\"]")), "{name} is not run by tests/tutorial.rs");
    }
}

#[test]
fn pictures_name_no_font_of_a_system() {
    for name in numbered("docs/images") {
        let svg = read(&format!("docs/images/{name}.svg"));
        let families = svg.split("font-family=\"").skip(1);
        for family in families {
            assert!(family.starts_with("sans-serif\""), "{name}: only the generic family is everywhere");
        }
    }
}
