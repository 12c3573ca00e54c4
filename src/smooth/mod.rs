//! The zoo: smooth versions of `max`, `|x|`, `max(x, 0)` and their kin.
//!
//! Each has a sharpness `k`, the inverse of a temperature: the larger it is, the
//! nearer the function is to its target, and the larger its second derivative.
//! How near is stated in the function's docs and, as data, in [`SMOOTHINGS`]:
//! the error interval as a function of `n` and `k`, the direction, whether the
//! function is convex, monotone, equivariant under shifts, homogeneous, and
//! where that holds.
//!
//! ```
//! use smoothmax::smooth::{Direction, smoothing};
//!
//! let row = smoothing("smooth_max").unwrap();
//! assert_eq!(row.formula, "ln(sum e^(k x_i)) / k");
//! assert_eq!(row.error_interval(10, 50.0), Some((0.0, 10f64.ln() / 50.0)));
//! assert_eq!(row.direction(10), Some(Direction::Above));
//! // The sharpness that keeps the error of 10 numbers below 1e-3:
//! assert_eq!(row.sharpness_for(1e-3, 10), Some(10f64.ln() / 1e-3));
//! ```
//!
//! Functions are generic over [`Scalar`](crate::Scalar); second derivatives are
//! rules too, not differentiated roundings. A sharpness is a number; the twin
//! `.._at` takes it as a variable. `k = inf` gives the target itself.
//!
//! # Accuracy
//!
//! The largest errors of value, first and second derivative in `x`, in ulp,
//! where exponentials are normal numbers:
//!
//! | functions | value | first | second |
//! |---|---|---|---|
//! | [`abs_sqrt`], [`pseudo_huber`], [`squareplus`] | 0.51 | 0.51 | 0.51 |
//! | [`smooth_abs`](crate::smooth_abs), [`abs_softplus`], [`smooth_relu`] | 1.5 | 1.5 | 1.5 |
//! | [`softplus`](crate::softplus), [`log_sigmoid`](crate::log_sigmoid) | 1.2 | 1.5 | 1.5 |
//! | [`sigmoid`](crate::sigmoid), [`smooth_step`] | 1.5 | 1.5 | 2.9 |
//! | [`log_cosh`] | 1.6 | 1.5 | 1.5 |
//! | [`x_tanh`]; its second derivative 0.01 off its zero at `kx = 1.19968` | 1.2 | 1.2 | 2.5 |
//! | [`gaussian_abs`] | 2.5 | 1.5 | 0.9 |
//! | [`x_atan`] | 3.0 | 3.0 | 3.5 |
//! | [`p_norm`], any `p <= 1e6` | 2.8 | 2.8 | |
//! | [`odd_root_max`] of positive numbers; of opposite signs | 1.5; 16 | 2.9; 32 | |
//!
//! First and second derivatives in the sharpness of functions of a slice have
//! relative errors below 1e-14, at any offset; of [`boltzmann_max_at`] and
//! [`mellowmax_at`] in the second relative to the third absolute moment; there is
//! no such promise for [`double_exp_m1_max_at`].
//!
//! # The essay
//!
//! The essay this crate started from, equation by equation:
//!
//! | equation | is |
//! |---|---|
//! | (1) `max(x, y) = (|x + y| + |x - y|) / 2` | true where `x + y >= 0` |
//! | (2)-(5) smooth step and sign | [`smooth_step`], [`smooth_sign`] |
//! | (6) | [`abs_softplus`] |
//! | (7) | [`smooth_abs`](crate::smooth_abs) |
//! | (8), (9): (1) with (7) put in | [`smooth_norm_inf`] of two |
//! | (10)-(12) | [`smooth_max`](crate::smooth_max), at sharpness `2k` in (10) |
//! | (13) | [`odd_root_max`] |
//! | (14) and its repair | [`double_exp_max`], [`double_exp_m1_max`] |

mod abs;
mod essay;
mod exact;
mod losses;
mod max;
mod node;
mod norm;
mod simplex;
mod sum;
mod sum_largest;
mod table;
mod target;

pub use abs::*;
pub use essay::{double_exp_m1_max, double_exp_m1_max_at, double_exp_max, odd_root_max, quasi_sum};
pub use losses::{
    multi_label_cross_entropy, smooth_clamp, smooth_clamp_at, smooth_hinge, smooth_hinge_at, smooth_pinball,
    smooth_pinball_at,
};
pub use max::{boltzmann_max, boltzmann_max_at, mellowmax, mellowmax_at, smooth_argmax};
pub use norm::{p_norm, smooth_norm_inf, smooth_norm_inf_at};
pub use simplex::{simplex_max, simplex_max_at, sparsemax};
pub use sum_largest::{sum_largest, sum_largest_at};
pub use table::{Bound, Direction, Domain, SMOOTHINGS, Smoothing, smoothing};
pub use target::Target;
