//! Smoothed programs: within their stated gap of the exact one, with exact
//! gradients of their own, and equal to it at infinite sharpness.

mod common;
#[allow(dead_code, reason = "each test uses a part of it")]
#[path = "support/expression.rs"]
mod expression;

use std::sync::Arc;

use common::Cube;
use expression::{Expression, expressions};
use proptest::prelude::*;
use smoothmax::rules::{Op, Rule, TABLE};
use smoothmax::{Error, Program, Scalar, SmoothedProgram, Var};
use smoothmax::{gradient, max, min, smooth_abs, smooth_max, smooth_min, sum};

/// `max(min(x, y, ..), |..|, ..)` of three variables, with every kind of kink, some in runs.
fn nested<S: Scalar>(x: &[S]) -> S {
    let c = S::constant;
    let valley = x[0].min(x[1]).max((x[2] - x[0]).abs());
    let ridge = min(&[valley, x[1] + c(1.0), c(2.0) * x[2]]);
    let row: Vec<S> = (0..8).map(|i| (x[i % 3] - c(0.3 * i as f64)).abs().max(x[(i + 1) % 3])).collect();
    max(&[ridge, row[0] - row[5], c(0.25) * sum(&row), (x[0] + x[1]).relu() - c(1.0)])
}

fn value(program: &Program, x: &[f64]) -> f64 {
    program.value(&mut program.workspace(), x).unwrap()
}

/// `smooth - exact`, checked against the stated gap.
fn error(exact: &Program, smooth: &SmoothedProgram, x: &[f64]) -> f64 {
    let ((low, high), error) = (smooth.gap(), value(smooth, x) - value(exact, x));
    let rounding = 1e-13 * (1.0 + value(exact, x).abs());
    assert!(
        low - rounding <= error && error <= high + rounding,
        "{error} at {x:?} is not in {:?}",
        smooth.gap()
    );
    error
}

const POINT: [std::ops::Range<f64>; 3] = [-3.0..3.0, -3.0..3.0, -3.0..3.0];

proptest! {
    #[test]
    fn nested_kinks_stay_within_the_gap_and_the_gradient_is_a_difference(x in POINT, log_k in -1.0..3.0) {
        let exact = Program::record(&[0.1, 0.2, 0.3], |x| nested(x));
        let k = 10f64.powf(log_k);
        let smooth = exact.smoothed(k);
        prop_assert!(smooth.gap().0.is_finite() && smooth.gap().1.is_finite());
        error(&exact, &smooth, &x);

        let mut g = [0.0; 3];
        smooth.gradient(&mut smooth.workspace(), &x, &mut g).unwrap();
        let h = 1e-4 / k;
        for i in 0..3 {
            let moved = |t: f64| value(&smooth, &std::array::from_fn::<f64, 3, _>(|j| x[j] + if i == j { t } else { 0.0 }));
            let slope = (8.0 * (moved(h) - moved(-h)) - moved(2.0 * h) + moved(-2.0 * h)) / (12.0 * h);
            prop_assert!((g[i] - slope).abs() < 1e-9 * k.max(1.0), "slope {i}: {} and {slope}", g[i]);
        }
    }

    #[test]
    fn random_programs_stay_within_their_gap(
        expression in expressions(), x in POINT, log_k in -1.0..3.0
    ) {
        let exact = record(&expression, &x);
        let smooth = exact.smoothed(10f64.powf(log_k));
        // Where a twin changes a comparison, the smoothed program says so.
        match smooth.value(&mut smooth.workspace(), &x) {
            Ok(_) => { error(&exact, &smooth, &x); }
            Err(error) => prop_assert!(is_changed_branch(&error), "{error}"),
        }
    }

    #[test]
    fn infinite_sharpness_is_the_exact_program(expression in expressions(), x in POINT) {
        let exact = record(&expression, &x);
        let smooth = exact.smoothed(f64::INFINITY);
        let (mut g, mut smooth_g) = ([0.0; 3], [0.0; 3]);
        let value = exact.gradient(&mut exact.workspace(), &x, &mut g).unwrap();
        let smooth_value = smooth.gradient(&mut smooth.workspace(), &x, &mut smooth_g).unwrap();
        prop_assert_eq!(value, smooth_value);
        for (g, smooth_g) in g.iter().zip(smooth_g) {
            prop_assert!((g - smooth_g).abs() <= 1e-13 * g.abs().max(1.0), "{g} and {smooth_g}");
        }
        prop_assert_eq!(smooth.gap(), (0.0, 0.0));
    }
}

fn is_changed_branch(error: &Error) -> bool {
    matches!(error, Error::BranchChanged { .. })
}

fn record(expression: &Expression, x: &[f64]) -> Program {
    Program::record(x, |x| *expression.evaluate(x).last().unwrap())
}

#[test]
fn the_exact_program_is_recovered_as_the_sharpness_grows() {
    let exact = Program::record(&[0.0; 3], |x| nested(x));
    let mut smooth = exact.smoothed(1.0);
    // All kinks at once: here the gap is attained to a good part.
    let x = [0.0, 0.0, 0.0];
    let mut last = f64::INFINITY;
    for power in 0..12 {
        smooth.set_sharpness(10f64.powi(power));
        let error = error(&exact, &smooth, &x).abs();
        assert!(error < last, "{error} at sharpness 1e{power}");
        last = error;
    }
    assert!(0.0 < last && last < 1e-10);
}

/// `rule` of arguments `x_i ± (|t_i - 1| - 1)`: those whose bit is set in `smoothed` are off by up
/// to `ln 2 / k`, above or below as `signs` says.
fn off(rule: &Rule, x: &[f64], smoothed: usize, signs: usize) -> Program {
    let n = rule.op.arity();
    Program::record(x, |x| {
        let argument = |i: usize| {
            let sign = if signs >> i & 1 == 1 { 1.0 } else { -1.0 };
            if smoothed >> i & 1 == 1 { x[i] + sign * ((x[n + i] - 1.0).abs() - 1.0) } else { x[i] }
        };
        rule.apply(&(0..n).map(argument).collect::<Vec<_>>())
    })
}

#[test]
fn no_rule_leaves_its_gap() {
    let (mut bounded, mut seen) = (0, 0);
    for rule in TABLE.iter().filter(|rule| rule.op != Op::Powi) {
        let n = rule.op.arity();
        for sample in rule.samples {
            for (smoothed, signs) in
                (1..1 << n).flat_map(|smoothed| (0..1 << n).map(move |signs| (smoothed, signs)))
            {
                let point = |t: f64| [sample, &vec![t; n][..]].concat();
                let exact = off(rule, &point(2.0), smoothed, signs);
                let smooth = exact.smoothed(5.0);
                bounded += usize::from(smooth.gap().1.is_finite());
                for x in [0.0, 0.9, 1.0, 1.1, 2.0].map(point) {
                    if value(&exact, &x).is_finite() && value(&smooth, &x).is_finite() {
                        error(&exact, &smooth, &x);
                        seen += 1;
                    }
                }
            }
        }
    }
    assert!(bounded > 100 && seen > 1000, "{bounded} bounds, {seen} points");
}

#[test]
fn gaps_of_known_forms() {
    let ln = f64::ln;
    let gap =
        |f: for<'t> fn(&[Var<'t>]) -> Var<'t>| Program::record(&[0.3, 0.4], |x| f(x)).smoothed(2.0).gap();
    let close = |(low, high): (f64, f64), (a, b): (f64, f64)| {
        assert!((2.0 * low - a).abs() < 1e-15 && (2.0 * high - b).abs() < 1e-15, "{low}, {high}");
    };
    close(gap(|x| x[0].max(x[1])), (0.0, ln(2.0)));
    close(gap(|x| x[0].min(x[1])), (-ln(2.0), 0.0));
    close(gap(|x| max(&[x[0], x[1], x[0] * x[1]])), (0.0, ln(3.0)));
    close(gap(|x| min(&[x[0], x[1], x[0] * x[1], x[0]])), (-ln(4.0), 0.0));
    close(gap(|x| x[0].abs() - x[1].relu()), (-ln(2.0), ln(2.0)));
    close(gap(|x| (x[0].max(x[1]) * -4.0).max(x[1])), (-4.0 * ln(2.0), ln(2.0)));
    close(gap(|x| x[0].max(x[1]).min(x[0].abs())), (-ln(2.0), ln(2.0)));
    close(gap(|x| x[0].abs().sigmoid() / 2.0), (0.0, 0.125 * ln(2.0)));
    close(gap(|x| x[0] * x[1]), (0.0, 0.0));
    assert_eq!(gap(|x| x[0].abs().exp()), (0.0, f64::INFINITY));
    assert_eq!(gap(|x| -x[0].abs().sqrt()), (f64::NEG_INFINITY, 0.0));
    assert_eq!(gap(|x| x[0] * x[1].abs()), (f64::NEG_INFINITY, f64::INFINITY));
    assert_eq!(gap(|x| x[0].max(x[1]).square()), (f64::NEG_INFINITY, f64::INFINITY));
}

/// Asserts that the smoothed program of `exact` has the value and the gradient of `twin`.
fn assert_smooths_to(
    exact: for<'t> fn(&[Var<'t>]) -> Var<'t>,
    twin: for<'t> fn(&[Var<'t>]) -> Var<'t>,
    x: &[f64],
) {
    let program = Program::record(&vec![0.0; x.len()], |x| exact(x));
    let smooth = program.smoothed(5.0);
    let mut g = vec![0.0; x.len()];
    let value = smooth.gradient(&mut smooth.workspace(), x, &mut g).unwrap();
    let (expected, slopes) = gradient(x, |x| twin(x));
    assert!((value - expected).abs() < 1e-14, "{value} and {expected} at {x:?}");
    for (g, slope) in g.iter().zip(&slopes) {
        assert!((g - slope).abs() < 1e-14, "{g} and {slope} at {x:?}");
    }
    error(&program, &smooth, x);
}

#[test]
fn kinks_of_the_inputs_themselves() {
    let points: [&[f64]; 3] = [&[-0.3], &[0.3, 0.1], &[0.2, -1.0, 0.9, 0.8, -0.4, 0.6]];
    for x in points {
        assert_smooths_to(|x| max(x), |x| smooth_max(x, 5.0), x);
        assert_smooths_to(|x| min(x), |x| smooth_min(x, 5.0), x);
        assert_smooths_to(|x| max(x) + sum(x), |x| smooth_max(x, 5.0) + sum(x), x);
        assert_smooths_to(
            |x| sum(&x.iter().map(|x| x.abs()).collect::<Vec<_>>()) - min(x),
            |x| sum(&x.iter().map(|&x| smooth_abs(x, 5.0)).collect::<Vec<_>>()) - smooth_min(x, 5.0),
            x,
        );
    }
}

#[test]
fn outputs_have_gaps_of_their_own() {
    let program = Program::record_many(&[0.0; 2], |x| vec![x[0].abs(), x[1], -x[1].relu()]);
    let smooth = program.smoothed(4.0);
    let error = 2f64.ln() / 4.0;
    assert_eq!([0, 1, 2].map(|i| smooth.gap_of(i)), [(0.0, error), (0.0, 0.0), (-error, 0.0)]);
    assert_eq!(smooth.jacobian(&[0.0, 0.0]).unwrap().as_slice(), [0.0, 0.0, 0.0, 0.0, 1.0, -0.5]);
}

#[test]
fn a_target_error_becomes_a_sharpness() {
    let program = Program::record(&[0.1, 0.2, 0.3], |x| nested(x));
    let mut smooth = program.smoothed(1.0);
    let k = smooth.sharpness_for(1e-4).unwrap();
    smooth.set_sharpness(k);
    assert_eq!(smooth.sharpness(), k);
    assert!((smooth.gap().1.max(-smooth.gap().0) - 1e-4).abs() < 1e-18);
    assert_eq!(Program::record(&[0.0], |x| x[0].sin()).smoothed(1.0).sharpness_for(1e-3), Some(0.0));
    assert_eq!(Program::record(&[0.0], |x| x[0].abs().powi(2)).smoothed(1.0).sharpness_for(1e-3), None);
}

#[test]
fn second_derivatives_are_differences_of_the_gradient() {
    let smooth = Program::record(&[0.0; 3], |x| nested(x)).smoothed(3.0);
    let mut work = smooth.workspace();
    let (x, v, h) = ([0.2, -0.4, 0.7], [1.0, -2.0, 0.5], 1e-4);
    let mut product = [0.0; 3];
    smooth.hvp(&mut work, &x, &v, &mut product).unwrap();
    let mut slope = |t: f64| {
        let mut g = [0.0; 3];
        smooth.gradient(&mut work, &std::array::from_fn::<f64, 3, _>(|i| x[i] + t * v[i]), &mut g).unwrap();
        g
    };
    let (above, below) = (slope(h), slope(-h));
    for i in 0..3 {
        let difference = (above[i] - below[i]) / (2.0 * h);
        assert!((product[i] - difference).abs() < 1e-5, "{} and {difference}", product[i]);
    }
}

#[test]
fn single_precision_too() {
    let exact = Program::<f32>::compile(&[0.0; 3], |x: &[Var<'_, f32>]| vec![nested(x)]).unwrap();
    let smooth = exact.smoothed(20.0);
    let at = |program: &Program<f32>| program.value(&mut program.workspace(), &[0.5, 0.4, -0.1]).unwrap();
    let ((low, high), error) = (smooth.gap(), f64::from(at(&smooth) - at(&exact)));
    assert!(low - 1e-6 <= error && error <= high + 1e-6 && error != 0.0);
}

#[test]
fn comparisons_are_still_checked() {
    let smooth = Program::record(&[1.0], |x| if x[0].abs() > 0.5 { x[0] } else { -x[0] }).smoothed(10.0);
    let mut work = smooth.workspace();
    assert_eq!(smooth.value(&mut work, &[0.7]), Ok(0.7));
    assert!(matches!(smooth.value(&mut work, &[0.1]), Err(Error::BranchChanged { comparison: 0, .. })));
}

#[test]
fn smoothing_twice_changes_nothing_but_the_parameters() {
    let once = Program::record(&[0.0; 3], |x| nested(x)).smoothed(7.0);
    let twice = once.smoothed(3.0);
    let x = [0.3, 0.1, -0.2];
    assert_eq!(value(&once, &x), value(&twice, &x));
    assert_eq!(twice.gap(), (0.0, 0.0));
}

#[test]
fn a_custom_node_stays_and_has_no_bound() {
    let program = Program::record(&[2.0], |x| Var::custom(Arc::new(Cube), &[x[0].abs()]));
    let smooth = program.smoothed(1e3);
    assert_eq!(smooth.gap(), (f64::NEG_INFINITY, f64::INFINITY));
    assert_eq!(value(&smooth, &[-2.0]), 8.0);
}

#[test]
#[should_panic(expected = "smoothed: the sharpness `k` is 0; it must be positive")]
fn a_sharpness_of_zero_panics() {
    Program::record(&[1.0], |x| x[0].abs()).smoothed(0.0);
}

#[test]
#[should_panic(expected = "set_sharpness: the sharpness `k` is NaN; it must be positive")]
fn a_sharpness_of_nan_panics() {
    Program::record(&[1.0], |x| x[0].abs()).smoothed(1.0).set_sharpness(f64::NAN);
}
