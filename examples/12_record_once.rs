//! Record once, replay often; record one term, sweep it over a million rows.
//!
//! ```text
//! f(p) = (1/k) ln Σ_i e^{k r_i(p)^2},   r_i(p) = p_0 + p_1 t_i + p_2 t_i^2 - |t_i|,   i = 1 ... 1,000,000
//! ```
//!
//! Three ways to the same value and gradient:
//!
//! ```text
//! Tape      records all rows at every evaluation
//! Program   records all rows once, replays them
//! Batch     records one row once, runs it over the data, sixteen rows at a time
//! ```
//!
//! You will learn: which to choose, and what each holds in memory. A tape is for functions that
//! change with every call, a program for fixed functions of any shape, a batch for one term and much
//! data: what it records does not depend on the number of rows.
//!
//! Expected output (abridged; times depend on the machine):
//!
//! ```text
//! 1000000 rows     value             operations   time / Batch
//!   Tape      0.82494056298197      6000004           22.2
//!   Program   0.82494056298197      6000001            3.1
//!   Batch     0.82494056298197            6            1.0
//! ```

mod draw;

use std::time::Instant;

use smoothmax::{Batch, Error, Program, Scalar, Tape, smooth_max};

const K: f64 = 50.0;
const START: [f64; 3] = [0.1, 0.2, 0.3];

fn squared_residual<S: Scalar>(p: &[S], t: S, y: S) -> S {
    (p[0] + t * (p[1] + t * p[2]) - y).square()
}

/// `(t, |t|)` for evenly spaced t in [-1, 1].
fn data(rows: usize) -> Vec<[f64; 2]> {
    let t = |i: usize| 2.0 * i as f64 / (rows - 1) as f64 - 1.0;
    (0..rows).map(|i| [t(i), t(i).abs()]).collect()
}

fn whole<S: Scalar>(p: &[S], data: &[[f64; 2]]) -> S {
    let number = S::constant;
    let terms: Vec<S> = data.iter().map(|&[t, y]| squared_residual(p, number(t), number(y))).collect();
    smooth_max(&terms, K)
}

/// What one way computed, how large its recording is, and how long a gradient took.
struct Run {
    value: f64,
    gradient: [f64; 3],
    operations: usize,
    bytes: usize,
    seconds: f64,
}

/// A result and the seconds it took.
fn timed<T>(f: impl FnOnce() -> T) -> (T, f64) {
    let start = Instant::now();
    let result = f();
    (result, start.elapsed().as_secs_f64())
}

fn by_tape(data: &[[f64; 2]]) -> Run {
    let tape = Tape::new();
    let p = tape.vars(&START);
    let ((value, adjoints), seconds) = timed(|| {
        let y = whole(&p, data);
        (y.value(), y.backward())
    });
    let gradient = p.iter().map(|&p| adjoints[p]).collect::<Vec<_>>().try_into().expect("three slopes");
    Run { value, gradient, operations: tape.len(), bytes: tape.memory(), seconds }
}

fn by_program(data: &[[f64; 2]]) -> Result<Run, Error> {
    let program = Program::record(&START, |p| whole(p, data));
    let mut work = program.workspace();
    let mut gradient = [0.0; 3];
    program.gradient(&mut work, &START, &mut gradient)?; // a first replay warms the memory up
    let (value, seconds) = timed(|| program.gradient(&mut work, &START, &mut gradient));
    Ok(Run { value: value?, gradient, operations: program.operations(), bytes: program.memory(), seconds })
}

fn by_batch(data: &[[f64; 2]]) -> Result<Run, Error> {
    let batch = Batch::record(&START, data, |p, row| squared_residual(p, row[0], row[1]));
    let mut gradient = [0.0; 3];
    batch.smooth_max(K, &START, &mut gradient)?;
    let (value, seconds) = timed(|| batch.smooth_max(K, &START, &mut gradient));
    // Its size is that of the term: sixteen of these run side by side.
    let term = Program::record(&[0.0; 5], |x| squared_residual(&x[..3], x[3], x[4]));
    Ok(Run { value: value?, gradient, operations: term.operations(), bytes: 16 * term.memory(), seconds })
}

fn main() -> Result<(), Error> {
    let names = ["Tape", "Program", "Batch"];
    let colors = [draw::ORANGE, draw::BLUE, draw::RED];
    let mut operations = [const { Vec::new() }; 3];
    let mut bytes = [const { Vec::new() }; 3];
    for rows in [100, 1_000, 10_000, 100_000, 1_000_000] {
        let data = data(rows);
        let runs = [by_tape(&data), by_program(&data)?, by_batch(&data)?];
        println!("{rows} rows     value             operations   time / Batch");
        for (i, run) in runs.iter().enumerate() {
            let ratio = run.seconds / runs[2].seconds;
            println!("  {:<9} {:.14} {:>12} {ratio:>14.1}", names[i], run.value, run.operations);
            assert!((run.value - runs[0].value).abs() < 1e-13);
            let slopes = run.gradient.iter().zip(runs[0].gradient);
            assert!(slopes.fold(0.0, |worst: f64, (a, b)| worst.max((a - b).abs())) < 1e-10);
            operations[i].push((rows as f64, run.operations as f64));
            bytes[i].push((rows as f64, run.bytes as f64));
        }
    }
    assert_eq!(operations[2].first().map(|o| o.1), operations[2].last().map(|o| o.1));

    let rows = || draw::logarithmic("data rows", 1e2..1e6);
    let mut plots = [
        draw::Plot::new("What is recorded", rows(), draw::logarithmic("operations", 1.0..1e9)),
        draw::Plot::new("What is held for a gradient", rows(), draw::logarithmic("bytes", 1e2..1e11)),
    ];
    for i in 0..3 {
        // The program's line lies on the tape's.
        let draw = if names[i] == "Program" { draw::Plot::dashed } else { draw::Plot::line };
        let [left, right] = plots;
        plots = [
            draw(left, names[i], colors[i], operations[i].clone()),
            draw(right, names[i], colors[i], bytes[i].clone()),
        ];
    }
    draw::save("12_record_once", 2, &plots.map(|plot| plot.legend(draw::Corner::UpperLeft)));
    Ok(())
}
