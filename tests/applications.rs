//! Problems with known answers from `tests/data/applications.json`.

use std::sync::LazyLock;

use serde_json::Value;
use smoothmax::{Minimax, Scalar};

static FILE: LazyLock<Value> = LazyLock::new(|| {
    serde_json::from_str(include_str!("data/applications.json")).expect("the data file is JSON")
});

/// The entry of the file with this id.
fn entry(id: &str) -> &'static Value {
    FILE.as_array().expect("a list").iter().find(|e| e["id"] == id).expect("an entry with this id")
}

/// A number, given as such or as text.
fn number(value: &Value) -> f64 {
    value.as_f64().or_else(|| value.as_str()?.parse().ok()).expect("a number")
}

fn numbers(value: &Value) -> Vec<f64> {
    value.as_array().expect("a list").iter().map(number).collect()
}

fn table(value: &Value) -> Vec<Vec<f64>> {
    value.as_array().expect("a list of rows").iter().map(numbers).collect()
}

#[track_caller]
fn assert_near(found: f64, expected: f64, relative: f64) {
    let scale = if expected == 0.0 { 1.0 } else { expected.abs() };
    assert!((found - expected).abs() <= relative * scale, "{found} but {expected} expected");
}

/// The residuals of the linear model of the stack-loss data.
fn stack_loss<S: Scalar>(coefficients: &[S]) -> Vec<S> {
    let inputs = &entry("lad_stackloss")["inputs"];
    let residual = |(row, &y): (Vec<f64>, &f64)| {
        let slopes = coefficients[1..].iter().zip(row);
        slopes.fold(coefficients[0] - S::constant(y), |sum, (&c, x)| sum + c * S::constant(x))
    };
    table(&inputs["X"]).into_iter().zip(&numbers(&inputs["y"])).map(residual).collect()
}

#[test]
fn chebyshev_regression_of_the_stack_loss_data() {
    let answer = &entry("cheb_stackloss")["answer"];
    let minimax = Minimax::record(&[0.0; 4], |c| stack_loss(c)).absolute().convex().radius(100.0);
    let solution = minimax.solve(&[0.0; 4]).unwrap();
    println!("{solution}");
    assert_near(solution.value, 19705.0 / 4154.0, 1e-12);
    let (lower, upper) = solution.bracket().unwrap();
    assert!(lower <= 19705.0 / 4154.0 && upper - lower < 1e-8, "[{lower}, {upper}]");
    for (found, expected) in solution.x.iter().zip(numbers(&answer["coef"])) {
        assert_near(*found, expected, 1e-8);
    }
}

#[test]
fn least_absolute_deviations_of_the_stack_loss_data() {
    let answer = &entry("lad_stackloss")["answer"];
    let groups: Vec<usize> = (0..21).collect();
    let minimax = Minimax::record(&[0.0; 4], |c| stack_loss(c)).absolute().groups(&groups);
    let solution = minimax.convex().radius(100.0).solve(&[0.0; 4]).unwrap();
    println!("{solution}");
    assert_near(solution.value, number(&answer["sum_abs"]), 1e-12);
    let (lower, upper) = solution.bracket().unwrap();
    assert!(lower <= number(&answer["sum_abs"]) && upper - lower < 1e-7, "[{lower}, {upper}]");
    for (found, expected) in solution.x.iter().zip(numbers(&answer["coef"])) {
        assert_near(*found, expected, 1e-8);
    }
}
