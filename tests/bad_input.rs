//! Bad input has a defined answer or a panic that names the argument.

mod common;

use std::f64::consts::LN_2;
use std::sync::Arc;

use common::{OnTape, assert_ulps, panic_message};
use nalgebra::DMatrix;
use num_traits::Float;
use smoothmax::rules::TABLE;
use smoothmax::smooth::{SMOOTHINGS, mellowmax, multi_label_cross_entropy, smooth_argmax};
use smoothmax::{Batch, Objective, Program};
use smoothmax::{Dual, Scalar, Tape, Var, gradient, hessian, hvp, jacobian, jvp, vjp};
use smoothmax::{dot, dot_product, log_add_exp, log_softmax, log_sum_exp, mat_vec, max, min, smooth_abs};
use smoothmax::{smooth_max, smooth_max_at, smooth_min, smooth_min_at, softmax, sum};

const INF: f64 = f64::INFINITY;
const NAN: f64 = f64::NAN;

/// Asserts that numbers are equal to an ulp, two NaN among them.
#[track_caller]
fn assert_same(found: &[f64], expected: &[f64], what: &str) {
    assert_eq!(found.len(), expected.len(), "{what}");
    for (&found, &expected) in found.iter().zip(expected) {
        assert_ulps(found, expected, 1.0, what);
    }
}

/// A function of a slice, for every number it can run on.
trait Function {
    fn at<S: Scalar>(&self, x: &[S]) -> S;
}

/// Checks value and gradient on floats, on a tape and in forward mode.
fn check(f: &impl Function, x: &[f64], value: f64, slopes: &[f64], name: &str) {
    let what = format!("{name} of {x:?}");
    assert_same(&[f.at(x)], &[value], &what);
    let tape = Tape::new();
    let vars = tape.vars(x);
    let y = f.at(&vars);
    assert_same(&[y.value()], &[value], &what);
    assert_same(y.backward().wrt(&vars).as_slice(), slopes, &format!("gradient of {what}"));
    for i in 0..x.len() {
        let along = |j| if j == i { 1.0 } else { 0.0 };
        let duals: Vec<_> = x.iter().enumerate().map(|(j, &x)| Dual::new(x, along(j))).collect();
        assert_same(&[f.at(&duals).tangent], &slopes[i..=i], &format!("tangent {i} of {what}"));
    }
}

struct LogSumExp;
impl Function for LogSumExp {
    fn at<S: Scalar>(&self, x: &[S]) -> S {
        log_sum_exp(x)
    }
}

struct SmoothMax(f64);
impl Function for SmoothMax {
    fn at<S: Scalar>(&self, x: &[S]) -> S {
        smooth_max(x, self.0)
    }
}

struct ExactMax;
impl Function for ExactMax {
    fn at<S: Scalar>(&self, x: &[S]) -> S {
        max(x)
    }
}

struct ExactMin;
impl Function for ExactMin {
    fn at<S: Scalar>(&self, x: &[S]) -> S {
        -min(&x.iter().map(|&x| -x).collect::<Vec<_>>())
    }
}

/// Arguments, value and gradient that hold for every maximum, smooth or exact.
const EDGES: [(&[f64], f64, &[f64]); 11] = [
    (&[], -INF, &[]),
    (&[5.0], 5.0, &[1.0]),
    (&[-INF], -INF, &[0.0]),
    (&[-INF, -INF, -INF], -INF, &[0.0, 0.0, 0.0]),
    (&[0.0, -INF], 0.0, &[1.0, 0.0]),
    (&[1.0, INF, -INF], INF, &[0.0, 1.0, 0.0]),
    (&[INF, 3.0, INF], INF, &[0.5, 0.0, 0.5]),
    (&[INF, INF, INF, INF], INF, &[0.25; 4]),
    (&[1.0, NAN, 2.0], NAN, &[NAN; 3]),
    (&[INF, NAN], NAN, &[NAN; 2]),
    (&[NAN], NAN, &[NAN]),
];

#[test]
fn maxima_have_one_convention_at_the_edges() {
    for (x, value, slopes) in EDGES {
        check(&LogSumExp, x, value, slopes, "log_sum_exp");
        for k in [0.01, 1.0, 30.0, 1e300, INF] {
            check(&SmoothMax(k), x, value, slopes, &format!("smooth_max at {k}"));
        }
        let negated: Vec<f64> = x.iter().map(|x| -x).collect();
        assert_same(&[-smooth_max(&negated, -3.0)], &[value], "a minimum mirrors a maximum");
        assert_same(&[-smooth_min(&negated, 3.0)], &[value], "a minimum mirrors a maximum");
        assert_same(&softmax(x), slopes, "softmax");
        if x.iter().any(|x| x.is_finite() || x.is_nan() || *x > 0.0) || x.is_empty() {
            check(&ExactMax, x, value, slopes, "max");
            check(&ExactMin, x, value, slopes, "-min(-x)");
        }
        if let [a, b] = *x {
            assert_same(&[log_add_exp(a, b)], &[value], "log_add_exp");
        }
    }
    check(&ExactMax, &[2.0, 1.0, 2.0, 2.0], 2.0, &[1.0 / 3.0, 0.0, 1.0 / 3.0, 1.0 / 3.0], "max");
    check(&SmoothMax(INF), &[2.0, 1.0, 2.0], 2.0, &[0.5, 0.0, 0.5], "smooth_max at inf");
    check(&SmoothMax(-INF), &[2.0, 1.0, 1.0], 1.0, &[0.0, 0.5, 0.5], "smooth_max at -inf");
}

#[test]
fn log_softmax_at_the_edges() {
    assert_same(&log_softmax(&[-INF, -INF]), &[-INF, -INF], "all -inf");
    assert_same(&log_softmax(&[1.0, INF]), &[-INF, 0.0], "one inf");
    assert_same(&log_softmax(&[INF, 2.0, INF]), &[-LN_2, -INF, -LN_2], "two inf");
    assert_same(&log_softmax(&[1.0, NAN]), &[NAN, NAN], "NaN");
    assert_same(&log_softmax::<f64>(&[]), &[], "empty");
    let (_, j) = jacobian(&[-INF, -INF], |x| log_softmax(x));
    assert_same(j.as_slice(), &[0.0; 4], "all -inf: constant");
}

#[test]
fn empty_slices_have_answers() {
    assert_eq!((smooth_max::<f64>(&[], -2.0), smooth_min::<f64>(&[], 2.0), min::<f64>(&[])), (INF, INF, INF));
    assert_eq!((sum::<f64>(&[]), dot::<f64>(&[], &[]), dot_product::<f64>(&[], &[])), (0.0, 0.0, 0.0));
    assert!(softmax::<f64>(&[]).is_empty() && softmax::<Var<'_>>(&[]).is_empty());
    assert!(sum::<Var<'_>>(&[]).is_constant());
    assert_eq!(std::iter::empty::<Var<'_>>().sum::<Var<'_>>().value(), 0.0);
    let tape = Tape::new();
    let k = tape.var(2.0);
    let y = smooth_max_at(&[], k);
    assert_eq!((y.value(), y.backward()[k]), (-INF, 0.0));
}

#[test]
fn exact_extrema_keep_nan_and_the_float_methods_drop_it() {
    assert!(max(&[1.0, NAN]).is_nan() && min(&[1.0, NAN]).is_nan());
    let tape = Tape::new();
    let x = tape.vars(&[1.0, NAN]);
    for y in [x[0].max(x[1]), Float::max(x[0], x[1]), x[1].min(x[0])] {
        assert_eq!((y.value(), y.backward().wrt(&x).as_slice()), (1.0, &[1.0, 0.0][..]));
    }
}

#[test]
fn scalars_at_infinity() {
    let cases: [(&str, f64, f64, f64); 8] = [
        ("softplus", INF, INF, 1.0),
        ("softplus", -INF, 0.0, 0.0),
        ("sigmoid", INF, 1.0, 0.0),
        ("sigmoid", -INF, 0.0, 0.0),
        ("log_sigmoid", INF, 0.0, 0.0),
        ("log_sigmoid", -INF, -INF, 1.0),
        ("abs", -INF, INF, -1.0),
        ("relu", INF, INF, 1.0),
    ];
    for (name, x, value, slope) in cases {
        let rule = TABLE.iter().find(|rule| rule.name == name).unwrap();
        assert_same(&[rule.value(&[x]), rule.partials(&[x])[0]], &[value, slope], name);
    }
    for k in [2.0, INF] {
        let (value, g) = gradient(&[-INF], |x| smooth_abs(x[0], k));
        assert_same(&[value, g[0]], &[INF, -1.0], "smooth_abs");
    }
}

#[test]
fn a_bad_sharpness_panics_when_it_is_a_number() {
    for k in [0.0, -0.0, NAN] {
        let expected = |name| format!("{name}: the sharpness `k` is {k}; it must not be 0 or NaN");
        assert_eq!(panic_message(|| smooth_max(&[1.0, 2.0], k)), expected("smooth_max"));
        assert_eq!(panic_message(|| gradient(&[1.0], |x| smooth_max(x, k))), expected("smooth_max"));
        assert!(
            panic_message(|| smooth_min(&[1.0, 2.0], k)).starts_with("smooth_min: the sharpness `k` is ")
        );
    }
    for k in [0.0, -3.0, NAN, -INF] {
        let expected = format!("smooth_abs: the sharpness `k` is {k}; it must be positive");
        assert_eq!(panic_message(|| smooth_abs(1.0, k)), expected);
    }
    // Positive in double precision, zero in single.
    let (x, k) = ([1f32, 2.0], 1e-60);
    for message in [
        panic_message(|| smooth_max(&x, k)),
        panic_message(|| mellowmax(&x, k)),
        panic_message(|| smooth_argmax(&x, k)),
    ] {
        assert!(
            message.contains("`k` is 0; it must not be 0 or NaN (1e-60 in single precision)"),
            "{message}"
        );
    }
    for row in SMOOTHINGS {
        let message = panic_message(|| row.apply(&x, k));
        assert!(message.starts_with(&format!("{}: the sharpness `k` is 0; it must ", row.name)), "{message}");
    }
}

#[test]
fn a_bad_sharpness_is_nan_when_it_is_a_variable() {
    for k in [0.0, -0.0, NAN] {
        let (value, g) = gradient(&[1.0, 2.0, k], |x| smooth_max_at(&[x[0], x[1], x[0], x[1]], x[2]));
        assert_same(&[value, g[0], g[1], g[2]], &[NAN; 4], "smooth_max_at");
        assert!(smooth_min_at(&[1.0, 2.0], k).is_nan());
    }
    for k in [0.0, -3.0, NAN] {
        let (value, g) = gradient(&[1.0, k], |x| x[0].smooth_abs(x[1]));
        assert_same(&[value, g[0], g[1]], &[NAN; 3], "smooth_abs");
    }
}

#[test]
fn lengths_must_match() {
    assert_eq!(panic_message(|| dot(&[1.0], &[1.0, 2.0])), "dot: `a` has 1 elements, `x` 2");
    assert_eq!(panic_message(|| dot_product(&[1.0], &[])), "dot_product: `x` has 1 elements, `y` 0");
    let a = Arc::new(DMatrix::<f64>::zeros(2, 3));
    let expected = "mat_vec: `a` has 3 columns, `x` 2 elements";
    assert_eq!(panic_message(|| mat_vec(&a, &[1.0, 2.0])), expected);

    let x = [1.0, 2.0];
    let expected = "jvp: `v` has 1 elements, the function 2 variables";
    assert_eq!(panic_message(|| jvp(&x, &[1.0], |x| vec![x[0]])), expected);
    let expected = "hvp: `v` has 3 elements, the function 2 variables";
    assert_eq!(panic_message(|| hvp(&x, &[1.0; 3], |x| x[0])), expected);
    let expected = "vjp: `w` has 0 elements, the function 1 outputs";
    assert_eq!(panic_message(|| vjp(&x, &[], |x| vec![x[0]])), expected);

    let program = Program::record_many(&x, |x| vec![x[0], x[1]]);
    let expected = "jacobian_rows: row 3 is not below the 2 outputs";
    assert_eq!(panic_message(|| program.jacobian_rows(&mut program.workspace(), &x, &[1, 3])), expected);
    let expected = "gap_of: output 2 is not below the 2 outputs";
    assert_eq!(panic_message(|| program.smoothed(1.0).gap_of(2)), expected);
    let batch = Batch::record(&x, &[[1.0]; 4][..], |x, row| x[0] * row[0]);
    let expected = "jacobian_rows: row 4 is not below the 4 terms";
    assert_eq!(panic_message(|| batch.jacobian_rows(&x, &[4])), expected);
    let expected = "Objective: `program` has 2 variables, the objective 1";
    assert_eq!(panic_message(|| Objective::new(1).program(1.0, &program).inputs()), expected);
    let expected = "multi_label_cross_entropy: `scores` has 2 elements, `is_true` 1";
    assert_eq!(panic_message(|| multi_label_cross_entropy(&x, &[true])), expected);
    let sin = TABLE.iter().find(|rule| rule.name == "sin").unwrap();
    assert!(panic_message(|| sin.value(&x)).contains("`sin` takes 1 argument(s), not 2"));
}

#[test]
fn variables_of_two_tapes_do_not_mix() {
    let (here, there) = (Tape::new(), Tape::new());
    let (x, y) = (here.vars(&[1.0, 2.0]), there.var(3.0));
    let expected = "an operation mixes variables of two tapes";
    assert_eq!(panic_message(|| x[0] * y), expected);
    assert_eq!(panic_message(|| x[0].select(x[1], y)), expected);
    assert_eq!(panic_message(|| sum(&[x[0], x[1], y])), expected);
    assert_eq!(panic_message(|| smooth_max_at(&x, y)), expected);
    assert_eq!((here.len(), there.len()), (2, 1), "nothing was recorded");

    let adjoints = (x[0] * x[1]).backward();
    let expected = "the variable is on another tape than the adjoints";
    assert_eq!(panic_message(|| adjoints[y]), expected);
    assert_eq!(panic_message(|| adjoints.wrt(&[x[0], y])), expected);
}

#[test]
fn a_closure_must_not_return_a_foreign_variable() {
    let foreign: &'static Tape = Box::leak(Box::new(Tape::new()));
    let y = foreign.var(3.0).exp();
    let expected = "is on another tape";
    assert!(panic_message(|| gradient(&[1.0], |_| y)).contains(expected));
    assert!(panic_message(|| hvp(&[1.0], &[1.0], |_| y)).contains(expected));
    assert!(panic_message(|| hessian(&[1.0], |_| y)).contains(expected));
    assert!(panic_message(|| jvp(&[1.0], &[1.0], |_| vec![y])).contains(expected));
    assert!(panic_message(|| jacobian(&[1.0], |_| vec![y, y])).contains(expected));
    assert!(panic_message(|| vjp(&[1.0], &[1.0, 1.0], |x| vec![x[0], y])).contains("two tapes"));
}

#[test]
fn a_full_tape_says_so_and_stays_whole() {
    let tape = Tape::new().with_node_limit(4);
    let x = tape.vars(&[1.0, 2.0, 3.0]);
    let expected = "the tape is full: its limit is 4 nodes";
    assert_eq!(panic_message(|| softmax(&x)), expected);
    assert_eq!(tape.len(), 3);
    let y = x[0] * x[1];
    assert_eq!(panic_message(|| y + 1.0), expected);
    assert_eq!(panic_message(|| sum(&x)), expected);
    assert_eq!(panic_message(|| tape.var(0.0)), expected);
    assert_eq!(y.backward().wrt(&x).as_slice(), [2.0, 1.0, 0.0]);
    assert_eq!(tape.first_nonfinite(), None);
    for limit in [1, 2, 63, 64, 65, 128, 1_000] {
        let tape = Tape::new().with_node_limit(limit);
        let mut y = tape.var(1.0);
        while tape.len() < limit {
            y += 1.0;
        }
        assert!(panic_message(|| y + 1.0).contains("the tape is full"));
        assert_eq!((tape.len(), y.value()), (limit, limit as f64));
    }
}

#[test]
fn an_integer_part_does_not_hide_an_overflow() {
    let functions: [(&str, OnTape); 4] = [
        ("floor", |x| x[0].exp().floor()),
        ("ceil", |x| x[0].exp().ceil()),
        ("round", |x| x[0].exp().round()),
        ("trunc", |x| x[0].exp().trunc()),
    ];
    for (name, f) in functions {
        let (value, g) = gradient(&[1000.0], f);
        assert_same(&[value, g[0]], &[INF, NAN], name);
    }
}

#[test]
fn n_ary_overflow_comes_with_a_slope() {
    let functions: [(&str, OnTape); 6] = [
        ("sum", |x| sum(&x[..2])),
        ("dot", |x| dot(&[2.0, 2.0], &x[..2])),
        ("dot_product", |x| dot_product(&x[..1], &x[1..2])),
        ("smooth_max", |x| smooth_max(x, 1e-308)),
        ("smooth_max_at", |x| smooth_max_at(&[x[0], x[1], x[0], x[1]], x[2])),
        ("mat_vec", |x| mat_vec(&Arc::new(DMatrix::from_element(1, 2, 2.0)), &x[..2])[0]),
    ];
    for (name, f) in functions {
        let (value, g) = gradient(&[1e308, 1e308, 1e-308], f);
        assert_eq!(value, INF, "{name}");
        assert!(g.iter().any(|&slope| slope != 0.0), "{name} has the slopes {g}");
    }
    assert_eq!(log_sum_exp(&[1e308, 1e308]), 1e308);
    assert_eq!(smooth_max(&[1e308, -1e308], 1e308), 1e308);
}
