//! Errors of the slice kernels against multi-precision arithmetic, on every
//! instruction set of this machine. `-- --nocapture` prints the table.

mod support;

use dashu::float::FBig;
use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::{Rng, SeedableRng};
use smoothmax::kernel::forced::{ExpInPlace, Level, LogSoftmax, SmoothMax, dispatch_at};
use smoothmax::kernel::{self, KernelFloat};
use support::{Big, Errors, Ulp, big, ulps};

/// How elements are drawn, before the offset is added.
#[derive(Clone, Copy, Debug)]
enum Spread {
    Narrow,
    Wide,
    Tied,
    HeavyTailed,
}

const SPREADS: [Spread; 4] = [Spread::Narrow, Spread::Wide, Spread::Tied, Spread::HeavyTailed];
const OFFSETS: [f64; 5] = [0.0, -3.7, 1e4, -1e8, 1e8];

/// Lengths and how often each is drawn per spread and offset. More than
/// one block only with optimisation.
fn sizes() -> Vec<(usize, usize)> {
    let mut sizes = vec![(2, 20), (10, 6), (17, 3), (1_000, 1)];
    if !cfg!(debug_assertions) {
        sizes.push((5_003, 1));
    }
    sizes
}

/// Every spread at every offset; for long slices only the far offsets.
fn settings(n: usize) -> impl Iterator<Item = (Spread, f64)> {
    let all = SPREADS.into_iter().flat_map(|spread| OFFSETS.map(|offset| (spread, offset)));
    all.filter(move |&(_, offset)| n <= 1_000 || offset == 1e8)
}

struct Draw(ChaCha8Rng);

impl Draw {
    fn new(seed: u64) -> Self {
        Self(ChaCha8Rng::seed_from_u64(seed))
    }

    /// Uniform in (-1, 1).
    fn uniform(&mut self) -> f64 {
        (self.0.next_u64() >> 11) as f64 / (1u64 << 52) as f64 - 1.0
    }

    fn element(&mut self, spread: Spread) -> f64 {
        match spread {
            Spread::Narrow => self.uniform() + self.uniform() + self.uniform(),
            Spread::Wide => 400.0 * self.uniform(),
            Spread::Tied => (3.0 * self.uniform()).round(),
            Spread::HeavyTailed => (1.57 * self.uniform()).tan(),
        }
    }

    fn slice<T: KernelFloat>(&mut self, n: usize, spread: Spread, offset: f64) -> Vec<T> {
        (0..n).map(|_| T::round_from(self.element(spread) + offset)).collect()
    }
}

/// `smooth_max(x, k)` and its parts in multi-precision arithmetic.
struct Exact {
    value: Big,
    /// `ln(1 + s)`.
    rise: Big,
    /// `k (x_i - m)`.
    arguments: Vec<Big>,
    weights: Vec<Big>,
}

impl Exact {
    fn new<T: KernelFloat>(x: &[T], k: f64) -> Self {
        let x: Vec<f64> = x.iter().map(|x| x.widen()).collect();
        let j = (0..x.len()).reduce(|j, i| if k * x[i] > k * x[j] { i } else { j }).expect("elements");
        let (m, k) = (big(x[j]), big(k));
        let arguments: Vec<Big> = x.iter().map(|&x| &k * (big(x) - &m)).collect();
        let exponentials: Vec<Big> = arguments.iter().map(FBig::exp).collect();
        let others = (0..x.len()).filter(|&i| i != j).map(|i| &exponentials[i]);
        let excess = others.fold(big(0.0), |sum, e| sum + e);
        let total = big(1.0) + &excess;
        let rise = excess.ln_1p();
        let weights = exponentials.iter().map(|e| e / &total).collect();
        Self { value: m + &rise / k, rise, arguments, weights }
    }

    /// The entropy of the weights.
    fn entropy(&self) -> Big {
        let terms = self.weights.iter().zip(&self.arguments).map(|(w, a)| w * a);
        terms.fold(self.rise.clone(), |sum, term| sum - term)
    }
}

/// The error of a value in units of `u` beyond what its own size allows;
/// the promise is `2 ln n + 6`, for sharpness `k` divided by `k`.
fn excess_error<T: KernelFloat + Ulp>(got: T, exact: &Big, n: usize, k: f64) -> f64 {
    let u = 0.5f64.powi(T::DIGITS);
    let error = support::nearest(&(big(got.widen()) - exact)).abs() / u;
    (error - support::nearest(exact).abs()).max(0.0) * k.abs() / (2.0 * (n as f64).ln() + 6.0)
}

fn smooth_max_on_every_level<T: KernelFloat + Ulp>(name: &str, sharpness: &[f64]) {
    let mut draw = Draw::new(7);
    let (mut value, mut value_ulps) = (Errors::default(), Errors::default());
    let mut weights = Errors::default();
    let (mut slope, mut sum) = (Errors::default(), Errors::default());
    for (n, draws) in sizes() {
        for (spread, offset) in settings(n) {
            for draw_number in 0..draws {
                let k = sharpness[draw_number % sharpness.len()];
                let k = T::round_from(k);
                let x: Vec<T> = draw.slice(n, spread, offset);
                let exact = Exact::new(&x, k.widen());
                for level in Level::available() {
                    let mut w = x.clone();
                    let got = dispatch_at(level, SmoothMax::sharp(&x, k, Some(&mut w)));
                    assert_eq!(got, dispatch_at(level, SmoothMax::sharp(&x, k, None)));
                    value.add(excess_error(got, &exact.value, n, k.widen()));
                    let largest = (0..n).map(|i| x[i].widen().abs()).fold(0.0, f64::max);
                    if support::nearest(&exact.value).abs() > largest / 2.0 {
                        value_ulps.add(ulps(got, &exact.value));
                    }
                    for (&got, exact) in w.iter().zip(&exact.weights) {
                        weights.add(ulps(got, exact));
                    }
                    let total = w.iter().fold(big(0.0), |sum, w| sum + big(w.widen()));
                    let u = 0.5f64.powi(T::DIGITS);
                    sum.add(support::nearest(&(total - big(1.0))).abs() / (n as f64 * u));
                    if k == T::one() {
                        let mut unit = x.clone();
                        let value = dispatch_at(level, SmoothMax::unit(&x, Some(&mut unit)));
                        assert_eq!((value, &unit), (got, &w), "log_sum_exp is smooth_max at 1");
                    }
                    // The weights at hand must have all their digits.
                    let entropy = exact.entropy();
                    if support::nearest(&entropy) > 1e4 * T::min_positive_value().widen() {
                        let got = kernel::smooth_max_sharpness_slope(&x, k, &w);
                        let k = big(k.widen());
                        slope.add(ulps(got, &(-entropy / (&k * &k))));
                    }
                }
            }
        }
    }
    value.report(&format!("{name} value / (2 ln n + 6) u"), 1.0);
    value_ulps.report(&format!("{name} value where it does not cancel"), 4.0);
    weights.report(&format!("{name} weights"), 4.0);
    sum.report(&format!("{name} sum of weights / n u"), 1.0);
    slope.report(&format!("{name} slope in k"), 4.0);
}

#[test]
fn log_sum_exp_and_softmax() {
    smooth_max_on_every_level::<f64>("log_sum_exp f64", &[1.0]);
    smooth_max_on_every_level::<f32>("log_sum_exp f32", &[1.0]);
}

#[test]
fn smooth_max() {
    let sharpness = [0.7, -3.0, 50.0, 1e-3, 1e6, -1e-300, 1e5];
    smooth_max_on_every_level::<f64>("smooth_max f64", &sharpness);
    let sharpness = [0.7, -3.0, 50.0, 1e-3, 1e6, -1e-30, 1e5];
    smooth_max_on_every_level::<f32>("smooth_max f32", &sharpness);
}

fn log_softmax<T: KernelFloat + Ulp>(name: &str) {
    let mut draw = Draw::new(8);
    let mut errors = Errors::default();
    for (n, draws) in sizes() {
        for (spread, offset) in settings(n) {
            for _ in 0..draws.min(3) {
                let x: Vec<T> = draw.slice(n, spread, offset);
                let exact = Exact::new(&x, 1.0);
                for level in Level::available() {
                    let mut out = x.clone();
                    dispatch_at(level, LogSoftmax { x: &x, out: &mut out });
                    for (&got, argument) in out.iter().zip(&exact.arguments) {
                        errors.add(ulps(got, &(argument - &exact.rise)));
                    }
                }
            }
        }
    }
    errors.report(name, 3.0);
}

#[test]
fn log_softmax_of_both_types() {
    log_softmax::<f64>("log_softmax f64");
    log_softmax::<f32>("log_softmax f32");
}

/// A million elements: the multi-precision sum is what takes the time.
#[test]
#[cfg_attr(debug_assertions, ignore = "minutes without optimisation")]
fn a_million_elements() {
    let mut draw = Draw::new(9);
    let (mut value, mut weights) = (Errors::default(), Errors::default());
    for (spread, offset) in [(Spread::Narrow, 1e8)] {
        let x: Vec<f64> = draw.slice(1_000_000, spread, offset);
        let exact = Exact::new(&x, 1.0);
        for level in Level::available() {
            let mut w = x.clone();
            let got = dispatch_at(level, SmoothMax::unit(&x, Some(&mut w)));
            value.add(ulps(got, &exact.value));
            for i in (0..x.len()).step_by(97) {
                weights.add(ulps(w[i], &exact.weights[i]));
            }
        }
    }
    value.report("log_sum_exp f64, n = 1e6", 2.0);
    weights.report("its weights", 4.0);
}

fn exponential<T: KernelFloat + Ulp>(name: &str, range: f64) {
    let mut draw = Draw::new(10);
    let mut errors = Errors::default();
    let x: Vec<T> = (0..3_000).map(|i| T::round_from(draw.uniform() * range * 0.5f64.powi(i % 12))).collect();
    let exact: Vec<Big> = x.iter().map(|x| big(x.widen()).exp()).collect();
    for level in Level::available() {
        let mut got = x.clone();
        dispatch_at(level, ExpInPlace(&mut got));
        for (&got, exact) in got.iter().zip(&exact) {
            errors.add(ulps(got, exact));
        }
    }
    errors.report(name, 1.0);
}

#[test]
fn exp_in_place() {
    exponential::<f64>("exp_in_place f64", 750.0);
    exponential::<f32>("exp_in_place f32", 105.0);
}

/// Error in ulp, but of 1e-15 where the value is smaller: there the digits of
/// the double-double sum, which is near 1, run out.
fn ulps_near_zero(got: f64, exact: &Big) -> f64 {
    let spacing = (support::nearest(exact).abs().max(1e-15)).log2().floor().exp2() * f64::EPSILON;
    support::nearest(&(big(got) - exact)).abs() / spacing
}

#[test]
fn log_add_exp_and_accurate_log_sum_exp() {
    let mut draw = Draw::new(11);
    let (mut plain, mut near_zero) = (Errors::default(), Errors::default());
    let (mut accurate, mut weights) = (Errors::default(), Errors::default());
    for _ in 0..1_000 {
        let spread = SPREADS[(draw.0.next_u64() % 4) as usize];
        let x: Vec<f64> = draw.slice(2, spread, 0.0);
        let exact = Exact::new(&x, 1.0);
        let (value, got) = kernel::log_add_exp_weights(x[0], x[1]);
        plain.add(ulps(value, &exact.value));
        for (got, exact) in got.into_iter().zip(&exact.weights) {
            weights.add(ulps(got, exact));
        }
        // Nearly exp(a) + exp(b) = 1.
        let a = -draw.uniform().abs() - 1e-3;
        let b = (-a.exp_m1()).ln();
        let exact = Exact::new(&[a, b], 1.0);
        near_zero.add(ulps_near_zero(kernel::log_add_exp(a, b), &exact.value));

        let mut probabilities: Vec<f64> = draw.slice(9, Spread::Narrow, 0.0);
        let total = kernel::log_sum_exp(&probabilities);
        probabilities.iter_mut().for_each(|p| *p -= total);
        let exact = Exact::new(&probabilities, 1.0);
        let got = kernel::log_sum_exp_accurate(&probabilities);
        accurate.add(ulps_near_zero(got, &exact.value));
    }
    plain.report("log_add_exp", 4.0);
    weights.report("log_add_exp weights", 3.0);
    near_zero.report("log_add_exp near zero", 4.0);
    accurate.report("log_sum_exp_accurate near zero", 4.0);
}
