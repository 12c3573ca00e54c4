//! The claims of the three source texts (a note on the log-sum-exp trick, an
//! essay deriving a smooth maximum, N. Higham's "What is the softmax
//! function"), one test for each. Equation numbers are the essay's.

mod common;

use std::f64::consts::LN_2;

use common::{assert_close, assert_ulps, ulps};
use serde_json::Value;
use smoothmax::{Dual, Scalar, Tape, Var, gradient, log_add_exp, log_softmax, log_sum_exp, sigmoid};
use smoothmax::{smooth_abs, smooth_max, smooth_min, softmax, softplus};

/// Half an ulp of 1.
const UNIT: f64 = f64::EPSILON / 2.0;

/// The records of a family in `data/golden.json`.
fn golden(family: &str) -> Vec<Value> {
    let data: Value = serde_json::from_str(include_str!("data/golden.json")).unwrap();
    data[family].as_array().unwrap().clone()
}

/// A number of a record; decimals are kept as text there, so that none is lost.
fn number(value: &Value) -> f64 {
    value.as_str().unwrap().parse().unwrap()
}

fn numbers(value: &Value) -> Vec<f64> {
    value.as_array().unwrap().iter().map(number).collect()
}

/// The error that a log-sum-exp of `y` over `n` terms may have.
fn lse_bound(y: f64, n: usize) -> f64 {
    UNIT * (y.abs() + 2.0 * (n as f64).ln() + 6.0)
}

/// The slope of a function of one variable, by the tape.
fn slope(x: f64, f: impl for<'t> Fn(Var<'t>) -> Var<'t>) -> f64 {
    gradient(&[x], |x| f(x[0])).1[0]
}

/// Points of both signs, around 0 and away from it; sums of two are exact.
const GRID: [f64; 13] = [-40.0, -3.0, -2.0, -1.0, -0.5, -0.125, 0.0, 0.0625, 0.5, 1.0, 1.5, 3.0, 700.0];

const SHARPNESSES: [f64; 5] = [0.1, 1.0, 5.0, 50.0, 1e6];

#[test]
fn s1_log_sum_exp_shifts_by_the_maximum() {
    for record in golden("lse_softmax") {
        let (x, expected) = (numbers(&record["x"]), number(&record["lse"]));
        let value = log_sum_exp(&x);
        assert_close(value, expected, lse_bound(expected, x.len()), &record["x"].to_string());

        let tape = Tape::new();
        let vars = tape.vars(&x);
        let y = log_sum_exp(&vars);
        assert_eq!(y.value(), value, "the same on a tape");
        assert_eq!(tape.len(), x.len() + 1, "one fused node");
        let duals: Vec<_> = x.iter().map(|&x| Dual::variable(x)).collect();
        assert_eq!(log_sum_exp(&duals).value, value, "the same in forward mode");
    }
    assert_eq!(log_sum_exp(&[745.0, -745.0]), 745.0);
    assert_eq!(log_sum_exp(&[1e308; 2]), 1e308);
    assert_eq!(log_sum_exp(&[-1e308; 2]), -1e308);
    let naive: f64 = [1000.0f64; 2].iter().map(|x| x.exp()).sum::<f64>().ln();
    assert_eq!(naive, f64::INFINITY, "what the trick is for");
}

#[test]
fn s2_log1p_keeps_what_is_small_beside_the_maximum() {
    assert_ulps(log_sum_exp(&[0.0, -40.0]), 4.248_354_255_291_589e-18, 1.0, "lse([0, -40])");
    assert_eq!(log_sum_exp(&[0.0, -745.0]), 5e-324);
    assert_eq!((1.0 + (-40f64).exp()).ln(), 0.0, "what log1p is for");
    // Higham's identities: a shift, bounds, ratios, and nesting.
    for x in [vec![-1.0, 0.0, 1.0], vec![3.0, -2.0, 3.0, 0.25], vec![-7.5; 9], vec![0.0, -40.0]] {
        let (y, n) = (log_sum_exp(&x), x.len());
        let largest = x.iter().copied().fold(f64::NEG_INFINITY, f64::max);
        let bound = lse_bound(y, n);
        assert!(largest <= y && y <= largest + (n as f64).ln() + bound, "{x:?}");
        let shifted: Vec<_> = x.iter().map(|x| x + 64.0).collect();
        assert_close(log_sum_exp(&shifted), y + 64.0, lse_bound(y + 64.0, n), "lse(x + c) = lse(x) + c");
        let (p, log_p) = (softmax(&x), log_softmax(&x));
        for i in 0..n {
            assert_close(log_p[i], x[i] - y, 2.0 * bound, "log softmax = x - lse");
            assert_close(p[i] / p[0], (x[i] - x[0]).exp(), 1e-14 * p[i] / p[0], "p_i / p_j = exp(x_i - x_j)");
        }
        let (first, rest) = x.split_first().unwrap();
        assert_close(log_add_exp(*first, log_sum_exp(rest)), y, 2.0 * bound, "lse(x_1, lse(x_2, ..))");
    }
}

/// Softmax as written: overflows.
fn softmax_plain(x: &[f64]) -> Vec<f64> {
    let sum: f64 = x.iter().map(|x| x.exp()).sum();
    x.iter().map(|x| x.exp() / sum).collect()
}

/// Softmax through the logarithm: loses digits in `x - lse`.
fn softmax_through_lse(x: &[f64]) -> Vec<f64> {
    let y = log_sum_exp(x);
    x.iter().map(|x| (x - y).exp()).collect()
}

/// The largest distance from the softmax of -1, 0, 1.
fn softmax_error(p: &[f64]) -> f64 {
    let exact = [0.090_030_573_170_380_46, 0.244_728_471_054_797_64, 0.665_240_955_774_821_9];
    p.iter().zip(exact).map(|(&p, exact)| ulps(p, exact)).fold(0.0, f64::max)
}

#[test]
fn s3_the_shifted_softmax_is_the_reliable_one() {
    for exponent in 0..14 {
        // A power of two: the shifted entries are exact, and so is their softmax.
        let offset = 2f64.powi(exponent);
        let x = [offset - 1.0, offset, offset + 1.0];
        assert!(softmax_error(&softmax(&x)) <= 4.0, "(+) at {offset}");
        let adjoint = gradient(&x, |x| log_sum_exp(x)).1;
        assert!(softmax_error(adjoint.as_slice()) <= 4.0, "the adjoint has (+) weights");
        let through_lse = softmax_error(&softmax_through_lse(&x));
        assert!(through_lse >= offset / 64.0, "(#) errs by {through_lse} ulp at {offset}");
        let plain = softmax_plain(&x);
        assert_eq!(plain[2].is_nan(), offset > 700.0, "(*) overflows");
    }
}

#[test]
fn s4_softmax_is_the_gradient_of_log_sum_exp() {
    for record in golden("lse_softmax") {
        let (x, expected) = (numbers(&record["x"]), numbers(&record["softmax"]));
        let (p, g) = (softmax(&x), gradient(&x, |x| log_sum_exp(x)).1);
        for i in 0..x.len().min(expected.len()) {
            assert_ulps(p[i], expected[i], 4.0, &format!("softmax({})[{i}]", record["x"]));
            assert_ulps(g[i], p[i], 2.0, "gradient of log_sum_exp");
        }
        assert!(p.iter().all(|&p| p >= 0.0));
        assert_close(p.iter().sum(), 1.0, 4.0 * UNIT * x.len() as f64, "softmax sums to 1");
    }
    let printed = |x: &[f64]| softmax(x).iter().map(|p| format!("{p:.4e}")).collect::<Vec<_>>().join(" ");
    assert_eq!(printed(&[-1.0, 0.0, 1.0]), "9.0031e-2 2.4473e-1 6.6524e-1");
    assert_eq!(printed(&[-1.0, 0.0, 10.0]), "1.6701e-5 4.5397e-5 9.9994e-1");
}

#[test]
fn s6_a_maximum_from_absolute_values() {
    for x in GRID {
        for y in GRID {
            let equation_1 = ((x + y).abs() + (x - y).abs()) / 2.0;
            assert_eq!(equation_1, x.abs().max(y.abs()), "(1) is the larger magnitude");
            assert_eq!(equation_1 == x.max(y), x + y >= 0.0, "and the maximum where x + y >= 0");
            assert_eq!((x + y + (x - y).abs()) / 2.0, x.max(y), "the readers' repair is the maximum");
            for k in SHARPNESSES {
                // The smooth repair converges from above, its error half that of |x - y| ..
                let repaired = (x + y + smooth_abs(x - y, k)) / 2.0;
                let rounding = 4.0 * UNIT * (x.abs() + y.abs() + LN_2 / k);
                assert!(
                    repaired >= x.max(y) - rounding && repaired <= x.max(y) + LN_2 / (2.0 * k) + rounding
                );
                // .. and where x + y < 0 so does the difference of the two logarithms of (8).
                if x + y < 0.0 {
                    let difference = (smooth_abs(x - y, k) - smooth_abs(x + y, k)) / 2.0;
                    assert_close(difference, x.max(y), LN_2 / (2.0 * k) + rounding, "(8) with a minus");
                }
            }
        }
    }
}

/// The logistic step `1 / (1 + e^{-kx})`.
fn smooth_step<S: Scalar>(x: S, k: f64) -> S {
    sigmoid(S::constant(k) * x)
}

#[test]
fn s7_the_sign_is_twice_the_step_less_one() {
    for k in SHARPNESSES {
        for x in GRID {
            let sign = Scalar::smooth_sign(x, k / 2.0);
            assert_close(2.0 * smooth_step(x, k) - 1.0, sign, 4.0 * UNIT, "2 step - 1 = tanh(kx/2)");
            assert_eq!(Scalar::smooth_sign(-x, k), -Scalar::smooth_sign(x, k), "the sign is odd");
            let steepness = slope(x, |x| smooth_step(x, k));
            assert!(steepness >= 0.0 && steepness <= k / 4.0, "the step rises, at most by k/4");
        }
        assert_eq!(smooth_step(0.0, k), 0.5);
        // No uniform bound: at x = 1/k the step is where it is, whatever k.
        assert_ulps(Scalar::smooth_sign(1.0 / k, k), 1f64.tanh(), 4.0, "tanh 1");
    }
    assert_eq!((smooth_step(0.5, 1e6), smooth_step(-0.5, 1e6)), (1.0, 0.0));
}

/// Equation (6), `(2/k) ln(1 + e^{kx}) - x`.
fn equation_6<S: Scalar>(x: S, k: f64) -> S {
    S::constant(2.0 / k) * softplus(S::constant(k) * x) - x
}

#[test]
fn s8_two_smooth_absolute_values_are_one() {
    for record in golden("abs_family") {
        let (x, k) = (number(&record["x"]), number(&record["k"]));
        let what = format!("x = {x}, k = {k}");
        assert_ulps(smooth_abs(x, k / 2.0), number(&record["eq6"]), 3.0, &format!("(6), {what}"));
        assert_ulps(smooth_abs(x, k), number(&record["eq7"]), 3.0, &format!("(7), {what}"));
        let slopes = [slope(x, |x| smooth_abs(x, k / 2.0)), slope(x, |x| smooth_abs(x, k))];
        assert_ulps(slopes[0], number(&record["d_eq6"]), 4.0, &format!("slope of (6), {what}"));
        assert_ulps(slopes[1], number(&record["d_eq7"]), 4.0, &format!("slope of (7), {what}"));
    }
    for k in SHARPNESSES {
        for x in GRID {
            let equation_7 = smooth_abs(x, k);
            let scale = x.abs() + 1.0 / k;
            assert_close(equation_6(x, 2.0 * k), equation_7, 4.0 * UNIT * scale, "(6) at 2k = (7) at k");
            let gap = equation_7 - x.abs();
            assert!(gap >= 0.0 && gap <= LN_2 / k + UNIT * scale, "(7) is above |x| by at most ln 2 / k");
            let gap = equation_6(x, k) - x.abs();
            assert!(gap >= -4.0 * UNIT * scale && gap <= 2.0 * LN_2 / k + 4.0 * UNIT * scale, "(6)");
            assert_close(slope(x, |x| smooth_abs(x, k)), (k * x).tanh(), 2.0 * UNIT, "slope of (7)");
            assert_close(slope(x, |x| equation_6(x, k)), (k * x / 2.0).tanh(), 4.0 * UNIT, "slope of (6)");
        }
        assert_eq!(smooth_abs(0.0, k), LN_2 / k, "the bound is attained");
        assert_ulps(equation_6(0.0, k), 2.0 * LN_2 / k, 2.0, "the bound is attained");
    }
}

/// `∫_0^x f`, by Simpson's rule.
fn integral(x: f64, f: impl Fn(f64) -> f64) -> f64 {
    const PANELS: usize = 2000;
    let h = x / (2 * PANELS) as f64;
    let node = |i: usize| f(i as f64 * h);
    (0..PANELS).map(|i| node(2 * i) + 4.0 * node(2 * i + 1) + node(2 * i + 2)).sum::<f64>() * h / 3.0
}

#[test]
fn s9_integrating_tanh_gives_the_smooth_absolute_value() {
    for k in [0.5, 1.0, 4.0] {
        for x in [-2.0, -0.3, 0.7, 3.0] {
            let risen = integral(x, |t| (k * t).tanh());
            assert_close(smooth_abs(x, k) - smooth_abs(0.0, k), risen, 1e-11, "∫ tanh(kt) dt");
            // "-2kx instead of -kx" in the logistic step: the slope of (7), not of (6).
            let doubled = 2.0 / (1.0 + (-2.0 * k * x).exp()) - 1.0;
            assert_close(slope(x, |x| smooth_abs(x, k)), doubled, 4.0 * UNIT, "2 / (1 + e^{-2kx}) - 1");
            let single = 2.0 / (1.0 + (-k * x).exp()) - 1.0;
            assert_close(slope(x, |x| equation_6(x, k)), single, 8.0 * UNIT, "2 / (1 + e^{-kx}) - 1");
        }
    }
}

/// Equation (9), `(1/2k) ln(e^{2kx} + e^{-2kx} + e^{2ky} + e^{-2ky})`.
fn equation_9<S: Scalar>(x: &[S], k: f64) -> S {
    let both: Vec<S> = x.iter().flat_map(|&x| [x, -x]).collect();
    smooth_max(&both, 2.0 * k)
}

#[test]
fn s10_equation_9_is_a_smooth_infinity_norm() {
    for record in golden("max_family") {
        let (x, y, k) = (number(&record["x"]), number(&record["y"]), number(&record["k"]));
        let what = format!("x = {x}, y = {y}, k = {k}");
        let equation_8 = (smooth_abs(x + y, k) + smooth_abs(x - y, k)) / 2.0;
        assert_ulps(equation_8, number(&record["eq8"]), 4.0, &format!("(8), {what}"));
        assert_ulps(equation_9(&[x, y], k), number(&record["eq9"]), 4.0, &format!("(9), {what}"));
    }
    for k in [1.0, 10.0, 100.0, 1000.0] {
        let gap = equation_9(&[-3.0, 1.0], k) - 3.0;
        assert!((0.0..=4f64.ln() / (2.0 * k)).contains(&gap), "at (-3, 1) it is 3 + {gap}, not 1");
    }
    let (value, g) = gradient(&[-3.0, 1.0], |x| equation_9(x, 1000.0));
    assert_eq!((value, g.as_slice()), (3.0, &[-1.0, 0.0][..]));
}

/// Vectors of `n` numbers: all signs, ties, and a spread.
fn sign_sweep(n: usize) -> Vec<Vec<f64>> {
    let magnitude = |i: usize| [0.75, 2.0, 0.75, 1e-3, 40.0][i % 5];
    (0..1usize << n.min(6))
        .map(|signs| {
            (0..n).map(|i| if signs >> (i % 6) & 1 == 1 { -magnitude(i) } else { magnitude(i) }).collect()
        })
        .collect()
}

#[test]
fn s11_the_smooth_maximum_is_squeezed() {
    for record in golden("max_family") {
        let (x, y, k) = (number(&record["x"]), number(&record["y"]), number(&record["k"]));
        let what = format!("x = {x}, y = {y}, k = {k}");
        assert_ulps(smooth_max(&[x, y], k), number(&record["eq11"]), 3.0, &format!("(11), {what}"));
        assert_ulps(smooth_max(&[x, y], 2.0 * k), number(&record["eq10"]), 3.0, &format!("(10), {what}"));
    }
    for n in [1, 2, 3, 5, 6, 100] {
        for x in sign_sweep(n) {
            let largest = x.iter().copied().fold(f64::NEG_INFINITY, f64::max);
            let smallest = x.iter().copied().fold(f64::INFINITY, f64::min);
            let mut looser = f64::INFINITY;
            for k in SHARPNESSES {
                // e^{k max} <= Σ e^{k x_i} <= n e^{k max}; and so for the minimum.
                let rounding = 4.0 * UNIT * (40.0 + (n as f64).ln() / k);
                let bound = (n as f64).ln() / k + rounding;
                let y = smooth_max(&x, k);
                assert!(largest <= y && y <= largest + bound, "smooth_max({x:?}, {k}) = {y}");
                let below = smooth_min(&x, k);
                assert!(smallest - bound <= below && below <= smallest, "smooth_min({x:?}, {k}) = {below}");
                assert!(y <= looser + rounding, "a sharper one is lower");
                looser = y;
            }
        }
        assert_ulps(smooth_max(&vec![0.0; n], 5.0), (n as f64).ln() / 5.0, 2.0, "the bound is attained");
    }
}
