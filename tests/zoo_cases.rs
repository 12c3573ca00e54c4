//! The zoo on verified cases: `tests/data/numerics-cases.json` and equations
//! (6)-(14) in `tests/data/golden-numerics.json`.

mod support;

use serde_json::Value;
use smoothmax::smooth::{
    abs_softplus, abs_sqrt, double_exp_max, log_cosh, odd_root_max, p_norm, smooth_norm_inf, x_tanh,
};
use smoothmax::{Var, hessian, log_sigmoid, log_sum_exp, sigmoid, smooth_abs, smooth_max, softmax, softplus};
use support::{Big, big_decimal, nearest, ulps};

/// Largest error allowed, in ulp.
const ALLOWED: f64 = 4.5;

/// Equations (13) and (14) are compared relatively: of operands of opposite
/// signs the odd root is a difference, and the double exponential raises
/// rounding errors of its operands to exponentials of exponentials.
const RELATIVE: f64 = 1e-12;

#[derive(Clone, Copy)]
enum Tolerance {
    Ulp,
    Relative,
}

fn read(json: &'static str) -> Value {
    serde_json::from_str(json).expect("valid JSON")
}

/// A number, given as text or not.
fn number(json: &Value) -> f64 {
    json.as_f64().unwrap_or_else(|| json.as_str().expect("a number").parse().expect("a number"))
}

fn exact(json: &Value) -> Big {
    big_decimal(json.as_str().expect("a decimal number"))
}

fn check(what: &str, got: f64, expected: &Value, tolerance: Tolerance) {
    let expected = exact(expected);
    let fine = match tolerance {
        Tolerance::Ulp => ulps(got, &expected) <= ALLOWED,
        Tolerance::Relative => {
            let expected = nearest(&expected);
            (got - expected).abs() <= RELATIVE * expected.abs()
        }
    };
    assert!(fine, "{what}: {got:e} for {expected}, {} ulp", ulps(got, &expected));
}

/// Checks value, gradient and, where a case has it, the second derivative of
/// every case of a function. Returns how many there are.
fn each_case(
    function: &str,
    tolerance: Tolerance,
    f: impl for<'t> Fn(&[Var<'t>], &Value) -> Var<'t>,
) -> usize {
    let file = read(include_str!("data/numerics-cases.json"));
    let chosen: Vec<&Value> =
        file["cases"].as_array().expect("a list").iter().filter(|case| case["fn"] == function).collect();
    for case in &chosen {
        let id = case["id"].as_str().expect("an id");
        let x: Vec<f64> = case["x"].as_array().expect("a list").iter().map(number).collect();
        let (value, g, h) = hessian(&x, |x| f(x, &case["params"]));
        let expected = &case["expected"];
        check(&format!("{id} value"), value, &expected["value"], tolerance);
        for (i, g) in g.iter().enumerate() {
            check(&format!("{id} gradient {i}"), *g, &expected["grad"][i], tolerance);
        }
        if !expected["d2"].is_null() {
            check(&format!("{id} second derivative"), h[(0, 0)], &expected["d2"], tolerance);
        }
    }
    chosen.len()
}

fn k(params: &Value) -> f64 {
    number(&params["k"])
}

#[test]
fn softplus_cases() {
    assert_eq!(each_case("softplus", Tolerance::Ulp, |x, _| softplus(x[0])), 5);
}

#[test]
fn sigmoid_cases() {
    assert_eq!(each_case("sigmoid", Tolerance::Ulp, |x, _| sigmoid(x[0])), 4);
}

#[test]
fn log_sigmoid_cases() {
    assert_eq!(each_case("log_sigmoid", Tolerance::Ulp, |x, _| log_sigmoid(x[0])), 3);
}

#[test]
fn abs_softplus_cases() {
    assert_eq!(each_case("abs_softplus", Tolerance::Ulp, |x, p| abs_softplus(x[0], k(p))), 2);
}

#[test]
fn abs_log2cosh_cases_are_the_same_function() {
    assert_eq!(each_case("abs_log2cosh", Tolerance::Ulp, |x, p| abs_softplus(x[0], k(p))), 2);
}

#[test]
fn abs_logcosh_cases_are_smooth_abs() {
    assert_eq!(each_case("abs_logcosh", Tolerance::Ulp, |x, p| smooth_abs(x[0], k(p))), 3);
}

#[test]
fn abs_sqrt_cases() {
    let k = |p: &Value| 1.0 / number(&p["eps"]);
    assert_eq!(each_case("abs_sqrt", Tolerance::Ulp, |x, p| abs_sqrt(x[0], k(p))), 2);
}

#[test]
fn abs_tanh_cases() {
    assert_eq!(each_case("abs_tanh", Tolerance::Ulp, |x, p| x_tanh(x[0], k(p))), 2);
}

#[test]
fn p_norm_cases() {
    assert_eq!(each_case("p_norm", Tolerance::Ulp, |x, p| p_norm(x, number(&p["p"]))), 2);
}

#[test]
fn odd_root_max_cases() {
    let p = |params: &Value| number(&params["p"]) as u32;
    assert_eq!(
        each_case("odd_root_max", Tolerance::Relative, |x, params| odd_root_max(x[0], x[1], p(params))),
        3
    );
}

#[test]
fn double_exp_max_cases() {
    assert_eq!(each_case("double_exp_max", Tolerance::Relative, |x, p| double_exp_max(x, k(p))), 3);
}

/// The rows of one part of the golden values, and how many there are.
fn each_golden(part: &str, check: impl Fn(&Value)) -> usize {
    let file = read(include_str!("data/golden-numerics.json"));
    let rows = file[part].as_array().expect("a list");
    rows.iter().for_each(check);
    rows.len()
}

#[test]
fn golden_log_sum_exp_and_softmax() {
    let count = each_golden("lse_softmax", |row| {
        let x: Vec<f64> =
            row["x"].as_array().map_or_else(|| vec![0.0; 100], |x| x.iter().map(number).collect());
        // At x = [-ln 2, -ln 2] the value nearly vanishes: the absolute bound.
        let expected = number(&row["lse"]);
        let value = log_sum_exp(&x);
        let bound = f64::EPSILON / 2.0 * (expected.abs() + 2.0 * (x.len() as f64).ln() + 6.0);
        assert!((value - expected).abs() <= bound, "{row}: {value}");
        for (p, expected) in softmax(&x).iter().zip(row["softmax"].as_array().expect("a list")) {
            check(&row.to_string(), *p, expected, Tolerance::Ulp);
        }
    });
    assert_eq!(count, 12);
}

#[test]
fn golden_equations_6_and_7_and_other_smooth_absolute_values() {
    let count = each_golden("abs_family", |row| {
        let (x, k) = (number(&row["x"]), number(&row["k"]));
        let agrees = |column: &str, got: f64| {
            check(&format!("{column} of {row}"), got, &row[column], Tolerance::Ulp);
        };
        agrees("eq6", abs_softplus(x, k));
        agrees("eq7", smooth_abs(x, k));
        agrees("logcosh", log_cosh(x, k));
        agrees("sqrt_eps", abs_sqrt(x, k));
        agrees("d_eq6", smoothmax::gradient(&[x], |x| abs_softplus(x[0], k)).1[0]);
        agrees("d_eq7", smoothmax::gradient(&[x], |x| smooth_abs(x[0], k)).1[0]);
    });
    assert_eq!(count, 15);
}

#[test]
fn golden_equations_8_to_14() {
    let count = each_golden("max_family", |row| {
        let [x, y, k] = ["x", "y", "k"].map(|name| number(&row[name]));
        // The table has 18 digits: more than the doubles compared here.
        let agrees = |column: &str, got: f64, tolerance| {
            check(&format!("{column} of {row}"), got, &row[column], tolerance);
        };
        agrees("eq8", (smooth_abs(x + y, k) + smooth_abs(x - y, k)) / 2.0, Tolerance::Ulp);
        agrees("eq9", smooth_norm_inf(&[x, y], k), Tolerance::Ulp);
        agrees("eq10", smooth_max(&[x, y], 2.0 * k), Tolerance::Ulp);
        agrees("eq11", smooth_max(&[x, y], k), Tolerance::Ulp);
        agrees("eq13", odd_root_max(x, y, 2 * (k as u32) + 1), Tolerance::Relative);
        agrees("eq14", double_exp_max(&[x, y], k), Tolerance::Relative);
    });
    assert_eq!(count, 18);
}
