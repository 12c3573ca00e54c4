//! The tutorial: fifteen programs to be read in order, one idea each, with the picture each draws.
//!
//! They are the repository's `examples/`, embedded here as they are compiled and run; every one ends
//! by asserting an answer known from elsewhere. Run one with
//! `cargo run --release --example 01_first_gradient`.
//!
//! Chapters 1 to 5 differentiate and smooth, 6 and 7 minimise and say how good the answer is, 8 to
//! 11 solve classical problems, 12 is about speed, 13 nests maxima in minima, 14 and 15 are large
//! and have many local minima.

/// A module for each chapter: a title, a sentence, the picture, the program.
macro_rules! chapters {
    ($($module:ident = $example:literal: $title:literal, $sentence:literal;)+) => {$(
        #[doc = $title]
        #[doc = ""]
        #[doc = $sentence]
        #[doc = ""]
        #[doc = include_str!(concat!("../docs/images/", $example, ".svg"))]
        #[doc = ""]
        #[doc = concat!("The program, `examples/", $example, ".rs`, as the crate's tests compile and run it:")]
        #[doc = ""]
        #[doc = "```rust,ignore"]
        #[doc = include_str!(concat!("../examples/", $example, ".rs"))]
        #[doc = "```"]
        pub mod $module {}
    )+};
}

chapters! {
    ch01_first_gradient = "01_first_gradient": "Chapter 1: A first gradient",
        "A tape records plain Rust; one sweep back gives all derivatives; a difference confirms them.";
    ch02_overflow = "02_overflow": "Chapter 2: Overflow",
        "The log-sum-exp trick, and why only one of three ways to write the softmax keeps its digits.";
    ch03_derive_it = "03_derive_it": "Chapter 3: Deriving a smooth maximum",
        "From |x| to log-sum-exp, equation by equation, with the forms that fail shown failing.";
    ch04_zoo = "04_zoo": "Chapter 4: The zoo",
        "Every smoothing of the crate against its error bound, walking the public table.";
    ch05_softmax_contours = "05_softmax_contours": "Chapter 5: Softmax contours",
        "Log-sum-exp is a rounded maximum; its slope depends on differences only.";
    ch06_descend_a_kink = "06_descend_a_kink": "Chapter 6: Descending a kink",
        "Follow the minimiser of a smoothed maximum as it sharpens; learned weights get there sooner.";
    ch07_certificate = "07_certificate": "Chapter 7: Certificates",
        "Three bounds on the optimal value of MAXQUAD: one closes as 1/k, one as 1/k^2, one is none.";
    ch08_games = "08_games": "Chapter 8: Games",
        "Zero-sum games: the minimiser is one player's mixture, the multipliers are the opponent's.";
    ch09_stackloss = "09_stackloss": "Chapter 9: Stack loss",
        "Regression of real data in the L1 and the maximum norm.";
    ch10_equioscillation = "10_equioscillation": "Chapter 10: Equioscillation",
        "The best polynomials to |x|, and the ripple that proves them best.";
    ch11_filter = "11_filter": "Chapter 11: A filter",
        "A digital low-pass filter with the smallest possible ripple.";
    ch12_record_once = "12_record_once": "Chapter 12: Record once",
        "A million rows by tape, program and batch: the same value, very different recordings.";
    ch13_reach_goals = "13_reach_goals": "Chapter 13: Reaching goals",
        "A minimum of maxima over time, written as such: the program rounds off its own kinks.";
    ch14_sixteen_points = "14_sixteen_points": "Chapter 14: Sixteen points",
        "Sixteen points as equally far apart as can be: a sum of two maxima, many starts.";
    ch15_e8_from_noise = "15_e8_from_noise": "Chapter 15: E8 from noise",
        "Push 240 random directions in eight dimensions apart, and the roots of E8 come out.";
}
