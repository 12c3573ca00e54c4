//! Two goals, one after the other: a nested maximum and minimum, smoothed by the program itself.
//!
//! A point moves along a line, x_0 = 0, x_{t+1} = x_t + u_t, with |u_t| <= 1, for ten steps. Signal
//! temporal logic asks it to be above 4 at some time *and* below -2 at some time, and measures by how
//! much it succeeds, the *robustness*: "at some time" is a maximum over time, "and" a minimum,
//!
//! ```text
//! rho(u) = min(max_t (x_t - 4), max_t (-2 - x_t)),   to be maximised.
//! ```
//!
//! (O. Maler, D. Nickovic, "Monitoring temporal properties of continuous signals", 2004.) With
//! u = sin θ there are no constraints left. The best value is 1/2: three steps down, of which half a
//! step is to spare, then seven up.
//!
//! You will learn: write max and min in the objective, record it, and `Program::smoothed` rounds off
//! every kink, with a bound on what that changes. `anneal` follows the minimiser as the sharpness
//! grows. A gentle start weighs every moment at which a goal might be met; a sharp one looks at the
//! single best moment of each, and stays with the first step for the lower goal: it ends at -1. (And
//! where the least smooth value has six digits of 1/2, its extrapolation in 1/k has ten.)
//!
//! Expected output (abridged):
//!
//! ```text
//! sharpness      smooth       exact       gap
//!       0.5    1.333705    0.000000    [-1.3e0, 4.2e0]
//!       2.2    0.320020    0.318021    [-3.2e-1, 1.0e0]
//!       8.8    0.421811    0.498582    [-7.9e-2, 2.6e-1]
//!      35.1    0.480272    0.500000    [-2.0e-2, 6.6e-2]
//! ...
//! 2302585.1    0.500000    0.500000    [-3.0e-7, 1.0e-6]
//! annealed: robustness 0.5000000000, extrapolated 0.5000000000
//! sharp from the start: robustness -1.0000000000
//! ```

mod draw;

use smoothmax::minimax::{Annealed, Stage, anneal};
use smoothmax::{Error, Program, Scalar, max};

const STEPS: usize = 10;

/// Where the point is after each step.
fn trajectory<S: Scalar>(theta: &[S]) -> Vec<S> {
    let steps = theta.iter().scan(S::constant(0.0), |x, &theta| {
        *x += theta.sin();
        Some(*x)
    });
    steps.collect()
}

fn robustness<S: Scalar>(theta: &[S]) -> S {
    let x = trajectory(theta);
    let above: Vec<S> = x.iter().map(|&x| x - S::constant(4.0)).collect();
    let below: Vec<S> = x.iter().map(|&x| S::constant(-2.0) - x).collect();
    max(&above).min(max(&below))
}

fn main() -> Result<(), Error> {
    // A slow drift upwards, towards the wrong goal.
    let start = [0.3; STEPS];
    let program = Program::record(&start, |theta| -robustness(theta));

    let annealed = anneal(&program).first(1.0).solve(&start)?;
    println!("sharpness      smooth       exact       gap");
    for Stage { sharpness, smooth, exact, gap: (low, high), .. } in &annealed.stages {
        println!("{sharpness:>9.1} {:>11.6} {:>11.6}    [{:.1e}, {:.1e}]", -smooth, -exact, -high, -low);
        assert!(*low <= smooth - exact && smooth - exact <= *high);
    }
    let extrapolated = -annealed.extrapolated.value;
    println!("annealed: robustness {:.10}, extrapolated {extrapolated:.10}", -annealed.value);
    assert!((-annealed.value - 0.5).abs() < 1e-8);
    assert!(annealed.extrapolated.asymptotic && (extrapolated - 0.5).abs() < 1e-10);

    let sharp = anneal(&program).first(1e3).solve(&start)?;
    println!("sharp from the start: robustness {:.10}", -sharp.value);
    assert!((sharp.value - 1.0).abs() < 1e-6, "one step down, the others up");

    draw::save("13_reach_goals", 2, &[motion(&annealed), convergence(&annealed)]);
    Ok(())
}

/// The points (t, x_t), from the start on.
fn line(theta: &[f64]) -> Vec<draw::Point> {
    std::iter::once((0.0, 0.0)).chain((1..).map(f64::from).zip(trajectory(theta))).collect()
}

fn motion(annealed: &Annealed) -> draw::Plot {
    let end = STEPS as f64;
    let (time, place) = (draw::linear("time t", 0.0..end), draw::linear("place x_t", -5.0..7.0));
    let mut plot = draw::Plot::new("Reach 4 and -2 within ten steps", time.marks(11), place)
        .band("goals", draw::GREEN, &[(0.0, 4.0), (end, 4.0)], &[(0.0, 7.0), (end, 7.0)])
        .band("goals", draw::GREEN, &[(0.0, -5.0), (end, -5.0)], &[(0.0, -2.0), (end, -2.0)]);
    for stage in &annealed.stages[..3] {
        plot = plot.thin("smoothed, k = 0.5, 2, 9", draw::GREY, line(stage.x.as_slice()));
    }
    let found = line(annealed.x.as_slice());
    plot.line("annealed: 1/2", draw::BLUE, found.clone())
        .dots("", draw::BLUE, found)
        .legend(draw::Corner::UpperLeft)
}

fn convergence(annealed: &Annealed) -> draw::Plot {
    let of = |f: fn(&Stage) -> f64| annealed.stages.iter().map(|stage| (stage.sharpness, f(stage))).collect();
    draw::Plot::new(
        "How far the smooth value is off",
        draw::logarithmic("sharpness k", 1e-1..1e7),
        draw::logarithmic("|smooth - 1/2|", 1e-8..1e2),
    )
    .dashed("the bound, ln 10 / k", draw::GREY, of(|stage| -stage.gap.0))
    .line("least smooth value", draw::BLUE, of(|stage| (stage.smooth + 0.5).abs()))
    .dots("", draw::BLUE, of(|stage| (stage.smooth + 0.5).abs()))
}
