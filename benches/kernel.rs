//! The slice kernels on every instruction set of this machine, against the
//! plain scalar loop with `std`'s exponential.
//!
//! `cargo bench --bench kernel`; a first argument keeps the lines that contain it.

mod interleave;

use interleave::compare;
use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::{Rng, SeedableRng};
use smoothmax::kernel::forced::{ExpInPlace, Level, LogSoftmax, SmoothMax, dispatch_at};
use std::hint::black_box;

/// The reference: what one writes by hand.
mod plain {
    use num_traits::Float;

    fn max<T: Float>(x: &[T]) -> T {
        x.iter().fold(T::neg_infinity(), |m, &x| if x > m { x } else { m })
    }

    pub(super) fn log_sum_exp<T: Float>(x: &[T]) -> T {
        let m = max(x);
        let mut sum = T::zero();
        for &x in x {
            sum = sum + (x - m).exp();
        }
        m + sum.ln()
    }

    pub(super) fn smooth_max_weights<T: Float>(x: &[T], k: T, weights: &mut [T]) -> T {
        let m = max(x);
        let mut sum = T::zero();
        for (w, &x) in weights.iter_mut().zip(x) {
            *w = (k * (x - m)).exp();
            sum = sum + *w;
        }
        let factor = sum.recip();
        for w in weights {
            *w = *w * factor;
        }
        m + sum.ln() / k
    }

    pub(super) fn log_sum_exp_weights<T: Float>(x: &[T], weights: &mut [T]) -> T {
        smooth_max_weights(x, T::one(), weights)
    }

    pub(super) fn exp_in_place<T: Float>(x: &mut [T]) {
        for x in x {
            *x = x.exp();
        }
    }

    pub(super) fn log_softmax<T: Float>(x: &[T], out: &mut [T]) {
        let value = log_sum_exp(x);
        for (out, &x) in out.iter_mut().zip(x) {
            *out = x - value;
        }
    }
}

/// `n` numbers, each a sum of four uniform ones: about normal, spread 3.
fn sample(n: usize) -> Vec<f64> {
    let mut generator = ChaCha8Rng::seed_from_u64(1);
    let mut uniform = || generator.next_u64() as f64 / u64::MAX as f64 - 0.5;
    (0..n).map(|_| 5.0 * (uniform() + uniform() + uniform() + uniform())).collect()
}

/// The elements, unknown to the compiler. `black_box` of a slice itself would
/// write its two words and read them as one vector, for which the processor
/// waits until the writes are done: 25 ns that callers do not pay.
fn opaque<T>(x: &Vec<T>) -> &[T] {
    black_box(x).as_slice()
}

/// Elements that are restored at a time before they are changed in place.
const LEAST_RESTORED: usize = 1_000;

fn main() {
    let filter = std::env::args().nth(1).filter(|a| !a.starts_with('-')).unwrap_or_default();
    for n in [3, 10, 16, 17, 100, 1_000, 1_000_000] {
        let x = sample(n);
        let x_f32: Vec<f32> = x.iter().map(|&x| x as f32).collect();
        for level in Level::available() {
            let goal = |large: [f64; 3]| Some(if n == 1_000_000 { large[level as usize] } else { 1.0 });
            let wanted = |what: &str| {
                let name = format!("{what} n = {n} {level:?}");
                name.contains(&filter).then_some(name)
            };
            if let Some(name) = wanted("log_sum_exp f64") {
                compare(
                    || dispatch_at(level, SmoothMax::unit(opaque(&x), None)),
                    || plain::log_sum_exp(opaque(&x)),
                )
                .report(&name, n, goal([0.75, 0.35, 0.15]));
            }
            if let Some(name) = wanted("log_sum_exp_weights f64") {
                let (mut w, mut v) = (x.clone(), x.clone());
                compare(
                    || dispatch_at(level, SmoothMax::unit(opaque(&x), Some(&mut w))),
                    || plain::log_sum_exp_weights(opaque(&x), &mut v),
                )
                .report(&name, n, goal([1.0, 1.0, 0.3]));
            }
            if let Some(name) = wanted("smooth_max_weights f64") {
                let (mut w, mut v) = (x.clone(), x.clone());
                compare(
                    || dispatch_at(level, SmoothMax::sharp(opaque(&x), 3.0, Some(&mut w))),
                    || plain::smooth_max_weights(opaque(&x), 3.0, &mut v),
                )
                .report(&name, n, goal([1.0; 3]));
            }
            if let Some(name) = wanted("log_softmax f64") {
                let (mut w, mut v) = (x.clone(), x.clone());
                compare(
                    || dispatch_at(level, LogSoftmax { x: opaque(&x), out: &mut w }),
                    || plain::log_softmax(opaque(&x), &mut v),
                )
                .report(&name, n, goal([1.0; 3]));
            }
            if let Some(name) = wanted("exp_in_place f64") {
                // Slices restored many at a time: wide reads of what was just
                // written in narrow pieces wait until it is in the cache.
                let rows = x.repeat(LEAST_RESTORED.div_ceil(n));
                let (mut w, mut v) = (rows.clone(), rows.clone());
                compare(
                    || {
                        w.copy_from_slice(&rows);
                        for row in black_box(&mut w).chunks_exact_mut(n) {
                            dispatch_at(level, ExpInPlace(row));
                        }
                    },
                    || {
                        v.copy_from_slice(&rows);
                        for row in black_box(&mut v).chunks_exact_mut(n) {
                            plain::exp_in_place(row);
                        }
                    },
                )
                .report(&name, rows.len(), goal([1.0; 3]));
            }
            if let Some(name) = wanted("log_sum_exp f32") {
                compare(
                    || dispatch_at(level, SmoothMax::unit(opaque(&x_f32), None)),
                    || plain::log_sum_exp(opaque(&x_f32)),
                )
                .report(&name, n, goal([1.0; 3]));
            }
            if let Some(name) = wanted("log_sum_exp f32 over f64") {
                compare(
                    || dispatch_at(level, SmoothMax::unit(opaque(&x_f32), None)),
                    || dispatch_at(level, SmoothMax::unit(opaque(&x), None)),
                )
                .report(&name, n, (n == 1_000_000).then_some(1.0 / 1.6));
            }
            if let Some(name) = wanted("log_sum_exp_weights f32 over f64") {
                let (mut w, mut v) = (x_f32.clone(), x.clone());
                compare(
                    || dispatch_at(level, SmoothMax::unit(opaque(&x_f32), Some(&mut w))),
                    || dispatch_at(level, SmoothMax::unit(opaque(&x), Some(&mut v))),
                )
                .report(&name, n, (n == 1_000_000).then_some(1.0 / 1.6));
            }
        }
    }
}
