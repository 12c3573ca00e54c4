//! The check of derivatives against differences, and what a closure may do
//! beside computing.

mod common;

use std::sync::Arc;

use common::{Cube, OnTape, panic_message};
use smoothmax::diff::{GradientCheck, Verdict};
use smoothmax::{Batch, CustomNode, Program, SecondOrder, Var};
use smoothmax::{check_gradient, gradient, hessian, hvp, jacobian, jvp, vjp};

#[test]
fn correct_functions_agree_at_every_scale() {
    let cases: [(&[f64], OnTape); 12] = [
        (&[0.3, 1e6], |x| x[0].sin() + 1e-6 * x[1]),
        (&[0.001], |x| x[0].ln()),
        (&[1e-4], |x| x[0].sqrt()),
        (&[1e-9], |x| (x[0] * 1e9).sin()),
        (&[1e-9, 1.0], |x| (x[0] * 1e9).sin() + x[1].exp()),
        (&[1e-9, 1.0], |x| 3.0 * x[0] + x[1].exp()),
        (&[1e6], |x| x[0].sin()),
        (&[1.0, 1.0], |x| 100.0 * (x[1] - x[0].powi(2)).powi(2) + (1.0 - x[0]).powi(2)),
        (&[1.0], |x| (x[0] - 1.0).powi(2) + 1e6),
        (&[0.0], |x| x[0].powi(3)),
        (&[1e-3], |x| x[0].abs()),
        (&[], |_| Var::lift(2.0)),
    ];
    for (i, (x, f)) in cases.into_iter().enumerate() {
        let check = check_gradient(x, f);
        assert_eq!(check.verdict(), Verdict::Agrees, "case {i}: {check}");
        assert!(check.is_ok() && check.first_order_error() <= 1e-7, "case {i}: {check}");
    }
}

/// `f` with a slope, at each of the first operands, that is off by a factor.
struct Claimed {
    f: fn(&[f64]) -> f64,
    slopes: fn(&[f64]) -> Vec<f64>,
    curvature: f64,
}

impl CustomNode for Claimed {
    fn value(&self, x: &[f64]) -> f64 {
        (self.f)(x)
    }

    fn pullback(&self, x: &[f64], y_bar: f64, x_bar: &mut [f64]) {
        x_bar.iter_mut().zip((self.slopes)(x)).for_each(|(x_bar, slope)| *x_bar += y_bar * slope);
    }

    fn second_order(&self) -> Option<&dyn SecondOrder> {
        Some(self)
    }
}

impl SecondOrder for Claimed {
    fn hessian_vector(&self, _x: &[f64], direction: &[f64], product: &mut [f64]) {
        product.iter_mut().zip(direction).for_each(|(product, v)| *product = self.curvature * v);
    }
}

fn check_claim(
    x: &[f64],
    f: fn(&[f64]) -> f64,
    slopes: fn(&[f64]) -> Vec<f64>,
    curvature: f64,
) -> GradientCheck {
    let node = Arc::new(Claimed { f, slopes, curvature });
    check_gradient(x, |x| Var::custom(node.clone(), x))
}

#[test]
fn wrong_derivatives_are_caught() {
    let claims = [
        check_claim(&[1.5], |x| x[0] * x[0], |x| vec![2.001 * x[0]], 2.0),
        check_claim(&[1.5], |x| x[0] * x[0], |x| vec![2.0 * x[0]], 2.001),
        // In the small variable, in the large one.
        check_claim(&[1e-9, 1.0], |x| 3.0 * x[0] + x[1], |_| vec![4.0, 1.0], 0.0),
        check_claim(&[0.3, 1e6], |x| 3.0 * x[0] + 1e-6 * x[1], |_| vec![3.0, 2e-6], 0.0),
        // At a minimum, of a constant, of small numbers.
        check_claim(&[0.0], |x| x[0] * x[0], |_| vec![1e-3], 2.0),
        check_claim(&[0.7], |_| 5.0, |_| vec![1e-3], 0.0),
        check_claim(&[0.7], |x| 1e-9 * x[0], |_| vec![2e-9], 0.0),
    ];
    for (i, check) in claims.iter().enumerate() {
        assert_eq!(check.verdict(), Verdict::Disagrees, "claim {i}: {check}");
        assert!(!check.is_ok() && check.to_string().contains("DISAGREES"), "claim {i}: {check}");
    }
    let right = check_claim(&[1.5], |x| x[0] * x[0], |x| vec![2.0 * x[0]], 2.0);
    assert!(right.is_ok(), "{right}");
}

#[test]
fn numbers_that_are_not_finite_never_agree() {
    let cases: [(f64, OnTape); 4] =
        [(-1.0, |x| x[0].ln()), (0.0, |x| x[0].ln()), (0.0, |x| x[0].sqrt()), (f64::NAN, |x| x[0] * 2.0)];
    for (x, f) in cases {
        let check = check_gradient(&[x], f);
        assert_eq!(check.verdict(), Verdict::NotFinite, "{check}");
        assert!(!check.is_ok() && check.to_string().contains("NOT FINITE"), "{check}");
    }
}

#[test]
fn differences_that_are_not_trustworthy_say_so() {
    // Not defined below 0; and rounded to a millionth.
    let cases: [(f64, OnTape); 2] = [(0.0, |x| x[0].powf(2.5)), (0.7, |x| (x[0].sin() + 1e10) - 1e10)];
    for (x, f) in cases {
        let check = check_gradient(&[x], f);
        assert_eq!(check.verdict(), Verdict::Untrustworthy, "{check}");
        assert!(!check.is_ok() && check.to_string().contains("not trustworthy"), "{check}");
    }
    let undefined = check_gradient(&[0.0], |x| x[0].powf(2.5));
    assert!(undefined.first_order_error().is_nan(), "{undefined}");
}

#[test]
fn a_kink_is_called_one() {
    let kinks: [OnTape; 2] = [|x| x[0].abs(), |x| x[0].max(0.0) + x[0]];
    for f in kinks {
        let check = check_gradient(&[0.0], f);
        assert_eq!(check.verdict(), Verdict::AtKink, "{check}");
        assert!(!check.is_ok() && check.to_string().contains(": at a kink"), "{check}");
    }
    // One that does not show.
    assert!(check_gradient(&[0.0], |x| x[0].abs() * 0.0 + x[0]).is_ok());
}

/// `x0 (x1 + c)` and more, with `c = 3` and the like made inside.
fn with_own_variables<'t>(x: &[Var<'t>]) -> Var<'t> {
    let own = x[0].tape().expect("a variable").vars(&[3.0, 5.0, 6.0, 7.0, 8.0]);
    let terms: Vec<Var<'t>> = own.iter().map(|&c| (c * x[0]).sin()).collect();
    x[0] * (x[1] + own[0]) + smoothmax::max(&own) + smoothmax::sum(&terms) + smoothmax::max(&[x[0], x[1]])
}

fn with_constants<'t>(x: &[Var<'t>]) -> Var<'t> {
    let terms: Vec<Var<'t>> = [3.0, 5.0, 6.0, 7.0, 8.0].iter().map(|&c| (c * x[0]).sin()).collect();
    x[0] * (x[1] + 3.0) + 8.0 + smoothmax::sum(&terms) + smoothmax::max(&[x[0], x[1]])
}

#[test]
fn a_variable_made_inside_is_a_constant_of_the_function() {
    let (at, x, v) = ([1.0, -2.0], [0.5, 0.25], [1.0, 10.0]);
    let (own, constant): (OnTape, OnTape) = (|x| with_own_variables(x), |x| with_constants(x));
    assert_eq!(gradient(&x, own), gradient(&x, constant));
    assert_eq!(hvp(&x, &v, own), hvp(&x, &v, constant));
    assert_eq!(hessian(&x, own), hessian(&x, constant));
    assert_eq!(jvp(&x, &v, |x| vec![own(x)]), jvp(&x, &v, |x| vec![constant(x)]));
    assert_eq!(vjp(&x, &[2.0], |x| vec![own(x)]), vjp(&x, &[2.0], |x| vec![constant(x)]));
    for outputs in [1, 3] {
        let many = |f: OnTape| jacobian(&x, |x| vec![f(x); outputs]);
        assert_eq!(many(own), many(constant));
    }
    let check = check_gradient(&x, own);
    assert!(check.is_ok(), "{check}");

    let replay = |f: OnTape| {
        let program = Program::record(&at, f);
        let (mut work, mut g, mut hv) = (program.workspace(), [0.0; 2], [0.0; 2]);
        let value = program.gradient(&mut work, &x, &mut g).unwrap();
        program.hvp(&mut work, &x, &v, &mut hv).unwrap();
        let smooth = program.smoothed(4.0);
        let mut smooth_g = [0.0; 2];
        let smooth_value = smooth.gradient(&mut smooth.workspace(), &x, &mut smooth_g).unwrap();
        (value, g, hv, program.hessian(&x).unwrap(), smooth_value - value, smooth_g)
    };
    let ((value, g, hv, h, lift, smooth_g), expected) = (replay(own), replay(constant));
    assert_eq!((value, g, hv, h, smooth_g), (expected.0, expected.1, expected.2, expected.3, expected.5));
    // The maximum of the five is smoothed, too.
    let five = smoothmax::smooth_max(&[3.0, 5.0, 6.0, 7.0, 8.0], 4.0) - 8.0;
    assert!((lift - expected.4 - five).abs() < 1e-14, "{lift}");
    assert_eq!(gradient(&x, own), (value, g.to_vec().into()));

    let rows = [[1.0], [2.0]];
    let batch = |f: OnTape| {
        let batch = Batch::record(&at, &rows[..], |x, row| f(x) * row[0]);
        let gathered = Batch::gather(&at, &[[0, 1], [1, 0]], &rows[..], |x, row| f(x) * row[0]);
        [batch, gathered].map(|batch| {
            let (mut g, mut hv) = ([0.0; 2], [0.0; 2]);
            let value = batch.sum(&x, &mut g).unwrap();
            batch.hvp_of_sum(&x, &[1.0, 2.0], &v, &mut hv).unwrap();
            (value, g, hv)
        })
    };
    assert_eq!(batch(own), batch(constant));
}

#[test]
fn an_output_may_be_a_variable_made_inside() {
    let inside: OnTape = |x| x[0].tape().expect("a variable").var(3.0);
    let program = Program::record(&[1.0], inside);
    let mut g = [7.0];
    assert_eq!(program.gradient(&mut program.workspace(), &[2.0], &mut g), Ok(3.0));
    assert_eq!(g, [0.0]);
    assert_eq!(hvp(&[1.0], &[1.0], inside).0, 3.0);
}

#[test]
fn second_order_is_asked_only_of_what_feeds_the_result() {
    let idle: [OnTape; 2] = [
        |x| {
            let _ = Var::custom(Arc::new(Cube), x);
            x[0].powi(2)
        },
        |x| {
            let square = x[0].powi(2);
            let _ = x[0].tape().unwrap().preaccumulate([square], |[y]| y * y);
            square
        },
    ];
    for f in idle {
        assert_eq!(hvp(&[3.0], &[1.0], f).2[0], 2.0);
        assert_eq!(hessian(&[3.0], f).2[(0, 0)], 2.0);
        assert!(check_gradient(&[3.0], f).is_ok());
    }
    let program = Program::record(&[3.0], idle[0]);
    assert_eq!(program.hessian(&[3.0]).unwrap()[(0, 0)], 2.0);

    let used: OnTape = |x| Var::custom(Arc::new(Cube), x).sin() + x[0];
    let expected = "the node `custom` has no second-order rule";
    assert_eq!(panic_message(|| hessian(&[3.0], used)), expected);
    assert_eq!(panic_message(|| hvp(&[3.0], &[0.0], used)), expected);
    assert_eq!(panic_message(|| check_gradient(&[3.0], used)), expected);
    assert_eq!(Program::record(&[3.0], used).hessian(&[3.0]).unwrap_err().to_string(), expected);
}

#[test]
fn a_clone_of_a_program_shares_its_workspaces() {
    let program = Program::record(&[1.0], |x| x[0].abs());
    let mut work = program.workspace();
    assert_eq!(program.clone().value(&mut work, &[-2.0]), Ok(2.0));
    let smooth = program.smoothed(2.0);
    let mut sharper = smooth.clone();
    sharper.set_sharpness(4.0);
    let mut work = smooth.workspace();
    assert_eq!(smooth.value(&mut work, &[0.0]), Ok(2f64.ln() / 2.0));
    assert_eq!(sharper.value(&mut work, &[0.0]), Ok(2f64.ln() / 4.0));
}
