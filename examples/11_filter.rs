//! A digital filter with the smallest possible ripple.
//!
//! A symmetric FIR filter of 21 taps has the frequency response (amplitude at frequency f, in units
//! of the sampling rate)
//!
//! ```text
//! A(f) = h_0 + 2 Σ_{j=1..10} h_j cos(2π j f)
//! ```
//!
//! It shall pass 0 <= f <= 0.15 (A = 1) and stop 0.25 <= f <= 0.5 (A = 0) with the least largest
//! deviation: Chebyshev approximation on two bands, as in T. W. Parks, J. H. McClellan (1972).
//!
//! You will learn: the maximum over a grid of frequencies underestimates the ripple (here by 7e-3
//! with 60 frequencies); adding the extremal frequencies of each solution to the next problem makes
//! it exact after a few solves, quadratically.
//!
//! Expected output:
//!
//! ```text
//! solve   largest on the grid   largest on the bands
//!     1      0.01137931504334       0.01170578048480
//!     2      0.01145884530269       0.01145934536982
//!     3      0.01145895678210       0.01145895678265
//!     4      0.01145895678218       0.01145895678218
//! ```

mod draw;

use std::f64::consts::TAU;
use std::ops::RangeInclusive;

use smoothmax::{Dual, Error, Minimax, Scalar};

const PASS: RangeInclusive<f64> = 0.0..=0.15;
const STOP: RangeInclusive<f64> = 0.25..=0.5;
const TAPS: usize = 11; // on one side, the middle included
const RIPPLE: f64 = 0.011458956782081366;

/// `A(f)` minus what it shall be.
fn deviation<S: Scalar>(h: &[S], f: S) -> S {
    let wanted = if f < S::constant(0.2) { 1.0 } else { 0.0 };
    let cosines = h.iter().enumerate().skip(1).map(|(j, &h)| h * (f * S::constant(TAU * j as f64)).cos());
    cosines.fold(h[0] - S::constant(wanted), |sum, term| sum + S::constant(2.0) * term)
}

/// The edges of the bands and the frequencies where the slope of the response changes sign.
fn extrema(h: &[f64]) -> Vec<f64> {
    let constants: Vec<Dual> = h.iter().map(|&h| Dual::constant(h)).collect();
    let slope = |f: f64| deviation(&constants, Dual::new(f, 1.0)).tangent;
    let mut found = Vec::new();
    for band in [PASS, STOP] {
        let grid = grid(&band, 60);
        found.extend([*band.start(), *band.end()]);
        for ends in grid.windows(2).filter(|ends| slope(ends[0]) * slope(ends[1]) < 0.0) {
            let (mut left, mut right) = (ends[0], ends[1]);
            for _ in 0..50 {
                let middle = 0.5 * (left + right);
                if slope(left) * slope(middle) <= 0.0 { right = middle } else { left = middle }
            }
            found.push(left);
        }
    }
    found
}

/// Evenly spaced frequencies of a band, its edges included.
fn grid(band: &RangeInclusive<f64>, count: usize) -> Vec<f64> {
    let step = (band.end() - band.start()) / (count - 1) as f64;
    (0..count).map(|i| band.start() + step * i as f64).collect()
}

fn main() -> Result<(), Error> {
    let mut h = vec![0.0; TAPS];
    let mut frequencies = [grid(&PASS, 30), grid(&STOP, 30)].concat();
    let largest = |h: &[f64], at: &[f64]| at.iter().map(|&f| deviation(h, f).abs()).fold(0.0, f64::max);
    println!("solve   largest on the grid   largest on the bands");
    for solve in 1..=4 {
        let deviations =
            Minimax::record(&h, |h| frequencies.iter().map(|&f| deviation(h, Scalar::constant(f))).collect());
        let solution = deviations.absolute().convex().radius(10.0).solve(&h)?;
        h = solution.x.as_slice().to_vec();
        let extrema = extrema(&h);
        println!("{solve:>5} {:>21.14} {:>22.14}", solution.value, largest(&h, &extrema));
        frequencies.extend(extrema);
    }
    let ripple = largest(&h, &extrema(&h));
    assert!((ripple - RIPPLE).abs() < 1e-12);

    let response = |f: f64| deviation(&h, f) + if f < 0.2 { 1.0 } else { 0.0 };
    let edge = |y: f64, f: [f64; 2]| vec![(f[0], y), (f[1], y)];
    let (pass, stop) = ([0.0, 0.15], [0.25, 0.5]);
    let whole = draw::Plot::new(
        "Frequency response of 21 taps",
        draw::linear("frequency / sampling rate", 0.0..0.5),
        draw::linear("amplitude A", -0.1..1.3),
    )
    .line("pass below 0.15, stop above 0.25", draw::BLUE, draw::graph(0.0..0.5, 401, response));
    let bands = draw::Plot::new(
        "Deviation: 12 extremal frequencies, all at 0.01146",
        draw::linear("frequency / sampling rate", 0.0..0.5),
        draw::linear("A minus what it shall be", -0.02..0.02),
    )
    .dashed("", draw::GREY, edge(ripple, pass))
    .dashed("", draw::GREY, edge(-ripple, pass))
    .dashed("", draw::GREY, edge(ripple, stop))
    .dashed("", draw::GREY, edge(-ripple, stop))
    .line("", draw::BLUE, draw::graph(0.0..0.15, 201, |f| deviation(&h, f)))
    .line("", draw::BLUE, draw::graph(0.25..0.5, 301, |f| deviation(&h, f)))
    .dots("", draw::RED, extrema(&h).into_iter().map(|f| (f, deviation(&h, f))).collect());
    draw::save("11_filter", 2, &[whole, bands]);
    Ok(())
}
