//! Replayed gradients against the same written by hand, and what compiling and
//! second derivatives cost.
//!
//! `cargo bench --bench replay`; an argument keeps the lines that contain it.

mod interleave;
mod workloads;

use interleave::{Comparison, compare};
use smoothmax::{Program, log_sum_exp};
use workloads::{Affine, chain, chain_by_hand, log_sum_exp_by_hand, rosenbrock, rosenbrock_by_hand, uniform};

struct Report {
    filter: Option<String>,
}

impl Report {
    fn line(&self, name: &str, elements: usize, goal: Option<f64>, measure: impl FnOnce() -> Comparison) {
        if self.filter.as_ref().is_none_or(|filter| name.contains(filter.as_str())) {
            measure().report(name, elements, goal);
        }
    }
}

fn point(n: usize) -> Vec<f64> {
    let mut next = uniform(1);
    (0..n).map(|_| next()).collect()
}

fn main() {
    let filter = std::env::args().skip(1).find(|argument| !argument.starts_with("--"));
    let report = Report { filter };
    rosenbrocks(&report);
    affine(&report);
    for n in [1_000, 1_000_000] {
        long_log_sum_exp(&report, n, (n == 1_000_000).then_some(0.4));
    }
    for n in [1_000, 10_000, 100_000, 1_000_000, 10_000_000] {
        chains(&report, n, (n == 1_000_000).then_some(3.4));
    }
}

fn rosenbrocks(report: &Report) {
    for n in [150, 1_000, 10_000, 100_000, 1_000_000] {
        let x = point(n);
        let program = Program::record(&x, |x| rosenbrock(x));
        let mut work = program.workspace();
        let (mut g, mut g_hand) = (vec![0.0; n], vec![0.0; n]);
        report.line(&format!("W1 Rosenbrock n = {n}, replay"), 7 * n, (n == 1_000).then_some(2.0), || {
            compare(|| program.gradient(&mut work, &x, &mut g), || rosenbrock_by_hand(&x, &mut g_hand))
        });
    }
    let x = point(1_000);
    let program = Program::record(&x, |x| rosenbrock(x));
    let (mut work, mut other) = (program.workspace(), program.workspace());
    let (mut g, mut hv) = (vec![0.0; 1_000], vec![0.0; 1_000]);
    report.line("W1 Hessian-vector product / gradient", 7_000, Some(2.1), || {
        compare(|| program.hvp(&mut work, &x, &x, &mut hv), || program.gradient(&mut other, &x, &mut g))
    });
    report.line("W1 record + compile / gradient", 7_000, None, || {
        compare(|| Program::record(&x, |x| rosenbrock(x)), || program.gradient(&mut work, &x, &mut g))
    });
    println!(
        "W1: {} operations, {:.1} bytes per operation (goal 17.5)",
        program.operations(),
        program.memory() as f64 / 7_000.0
    );
}

fn affine(report: &Report) {
    let problem = Affine::new(1_000, 100);
    let x = point(100);
    let program = Program::record(&x, |x| problem.value(x));
    let mut work = program.workspace();
    let (mut g, mut g_hand, mut z) = (vec![0.0; 100], vec![0.0; 100], vec![0.0; 1_000]);
    report.line("W2 smooth_max(Ax + b), 1000 x 100", 100_000, Some(1.1), || {
        compare(|| program.gradient(&mut work, &x, &mut g), || problem.by_hand(&x, &mut z, &mut g_hand))
    });
}

fn long_log_sum_exp(report: &Report, n: usize, goal: Option<f64>) {
    let x = point(n);
    let program = Program::record(&x, |x| log_sum_exp(x));
    let mut work = program.workspace();
    let (mut g, mut g_hand) = (vec![0.0; n], vec![0.0; n]);
    report.line(&format!("W4 log_sum_exp of {n}"), n, goal, || {
        compare(|| program.gradient(&mut work, &x, &mut g), || log_sum_exp_by_hand(&x, &mut g_hand))
    });
}

fn chains(report: &Report, n: usize, goal: Option<f64>) {
    // Near 1, so that values and adjoints stay away from denormals.
    let x = [0.5, 1.0 - 1e-9, 1e-7];
    let program = Program::record(&x, |x| chain(x, n));
    let mut work = program.workspace();
    let (mut g, mut g_hand, mut kept) = ([0.0; 3], [0.0; 3], Vec::new());
    report.line(&format!("W5 chain of {n}, replay"), n, goal, || {
        compare(|| program.gradient(&mut work, &x, &mut g), || chain_by_hand(&x, n, &mut kept, &mut g_hand))
    });
}
