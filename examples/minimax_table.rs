//! Every classical test problem, solved by the method `Auto` chooses.
//!
//! For each: variables, components, value, error `|f - f*| / max(1, |f*|)`, evaluations, gradient
//! rows, the width of the bracket (convex problems, radius `2 |x* - x0| + 1`) or the stationarity
//! measure, and the time.
//!
//! `cargo run --release --example minimax_table`

#[path = "../tests/problems/mod.rs"]
mod problems;

use std::time::Instant;

use problems::TestProblem;
use smoothmax::minimax::Solution;

fn main() {
    println!(
        "{:20} {:>3} {:>4} {:>20} {:>8} {:>6} {:>5} {:>20} {:>8}",
        "problem", "n", "m", "f", "error", "values", "rows", "certificate", "ms"
    );
    let problems = problems::all();
    let solved = problems.iter().filter(|problem| row(problem) <= 1e-8).count();
    println!("{solved} of {} to 1e-8", problems.len());
    assert!(100 * solved >= 95 * problems.len());
}

/// Prints the row of a problem and returns its error.
fn row(problem: &TestProblem) -> f64 {
    let started = Instant::now();
    let plain = problem.minimax().solve(&problem.x0).expect("a start where everything is finite");
    let milliseconds = 1e3 * started.elapsed().as_secs_f64();
    let error = problem.error(plain.value);
    println!(
        "{:20} {:3} {:4} {:20.12e} {:8.1e} {:6} {:5} {:>20} {:8.1}",
        problem.name,
        problem.x0.len(),
        problem.components,
        plain.value,
        error,
        plain.counts.values,
        plain.counts.gradient_rows,
        certificate(problem, &plain),
        milliseconds
    );
    error
}

/// The width of the bracket where there can be one, else the stationarity measure.
fn certificate(problem: &TestProblem, plain: &Solution) -> String {
    if !problem.convex {
        return format!("stationary {:.1e}", plain.stationarity);
    }
    let radius = 2.0 * (&plain.x - &plain.start).norm() + 1.0;
    let minimax = problem.minimax().convex().radius(radius);
    let solution = minimax.solve(&problem.x0).expect("a start where everything is finite");
    let (lower, upper) = solution.bracket().expect("convex, with a radius");
    format!("bracket {:.1e}", upper - lower)
}
