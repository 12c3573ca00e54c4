//! Every smoothing of the crate against its error bound.
//!
//! ```text
//! low / k  <=  smooth(x, k) - exact(x)  <=  high / k      for all x
//! ```
//!
//! The crate keeps its smoothings as data: formula, exact target, error interval, convexity and
//! more. This program walks that table, samples each function and compares.
//!
//! You will learn: every sharpness has a price with a known constant, on a known side; whoever
//! needs an error of at most 0.01 asks `sharpness_for(0.01, n)`; and the bounds are the best
//! possible, for the samples reach them.
//!
//! Expected output (abridged; errors in units of 1/k, for the n in the third column):
//!
//! ```text
//! smoothing             target            n   bound               sampled
//! smooth_max            Max               3   [0.0000, 1.0986]    [0.0000, 1.0986]
//! boltzmann_max         Max               3   [-0.4631, 0.0000]   [-0.4603, 0.0000]
//! smooth_abs            Abs               1   [0.0000, 0.6931]    [0.0000, 0.6931]
//! ...
//! smooth_sign           Sign              1   none: it jumps      [-1.9920, 1.9920]
//! ```

mod draw;

use std::f64::consts::{LN_2, PI};

use smoothmax::smooth::{SMOOTHINGS, Smoothing};

const K: f64 = 2.0;

/// The points at which a function of `n` numbers is sampled: a grid, ties included.
fn samples(n: usize) -> Vec<Vec<f64>> {
    let side: i32 = if n == 1 { 4000 } else { 24 };
    let step = 8.0 / f64::from(side);
    let axis = || (-side..=side).map(|i| f64::from(i) * step);
    (0..n).fold(vec![Vec::new()], |points, _| {
        let extended =
            |point: &Vec<f64>| axis().map(|x| [point.as_slice(), &[x]].concat()).collect::<Vec<_>>();
        points.iter().flat_map(extended).collect()
    })
}

/// The least and the largest error, in units of 1/k.
fn sampled_errors(row: &Smoothing, n: usize) -> (f64, f64) {
    let points = samples(n).into_iter().filter(|x| row.domain.contains(x));
    let errors = points.map(|x| {
        let exact = row.target.value(&x);
        let error = row.apply(&x, K) - exact;
        K * if row.is_relative() && exact != 0.0 { error / exact } else { error }
    });
    errors.fold((f64::INFINITY, f64::NEG_INFINITY), |(low, high), e| (e.min(low), e.max(high)))
}

fn main() {
    println!("{:<21} {:<15} {:>3}   {:<19} sampled", "smoothing", "target", "n", "bound");
    let mut bands = Vec::new();
    for row in SMOOTHINGS {
        let n = row.operands.unwrap_or(3);
        let (low, high) = sampled_errors(row, n);
        let target = format!("{:?}", row.target);
        let Some((bound_low, bound_high)) = row.error_interval(n, K).map(|(low, high)| (K * low, K * high))
        else {
            println!("{:<21} {target:<15} {n:>3}   {:<19} [{low:.4}, {high:.4}]", row.name, "none: it jumps");
            continue;
        };
        let bound = format!("[{bound_low:.4}, {bound_high:.4}]");
        println!("{:<21} {target:<15} {n:>3}   {bound:<19} [{low:.4}, {high:.4}]", row.name);
        assert!(bound_low - 1e-12 <= low && high <= bound_high + 1e-12, "{} leaves its bound", row.name);
        bands.push((row.name, [bound_low, bound_high], [low, high]));
    }

    // The constants, from elsewhere, reached by the samples.
    for (name, constant) in [
        ("smooth_max", 3f64.ln()),
        ("smooth_abs", LN_2),
        ("abs_softplus", 2.0 * LN_2),
        ("gaussian_abs", 1.0 / PI.sqrt()),
        ("squareplus", 1.0),
        ("sparseplus", 0.25),
        ("x_tanh", -0.2784645427610738),
        ("x_erf", -0.240375586831011),
    ] {
        let (_, _, [low, high]) = bands.iter().find(|band| band.0 == name).expect("a row of the table");
        let reached = if constant < 0.0 { low } else { high };
        assert!((reached - constant).abs() < 1e-5, "{name} reaches {reached}, not {constant}");
    }

    let count = bands.len() as f64;
    let mut plot = draw::Plot::new(
        "Error of each smoothing: bound (light) and samples (line), three operands where any number goes",
        draw::linear("k (smooth - exact)", -2.4..1.5).marks(9),
        draw::linear("", 0.3..count + 0.7),
    )
    .size(1500, 1260)
    .thin("", draw::INK, vec![(0.0, 0.3), (0.0, count + 0.7)]);
    for (i, (name, [bound_low, bound_high], [low, high])) in bands.into_iter().enumerate() {
        let y = count - i as f64;
        let edge = |y: f64| [(bound_low, y), (bound_high, y)];
        plot = plot
            .band("", draw::BLUE, &edge(y - 0.35), &edge(y + 0.35))
            .line("", draw::RED, vec![(low, y), (high, y)])
            .words(draw::INK, (-1.95, y), name);
    }
    draw::save("04_zoo", 1, &[plot]);
}
