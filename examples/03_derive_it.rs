//! Deriving a smooth maximum, equation by equation, wrong turns included.
//!
//! The path of an essay (Su Jianlin, *Scientific Spaces* 3290) and of its readers' comments:
//!
//! ```text
//! (1)      max(x, y) = (|x + y| + |x - y|) / 2                     for x + y >= 0 only
//! (2)-(5)  sign = 2 step - 1, and a smooth step is the logistic function
//! (6)      |x| ~ (2/k) ln(1 + e^kx) - x
//! (7)      |x| ~ (1/k) ln(e^kx + e^-kx)
//! (8)-(9)  (7) in (1): (1/2k) ln(e^2kx + e^-2kx + e^2ky + e^-2ky)   tends to max(|x|, |y|)
//! (10)-(12) (1/k) ln(e^kx + e^ky)                                  for all x, y: log-sum-exp
//! (13)     (x^p + y^p)^(1/p), p odd                                tends to the minimum below 0
//! (14)     (1/k) ln ln(e^e^kx + e^e^ky)                            tends to 0 below 0
//! ```
//!
//! You will learn: (11) is what remains. "Sum an increasing function, invert" is no recipe unless
//! `(ln f)' >= c > 0`; then the error lies in [0, ln(n) / (c k)].
//!
//! Expected output:
//!
//! ```text
//! (1)   at (-3, 1): 3, which is max(|x|, |y|); with x + y for |x + y|: 1
//! (8)   at (-1, -2), the logarithms subtracted: -1.000000
//! (7)   its slope is tanh(kx) = 0.905148: integrate the smooth sign
//! (6)   at 2k is (7) at k: 0.309717 and 0.309717
//! (9)   at (-3, 1): 3.000000, again max(|x|, |y|)
//! (11)  at (-3, 1): 1.000000
//! (12)  f = 1 + e^x at (-100, -200): 0.0
//!       f = ((x + sqrt(x^2 + 4)) / 2)^2 at (1000, 1000): 1414.2
//! (13)  at (-1, -2): -2.000000, the minimum; the p-norm: 2.000000
//! (14)  at (-1, -2): -0.007330; less n - 1 inside: -1.000000
//! (11) is nearer than (13) from k on: (5, 4.5) Some(1), (2.1, 2) Some(13), (1.9, 1.1) None
//! ```

mod draw;

use smoothmax::smooth::{
    abs_softplus, double_exp_m1_max, double_exp_max, odd_root_max, p_norm, quasi_sum, smooth_norm_inf,
    smooth_sign, smooth_step,
};
use smoothmax::{gradient, sigmoid, smooth_abs, smooth_max};

fn main() {
    maximum_from_magnitudes();
    magnitude_from_a_step();
    log_sum_exp_at_last();
    any_increasing_function();
    two_that_fail_below_zero();
    which_is_nearer();
    draw::save("03_derive_it", 2, &[magnitudes(), maxima(), below_zero(), errors()]);
}

#[track_caller]
fn assert_near(found: f64, expected: f64, tolerance: f64) {
    assert!((found - expected).abs() <= tolerance, "{found} is not {expected}");
}

/// (1), and two repairs by readers.
fn maximum_from_magnitudes() {
    let (x, y) = (-3.0f64, 1.0f64);
    let equation_1 = ((x + y).abs() + (x - y).abs()) / 2.0;
    let repaired = (x + y + (x - y).abs()) / 2.0;
    println!("(1)   at (-3, 1): {equation_1}, which is max(|x|, |y|); with x + y for |x + y|: {repaired}");
    assert_eq!((equation_1, repaired), (3.0, 1.0));

    // (8) adds two logarithms; where x + y < 0, subtracting them is another repair.
    let (x, y, k) = (-1.0, -2.0, 50.0);
    let subtracted = (smooth_abs(x - y, k) - smooth_abs(x + y, k)) / 2.0;
    println!("(8)   at (-1, -2), the logarithms subtracted: {subtracted:.6}");
    assert_near(subtracted, -1.0, 2f64.ln() / k);
}

/// (2) to (7): a smooth step gives a smooth sign; x times it, or its integral, a smooth magnitude.
fn magnitude_from_a_step() {
    let (x, k) = (0.3, 5.0);
    assert_near(smooth_step(x, k), sigmoid(k * x), 1e-15);
    assert_near(smooth_sign(x, k), (k * x).tanh(), 1e-15);
    assert_near(smooth_sign(x, k), 2.0 * smooth_step(x, 2.0 * k) - 1.0, 1e-15);
    let slope = gradient(&[x], |x| smooth_abs(x[0], k)).1[0];
    println!("(7)   its slope is tanh(kx) = {slope:.6}: integrate the smooth sign");
    assert_near(slope, (k * x).tanh(), 1e-15);
    let (six, seven) = (abs_softplus(x, 2.0 * k), smooth_abs(x, k));
    println!("(6)   at 2k is (7) at k: {six:.6} and {seven:.6}");
    assert_near(six, seven, 1e-15);
    assert_near(abs_softplus(0.0, k), 2.0 * 2f64.ln() / k, 1e-15);
    assert_near(smooth_abs(0.0, k), 2f64.ln() / k, 1e-15);
}

/// (9) is a norm; (11) is the maximum for any signs, by squeezing the sum between its largest
/// term and n times that.
fn log_sum_exp_at_last() {
    println!("(9)   at (-3, 1): {:.6}, again max(|x|, |y|)", smooth_norm_inf(&[-3.0, 1.0], 50.0));
    assert_near(smooth_norm_inf(&[-3.0, 1.0], 50.0), 3.0, 1e-15);
    println!("(11)  at (-3, 1): {:.6}", smooth_max(&[-3.0, 1.0], 50.0));
    let values = [-3.0f64, -1.0, 0.0, 1.0, 3.0];
    for (x, y, z) in values.iter().flat_map(|&x| values.iter().map(move |&y| (x, y, -y))) {
        let error = smooth_max(&[x, y, z], 4.0) - x.max(y).max(z);
        assert!((0.0..=3f64.ln() / 4.0).contains(&error));
    }
}

/// `f^-1(Σ f(x_i))` for an increasing f that grows faster than linearly.
fn any_increasing_function() {
    // Not enough: f must vanish at -inf. f = 1 + e^x does not, and tends to max(x, 0).
    let one_more = quasi_sum(&[-100.0, -200.0], |x: f64| 1.0 + x.exp(), |y| (y - 1.0).ln());
    println!("(12)  f = 1 + e^x at (-100, -200): {one_more:.1}");
    assert_near(one_more, 0.0, 1e-15);
    // Not enough either: this f vanishes at -inf, but grows like x^2, and gives a 2-norm.
    let square = |x: f64| ((x + x.hypot(2.0)) / 2.0).powi(2);
    let norm = quasi_sum(&[1000.0, 1000.0], square, |y| y.sqrt() - 1.0 / y.sqrt());
    println!("      f = ((x + sqrt(x^2 + 4)) / 2)^2 at (1000, 1000): {norm:.1}");
    assert_near(norm, 1000.0 * 2f64.sqrt(), 0.1);
    // Enough: (ln f)' >= 1, as here. The error is at most ln 2.
    let steep = |x: f64| x.exp() + (2.0 * x).exp();
    let inverse = |y: f64| (2.0 * y / (1.0 + (1.0 + 4.0 * y).sqrt())).ln();
    for x in [[-30.0f64, -30.0], [-30.0, 2.0], [20.0, 19.0]] {
        let error = quasi_sum(&x, steep, inverse) - x[0].max(x[1]);
        assert!((-1e-12..=2f64.ln()).contains(&error));
    }
}

fn two_that_fail_below_zero() {
    let x = [-1.0, -2.0];
    let (root, double) = (odd_root_max(x[0], x[1], 101), double_exp_max(&x, 50.0));
    let repaired = double_exp_m1_max(&x, 50.0);
    println!("(13)  at (-1, -2): {root:.6}, the minimum; the p-norm: {:.6}", p_norm(&x, 101.0));
    println!("(14)  at (-1, -2): {double:.6}; less n - 1 inside: {repaired:.6}");
    assert_near(root, -2.0, 1e-12);
    assert_near(p_norm(&x, 101.0), 2.0, 1e-12);
    assert_near(double, 0.0, 0.01);
    assert_near(repaired, -1.0, 2f64.ln() / 50.0);
}

/// The errors of (11) and of (13) with p = 2k + 1 at sharpness k.
fn error_11_and_13([x, y]: [f64; 2], k: u32) -> (f64, f64) {
    (smooth_max(&[x, y], f64::from(k)) - x, odd_root_max(x, y, 2 * k + 1) - x)
}

/// "(11) is nearer than (13) almost always": for large k iff e^(y - x) < (y / x)^2.
fn which_is_nearer() {
    let nearer_11 = |point, k| {
        let (eleven, thirteen) = error_11_and_13(point, k);
        eleven < thirteen
    };
    let first = |point| (1..=15).find(|&k| nearer_11(point, k));
    println!(
        "(11) is nearer than (13) from k on: (5, 4.5) {:?}, (2.1, 2) {:?}, (1.9, 1.1) {:?}",
        first([5.0, 4.5]),
        first([2.1, 2.0]),
        first([1.9, 1.1])
    );
    assert!((1..=15).all(|k| !nearer_11([1.9, 1.1], k)));
    assert!((1..=10).all(|k| !nearer_11([2.1, 2.0], k)) && nearer_11([2.1, 2.0], 100));
    assert!(nearer_11([5.0, 4.5], 15));
}

fn magnitudes() -> draw::Plot {
    let graph = |f: fn(f64) -> f64| draw::graph(-2.0..2.0, 201, f);
    draw::Plot::new("|x| at k = 2", draw::linear("x", -2.0..2.0), draw::linear("value", 0.0..2.5))
        .line("|x|", draw::INK, graph(f64::abs))
        .line("(6)", draw::ORANGE, graph(|x| abs_softplus(x, 2.0)))
        .line("(7)", draw::BLUE, graph(|x| smooth_abs(x, 2.0)))
}

fn maxima() -> draw::Plot {
    let graph = |f: fn(f64) -> f64| draw::graph(-3.0..3.0, 201, f);
    draw::Plot::new("max(x, 1) at k = 3", draw::linear("x", -3.0..3.0), draw::linear("value", 0.0..4.0))
        .line("max(x, 1)", draw::INK, graph(|x| x.max(1.0)))
        .line("(9) tends to max(|x|, 1)", draw::RED, graph(|x| smooth_norm_inf(&[x, 1.0], 3.0)))
        .dashed("(11) log-sum-exp", draw::BLUE, graph(|x| smooth_max(&[x, 1.0], 3.0)))
        .legend(draw::Corner::UpperRight)
}

fn below_zero() -> draw::Plot {
    let graph = |f: fn(f64) -> f64| draw::graph(-2.5..2.5, 401, f);
    draw::Plot::new("max(x, x - 1) at k = 3", draw::linear("x", -2.5..2.5), draw::linear("value", -3.5..3.0))
        .line("max = x", draw::INK, graph(|x| x))
        .line("(13) odd root", draw::ORANGE, graph(|x| odd_root_max(x, x - 1.0, 7)))
        .line("(14) double exponential", draw::RED, graph(|x| double_exp_max(&[x, x - 1.0], 3.0)))
        .dashed("(14) repaired", draw::BLUE, graph(|x| double_exp_m1_max(&[x, x - 1.0], 3.0)))
        .legend(draw::Corner::UpperLeft)
}

fn errors() -> draw::Plot {
    let curve = |point, pick: fn((f64, f64)) -> f64| {
        (1..=30).map(|k| (f64::from(k), pick(error_11_and_13(point, k)))).collect::<Vec<_>>()
    };
    draw::Plot::new(
        "Which is nearer to the maximum?",
        draw::linear("sharpness k", 0.0..30.0),
        draw::logarithmic("error", 1e-8..1e3),
    )
    .line("(11) at (1.9, 1.1)", draw::BLUE, curve([1.9, 1.1], |e| e.0))
    .dashed("(13) at (1.9, 1.1)", draw::BLUE, curve([1.9, 1.1], |e| e.1))
    .line("(11) at (2.1, 2.0)", draw::RED, curve([2.1, 2.0], |e| e.0))
    .dashed("(13) at (2.1, 2.0)", draw::RED, curve([2.1, 2.0], |e| e.1))
}
