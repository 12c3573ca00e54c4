//! What is promised about memory: counted, not estimated.

use allocation_counter::measure;
use smoothmax::{Batch, Program, Rows, Scalar, Tape, log_sum_exp, mat_vec, max, smooth_max, sum};

/// One of everything a program can hold.
fn everything<S: Scalar>(x: &[S]) -> S {
    let c = S::constant;
    let terms: Vec<S> =
        x.windows(2).map(|w| (w[0] * w[1] + c(1.5)).exp() / (c(2.0) + w[0].square())).collect();
    let chain = x.iter().fold(c(1.0), |y, &x| y.sin() * x + c(0.1));
    sum(&terms) + smooth_max(&terms, 3.0) + log_sum_exp(x) + max(x) + chain.hypot(x[0])
}

fn point(n: usize) -> Vec<f64> {
    (0..n).map(|i| (1.3 * i as f64).cos()).collect()
}

#[test]
fn a_replay_does_not_allocate() {
    let x = point(100);
    let program = Program::record(&x, |x| everything(x));
    let mut work = program.workspace();
    let mut g = vec![0.0; x.len()];
    program.gradient(&mut work, &x, &mut g).unwrap();
    let count = measure(|| {
        program.value(&mut work, &x).unwrap();
        program.gradient(&mut work, &x, &mut g).unwrap();
    });
    assert_eq!(count.count_total, 0);
}

/// But for those of `n`-ary smooth nodes, which split duals into two slices.
#[test]
fn a_hessian_vector_product_does_not_allocate_twice() {
    let x = point(100);
    let program = Program::record(&x, |x| rosenbrock(x));
    let mut work = program.workspace();
    let mut product = vec![0.0; x.len()];
    program.hvp(&mut work, &x, &x, &mut product).unwrap();
    let count = measure(|| {
        program.hvp(&mut work, &x, &x, &mut product).unwrap();
    });
    assert_eq!(count.count_total, 0);
}

#[test]
fn a_cleared_tape_records_into_the_memory_it_has() {
    let x = point(100);
    let mut tape = Tape::new();
    let mut vars_only = 0;
    for round in 0..3 {
        let count = measure(|| {
            let x = tape.vars(&x);
            let y = x.windows(2).fold(x[0], |y, w| y.sin() * w[0] + w[1]);
            assert!(y.value().is_finite());
        });
        tape.clear();
        if round == 0 {
            vars_only = count.count_total;
        } else {
            // The vector of variables, and nothing else.
            assert_eq!(count.count_total, 1, "the first recording took {vars_only} allocations");
        }
    }
}

fn rosenbrock<S: Scalar>(x: &[S]) -> S {
    let c = S::constant;
    let term = |x: S, y: S| c(100.0) * (y - x.square()).square() + (x - c(1.0)).square();
    x.windows(2).skip(1).fold(term(x[0], x[1]), |sum, w| sum + term(w[0], w[1]))
}

/// Recording takes at most 28 bytes a node.
#[test]
fn bytes_per_recorded_node() {
    let tape = Tape::new();
    let x = tape.vars(&point(10_000));
    assert!(rosenbrock(&x).value().is_finite());
    let bytes = tape.memory() as f64 / tape.len() as f64;
    assert!(bytes <= 28.0, "{bytes} bytes");
}

/// A replay keeps what leaves a tile: of seven operations a term, nothing. The
/// program and its workspace are the input, the gradient and a few tiles.
#[test]
fn bytes_per_replayed_operation() {
    let program = Program::record(&point(10_000), |x| rosenbrock(x));
    let bytes = program.memory() as f64 / program.operations() as f64;
    assert!(bytes <= 4.0, "{bytes} bytes");
}

/// The memory of a sweep does not grow with the rows.
#[test]
fn a_batch_needs_no_memory_for_its_rows() {
    let peak = |rows: usize| {
        let t: Vec<f64> = (0..rows).map(|i| i as f64 / rows as f64).collect();
        let rows = Rows::row_major(&t, 1);
        let batch =
            Batch::record(&[0.1, 0.2], rows, |p, row| (p[0] + p[1] * row[0] - row[0].sqrt()).square());
        let mut g = [0.0; 2];
        measure(|| {
            batch.smooth_max(30.0, &[0.1, 0.2], &mut g).unwrap();
        })
        .bytes_max
    };
    let (small, large) = (peak(100_000), peak(1_000_000));
    assert!(large <= 2 * small, "{small} bytes at 1e5 rows, {large} at 1e6");
    assert!(large < 100_000, "{large} bytes");
}

/// Ten million operations fit in a gigabyte, on the way there too.
#[test]
#[cfg_attr(debug_assertions, ignore = "debug builds keep a source line for each operation")]
fn ten_million_operations() {
    let count = measure(|| {
        let tape = Tape::new();
        let x = tape.vars(&[0.5, 1.0 - 1e-9, 1e-7]);
        let mut y = x[0];
        for _ in 0..5_000_000 {
            y = y * x[1] + x[2];
        }
        assert!(tape.len() > 10_000_000 && y.value().is_finite());
    });
    assert!(count.bytes_max < 1 << 30, "{} bytes", count.bytes_max);
}

#[test]
fn matrix_products_share_their_matrix() {
    let matrix = std::sync::Arc::new(nalgebra::DMatrix::from_element(300, 300, 0.5));
    let count = measure(|| {
        let program = Program::record(&vec![1.0; 300], |x| sum(&mat_vec(&matrix, x)));
        assert_eq!(program.inputs(), 300);
    });
    assert!(count.bytes_max < 300 * 300 * 8, "{} bytes", count.bytes_max);
}
