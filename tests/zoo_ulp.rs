//! Errors of the smooth functions of one number, to second order, against
//! multi-precision arithmetic. `-- --nocapture` prints the table.

mod support;

use dashu::base::Abs;
use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::{Rng, SeedableRng};
use smoothmax::smooth::{
    abs_softplus, abs_sqrt, gaussian_abs, log_cosh, pseudo_huber, smooth_relu, smooth_step, squareplus,
    x_atan, x_tanh,
};
use smoothmax::{Dual, Scalar, log_sigmoid, sigmoid, smooth_abs, softplus};
use support::{Big, Errors, Ulp, big, nearest, ulps};

/// A number with two derivatives.
type Second<T> = Dual<Dual<T>>;

/// A function with its exact value and derivatives, and what is promised of
/// the errors of the three in ulp.
struct Case {
    name: &'static str,
    double: fn(Second<f64>, f64) -> Second<f64>,
    single: fn(Second<f32>, f64) -> Second<f32>,
    exact: fn(&Big, &Big) -> [Big; 3],
    promise: [f64; 3],
    /// Where it is measured, in units of `1/k`, given the largest magnitude.
    range: fn(f64, f64) -> bool,
}

macro_rules! case {
    ($name:literal, |$x:ident, $k:ident| $body:expr, $exact:expr, $promise:expr) => {
        case!($name, |$x, $k| $body, $exact, $promise, |_, _| true)
    };
    ($name:literal, |$x:ident, $k:ident| $body:expr, $exact:expr, $promise:expr, $range:expr) => {{
        fn function<S: Scalar>($x: S, $k: f64) -> S {
            $body
        }
        Case {
            name: $name,
            double: function,
            single: function,
            exact: $exact,
            promise: $promise,
            range: $range,
        }
    }};
}

fn int(n: u32) -> Big {
    big(f64::from(n))
}

fn positive_part(x: &Big) -> Big {
    if *x > int(0) { x.clone() } else { int(0) }
}

/// `x` with the sign of `of`.
fn signed(x: Big, of: &Big) -> Big {
    if *of < int(0) { -x } else { x }
}

/// `t = e^{-k|x|}` and `1 + t`.
fn tail(x: &Big, k: &Big) -> (Big, Big) {
    let t = (-(k * x.clone().abs())).exp();
    (t.clone(), int(1) + t)
}

/// `ln(1 + e^{kx}) / k` and three derivatives.
fn logistic(x: &Big, k: &Big) -> [Big; 4] {
    let (t, d) = tail(x, k);
    let value = positive_part(x) + t.ln_1p() / k;
    let step = if *x < int(0) { &t / &d } else { int(1) / &d };
    let slope = k * &t / (&d * &d);
    let curvature = signed(-(k * &slope * (int(1) - &t) / &d), x);
    [value, step, slope, curvature]
}

fn exact_smooth_relu(x: &Big, k: &Big) -> [Big; 3] {
    let [value, step, slope, _] = logistic(x, k);
    [value, step, slope]
}

fn exact_smooth_step(x: &Big, k: &Big) -> [Big; 3] {
    let [_, step, slope, curvature] = logistic(x, k);
    [step, slope, curvature]
}

fn exact_log_sigmoid(x: &Big, k: &Big) -> [Big; 3] {
    let [value, step, slope, _] = logistic(&-x.clone(), k);
    [-value, step, -slope]
}

fn exact_smooth_abs(x: &Big, k: &Big) -> [Big; 3] {
    let twice = int(2) * k;
    let (t, d) = tail(x, &twice);
    let slope = (int(1) - &t) / &d;
    [x.clone().abs() + t.ln_1p() / k, signed(slope, x), int(4) * k * &t / (&d * &d)]
}

fn exact_log_cosh(x: &Big, k: &Big) -> [Big; 3] {
    let [value, slope, curvature] = exact_smooth_abs(x, k);
    [value - int(2).ln() / k, slope, curvature]
}

/// `√(x² + w²)` and two derivatives.
fn hypotenuse(x: &Big, w: &Big) -> [Big; 3] {
    let h = (x * x + w * w).sqrt();
    [h.clone(), x / &h, w * w / (&h * &h * &h)]
}

fn exact_abs_sqrt(x: &Big, k: &Big) -> [Big; 3] {
    hypotenuse(x, &(int(1) / k))
}

fn exact_pseudo_huber(x: &Big, k: &Big) -> [Big; 3] {
    let [value, slope, curvature] = exact_abs_sqrt(x, k);
    [value - int(1) / k, slope, curvature]
}

fn exact_squareplus(x: &Big, k: &Big) -> [Big; 3] {
    let [h, slope, curvature] = hypotenuse(x, &(int(2) / k));
    [(x + h) / int(2), (int(1) + slope) / int(2), curvature / int(2)]
}

fn exact_x_tanh(x: &Big, k: &Big) -> [Big; 3] {
    let [_, tanh, slope] = exact_smooth_abs(x, k);
    let curvature = int(2) * &slope * (int(1) - k * x * &tanh);
    [x * &tanh, tanh + x * slope, curvature]
}

fn exact_x_atan(x: &Big, k: &Big) -> [Big; 3] {
    let z = k * x;
    let two_over_pi = int(2) / Big::pi(256);
    let d = int(1) + &z * &z;
    let slope = &two_over_pi * (z.atan() + &z / &d);
    [&two_over_pi * x * z.atan(), slope, int(2) * two_over_pi * k / (&d * &d)]
}

/// `erf z` by its series; beyond 9 it is 1 to 116 bits.
fn erf(z: &Big) -> Big {
    if z.clone().abs() > int(9) {
        return signed(int(1), z);
    }
    let square = z * z;
    let (mut power, mut sum) = (z.clone(), z.clone());
    for n in 1..500 {
        power = -(power * &square) / int(n);
        sum += &power / int(2 * n + 1);
    }
    int(2) / Big::pi(256).sqrt() * sum
}

fn exact_gaussian_abs(x: &Big, k: &Big) -> [Big; 3] {
    let z = k * x;
    let root = Big::pi(256).sqrt();
    let bell = (-(&z * &z)).exp();
    [x * erf(&z) + &bell / (k * &root), erf(&z), int(2) * k * bell / root]
}

/// What the rows promise, which is more than the crate's design asks of them:
/// they carry their roundings along and round once. What remains is that last
/// rounding and those of `exp`, `ln`, `erf` and `atan`, and the two or three
/// operations that make the third derivative of softplus.
fn cases() -> Vec<Case> {
    vec![
        case!("softplus", |x, _k| softplus(x), |x, _| exact_smooth_relu(x, &int(1)), [1.2, 1.5, 1.5]),
        case!("sigmoid", |x, _k| sigmoid(x), |x, _| exact_smooth_step(x, &int(1)), [1.5, 1.5, 2.9]),
        case!("log_sigmoid", |x, _k| log_sigmoid(x), |x, _| exact_log_sigmoid(x, &int(1)), [1.2, 1.5, 1.5]),
        case!("smooth_abs", |x, k| smooth_abs(x, k), exact_smooth_abs, [1.5; 3]),
        case!("abs_softplus", |x, k| abs_softplus(x, k), |x, k| exact_smooth_abs(x, &(k / int(2))), [1.5; 3]),
        case!("abs_sqrt", |x, k| abs_sqrt(x, k), exact_abs_sqrt, [0.51; 3]),
        case!("x_tanh", |x, k| x_tanh(x, k), exact_x_tanh, [1.2, 1.2, 2.5], |z, _| {
            // The second derivative vanishes at kx = 1.19968: next to it, it loses digits.
            (z.abs() - 1.199_68).abs() > 0.01
        }),
        case!("smooth_relu", |x, k| smooth_relu(x, k), exact_smooth_relu, [1.5; 3]),
        case!("smooth_step", |x, k| smooth_step(x, k), exact_smooth_step, [1.5, 1.5, 2.9]),
        case!("log_cosh", |x, k| log_cosh(x, k), exact_log_cosh, [1.6, 1.5, 1.5]),
        case!("pseudo_huber", |x, k| pseudo_huber(x, k), exact_pseudo_huber, [0.51; 3]),
        case!("squareplus", |x, k| squareplus(x, k), exact_squareplus, [0.51; 3]),
        case!(
            "gaussian_abs",
            |x, k| gaussian_abs(x, k),
            exact_gaussian_abs,
            [2.5, 1.5, 0.9],
            |z, largest| {
                // Where e^{-z²} is normal.
                z * z < 2.0 * largest
            }
        ),
        case!("x_atan", |x, k| x_atan(x, k), exact_x_atan, [3.0, 3.0, 3.5]),
    ]
}

/// Draws a point: `kx` of either sign over many magnitudes up to where
/// `e^{-2k|x|}` is still normal; a power of two or any number as `k`.
struct Draw(ChaCha8Rng);

impl Draw {
    /// Uniform in (-1, 1).
    fn uniform(&mut self) -> f64 {
        (self.0.next_u64() >> 11) as f64 / (1u64 << 52) as f64 - 1.0
    }

    fn point(&mut self, largest: f64) -> (f64, f64) {
        let magnitude = 10f64.powf(self.uniform() * 4.5 - 3.5).min(10.0);
        let z = match self.0.next_u64() % 3 {
            0 => 3.0 * self.uniform(),
            1 => magnitude * self.uniform().signum(),
            _ => largest * self.uniform(),
        };
        let k = 10f64.powf(1.5 + 4.5 * self.uniform());
        let is_binary = self.0.next_u64().is_multiple_of(2);
        (z, if is_binary { k.log2().round().exp2() } else { k })
    }
}

/// Measures a function at points that both precisions can hold.
fn measure<T: Scalar + Ulp + Into<f64>>(
    case: &Case,
    largest: f64,
    function: impl Fn(T, f64) -> [T; 3],
) -> [Errors; 3] {
    let draws = if cfg!(debug_assertions) { 1_000 } else { 20_000 };
    let mut draw = Draw(ChaCha8Rng::seed_from_u64(7));
    let mut errors = [Errors::default(), Errors::default(), Errors::default()];
    for _ in 0..draws {
        let (z, k) = draw.point(largest);
        let has_sharpness = !matches!(case.name, "softplus" | "sigmoid" | "log_sigmoid");
        let k: f64 = if has_sharpness { T::constant(k).into() } else { 1.0 };
        let x = T::constant(z / k);
        let wide: f64 = x.into();
        if !(case.range)(k * wide, largest) {
            continue;
        }
        let exact = (case.exact)(&big(wide), &big(k));
        for (errors, (got, exact)) in errors.iter_mut().zip(function(x, k).into_iter().zip(&exact)) {
            errors.add(ulps(got, exact));
        }
    }
    errors
}

fn parts<T: Copy>(y: Second<T>) -> [T; 3] {
    [y.value.value, y.value.tangent, y.tangent.tangent]
}

/// The variable with unit first tangents.
fn variable<T: smoothmax::rules::Primitive>(x: T) -> Second<T> {
    Dual::new(Dual::variable(x), Dual::lift(T::constant(1.0)))
}

fn report(case: &Case, precision: &str, errors: &[Errors; 3]) {
    for (order, errors) in errors.iter().enumerate() {
        errors.report(&format!("{} {precision}, derivative {order}", case.name), case.promise[order]);
    }
}

#[test]
fn double_precision() {
    for case in cases() {
        let errors = measure(&case, 340.0, |x: f64, k| parts((case.double)(variable(x), k)));
        report(&case, "f64", &errors);
    }
}

#[test]
fn single_precision() {
    for case in cases() {
        let errors = measure(&case, 30.0, |x: f32, k| parts((case.single)(variable(x), k)));
        report(&case, "f32", &errors);
    }
}

/// The oracle's own error function, against a value of 30 digits.
#[test]
fn the_series_of_the_error_function_is_right() {
    let one_half = erf(&big(0.5));
    let known = support::big_decimal("0.520499877813046537682746653892");
    assert!(nearest(&(one_half - known).abs()) < 1e-29);
}
