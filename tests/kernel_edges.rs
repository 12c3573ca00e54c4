//! Conventions at the edges, invariances and argument checks of the slice
//! kernels, for both element types and every instruction set.

use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::{Rng, SeedableRng};
use smoothmax::kernel::forced::{Level, SmoothMax, dispatch_at};
use smoothmax::kernel::{self, KernelFloat};

const INF: f64 = f64::INFINITY;
const NAN: f64 = f64::NAN;

/// Equal, NaN being equal to NaN.
fn same(a: f64, b: f64) -> bool {
    a == b || a.is_nan() && b.is_nan()
}

/// Checks value and weights of `smooth_max(x, k)` in one element type, alone
/// and padded with `filler`, which must not matter, to a slice of many blocks.
fn check_as<T: KernelFloat>(x: &[f64], k: f64, value: f64, weights: &[f64], filler: f64) {
    for padding in [0, 20, 300, 9_000] {
        if padding > 0 && x.is_empty() {
            continue;
        }
        let fillers = std::iter::repeat_n(filler, padding);
        let long: Vec<T> = x.iter().copied().chain(fillers).map(T::round_from).collect();
        let k = T::round_from(k);
        for level in Level::available() {
            let mut got = long.clone();
            let got_value = dispatch_at(level, SmoothMax::sharp(&long, k, Some(&mut got)));
            let what = format!("{x:?} k = {k:?} padding {padding} {level:?}");
            assert!(same(got_value.widen(), value), "{what}: value {got_value:?}, not {value}");
            for (got, &expected) in got.iter().zip(weights) {
                assert!(same(got.widen(), expected), "{what}: weight {got:?}, not {expected}");
            }
            let rest = if weights.iter().any(|w| w.is_nan()) { NAN } else { 0.0 };
            for got in &got[x.len()..] {
                assert!(same(got.widen(), rest), "{what}: padding weighs {got:?}");
            }
            if k == T::one() {
                let mut unit = long.clone();
                let unit_value = dispatch_at(level, SmoothMax::unit(&long, Some(&mut unit)));
                assert!(same(unit_value.widen(), value), "{what}: log_sum_exp {unit_value:?}");
                assert!(unit.iter().zip(&got).all(|(a, b)| same(a.widen(), b.widen())));
            }
        }
    }
}

/// Checks `smooth_max(x, k)` and its mirror image `-smooth_max(-x, -k)`.
fn check(x: &[f64], k: f64, value: f64, weights: &[f64]) {
    let filler = if k < 0.0 { INF } else { -INF };
    check_as::<f64>(x, k, value, weights, filler);
    check_as::<f32>(x, k, value, weights, filler);
    let mirrored: Vec<f64> = x.iter().map(|x| -x).collect();
    check_as::<f64>(&mirrored, -k, -value, weights, -filler);
    check_as::<f32>(&mirrored, -k, -value, weights, -filler);
}

#[test]
fn edge_table() {
    check(&[], 1.0, -INF, &[]);
    check(&[NAN], 1.0, NAN, &[NAN]);
    check(&[NAN, INF], 1.0, NAN, &[NAN, NAN]);
    check(&[NAN, -INF], 1.0, NAN, &[NAN, NAN]);
    check(&[1.0, NAN, 2.0], 1.0, NAN, &[NAN; 3]);
    check(&[-INF], 1.0, -INF, &[0.0]);
    check(&[-INF, -INF], 3.0, -INF, &[0.0, 0.0]);
    check(&[INF, 0.0], 1.0, INF, &[1.0, 0.0]);
    check(&[INF, 0.0, -INF, INF], 2.0, INF, &[0.5, 0.0, 0.0, 0.5]);
    check(&[1.5], 1.0, 1.5, &[1.0]);
    check(&[-2.5, -INF], 0.25, -2.5, &[1.0, 0.0]);
}

#[test]
fn extreme_sharpness() {
    check(&[3.0, 3.0, 1.0], INF, 3.0, &[0.5, 0.5, 0.0]);
    check(&[3.0, 4.0, NAN], INF, NAN, &[NAN; 3]);
    check(&[INF, 4.0, INF], INF, INF, &[0.5, 0.0, 0.5]);
    check(&[-INF, -INF], INF, -INF, &[0.0, 0.0]);
    check(&[1.0, 2.0], 0.0, NAN, &[NAN; 2]);
    check(&[1.0, 2.0], NAN, NAN, &[NAN; 2]);
    check(&[5.0, 4.0], 1e38, 5.0, &[1.0, 0.0]);
}

#[test]
fn differences_that_overflow() {
    let (x, mut w) = ([1e308, -1e308], [0.0; 2]);
    assert_eq!((kernel::log_sum_exp_weights(&x, &mut w), w), (1e308, [1.0, 0.0]));
    // k (x_i - m) = -2, though x_i - m overflows.
    let value = kernel::smooth_max_weights(&x, 1e-308, &mut w);
    let t = (-2.0f64).exp();
    assert!((w[1] - t / (1.0 + t)).abs() < 1e-16 && (w[0] - 1.0 / (1.0 + t)).abs() < 2e-16);
    assert!((value / 1e308 - (1.0 + t.ln_1p())).abs() < 1e-15);
    let value: f64 = kernel::smooth_max(&[-1e308, -1.1e308], 5e-309);
    assert!((value / 1e308 - 0.337).abs() < 1e-3, "{value}");
    // An infinite rise from finite input still has weights.
    assert_eq!((kernel::smooth_max_weights(&[1.0, 1.0], 1e-320, &mut w), w), (INF, [0.5; 2]));
}

#[test]
fn weights_at_1e308_sum_to_one() {
    for n in [2, 10, 1_000, 10_000] {
        let x: Vec<f64> = (0..n).map(|i| 1e308 * (1.0 - f64::from(i % 7) * 1e-16)).collect();
        let mut w = x.clone();
        assert!(kernel::log_sum_exp_weights(&x, &mut w) >= 1e308);
        let total: f64 = w.iter().sum();
        assert!((total - 1.0).abs() <= f64::from(n) * f64::EPSILON / 2.0, "{n}: {total}");
    }
}

#[test]
fn log_softmax_edges() {
    let cases: [(&[f64], &[f64]); 5] = [
        (&[], &[]),
        (&[-INF, -INF], &[-INF, -INF]),
        (&[INF, 0.0], &[0.0, -INF]),
        (&[2.0, NAN], &[NAN, NAN]),
        (&[7.0, -INF], &[0.0, -INF]),
    ];
    for (x, expected) in cases {
        let mut out = x.to_vec();
        kernel::log_softmax(x, &mut out);
        assert!(out.iter().zip(expected).all(|(&a, &b)| same(a, b)), "{x:?}: {out:?}");
    }
    let mut out = [0.0; 2];
    kernel::log_softmax(&[INF, INF], &mut out);
    assert_eq!(out, [-std::f64::consts::LN_2; 2]);
}

#[test]
fn pullbacks() {
    let (x, cotangent) = ([0.3, -1.0, 2.0, 0.1], [1.0, -2.0, 0.5, 3.0]);
    let (mut w, mut log_w) = ([0.0; 4], [0.0; 4]);
    kernel::softmax(&x, &mut w);
    kernel::log_softmax(&x, &mut log_w);
    let (mut pulled, mut log_pulled) = ([0.0; 4], [0.0; 4]);
    kernel::softmax_pullback(&w, &cotangent, &mut pulled);
    kernel::log_softmax_pullback(&w, &cotangent, &mut log_pulled);
    for i in 0..4 {
        let h = 1e-5;
        let difference = |of: fn(&[f64], &mut [f64])| {
            let side = |h: f64| {
                let (mut x, mut out) = (x, [0.0; 4]);
                x[i] += h;
                of(&x, &mut out);
                out.iter().zip(&cotangent).map(|(o, c)| o * c).sum::<f64>()
            };
            (side(h) - side(-h)) / (2.0 * h)
        };
        assert!((pulled[i] - difference(kernel::softmax)).abs() < 1e-9);
        assert!((log_pulled[i] - difference(kernel::log_softmax)).abs() < 1e-9);
    }
    // All minus infinity: nothing depends on anything.
    kernel::softmax_pullback(&[0.0; 4], &cotangent, &mut pulled);
    kernel::log_softmax_pullback(&[0.0; 4], &cotangent, &mut log_pulled);
    assert_eq!((pulled, log_pulled), ([0.0; 4], [0.0; 4]));
}

#[test]
fn sharpness_slope_edges() {
    let slope = kernel::smooth_max_sharpness_slope::<f64>;
    assert_eq!(slope(&[], 2.0, &[]), 0.0);
    assert_eq!(slope(&[1.0, 1.0], INF, &[0.5, 0.5]), 0.0);
    assert_eq!(slope(&[-INF, -INF], 1.0, &[0.0, 0.0]), 0.0);
    assert_eq!(slope(&[4.0], 3.0, &[1.0]), 0.0);
    assert!(slope(&[1.0, 2.0], 0.0, &[NAN, NAN]).is_nan());
    assert!(slope(&[1.0, NAN], 1.0, &[NAN, NAN]).is_nan());
}

#[test]
fn log_add_exp_edges() {
    let cases = [
        (INF, INF, INF, [0.5, 0.5]),
        (INF, 1.0, INF, [1.0, 0.0]),
        (-INF, -INF, -INF, [0.0, 0.0]),
        (-INF, 9.0, 9.0, [0.0, 1.0]),
        (NAN, INF, NAN, [NAN, NAN]),
        (1e308, -1e308, 1e308, [1.0, 0.0]),
    ];
    for (x, y, value, weights) in cases {
        let (got, w) = kernel::log_add_exp_weights(x, y);
        let equal = same(got, value) && same(w[0], weights[0]) && same(w[1], weights[1]);
        assert!(equal, "log_add_exp({x}, {y}) = {got}, {w:?}");
        assert!(same(kernel::log_add_exp(y, x), value));
        assert!(same(kernel::log_add_exp(x as f32, y as f32).into(), f64::from(value as f32)));
    }
}

#[test]
fn exponentials() {
    for level in Level::available() {
        let mut x = [INF, -INF, NAN, 0.0, -0.0, 709.9, -745.2, -744.0];
        dispatch_at(level, kernel::forced::ExpInPlace(&mut x));
        assert!(x[2].is_nan());
        x[2] = 0.0;
        assert_eq!(x, [INF, 0.0, 0.0, 1.0, 1.0, INF, 0.0, 1e-323], "{level:?}");
        let mut x = [f32::INFINITY, f32::NEG_INFINITY, 89.0, -104.0, -103.0];
        dispatch_at(level, kernel::forced::ExpInPlace(&mut x));
        assert_eq!(x, [f32::INFINITY, 0.0, f32::INFINITY, 0.0, 1e-45], "{level:?}");
    }
}

fn sample(n: usize) -> Vec<f64> {
    let mut generator = ChaCha8Rng::seed_from_u64(3);
    (0..n).map(|_| generator.next_u64() as f64 / u64::MAX as f64 * 20.0).collect()
}

#[test]
fn order_does_not_matter() {
    for n in [7, 100, 10_000] {
        let x = sample(n);
        let mut w = x.clone();
        let value = kernel::log_sum_exp_weights(&x, &mut w);
        for turn in [1, n / 3, n / 2] {
            let (mut turned, mut turned_w) = (x.clone(), x.clone());
            turned.rotate_left(turn);
            let turned_value = kernel::log_sum_exp_weights(&turned, &mut turned_w);
            turned_w.rotate_right(turn);
            assert!((value - turned_value).abs() <= value * f64::EPSILON);
            for (a, b) in w.iter().zip(&turned_w) {
                assert!((a - b).abs() <= 4.0 * f64::EPSILON * a, "{n} {turn}: {a} {b}");
            }
        }
    }
}

/// Elements that rise along the slice, so that what the exponentials are
/// measured from has to follow, against the same elements falling.
fn rises_as_well_as_it_falls<T: KernelFloat>(step: f64, k: f64) {
    let steps = (0..3_000).map(|i| f64::from(i / 3) * step / k);
    let rising: Vec<T> = std::iter::repeat_n(-INF / k, 200).chain(steps).map(T::round_from).collect();
    let falling: Vec<T> = rising.iter().rev().copied().collect();
    for level in Level::available() {
        let (mut w, mut v) = (rising.clone(), falling.clone());
        let k = T::round_from(k);
        let value = dispatch_at(level, SmoothMax::sharp(&rising, k, Some(&mut w)));
        let expected = dispatch_at(level, SmoothMax::sharp(&falling, k, Some(&mut v)));
        assert_eq!(dispatch_at(level, SmoothMax::sharp(&rising, k, None)), value, "{level:?} {step}");
        let unit = T::epsilon().widen();
        let error = (value.widen() - expected.widen()).abs();
        assert!(error <= 2.0 * unit * expected.widen().abs(), "{level:?} {step}: {value:?}, {expected:?}");
        let smallest = T::min_positive_value().widen() * unit;
        for (i, (w, v)) in w.iter().zip(v.iter().rev()).enumerate() {
            let (w, v) = (w.widen(), v.widen());
            assert!((w - v).abs() <= 5.0 * (unit * v + smallest), "{level:?} {step} {i}: {w:e}, {v:e}");
        }
    }
}

#[test]
fn a_maximum_that_keeps_rising() {
    for step in [0.004, 0.3, 1.7, 33.0, 350.0, 1e4] {
        for k in [1.0, -4.0] {
            rises_as_well_as_it_falls::<f64>(step, k);
            rises_as_well_as_it_falls::<f32>(step, k);
        }
    }
}

#[test]
#[cfg(feature = "deterministic")]
fn every_level_gives_the_same_bits() {
    for n in [3, 16, 40, 1_000, 20_000] {
        let x = sample(n);
        let run = |level| {
            let (mut w, mut e) = (x.clone(), x.clone());
            let value = dispatch_at(level, SmoothMax::sharp(&x, 1.7, Some(&mut w)));
            dispatch_at(level, kernel::forced::ExpInPlace(&mut e));
            let unit = dispatch_at(level, SmoothMax::unit(&x, None));
            let all = w.into_iter().chain(e).chain([value, unit]);
            all.map(f64::to_bits).collect::<Vec<_>>()
        };
        for level in Level::available() {
            assert!(run(level) == run(Level::Portable), "{level:?} differs at n = {n}");
        }
    }
}

#[test]
#[should_panic(expected = "`weights` has length 1, expected 2")]
fn weights_of_another_length() {
    kernel::log_sum_exp_weights(&[1.0, 2.0], &mut [0.0]);
}

#[test]
#[should_panic(expected = "`cotangent` has length 3, expected 2")]
fn cotangent_of_another_length() {
    kernel::softmax_pullback(&[0.5, 0.5], &[0.0; 3], &mut [0.0; 2]);
}
