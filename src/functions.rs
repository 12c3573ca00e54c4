//! The functions at the root of the crate, generic over [`Scalar`].

use std::sync::Arc;

use nalgebra::DMatrix;

use crate::Scalar;
use crate::nary::NaryKind;
use crate::sharpness::Requirement;

/// `ln Σ e^{x_i}`, without overflow; its gradient is [`softmax`].
///
/// Computed as `m + ln(1 + Σ e^{x_i - m})` over all but one `m = max x`, so that
/// what is small beside the maximum is not lost. On a tape it is one node.
///
/// An empty slice gives -inf; so do entries that are all -inf, with zero
/// gradient. Entries of +inf share the gradient equally. NaN gives NaN.
///
/// ```
/// use smoothmax::log_sum_exp;
///
/// assert_eq!(log_sum_exp(&[1000.0, 1000.0]), 1000.0 + 2f64.ln());
/// assert_eq!(log_sum_exp(&[0.0, -40.0]), (-40f64).exp());
/// assert_eq!(log_sum_exp::<f64>(&[]), f64::NEG_INFINITY);
/// ```
///
/// Source: N. Higham, *What is the log-sum-exp function?*; P. Blanchard,
/// D. Higham, N. Higham, *Accurately computing the log-sum-exp and softmax
/// functions*, IMA J. Numer. Anal. 41 (2021).
#[cfg_attr(debug_assertions, track_caller)]
pub fn log_sum_exp<S: Scalar>(x: &[S]) -> S {
    S::log_sum_exp_of(x)
}

/// `e^{x_i} / Σ e^{x_j}`: positive, summing to 1, the gradient of [`log_sum_exp`].
///
/// Computed from shifted exponentials whose rounding errors are compensated;
/// not as `exp(x - log_sum_exp(x))`, which is thousands of times less accurate
/// at large offsets.
///
/// ```
/// use smoothmax::softmax;
///
/// let p = softmax(&[-1.0, 0.0, 1.0]);
/// assert_eq!(format!("{:.4e} {:.4e} {:.4e}", p[0], p[1], p[2]), "9.0031e-2 2.4473e-1 6.6524e-1");
/// let p = softmax(&[-1.0, 0.0, 10.0]);
/// assert_eq!(format!("{:.4e} {:.4e} {:.4e}", p[0], p[1], p[2]), "1.6701e-5 4.5397e-5 9.9994e-1");
/// ```
#[cfg_attr(debug_assertions, track_caller)]
pub fn softmax<S: Scalar>(x: &[S]) -> Vec<S> {
    S::nary_outputs(NaryKind::Softmax, x)
}

/// `x_i - ln Σ e^{x_j}`, the logarithm of [`softmax`].
///
/// ```
/// use smoothmax::log_softmax;
///
/// assert_eq!(log_softmax(&[0.0, -1e3]), [0.0, -1e3]);
/// ```
#[cfg_attr(debug_assertions, track_caller)]
pub fn log_softmax<S: Scalar>(x: &[S]) -> Vec<S> {
    S::nary_outputs(NaryKind::LogSoftmax, x)
}

/// `(1/k) ln Σ e^{k x_i}`: the maximum, smoothed with sharpness `k`.
///
/// Convex, symmetric, and above the exact maximum by at most `ln(n) / k`:
///
/// `max x <= smooth_max(x, k) <= max x + ln(n) / k`
///
/// since the sum lies between its largest term and `n` times that. The
/// gradient is `softmax(k x)`. A negative `k` gives the smooth minimum,
/// `k = ±inf` the exact maximum or minimum (ties share the gradient equally).
/// An empty slice gives -inf (+inf for `k < 0`); so do entries that are all that,
/// with zero gradient at every `k`, while the exact [`max`] shares it.
///
/// ```
/// use smoothmax::smooth_max;
///
/// let x = [1.0, 2.0, 3.0];
/// let smooth = smooth_max(&x, 20.0);
/// assert!(3.0 <= smooth && smooth <= 3.0 + 3f64.ln() / 20.0);
/// ```
///
/// # Panics
///
/// If `k` is zero or NaN. A sharpness that is a variable goes to [`smooth_max_at`].
#[cfg_attr(debug_assertions, track_caller)]
pub fn smooth_max<S: Scalar>(x: &[S], k: f64) -> S {
    S::smooth_max_of(x, Requirement::NONZERO.check::<S>("smooth_max", k))
}

/// `-(1/k) ln Σ e^{-k x_i}`: the minimum, smoothed with sharpness `k`; below
/// the exact minimum by at most `ln(n) / k`.
///
/// ```
/// use smoothmax::smooth_min;
///
/// let smooth = smooth_min(&[1.0, 2.0, 3.0], 20.0);
/// assert!(1.0 - 3f64.ln() / 20.0 <= smooth && smooth <= 1.0);
/// ```
///
/// # Panics
///
/// If `k` is zero or NaN.
#[cfg_attr(debug_assertions, track_caller)]
pub fn smooth_min<S: Scalar>(x: &[S], k: f64) -> S {
    S::smooth_max_of(x, -Requirement::NONZERO.check::<S>("smooth_min", k))
}

/// [`smooth_max`] with a sharpness that may be a variable; NaN where `k` is
/// zero or NaN.
///
/// `d/dk = -H(w) / k^2`, where `H` is the entropy of the weights `w = softmax(k x)`.
///
/// ```
/// use smoothmax::{smooth_max_at, Tape};
///
/// let tape = Tape::new();
/// let k = tape.var(2.0);
/// let x = tape.vars(&[1.0, 1.0]);
/// let slope = smooth_max_at(&x, k).backward()[k];
/// assert!((slope + 2f64.ln() / 4.0).abs() < 1e-16);
/// ```
#[cfg_attr(debug_assertions, track_caller)]
pub fn smooth_max_at<S: Scalar>(x: &[S], k: S) -> S {
    let operands: Vec<S> = x.iter().copied().chain([k]).collect();
    S::nary(NaryKind::SmoothMaxAt, &operands)
}

/// [`smooth_min`] with a sharpness that may be a variable.
///
/// ```
/// use smoothmax::{smooth_min, smooth_min_at};
///
/// assert_eq!(smooth_min_at(&[1.0, 2.0], 3.0), smooth_min(&[1.0, 2.0], 3.0));
/// ```
#[cfg_attr(debug_assertions, track_caller)]
pub fn smooth_min_at<S: Scalar>(x: &[S], k: S) -> S {
    smooth_max_at(x, -k)
}

/// `ln(e^x + e^y)`.
///
/// ```
/// use smoothmax::log_add_exp;
///
/// assert_eq!(log_add_exp(800.0, 800.0), 800.0 + 2f64.ln());
/// ```
#[cfg_attr(debug_assertions, track_caller)]
pub fn log_add_exp<S: Scalar>(x: S, y: S) -> S {
    x.log_add_exp(y)
}

/// `ln(1 + e^x)`, the smooth `max(x, 0)`; above it by at most `ln 2`.
///
/// ```
/// use smoothmax::softplus;
///
/// assert_eq!(softplus(0.0), 2f64.ln());
/// assert_eq!(softplus(1e3), 1e3);
/// ```
#[cfg_attr(debug_assertions, track_caller)]
pub fn softplus<S: Scalar>(x: S) -> S {
    x.softplus()
}

/// The logistic function `1 / (1 + e^-x)`, the slope of [`softplus`].
///
/// ```
/// use smoothmax::sigmoid;
///
/// assert_eq!(sigmoid(0.0), 0.5);
/// assert_eq!(sigmoid(-745.0), 5e-324);
/// ```
#[cfg_attr(debug_assertions, track_caller)]
pub fn sigmoid<S: Scalar>(x: S) -> S {
    x.sigmoid()
}

/// `ln(1 / (1 + e^-x))`, without underflow.
///
/// ```
/// use smoothmax::log_sigmoid;
///
/// assert_eq!(log_sigmoid(-1e3), -1e3);
/// ```
#[cfg_attr(debug_assertions, track_caller)]
pub fn log_sigmoid<S: Scalar>(x: S) -> S {
    x.log_sigmoid()
}

/// `(1/k) ln(e^{kx} + e^{-kx})`: `|x|`, smoothed with sharpness `k`; convex,
/// above `|x|` by at most `ln(2) / k`, with slope `tanh(kx)`.
///
/// At sharpness `k/2` it is the other common form, `(2/k) ln(1 + e^{kx}) - x =
/// (1/k) ln(2 + e^{kx} + e^{-kx})`: one function, two sharpnesses.
///
/// ```
/// use smoothmax::smooth_abs;
///
/// assert_eq!(smooth_abs(0.0, 50.0), 2f64.ln() / 50.0);
/// assert_eq!(smooth_abs(-3.0, 50.0), 3.0);
/// ```
///
/// # Panics
///
/// Unless `k > 0`. A sharpness that is a variable goes to [`Scalar::smooth_abs`].
#[cfg_attr(debug_assertions, track_caller)]
pub fn smooth_abs<S: Scalar>(x: S, k: f64) -> S {
    Requirement::POSITIVE.check::<S>("smooth_abs", k);
    Scalar::smooth_abs(x, S::constant(k))
}

/// The exact maximum of a slice as one node; a tie of `c` entries gives each
/// `1/c` of the gradient. NaN if any entry is; -inf for an empty slice.
///
/// Entries that are all -inf are a tie, too. In this alone it differs from
/// [`smooth_max`] at `k = inf`, which gives them none, as softmax does.
///
/// ```
/// use smoothmax::{gradient, max};
///
/// let (value, g) = gradient(&[2.0, 1.0, 2.0], |x| max(x));
/// assert_eq!(value, 2.0);
/// assert_eq!(g.as_slice(), [0.5, 0.0, 0.5]);
/// ```
#[cfg_attr(debug_assertions, track_caller)]
pub fn max<S: Scalar>(x: &[S]) -> S {
    S::nary(NaryKind::Max, x)
}

/// The exact minimum of a slice as one node; see [`max`].
///
/// ```
/// use smoothmax::min;
///
/// assert_eq!(min(&[2.0, 1.0, 2.0]), 1.0);
/// ```
#[cfg_attr(debug_assertions, track_caller)]
pub fn min<S: Scalar>(x: &[S]) -> S {
    S::nary(NaryKind::Min, x)
}

/// `Σ x_i` as one node, added from left to right.
///
/// ```
/// use smoothmax::sum;
///
/// assert_eq!(sum(&[1.0, 2.0, 3.0]), 6.0);
/// ```
#[cfg_attr(debug_assertions, track_caller)]
pub fn sum<S: Scalar>(x: &[S]) -> S {
    S::nary(NaryKind::Sum, x)
}

/// `Σ a_i x_i` with constant coefficients `a`, as one node.
///
/// ```
/// use smoothmax::dot;
///
/// assert_eq!(dot(&[1.0, 2.0], &[3.0, 4.0]), 11.0);
/// ```
///
/// # Panics
///
/// If the lengths differ.
#[cfg_attr(debug_assertions, track_caller)]
pub fn dot<S: Scalar>(a: &[S::Base], x: &[S]) -> S {
    assert!(a.len() == x.len(), "dot: `a` has {} elements, `x` {}", a.len(), x.len());
    S::nary(NaryKind::Dot(a.into()), x)
}

/// `Σ x_i y_i`, both of them variables, as one node.
///
/// ```
/// use smoothmax::{dot_product, gradient};
///
/// let (value, g) = gradient(&[1.0, 2.0, 3.0, 4.0], |x| dot_product(&x[..2], &x[2..]));
/// assert_eq!(value, 11.0);
/// assert_eq!(g.as_slice(), [3.0, 4.0, 1.0, 2.0]);
/// ```
///
/// # Panics
///
/// If the lengths differ.
#[cfg_attr(debug_assertions, track_caller)]
pub fn dot_product<S: Scalar>(x: &[S], y: &[S]) -> S {
    assert!(x.len() == y.len(), "dot_product: `x` has {} elements, `y` {}", x.len(), y.len());
    S::nary(NaryKind::DotProduct, &[x, y].concat())
}

/// `A x` with a constant matrix, as one node with an output for each row.
///
/// The matrix is shared, not copied; keep it in an [`Arc`].
///
/// ```
/// use std::sync::Arc;
/// use nalgebra::dmatrix;
/// use smoothmax::{gradient, mat_vec, smooth_max};
///
/// let a = Arc::new(dmatrix![1.0, 2.0; 3.0, 4.0; 5.0, 6.0]);
/// assert_eq!(mat_vec(&a, &[1.0, 1.0]), [3.0, 7.0, 11.0]);
/// let (_, g) = gradient(&[1.0, 1.0], |x| smooth_max(&mat_vec(&a, x), 100.0));
/// assert_eq!(g.as_slice(), [5.0, 6.0]);
/// ```
///
/// # Panics
///
/// If the matrix has not a column for each element of `x`.
#[cfg_attr(debug_assertions, track_caller)]
pub fn mat_vec<S: Scalar>(a: &Arc<DMatrix<S::Base>>, x: &[S]) -> Vec<S> {
    assert!(a.ncols() == x.len(), "mat_vec: `a` has {} columns, `x` {} elements", a.ncols(), x.len());
    S::nary_outputs(NaryKind::MatVec(Arc::clone(a)), x)
}
