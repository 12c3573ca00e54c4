//! First and second derivatives of slice smoothings in their sharpness against
//! multi-precision arithmetic: from operands so near each other that all weigh
//! the same to such that one takes all, near 0 and far from it.

mod support;

use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::{Rng, SeedableRng};
use smoothmax::smooth::{boltzmann_max_at, mellowmax_at, simplex_max_at, smooth_norm_inf_at, sum_largest_at};
use smoothmax::{Var, gradient, hessian, smooth_max_at};
use support::{Big, big, nearest};

const DRAWS: usize = if cfg!(debug_assertions) { 200 } else { 2_000 };

/// A function of a slice and its sharpness.
type At = for<'a, 't> fn(&'a [Var<'t>], Var<'t>) -> Var<'t>;

/// Its derivatives in the sharpness, and the size of what cancels in the second.
type Exact = fn(&[f64], f64) -> ([Big; 2], Big);

/// Numbers weighted with `e^{k y_i}`, and the sharpness.
struct Weighted {
    /// `ln Σ e^{k (y_i - max)}`.
    log: Big,
    /// The mean less the maximum.
    mean: Big,
    /// Central moments: second, third, and the third of magnitudes.
    moments: [Big; 3],
    k: Big,
}

impl Weighted {
    fn new(y: &[Big], k: f64) -> Self {
        let (zero, k) = (big(0.0), big(k));
        let max = y.iter().max().expect("numbers");
        let y: Vec<Big> = y.iter().map(|y| y - max).collect();
        let e: Vec<Big> = y.iter().map(|y| (&k * y).exp()).collect();
        let total = e.iter().fold(zero.clone(), |sum, e| sum + e);
        let average = |f: &dyn Fn(&Big) -> Big| {
            e.iter().zip(&y).fold(zero.clone(), |sum, (e, y)| sum + e * f(y)) / &total
        };
        let mean = average(&|y| y.clone());
        let cube = |y: &Big| (y - &mean) * (y - &mean) * (y - &mean);
        let magnitude = |c: Big| if c < zero { -c } else { c };
        let moments =
            [average(&|y| (y - &mean) * (y - &mean)), average(&cube), average(&|y| magnitude(cube(y)))];
        Weighted { log: total.ln(), mean, moments, k }
    }

    /// The derivatives of `ln(Σ e^{k y_i} / count) / k`.
    fn log_mean(&self, count: f64) -> [Big; 2] {
        let k = &self.k;
        let slope = (k * &self.mean - (&self.log - big(count).ln())) / (k * k);
        let curvature = (&self.moments[0] - big(2.0) * &slope) / k;
        [slope, curvature]
    }
}

fn bigs(x: &[f64]) -> Vec<Big> {
    x.iter().map(|&x| big(x)).collect()
}

fn pair_sums(x: &[f64]) -> Vec<Big> {
    (0..x.len()).flat_map(|i| (0..i).map(move |j| big(x[i]) + big(x[j]))).collect()
}

/// The smoothing is the smooth maximum of `x` and `-x` at twice the sharpness.
fn norm(x: &[f64], k: f64) -> ([Big; 2], Big) {
    let both: Vec<f64> = x.iter().flat_map(|&x| [x, -x]).collect();
    let weighted = Weighted::new(&bigs(&both), 2.0 * k);
    let [slope, curvature] = weighted.log_mean(1.0);
    ([big(2.0) * slope, big(4.0) * curvature], big(0.0))
}

fn simplex(x: &[f64], k: f64) -> ([Big; 2], Big) {
    let (n, k) = (big(x.len() as f64), big(k));
    let mut z: Vec<Big> = bigs(x).iter().map(|x| x * &k).collect();
    z.sort_by(|a, b| b.cmp(a));
    let sum = |s: usize| z[..s].iter().fold(big(0.0), |sum, z| sum + z);
    let size =
        (1..=z.len()).rev().find(|&s| sum(s) - big(s as f64) * &z[s - 1] < big(1.0)).expect("a support");
    let (s, mean) = (big(size as f64), sum(size) / big(size as f64));
    let even = big(1.0) / &n;
    let p = |i: usize| if i < size { &z[i] - &mean + big(1.0) / &s } else { big(0.0) };
    let spread = (0..z.len()).fold(big(0.0), |sum, i| sum + (p(i) - &even) * (p(i) - &even));
    let slope = spread / (big(2.0) * &k * &k);
    let slope_of_p = |i: usize| if i < size { (&z[i] - &mean) / &k } else { big(0.0) };
    let change = (0..z.len()).fold(big(0.0), |sum, i| sum + (p(i) - &even) * slope_of_p(i));
    let cancels = big(2.0) * &slope / &k;
    ([slope, change / (&k * &k) - &cancels], cancels)
}

const FUNCTIONS: [(&str, At, Exact); 6] = [
    ("smooth_max", |x, k| smooth_max_at(x, k), |x, k| (Weighted::new(&bigs(x), k).log_mean(1.0), big(0.0))),
    (
        "mellowmax",
        |x, k| mellowmax_at(x, k),
        |x, k| {
            let weighted = Weighted::new(&bigs(x), k);
            (weighted.log_mean(x.len() as f64), weighted.moments[2].clone())
        },
    ),
    (
        "boltzmann_max",
        |x, k| boltzmann_max_at(x, k),
        |x, k| {
            let [variance, third, size] = Weighted::new(&bigs(x), k).moments;
            ([variance, third], size)
        },
    ),
    ("simplex_max", |x, k| simplex_max_at(x, k), simplex),
    ("smooth_norm_inf", |x, k| smooth_norm_inf_at(x, k), norm),
    (
        "sum_largest",
        |x, k| sum_largest_at(x, 2, k),
        |x, k| (Weighted::new(&pair_sums(x), k).log_mean(1.0), big(0.0)),
    ),
];

#[test]
fn derivatives_in_the_sharpness_lose_no_digits() {
    let mut rng = ChaCha8Rng::seed_from_u64(5);
    let mut uniform = || (rng.next_u64() >> 11) as f64 / (1u64 << 53) as f64;
    let mut worst = [[0.0f64; 2]; FUNCTIONS.len()];
    for i in 0..DRAWS {
        let k = 10f64.powf(12.0 * uniform() - 6.0);
        let spread = 10f64.powf(7.0 * uniform() - 5.0) / k;
        let offset = [0.0, 1.0, -1e5][i % 3] * spread;
        let x: Vec<f64> = (0..2 + i % 4).map(|_| offset + spread * (2.0 * uniform() - 1.0)).collect();
        for (&(name, f, exact), worst) in FUNCTIONS.iter().zip(&mut worst) {
            let h = hessian(&[&x[..], &[k]].concat(), |v| f(&v[..x.len()], v[x.len()]));
            let (exact, cancelled) = exact(&x, k);
            let found = [h.1[x.len()], h.2[(x.len(), x.len())]];
            let scales = [nearest(&exact[0]).abs(), nearest(&exact[1]).abs() + nearest(&cancelled)];
            for order in 0..2 {
                let error = nearest(&(big(found[order]) - &exact[order])).abs();
                let relative = if error == 0.0 { 0.0 } else { error / scales[order] };
                // Below, 192 bits do not suffice for the differences above.
                let is_known = scales[order] * k.powi(order as i32 + 2) > 1e-35;
                assert!(
                    relative < 2e-14 || !is_known,
                    "{name} at {x:?}, k = {k:e}, order {}: {relative:e}",
                    order + 1
                );
                worst[order] = worst[order].max(if is_known { relative } else { 0.0 });
            }
        }
    }
    for ((name, ..), worst) in FUNCTIONS.iter().zip(worst) {
        println!("{name}: {:.1e} {:.1e}", worst[0], worst[1]);
    }
}

#[test]
fn the_slope_of_a_norm_in_its_sharpness_at_large_operands() {
    // Two magnitudes are the largest, and nothing else counts.
    for (x, k) in [(&[1e9, -1e9][..], 1e6), (&[1e6, -1e6, 3.0], 1e4), (&[1e308, -1e308], 1e4)] {
        let (_, g) = gradient(&[x, &[k]].concat(), |v| smooth_norm_inf_at(&v[..x.len()], v[x.len()]));
        let expected = -2f64.ln() / 2.0 / k / k;
        assert!((g[x.len()] / expected - 1.0).abs() < 1e-15, "{x:?}: {:e}", g[x.len()]);
    }
}
