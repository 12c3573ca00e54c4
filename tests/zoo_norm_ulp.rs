//! Errors of the p-norm and of the odd root, value and gradient, and of the
//! second derivative of `log_cosh` in its sharpness, against multi-precision
//! arithmetic. `-- --nocapture` prints the table.

mod support;

use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::{Rng, SeedableRng};
use smoothmax::smooth::{log_cosh_at, odd_root_max, p_norm};
use smoothmax::{gradient, hessian};
use support::{Big, Errors, big, ulps};

const DRAWS: usize = if cfg!(debug_assertions) { 300 } else { 5_000 };

struct Draw(ChaCha8Rng);

impl Draw {
    fn new() -> Self {
        Self(ChaCha8Rng::seed_from_u64(12))
    }

    /// Uniform in (-1, 1).
    fn uniform(&mut self) -> f64 {
        (self.0.next_u64() >> 11) as f64 / (1u64 << 52) as f64 - 1.0
    }

    /// A magnitude below `largest`: any, or so near that `p` tells them apart.
    fn below(&mut self, largest: f64, p: f64) -> f64 {
        let share = self.uniform().abs();
        if self.0.next_u64().is_multiple_of(2) { largest * share } else { largest * (1.0 - share / p) }
    }
}

/// `(Σ σ_i r_i^p)^{1/p}` of magnitudes, the first the largest and with sign 1,
/// and its derivatives by them.
fn root_of_powers(magnitudes: &[f64], signs: &[f64], p: f64) -> (Big, Vec<Big>) {
    let (m, p) = (big(magnitudes[0]), big(p));
    let logs: Vec<Big> = magnitudes.iter().map(|&a| (big(a) / &m).ln()).collect();
    let terms = logs.iter().zip(signs).skip(1).map(|(log, &sign)| big(sign) * (&p * log).exp());
    let log = terms.fold(big(0.0), |sum, term| sum + term).ln_1p();
    let slope = |l: &Big| ((&p - big(1.0)) * (l - &log / &p)).exp();
    (&m * (&log / &p).exp(), logs.iter().map(slope).collect())
}

/// Adds the errors of value and gradient, those of normal numbers.
fn add(errors: &mut [Errors; 2], value: f64, g: &[f64], exact: &(Big, Vec<Big>)) {
    errors[0].add(ulps(value, &exact.0));
    for (&g, exact) in g.iter().zip(&exact.1) {
        if support::nearest(exact) > f64::MIN_POSITIVE {
            errors[1].add(ulps(g, exact));
        }
    }
}

#[test]
fn p_norms() {
    let mut draw = Draw::new();
    let mut errors = <[Errors; 2]>::default();
    for i in 0..DRAWS {
        let p = [1.5, 2.0, 3.7, 10.0, 1e3, 12_345.6, 1e6][i % 7];
        let largest = 10f64.powf(3.0 * draw.uniform());
        let x: Vec<f64> = (0..1 + i % 4).map(|_| draw.below(largest, p)).collect();
        let x = [&[largest], &x[..]].concat();
        let (value, g) = gradient(&x, |x| p_norm(x, p));
        add(&mut errors, value, g.as_slice(), &root_of_powers(&x, &vec![1.0; x.len()], p));
    }
    errors[0].report("p_norm", 2.8);
    errors[1].report("p_norm, gradient", 2.8);
}

fn odd_roots(sign: f64) -> [Errors; 2] {
    let mut draw = Draw::new();
    let mut errors = <[Errors; 2]>::default();
    for i in 0..DRAWS {
        let p = [3, 5, 11, 101, 1001, 100_001][i % 6];
        let largest = 10f64.powf(3.0 * draw.uniform());
        let other = draw.below(largest, p.into());
        let (value, g) = gradient(&[largest, sign * other], |x| odd_root_max(x[0], x[1], p));
        // The slope in the magnitude of an operand of even power is that in the operand.
        add(&mut errors, value, g.as_slice(), &root_of_powers(&[largest, other], &[1.0, sign], p.into()));
    }
    errors
}

#[test]
fn odd_roots_of_positive_numbers() {
    let errors = odd_roots(1.0);
    errors[0].report("odd_root_max of positive numbers", 1.5);
    errors[1].report("odd_root_max of positive numbers, gradient", 2.9);
}

#[test]
fn odd_roots_of_numbers_of_opposite_signs() {
    let errors = odd_roots(-1.0);
    errors[0].report("odd_root_max of opposite signs", 16.0);
    errors[1].report("odd_root_max of opposite signs, gradient", 32.0);
}

/// `(z² / cosh² z - 2 (z tanh z - ln cosh z)) / k³` with `z = kx`.
fn log_cosh_curvature(x: f64, k: f64) -> Big {
    let (z, k) = (big(k) * big(x), big(k));
    let (e, two) = (z.exp(), big(2.0));
    let (cosh, sinh) = ((&e + big(1.0) / &e) / &two, (&e - big(1.0) / &e) / &two);
    let own = &z * &z / (&cosh * &cosh);
    (own - &two * (&z * sinh / &cosh - cosh.ln())) / (&k * &k * &k)
}

#[test]
fn second_derivative_of_log_cosh_in_its_sharpness() {
    let mut draw = Draw::new();
    let mut errors = Errors::default();
    for _ in 0..DRAWS {
        let z = 10f64.powf(2.5 * draw.uniform() - 1.0);
        let k = 10f64.powf(3.0 * draw.uniform());
        let curvature = hessian(&[z / k, k], |v| log_cosh_at(v[0], v[1])).2[(1, 1)];
        errors.add(ulps(curvature, &log_cosh_curvature(z / k, k)));
    }
    errors.report("log_cosh, second derivative in k", 16.0);
}
