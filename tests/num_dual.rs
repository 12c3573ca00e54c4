//! An independent oracle: gradients and Hessians of composite expressions, by
//! this crate in reverse mode and by `num-dual` in forward mode.

mod common;

use std::sync::Arc;

use common::assert_close;
use nalgebra::{SVector, dmatrix};
use num_dual::{Dual2SVec64, DualNum};
use smoothmax::{
    Var, dot, dot_product, hessian, log_softmax, log_sum_exp, mat_vec, smooth_abs, smooth_max_at,
};
use smoothmax::{smooth_max, smooth_min, softmax, sum};

/// Three variables of the oracle, which carry gradient and Hessian along.
type Oracle = Dual2SVec64<3>;

/// The points; all expressions are smooth there and near.
const POINTS: [[f64; 3]; 3] = [[0.5, -0.25, 0.75], [0.9, 0.3, 0.1], [-0.4, 0.6, 0.35]];

/// Compares `f` and `oracle` at every point, to 1e-13 of the largest derivative of the order.
fn compare<F>(name: &str, f: F, oracle: impl Fn(&[Oracle]) -> Oracle)
where
    F: for<'t> Fn(&[Var<'t>]) -> Var<'t>,
{
    for x in POINTS {
        let (value, gradient, hessian) = hessian(&x, &f);
        let expected = num_dual::hessian(|x| oracle(x.as_slice()), &SVector::from(x));
        let what = format!("{name} at {x:?}");
        assert_close(value, expected.0, 1e-13 * value.abs(), &what);
        for i in 0..3 {
            assert_close(
                gradient[i],
                expected.1[i],
                1e-13 * expected.1.amax(),
                &format!("gradient of {what}"),
            );
        }
        for i in 0..9 {
            assert_close(hessian[i], expected.2[i], 1e-13 * expected.2.amax(), &format!("Hessian of {what}"));
        }
    }
}

/// Expressions of `[x, y, z]`, each compiled for both crates.
macro_rules! expressions {
    ($($name:ident = |$x:ident, $y:ident, $z:ident| $expression:expr;)+) => {$(
        #[test]
        fn $name() {
            compare(
                stringify!($name),
                |v| {
                    let [$x, $y, $z] = *v else { unreachable!() };
                    $expression
                },
                |v| {
                    let [$x, $y, $z] = *v else { unreachable!() };
                    $expression
                },
            );
        }
    )+};
}

expressions! {
    polynomial = |x, y, z| x * x * y - y * z * 3.0 + z.powi(3) - x * 0.5;
    rosenbrock = |x, y, z| (y - x * x).powi(2) * 100.0 + (-x + 1.0).powi(2) + (z - y * y).powi(2) * 100.0;
    rational = |x, y, z| (x + y * 2.0) / (z * z + x * x + 1.0);
    reciprocals = |x, y, z| (x * x + 1.0).recip() + (y + 2.0).powi(-3) / (z + 3.0);
    exponentials = |x, y, z| (x * y).exp() + (z - x).exp2() * (y * 0.5).exp_m1();
    logarithms = |x, y, z| (x * x + 1.0).ln() + (y + 2.0).log2() * (z + 1.5).log10();
    logarithm_near_one = |x, y, z| (x * y).ln_1p() * (z + 2.0).log(3.0);
    roots = |x, y, z| (x * x + y * y).sqrt() + (z + 2.0).cbrt() * x;
    real_powers = |x, y, z| (x * x + 0.5).powf(2.5) - (y + 1.0).powf(-0.7) * z;
    circular = |x, y, z| (x * y).sin() + (y - z).cos() * (x * 0.5).tan();
    sine_and_cosine = |x, y, z| { let (sin, cos) = (x + y).sin_cos(); sin * cos + cos * z };
    arcs = |x, y, z| (x * 0.7).asin() * (y * 0.7).acos() + (z * x).atan();
    angle = |x, y, z| (x + y).atan2(z + 2.0) + y.atan2(x * x + 0.1);
    hyperbolic = |x, y, z| (x * y).sinh() + (y + z).cosh() - (z * x).tanh();
    hyperbolic_arcs = |x, y, z| (x * y).asinh() + (z + 2.0).acosh() * (y * 0.8).atanh();
    fused = |x, y, z| x.mul_add(y, z).mul_add(z, x * 2.0);
    gaussian = |x, y, z| (-(x * x + y * y + z * z * 2.0) * 0.5).exp() * (x + y);
    logistic_loss = |x, y, z| ((x * 2.0 - y) * 3.0).exp().ln_1p() + (z * z + 1.0).recip();
    nested = |x, y, z| ((x.sin() + 2.0).ln() * (y * z).exp()).tanh().sqrt().exp();
    softened_length = |x, y, z| (x * x + 0.25).sqrt() + (y * y + 0.25).sqrt() * (z * z + 0.25).sqrt();
    kepler = |x, y, z| (x - x.sin() * (y * 0.1 + 0.3) - z).powi(2);
    lennard_jones = |x, y, z| { let r2 = x * x + y * y + z * z + 0.5; r2.powi(-6) - r2.powi(-3) };
    quotient_of_powers = |x, y, z| (x + 2.0).powi(5) / (y + 2.0).powi(4) * (z + 2.0).sqrt();
}

/// `Σ e^{k v_i}` of the oracle, plainly.
fn exponential_sum(v: &[Oracle], k: f64) -> Oracle {
    (v[0] * k).exp() + (v[1] * k).exp() + (v[2] * k).exp()
}

#[test]
fn smooth_extrema_spelled_out() {
    compare("log_sum_exp", |v| log_sum_exp(v), |v| exponential_sum(v, 1.0).ln());
    compare("smooth_max", |v| smooth_max(v, 7.0), |v| exponential_sum(v, 7.0).ln() / 7.0);
    compare("smooth_min", |v| smooth_min(v, 7.0), |v| exponential_sum(v, -7.0).ln() / -7.0);
}

#[test]
fn smooth_max_with_a_variable_sharpness_spelled_out() {
    compare(
        "smooth_max_at",
        |v| smooth_max_at(&v[..2], v[2] + 3.0),
        |v| {
            let k = v[2] + 3.0;
            ((v[0] * k).exp() + (v[1] * k).exp()).ln() / k
        },
    );
}

#[test]
fn softmax_spelled_out() {
    let weighted = |p: &[Oracle]| p[0] * 0.3 - p[1] * 1.7 + p[2];
    let shares = |v: &[Oracle]| {
        let total = exponential_sum(v, 1.0);
        [v[0].exp() / total, v[1].exp() / total, v[2].exp() / total]
    };
    compare(
        "softmax",
        |v| {
            let p = softmax(v);
            p[0] * 0.3 - p[1] * 1.7 + p[2]
        },
        |v| weighted(&shares(v)),
    );
    compare(
        "log_softmax",
        |v| {
            let p = log_softmax(v);
            p[0] * 0.3 - p[1] * 1.7 + p[2] * p[0]
        },
        |v| {
            let p = shares(v).map(|p| p.ln());
            p[0] * 0.3 - p[1] * 1.7 + p[2] * p[0]
        },
    );
}

#[test]
fn smooth_scalars_spelled_out() {
    compare(
        "softplus, sigmoid, log_sigmoid",
        |v| v[0].softplus() + v[1].sigmoid() * v[2].log_sigmoid(),
        |v| v[0].exp().ln_1p() - ((-v[1]).exp() + 1.0).recip() * (-v[2]).exp().ln_1p(),
    );
    compare("log_add_exp", |v| v[0].log_add_exp(v[1]) * v[2], |v| (v[0].exp() + v[1].exp()).ln() * v[2]);
    compare(
        "smooth_abs",
        |v| smooth_abs(v[0] - v[1], 4.0) * v[2],
        |v| ((v[0] - v[1]) * 4.0).cosh().ln() / 4.0 * v[2] + v[2] * (2f64.ln() / 4.0),
    );
    compare(
        "smooth_abs and smooth_sign with a variable sharpness",
        |v| v[0].smooth_abs(v[2] + 3.0) * v[1] + v[1].smooth_sign(v[2] + 2.0),
        |v| {
            let k = v[2] + 3.0;
            ((v[0] * k).cosh() * 2.0).ln() / k * v[1] + (v[1] * (v[2] + 2.0)).tanh()
        },
    );
    compare("hypot", |v| v[0].hypot(v[1]) * v[2], |v| (v[0] * v[0] + v[1] * v[1]).sqrt() * v[2]);
    compare("powf in both", |v| (v[0] + 1.5).powf(v[1] - v[2]), |v| (v[0] + 1.5).powd(v[1] - v[2]));
}

#[test]
fn linear_nodes_spelled_out() {
    let a = Arc::new(dmatrix![1.0, -2.0, 0.5; 0.25, 3.0, -1.0]);
    compare(
        "mat_vec, sum, dot, dot_product",
        |v| {
            let y = mat_vec(&a, v);
            (sum(v) * dot(&[0.5, 2.0, -1.5], v)).exp() + dot_product(&y, &v[1..]).sin()
        },
        |v| {
            let y = [v[0] - v[1] * 2.0 + v[2] * 0.5, v[0] * 0.25 + v[1] * 3.0 - v[2]];
            let total = v[0] + v[1] + v[2];
            (total * (v[0] * 0.5 + v[1] * 2.0 - v[2] * 1.5)).exp() + (y[0] * v[1] + y[1] * v[2]).sin()
        },
    );
}
