//! The slice kernels on the verified cases of `tests/data/numerics-cases.json`.

mod support;

use serde_json::Value;
use smoothmax::kernel;
use support::{big_decimal, ulps};

/// Largest error allowed, in ulp.
const ALLOWED: f64 = 4.5;

/// Cases whose value nearly vanishes against its largest element: conditioning
/// forbids a relative bound for the plain `log_sum_exp`. Its absolute bound is
/// asserted instead, and the ulp bound for `log_sum_exp_accurate`.
const NEARLY_ZERO: [&str; 2] = ["shared-016", "shared-017"];

struct Case {
    json: Value,
}

impl Case {
    fn id(&self) -> &str {
        self.json["id"].as_str().expect("an id")
    }

    /// The argument; repeated groups written out.
    fn x(&self) -> Vec<f64> {
        let groups = self.json["x_repeat"].as_array().into_iter().flatten();
        let repeated =
            groups.flat_map(|group| vec![number(&group[0]); group[1].as_u64().expect("a count") as usize]);
        self.numbers(&self.json["x"]).into_iter().chain(repeated).collect()
    }

    fn numbers(&self, list: &Value) -> Vec<f64> {
        list.as_array().into_iter().flatten().map(number).collect()
    }

    fn cotangent(&self) -> Vec<f64> {
        self.numbers(&self.json["params"]["cotangent"])
    }

    /// Checks numbers against an entry of `expected`.
    fn check(&self, what: &str, got: &[f64]) {
        let expected = &self.json["expected"][what];
        let list = std::slice::from_ref(expected);
        let expected = expected.as_array().map_or(list, |list| list);
        assert_eq!(got.len(), expected.len(), "{} {what}", self.id());
        for (i, (&got, expected)) in got.iter().zip(expected).enumerate() {
            check_one(&format!("{} {what}[{i}]", self.id()), got, expected);
        }
    }

    /// Checks a gradient, which for repeated groups is given once per group.
    fn check_gradient(&self, got: &[f64]) {
        let Some(groups) = self.json["x_repeat"].as_array() else {
            return self.check("grad", got);
        };
        let mut rest = got;
        for (i, group) in groups.iter().enumerate() {
            let (now, later) = rest.split_at(group[1].as_u64().expect("a count") as usize);
            let what = format!("{} group {i}", self.id());
            let bits = now[0].to_bits();
            assert!(now.iter().all(|w| w.to_bits() == bits), "{what}: unequal weights");
            check_one(&what, now[0], &self.json["expected"]["grad_per_group"][i]);
            rest = later;
        }
    }
}

fn number(json: &Value) -> f64 {
    json.as_str().expect("a string").parse().expect("a number")
}

fn check_one(what: &str, got: f64, expected: &Value) {
    let decimal = expected.as_str().expect("a string");
    let nearest = number(expected);
    if !nearest.is_finite() {
        assert!(got == nearest || got.is_nan() && nearest.is_nan(), "{what}: {got}, not {decimal}");
        return;
    }
    let error = ulps(got, &big_decimal(decimal));
    assert!(error <= ALLOWED, "{what}: {got} is {error} ulp from {decimal}");
}

/// Every case of one function, and how many there are.
fn each_case(function: &str, check: impl Fn(&Case)) -> usize {
    let file: Value = serde_json::from_str(include_str!("data/numerics-cases.json")).expect("valid JSON");
    let cases = file["cases"].as_array().expect("a list");
    let chosen = cases.iter().filter(|case| case["fn"] == function);
    chosen.map(|case| check(&Case { json: case.clone() })).count()
}

#[test]
fn log_sum_exp() {
    let count = each_case("lse", |case| {
        let x = case.x();
        let mut weights = vec![0.0; x.len()];
        let value = kernel::log_sum_exp_weights(&x, &mut weights);
        assert!(value == kernel::log_sum_exp(&x) || value.is_nan(), "{}", case.id());
        case.check("value", &[kernel::log_sum_exp_accurate(&x)]);
        case.check_gradient(&weights);
        if NEARLY_ZERO.contains(&case.id()) {
            let exact = number(&case.json["expected"]["value"]);
            let u = f64::EPSILON / 2.0;
            let bound = u * (exact.abs() + 2.0 * (x.len() as f64).ln() + 6.0);
            assert!((value - exact).abs() <= bound, "{}: {value}", case.id());
        } else {
            case.check("value", &[value]);
        }
    });
    assert_eq!(count, 24);
}

#[test]
fn softmax() {
    let count = each_case("softmax", |case| {
        let (x, cotangent) = (case.x(), case.cotangent());
        let (mut weights, mut pulled) = (vec![0.0; x.len()], vec![0.0; x.len()]);
        kernel::softmax(&x, &mut weights);
        kernel::softmax_pullback(&weights, &cotangent, &mut pulled);
        case.check("value", &weights);
        case.check("vjp", &pulled);
    });
    assert_eq!(count, 6);
}

#[test]
fn log_softmax() {
    let count = each_case("log_softmax", |case| {
        let (x, cotangent) = (case.x(), case.cotangent());
        let (mut out, mut weights, mut pulled) = (x.clone(), x.clone(), x.clone());
        kernel::log_softmax(&x, &mut out);
        kernel::softmax(&x, &mut weights);
        kernel::log_softmax_pullback(&weights, &cotangent, &mut pulled);
        case.check("value", &out);
        case.check("vjp", &pulled);
    });
    assert_eq!(count, 3);
}

#[test]
fn log_add_exp() {
    let count = each_case("logaddexp", |case| {
        let x = case.x();
        let (value, weights) = kernel::log_add_exp_weights(x[0], x[1]);
        case.check("value", &[value]);
        case.check("grad", &weights);
        if value.is_finite() {
            case.check("hess_xx", &[weights[0] * weights[1]]);
        }
    });
    assert_eq!(count, 6);
}

#[test]
fn smooth_max() {
    let count = each_case("smoothmax", |case| {
        let (x, k) = (case.x(), number(&case.json["params"]["k"]));
        let mut weights = vec![0.0; x.len()];
        case.check("value", &[kernel::smooth_max_weights(&x, k, &mut weights)]);
        case.check("value", &[kernel::smooth_max(&x, k)]);
        case.check("grad", &weights);
    });
    assert_eq!(count, 5);
}
