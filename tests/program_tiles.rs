//! Programs with runs long enough to go through memory in tiles, against the
//! tape: terms that share inputs, read each other's results, leave their tile,
//! are compared, or are reduced in every way a tile can meet.

mod support;

use proptest::prelude::*;
use smoothmax::{Error, Program, Scalar, Tape, Var, gradient, hvp, max, smooth_abs, smooth_max, sum, vjp};
use support::expression::{Expression, expressions, rule_expressions};

/// More terms than one tile has, and not a multiple of it.
const TERMS: usize = 700;
/// The inputs that a term sees; neighbours share all but one.
const WINDOW: usize = 4;
const INPUTS: usize = TERMS + WINDOW - 1;

/// How terms become one number.
#[derive(Clone, Copy, Debug)]
enum Ending {
    /// A sum: linear.
    Sum,
    /// A chain of additions.
    Chain,
    /// Linear, with more than the sum, and an input that is read on its own.
    Affine,
    /// The adjoints of the terms depend on all of them.
    SmoothMax,
    /// The same through a sum that other runs read.
    Variance,
    /// Two sums of the same terms, one of them alternating.
    ProductOfSums,
}

const ENDINGS: [Ending; 6] =
    [Ending::Sum, Ending::Chain, Ending::Affine, Ending::SmoothMax, Ending::Variance, Ending::ProductOfSums];

impl Ending {
    fn reduce<S: Scalar>(self, x: &[S], terms: &[S]) -> S {
        let c = S::constant;
        match self {
            Ending::Sum => sum(terms),
            Ending::Chain => terms[1..].iter().fold(terms[0], |sum, &term| sum + term),
            Ending::Affine => c(0.5) * sum(terms) - (x[1] + c(1.0)),
            Ending::SmoothMax => smooth_max(terms, 2.0),
            Ending::Variance => {
                let mean = sum(terms) * c(1.0 / TERMS as f64);
                let squares: Vec<S> = terms.iter().map(|&term| (term - mean).square()).collect();
                sum(&squares)
            }
            Ending::ProductOfSums => {
                let signed: Vec<S> = terms
                    .iter()
                    .enumerate()
                    .map(|(i, &term)| if i % 2 == 0 { term } else { -term })
                    .collect();
                sum(terms) * sum(&signed)
            }
        }
    }
}

/// All steps of all terms.
fn steps<S: Scalar>(expression: &Expression, x: &[S]) -> Vec<Vec<S>> {
    x.windows(WINDOW).map(|window| expression.evaluate(window)).collect()
}

fn terms<S: Scalar>(expression: &Expression, x: &[S]) -> Vec<S> {
    steps(expression, x).iter().map(|steps| *steps.last().unwrap()).collect()
}

fn objective<S: Scalar>(expression: &Expression, ending: Ending, x: &[S]) -> S {
    ending.reduce(x, &terms(expression, x))
}

/// The largest value met, times the largest adjoint, times the number of terms
/// that may share one.
fn scale(expression: &Expression, ending: Ending, x: &[f64]) -> f64 {
    let tape = Tape::new();
    let x = tape.vars(x);
    let steps = steps(expression, &x);
    let terms: Vec<_> = steps.iter().map(|steps| *steps.last().unwrap()).collect();
    let y = ending.reduce(&x, &terms);
    let adjoints = y.backward();
    let largest =
        |largest: f64, number: f64| if number.is_finite() { largest.max(number.abs()) } else { largest };
    let value = steps.iter().flatten().fold(1.0, |sum, step| largest(sum, step.value()));
    let adjoint = steps.iter().flatten().fold(1.0, |sum, &step| largest(sum, adjoints[step]));
    largest(value, y.value()) * adjoint * WINDOW as f64
}

fn point(seed: f64) -> Vec<f64> {
    (0..INPUTS).map(|i| 2.0 * (seed + 1.3 * i as f64).sin()).collect()
}

fn assert_agree(what: &str, a: &[f64], b: &[f64], tolerance: f64) {
    assert_eq!(a.len(), b.len());
    for (i, (&a, &b)) in a.iter().zip(b).enumerate() {
        let agree = a == b || a.is_nan() && b.is_nan() || (a - b).abs() <= tolerance;
        assert!(agree, "{what}, element {i}: {a} and {b} differ by more than {tolerance}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, ..ProptestConfig::default() })]

    /// Value, gradient and Hessian-vector product are those of the tape, to
    /// 1e-13 of the largest intermediate; and again, bit by bit, in a workspace
    /// that was used for something else.
    #[test]
    fn tiles_equal_the_tape(
        expression in prop_oneof![rule_expressions(), expressions()],
        ending in prop::sample::select(&ENDINGS[..]),
        seed in 0.0..6.0,
    ) {
        let x = point(seed);
        let program = Program::record(&x, |x| objective(&expression, ending, x));
        let mut work = program.workspace();
        let mut g = vec![0.0; INPUTS];
        let value = program.gradient(&mut work, &x, &mut g).unwrap();
        let (expected, expected_g) = gradient(&x, |x| objective(&expression, ending, x));
        let scale = scale(&expression, ending, &x);
        assert_agree("value", &[value], &[expected], 1e-13 * scale);
        assert_agree("gradient", &g, expected_g.as_slice(), 1e-13 * scale);

        let direction = point(seed + 0.5);
        let mut product = vec![0.0; INPUTS];
        let dual_value = program.hvp(&mut work, &x, &direction, &mut product).unwrap();
        let (_, _, expected) = hvp(&x, &direction, |x| objective(&expression, ending, x));
        prop_assert_eq!(dual_value.to_bits(), value.to_bits());
        assert_agree("hvp", &product, expected.as_slice(), 1e-12 * scale * scale);

        let mut again = vec![0.0; INPUTS];
        let _ = program.gradient(&mut work, &direction, &mut again);
        prop_assert_eq!(program.value(&mut work, &x).unwrap().to_bits(), value.to_bits());
        program.gradient(&mut work, &x, &mut again).unwrap();
        prop_assert!(g.iter().zip(&again).all(|(a, b)| a.to_bits() == b.to_bits()));
    }

    /// Single terms as outputs beside a sum: what leaves its tile is stored.
    #[test]
    fn pullbacks_of_terms_equal_those_of_the_tape(
        expression in prop_oneof![rule_expressions(), expressions()],
        seed in 0.0..6.0,
    ) {
        fn outputs<S: Scalar>(expression: &Expression, x: &[S]) -> Vec<S> {
            let steps = steps(expression, x);
            let terms: Vec<S> = steps.iter().map(|steps| *steps.last().unwrap()).collect();
            vec![sum(&terms), terms[300], steps[511][WINDOW], max(&terms[..600])]
        }
        let x = point(seed);
        let program = Program::record_many(&x, |x| outputs(&expression, x));
        let mut work = program.workspace();
        let w = [1.0, -2.0, 0.5, 3.0];
        let mut product = vec![0.0; INPUTS];
        program.pullback(&mut work, &x, &w, &mut product).unwrap();
        let (values, expected) = vjp(&x, &w, |x| outputs(&expression, x));
        let tolerance = 1e-12 * scale(&expression, Ending::Sum, &x);
        assert_agree("pullback", &product, expected.as_slice(), tolerance);
        let mut y = [0.0; 4];
        program.values(&mut work, &x, &mut y).unwrap();
        assert_agree("values", &y, values.as_slice(), tolerance);

        let rows = program.jacobian_rows(&mut work, &x, &[3, 0, 2, 0]).unwrap();
        for (i, row) in [3, 0, 2, 0].into_iter().enumerate() {
            let mut w = [0.0; 4];
            w[row] = 1.0;
            let (_, expected) = vjp(&x, &w, |x| outputs(&expression, x));
            let row: Vec<f64> = rows.row(i).iter().copied().collect();
            assert_agree("jacobian row", &row, expected.as_slice(), tolerance);
        }
    }
}

/// A comparison of what only a tile would need, far into the run.
#[test]
fn a_guard_within_a_tile_is_checked() {
    fn f<'t>(x: &[Var<'t>]) -> Var<'t> {
        let terms: Vec<_> = x.windows(2).map(|w| w[0] * w[1] - 1.0).collect();
        let squares: Vec<_> = terms.iter().map(|&term| term * term).collect();
        if terms[600] > 0.0 { sum(&squares) } else { -sum(&squares) }
    }
    let mut x = vec![2.0; TERMS];
    let program = Program::record(&x, |x| f(x));
    let mut work = program.workspace();
    let mut g = vec![7.0; TERMS];
    x[600] = 0.1;
    let error = program.gradient(&mut work, &x, &mut g).unwrap_err();
    assert!(matches!(error, Error::BranchChanged { left, .. } if left == 0.1 * 2.0 - 1.0), "{error}");
    assert_eq!(g, vec![7.0; TERMS], "nothing is written");
    x[600] = 0.6;
    let value = program.gradient(&mut work, &x, &mut g).unwrap();
    let (expected, expected_g) = gradient(&x, |x| f(x));
    assert_eq!(value, expected);
    assert_agree("gradient", &g, expected_g.as_slice(), 1e-13 * 12.0);
}

/// The pass that rounds off kinks sees tiled programs as it sees others.
#[test]
fn tiled_kinks_have_twins() {
    let x = point(0.3);
    let exact = Program::record(&x, |x| {
        let terms: Vec<_> = x.windows(2).map(|w| 3.0 * (w[0] - w[1]).abs() + w[0]).collect();
        sum(&terms)
    });
    let smooth = exact.smoothed(20.0);
    let mut g = vec![0.0; INPUTS];
    let value = smooth.gradient(&mut smooth.workspace(), &x, &mut g).unwrap();
    let (expected, expected_g) = gradient(&x, |x| {
        let terms: Vec<_> = x.windows(2).map(|w| 3.0 * smooth_abs(w[0] - w[1], 20.0) + w[0]).collect();
        sum(&terms)
    });
    assert_agree("value", &[value], &[expected], 1e-13 * expected.abs());
    assert_agree("gradient", &g, expected_g.as_slice(), 1e-13 * 7.0);
}

/// What the analyses see has a slot for every result, local or not.
#[test]
fn a_tiled_hessian_is_found_sparse() {
    let x = point(0.7);
    let program = Program::record(&x, |x| {
        let terms: Vec<_> = x.windows(2).map(|w| (w[0] * w[1] - 1.0) * w[0]).collect();
        sum(&terms)
    });
    // The last input has no square.
    assert_eq!(program.sparsity().hessian.len(), INPUTS - 1 + 2 * (INPUTS - 1));
    let hessian = program.hessian(&x).unwrap();
    // d²/dx_i² of (x_i x_{i+1} - 1) x_i is 2 x_{i+1}, the mixed one 2 x_i.
    assert_agree(
        "entries",
        &[hessian[(400, 400)], hessian[(400, 401)]],
        &[2.0 * x[401], 2.0 * x[400]],
        1e-13 * 8.0,
    );
}
