//! The zoo at its edges, to second order and with the sharpness as a variable:
//! `k = inf`, infinite and NaN operands, kinks, huge sharpnesses.

mod common;

use std::f64::consts::LN_2;

use common::{OnTape, assert_close};
use nalgebra::{DMatrix, DVector};
use smoothmax::smooth::{
    Target, abs_softplus_at, abs_sqrt_at, boltzmann_max_at, double_exp_m1_max, double_exp_m1_max_at,
    double_exp_max, gaussian_abs_at, huber_at, log_cosh_at, mellowmax, mellowmax_at, odd_root_max, p_norm,
    pseudo_huber_at, simplex_max_at, smooth_argmax, smooth_clamp_at, smooth_hinge_at, smooth_max2_at,
    smooth_norm_inf_at, smooth_pinball, smooth_pinball_at, smooth_relu_at, smooth_sign_at, smooth_step_at,
    sparseplus_at, squareplus_at, sum_largest, sum_largest_at, x_atan_at, x_erf_at, x_tanh_at,
};
use smoothmax::{
    KinkKind, Scalar, Tape, check_gradient, gradient, hessian, hvp, max, smooth_abs, smooth_max,
    smooth_max_at, smooth_min_at,
};

const INF: f64 = f64::INFINITY;
const NAN: f64 = f64::NAN;

/// Functions of a number and its sharpness, with what they tend to.
const OF_A_NUMBER: [(&str, OnTape, Target); 19] = [
    ("smooth_abs", |v| v[0].smooth_abs(v[1]), Target::Abs),
    ("abs_softplus", |v| abs_softplus_at(v[0], v[1]), Target::Abs),
    ("log_cosh", |v| log_cosh_at(v[0], v[1]), Target::Abs),
    ("abs_sqrt", |v| abs_sqrt_at(v[0], v[1]), Target::Abs),
    ("pseudo_huber", |v| pseudo_huber_at(v[0], v[1]), Target::Abs),
    ("huber", |v| huber_at(v[0], v[1]), Target::Abs),
    ("gaussian_abs", |v| gaussian_abs_at(v[0], v[1]), Target::Abs),
    ("x_tanh", |v| x_tanh_at(v[0], v[1]), Target::Abs),
    ("x_erf", |v| x_erf_at(v[0], v[1]), Target::Abs),
    ("x_atan", |v| x_atan_at(v[0], v[1]), Target::Abs),
    ("smooth_relu", |v| smooth_relu_at(v[0], v[1]), Target::Relu),
    ("squareplus", |v| squareplus_at(v[0], v[1]), Target::Relu),
    ("sparseplus", |v| sparseplus_at(v[0], v[1]), Target::Relu),
    ("smooth_hinge", |v| smooth_hinge_at(v[0], v[1]), Target::Hinge),
    ("smooth_pinball", |v| smooth_pinball_at(v[0], 0.75, v[1]), Target::Pinball(0.75)),
    ("smooth_clamp", |v| smooth_clamp_at(v[0], -1.0, 1.0, v[1]), Target::Clamp(-1.0, 1.0)),
    ("smooth_max2", |v| smooth_max2_at(v[0], v[0].constant_like(0.0), v[1]), Target::Relu),
    ("smooth_sign", |v| smooth_sign_at(v[0], v[1]), Target::Sign),
    ("smooth_step", |v| smooth_step_at(v[0], v[1]), Target::Step),
];

/// Functions of a slice and its sharpness, the last operand.
const OF_A_SLICE: [(&str, OnTape, Target); 8] = [
    ("smooth_max", |v| split(v, smooth_max_at), Target::Max),
    ("smooth_min", |v| split(v, smooth_min_at), Target::Min),
    ("mellowmax", |v| split(v, mellowmax_at), Target::Max),
    ("boltzmann_max", |v| split(v, boltzmann_max_at), Target::Max),
    ("simplex_max", |v| split(v, simplex_max_at), Target::Max),
    ("smooth_norm_inf", |v| split(v, smooth_norm_inf_at), Target::NormInf),
    ("sum_largest", |v| split(v, |x, k| sum_largest_at(x, 2, k)), Target::SumLargest(2)),
    ("double_exp_m1_max", |v| split(v, double_exp_m1_max_at), Target::Max),
];

/// A literal beside a variable.
trait ConstantLike: Scalar {
    fn constant_like(self, value: f64) -> Self {
        Self::constant(value)
    }
}
impl<S: Scalar> ConstantLike for S {}

fn split<S: Scalar>(v: &[S], f: impl Fn(&[S], S) -> S) -> S {
    let (&k, x) = v.split_last().unwrap();
    f(x, k)
}

/// The derivative of a target of one number off its kinks.
fn slope(target: Target, x: f64) -> f64 {
    (target.value(&[x + 1e-3]) - target.value(&[x - 1e-3])) / 2e-3
}

/// The kinks of a sweep from `f(x)`.
fn kinks(x: &[f64], f: OnTape) -> Vec<KinkKind> {
    let tape = Tape::new();
    f(&tape.vars(x)).backward().kinks().iter().map(|kink| kink.kind).collect()
}

#[test]
fn functions_of_a_number_are_their_targets_at_infinite_sharpness() {
    for (name, f, target) in OF_A_NUMBER {
        for x in [-2.5, 0.3, 3.0] {
            let (value, g, h) = hessian(&[x, INF], f);
            assert_eq!(value, target.value(&[x]), "{name} at {x}");
            assert_close(g[0], slope(target, x), 1e-9, name);
            assert_eq!(g[1], 0.0, "{name} at {x}");
            assert_eq!(h, DMatrix::zeros(2, 2), "{name} at {x}");
            assert_eq!(kinks(&[x, INF], f), [], "{name} at {x}");
        }
    }
}

#[test]
fn a_corner_at_infinite_sharpness_is_reported() {
    for (name, f, target) in OF_A_NUMBER {
        let at = match target {
            Target::Sign | Target::Step => continue, // a jump of the slope's, not of its own
            Target::Hinge | Target::Clamp(..) => 1.0,
            _ => 0.0,
        };
        let (value, g) = gradient(&[at, INF], f);
        assert_eq!(value, target.value(&[at]), "{name}");
        let sides = [slope(target, at - 1e-2), slope(target, at + 1e-2)];
        assert_close(g[0], 0.5 * (sides[0] + sides[1]), 1e-9, name);
        assert_eq!(g[1], 0.0, "{name}");
        assert_eq!(kinks(&[at, INF], f), [KinkKind::Corner], "{name}");
        assert_eq!(kinks(&[at, 5.0], f), [], "{name}");
    }
}

#[test]
fn nan_in_nan_out() {
    for (name, f, _) in OF_A_NUMBER {
        for v in [[NAN, 2.0], [0.5, NAN], [NAN, INF], [0.5, -1.0], [0.5, 0.0]] {
            let (value, g) = gradient(&v, f);
            assert!(value.is_nan() && g[0].is_nan(), "{name} at {v:?}: {value}, {g}");
        }
    }
    for (name, f, _) in OF_A_SLICE {
        for v in [[1.0, NAN, 2.0, 3.0], [1.0, 0.5, 2.0, NAN], [NAN, INF, 2.0, 3.0], [1.0, 0.5, NAN, INF]] {
            let (value, g, h) = hessian(&v, f);
            assert!(value.is_nan(), "{name} at {v:?}: {value}");
            assert!(g.iter().take(3).all(|g| g.is_nan()), "{name} at {v:?}: {g}");
            assert!(h.iter().any(|h| h.is_nan()), "{name} at {v:?}: {h}");
        }
    }
}

#[test]
fn functions_of_a_number_at_infinite_operands() {
    for (name, f, target) in OF_A_NUMBER {
        for x in [-INF, INF] {
            let (value, g) = gradient(&[x, 3.0], f);
            let far = x.signum() * 1e3;
            if matches!(target, Target::Sign | Target::Step | Target::Clamp(..)) {
                // A clamp keeps its error at the bounds.
                let error = if name == "smooth_clamp" { LN_2 / 3.0 } else { 0.0 };
                assert_close(value, target.value(&[far]), error, name);
            } else {
                assert_eq!(value, target.value(&[x]), "{name} at {x}");
            }
            assert_close(g[0], slope(target, far), 1e-9, name);
        }
    }
}

#[test]
fn slices_are_their_targets_at_infinite_sharpness() {
    for (name, f, target) in OF_A_SLICE {
        let x = [1.0, -3.0, 2.0, 0.5];
        let (value, g, h) = hessian(&[&x[..], &[INF]].concat(), f);
        assert_eq!(value, target.value(&x), "{name}");
        for i in 0..4 {
            let moved = |t: f64| {
                let mut x = x;
                x[i] += t;
                target.value(&x)
            };
            assert_close(g[i], (moved(1e-3) - moved(-1e-3)) / 2e-3, 1e-9, name);
        }
        assert_eq!((g[4], h), (0.0, DMatrix::zeros(5, 5)), "{name}");
    }
}

#[test]
fn ties_at_infinite_sharpness_share_the_slope_and_are_reported() {
    for (name, f, target) in OF_A_SLICE {
        // Two attain the extremum; of the sum of two, the second place.
        let x = match target {
            Target::Min => [-2.0, -2.0, 5.0],
            Target::SumLargest(_) => [5.0, 2.0, 2.0],
            _ => [2.0, 2.0, -1.0],
        };
        let (value, g) = gradient(&[&x[..], &[INF]].concat(), f);
        assert_eq!(value, target.value(&x), "{name}");
        let expected: &[f64] =
            if let Target::SumLargest(_) = target { &[1.0, 0.5, 0.5, 0.0] } else { &[0.5, 0.5, 0.0, 0.0] };
        assert_eq!(g.as_slice(), expected, "{name}");
        assert_eq!(kinks(&[&x[..], &[INF]].concat(), f), [KinkKind::Corner], "{name}");
        assert_eq!(kinks(&[&x[..], &[3.0]].concat(), f), [], "{name}");
    }
    let tape = Tape::new();
    let weights = smooth_argmax(&tape.vars(&[1.0, 1.0, 0.0]), INF);
    assert_eq!(weights[0].backward().kinks()[0].kind, KinkKind::Jump);
}

#[test]
fn a_norm_has_its_corner_at_zero() {
    assert_eq!(kinks(&[0.0, 0.0], |x| p_norm(x, 3.0)), [KinkKind::Corner]);
    assert_eq!(kinks(&[0.0, 1.0], |x| p_norm(x, 3.0)), []);
    assert_eq!(kinks(&[0.0, 1.0], |x| p_norm(x, 1.0)), [KinkKind::Corner]);
}

#[test]
fn infinite_entries_of_a_slice_are_limits() {
    for (name, f, target) in OF_A_SLICE {
        let loser = if target == Target::Min { INF } else { -INF };
        if target != Target::NormInf {
            let (value, g, h) = hessian(&[loser, 0.25, 1.0, 4.0], f);
            let (without, g2, h2) = hessian(&[0.25, 1.0, 4.0], f);
            // The mean counts every entry, and so does the spread of a simplex.
            if !matches!(name, "mellowmax" | "simplex_max") {
                assert_eq!(value, without, "{name}");
                assert_close(g[3], g2[2], 1e-15, name);
            }
            assert_eq!(g[0], 0.0, "{name}");
            assert_close(g[1], g2[0], 1e-15, name);
            assert!(h.row(0).iter().all(|&h| h == 0.0), "{name}: {h}");
            assert_close(h[(1, 2)], h2[(0, 1)], 1e-14, name);
            assert_close(h[(1, 3)], h2[(0, 2)], 1e-14, name);
        }
        let (value, g) = gradient(&[-loser, 0.25, 1.0, 4.0], f);
        assert_eq!(value, -loser, "{name}");
        let second = if target == Target::SumLargest(2) { 1.0 } else { 0.0 };
        assert_eq!(g.as_slice(), [1.0, 0.0, second, 0.0], "{name}");
    }
}

#[test]
fn slopes_in_the_sharpness_agree_with_differences_to_second_order() {
    for (name, f, _) in OF_A_SLICE.iter().chain(&OF_A_NUMBER) {
        let x: &[f64] =
            if OF_A_NUMBER.iter().any(|row| row.0 == *name) { &[0.7] } else { &[0.6, -0.45, 0.2] };
        for k in [0.9, 3.0] {
            let check = check_gradient(&[x, &[k]].concat(), f);
            assert!(check.is_ok(), "{name} at k = {k}: {check}");
        }
    }
}

#[test]
fn the_slope_in_the_sharpness_does_not_feel_an_offset() {
    for (name, f, target) in OF_A_SLICE {
        if matches!(target, Target::NormInf) || name == "double_exp_m1_max" {
            continue; // not equivariant under shifts
        }
        let near = gradient(&[0.5, 0.25, -0.75, 2.0], f).1[3];
        let far = gradient(&[1e8 + 0.5, 1e8 + 0.25, 1e8 - 0.75, 2.0], f).1[3];
        assert_close(far, near, 1e-14, name);
    }
}

#[test]
fn curvature_at_zero_is_exact_for_huge_sharpness() {
    for k in [1e10, 1e100, 1e200, 1e300] {
        let curvature = |f: OnTape| hessian(&[0.0, k], f).2[(0, 0)];
        assert_eq!(curvature(|v| abs_sqrt_at(v[0], v[1])), k);
        assert_eq!(curvature(|v| pseudo_huber_at(v[0], v[1])), k);
        assert_eq!(curvature(|v| squareplus_at(v[0], v[1])), k / 4.0);
        assert_eq!(curvature(|v| v[0].smooth_abs(v[1])), k);
    }
}

#[test]
fn equal_infinities_share_the_slope_of_a_smooth_maximum_of_two() {
    for x in [INF, -INF] {
        let (value, g) = gradient(&[x, x], |x| smooth_max2_at(x[0], x[1], Scalar::constant(2.0)));
        assert_eq!((value, g.as_slice()), (x, &[0.5, 0.5][..]));
    }
    assert_eq!(smooth_abs(INF, 2.0), INF);
}

#[test]
fn a_pinball_loss_keeps_its_digits_for_extreme_quantiles() {
    let tau = 1.0 - 1e-9;
    let (value, g) = gradient(&[-0.3], |x| smooth_pinball(x[0], tau, 1e3));
    assert_eq!((value, g[0]), (0.3 * (1.0 - tau), tau - 1.0));
}

/// Equation (14) and its repair, so sharp that inner exponentials overflow and vanish.
const DOUBLE_EXPONENTIALS: [OnTape; 2] = [|x| double_exp_max(x, 1e3), |x| double_exp_m1_max(x, 1e3)];

#[test]
fn one_operand_of_a_double_exponential_is_its_value() {
    for f in DOUBLE_EXPONENTIALS {
        for x in [-8.0, -1e3, 0.0, 1e-3, 3.0] {
            let (value, g, h) = hessian(&[x], f);
            assert_eq!((value, g[0], h[(0, 0)]), (x, 1.0, 0.0));
        }
    }
    assert_eq!(double_exp_max(&[-1.5f32], 100.0), -1.5);
}

#[test]
fn tied_operands_of_a_double_exponential_are_exchangeable_where_it_overflows() {
    for f in DOUBLE_EXPONENTIALS {
        for n in 2..12 {
            let x = vec![1.0; n];
            let (value, g, h) = hessian(&x, f);
            assert_eq!((value, g), (1.0, DVector::from_element(n, 1.0 / n as f64)));
            assert_eq!(h, DMatrix::from_fn(n, n, |i, j| if i == j { INF } else { -INF }));
            // Together they move as one.
            let along = hvp(&x, &vec![1.0; n], f).2;
            assert!(along.amax() < 1e-12, "{along}");
        }
        let (_, g, h) = hessian(&[1.0, 0.5], f);
        assert_eq!((g.as_slice(), h), (&[1.0, 0.0][..], DMatrix::zeros(2, 2)));
    }
}

#[test]
fn the_odd_root_of_exponent_one_is_the_sum() {
    for x in [[1.2, -1.2], [3.0, 0.0], [INF, 2.0]] {
        let (value, g, h) = hessian(&x, |x| odd_root_max(x[0], x[1], 1));
        assert_eq!((value, g.as_slice()), (x[0] + x[1], &[1.0, 1.0][..]));
        assert_eq!(h, DMatrix::zeros(2, 2));
    }
}

#[test]
fn sums_of_opposite_infinities_are_undefined_with_their_derivatives() {
    for k in [1.0, INF] {
        let (value, g, h) = hessian(&[INF, -INF], |x| sum_largest(x, 2, k));
        assert!(value.is_nan() && g.iter().all(|g| g.is_nan()) && h.iter().all(|h| h.is_nan()));
        let (value, g) = gradient(&[INF, -INF, 1.0], |x| sum_largest(x, 2, k));
        assert_eq!((value, g.as_slice()), (INF, &[1.0, 0.0, 1.0][..]));
    }
}

#[test]
fn operands_that_are_all_minus_infinity_share_the_slope_of_the_exact_maximum_only() {
    let x = [-INF, -INF];
    assert_eq!(gradient(&x, |x| max(x)).1.as_slice(), [0.5, 0.5]);
    let smooth: [OnTape; 4] =
        [|x| smooth_max(x, INF), |x| smooth_max(x, 2.0), |x| mellowmax(x, INF), |x| mellowmax(x, 2.0)];
    for f in smooth {
        assert_eq!(gradient(&x, f).1.as_slice(), [0.0, 0.0]);
    }
}
