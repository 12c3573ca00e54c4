//! Sparsity patterns hold every derivative that is not 0, and coloured Hessians equal dense ones.

#[allow(dead_code, reason = "each test uses a part of it")]
#[path = "support/expression.rs"]
mod expression;

use expression::expressions;
use nalgebra::DMatrix;
use proptest::prelude::*;
use smoothmax::{Program, Scalar, Var, dot_product, log_sum_exp, max, sum};

/// The Hessian column by column, without any pattern.
fn dense_hessian(program: &Program, x: &[f64]) -> DMatrix<f64> {
    let n = x.len();
    let mut work = program.workspace();
    let mut hessian = DMatrix::zeros(n, n);
    for j in 0..n {
        let unit: Vec<f64> = (0..n).map(|i| f64::from(u8::from(i == j))).collect();
        program.hvp(&mut work, x, &unit, hessian.column_mut(j).as_mut_slice()).unwrap();
    }
    hessian
}

/// Pattern, coloured Hessian and sparse Hessian against the dense one.
fn check(program: &Program, x: &[f64]) {
    let (sparsity, expected) = (program.sparsity(), dense_hessian(program, x));
    let jacobian = program.jacobian(x).unwrap();
    for (row, column) in (0..x.len()).flat_map(|i| (0..x.len()).map(move |j| (i, j))) {
        let entry = expected[(row, column)];
        assert!(entry == 0.0 || sparsity.hessian.contains(row, column), "({row}, {column}) is {entry}");
        assert_eq!(sparsity.hessian.contains(row, column), sparsity.hessian.contains(column, row));
        assert!(row > 0 || jacobian[(0, column)] == 0.0 || sparsity.jacobian.contains(0, column));
    }
    let scale = 1e-12 * expected.amax().max(1.0);
    let hessian = program.hessian(x).unwrap();
    assert!((&hessian - &expected).amax() <= scale, "{hessian}{expected}");
    #[cfg(feature = "sparse")]
    {
        let sparse = program.sparse_hessian(x).unwrap();
        assert_eq!(sparse.nnz(), sparsity.hessian.len());
        assert!((DMatrix::from(&sparse) - &expected).amax() <= scale);
    }
}

fn point(n: usize) -> Vec<f64> {
    (0..n).map(|i| 0.3 + 0.7 * (i as f64).sin()).collect()
}

#[test]
fn rosenbrock_is_tridiagonal() {
    fn rosenbrock<S: Scalar>(x: &[S]) -> S {
        let c = S::constant;
        let terms: Vec<S> = x
            .windows(2)
            .map(|x| c(100.0) * (x[1] - x[0].square()).square() + (c(1.0) - x[0]).square())
            .collect();
        sum(&terms)
    }
    let program = Program::record(&[0.0; 100], |x| rosenbrock(x));
    let pattern = program.sparsity().hessian;
    assert_eq!(pattern.len(), 100 + 2 * 99);
    assert_eq!(
        (pattern.row(0), pattern.row(50), pattern.row(99)),
        (&[0, 1][..], &[49, 50, 51][..], &[98, 99][..])
    );
    check(&program, &point(100));
}

#[test]
fn an_arrowhead_with_its_hub_anywhere() {
    for hub in [0, 7, 39] {
        let program = Program::record(&[0.0; 40], |x| {
            let terms: Vec<_> = x.iter().map(|&y| (y * x[hub]).sin() + y.powi(4)).collect();
            sum(&terms)
        });
        let pattern = program.sparsity().hessian;
        assert_eq!(pattern.len(), 40 + 2 * 39);
        assert_eq!(pattern.row(hub).len(), 40);
        check(&program, &point(40));
    }
}

#[test]
fn a_band() {
    let program = Program::record(&[0.0; 60], |x| {
        x.windows(4).map(|x| log_sum_exp(x)).fold(Var::lift(0.0), |sum, term| sum + term)
    });
    let pattern = program.sparsity().hessian;
    assert_eq!(pattern.row(30), [27, 28, 29, 30, 31, 32, 33]);
    check(&program, &point(60));
}

#[test]
fn blocks_and_a_dense_one() {
    let blocks = Program::record(&[0.0; 9], |x| {
        x.chunks(3).map(|x| (x[0] * x[1] * x[2]).exp()).fold(Var::lift(0.0), |sum, term| sum + term)
    });
    assert_eq!(blocks.sparsity().hessian.len(), 27);
    check(&blocks, &point(9));
    let dense = Program::record(&[0.0; 9], |x| log_sum_exp(x).square());
    assert_eq!(dense.sparsity().hessian.len(), 81);
    check(&dense, &point(9));
}

#[test]
fn nearly_full_but_for_one_pair() {
    let program = Program::record(&[0.0; 12], |x| {
        log_sum_exp(&x[1..]) + (log_sum_exp(&x[2..]) * x[0]).sin() // x0 and x1 never meet
    });
    let pattern = program.sparsity().hessian;
    assert!(pattern.len() == 12 * 12 - 2 && !pattern.contains(0, 1));
    check(&program, &point(12));
}

#[test]
fn what_is_piecewise_linear_has_no_second_derivatives() {
    let program = Program::record(&[0.3; 5], |x| {
        max(&[x[0].abs(), x[1].min(x[2]), 2.0 * x[3].relu()]) + x[4].floor() * x[0] + x[3].select(x[1], x[2])
    });
    let sparsity = program.sparsity();
    assert!(sparsity.hessian.is_empty());
    assert_eq!(sparsity.jacobian.row(0), [0, 1, 2, 3]);
    check(&program, &[0.3, 0.4, 0.1, -0.2, 1.5]);
    // Smoothed, they interact.
    let smooth = program.smoothed(3.0);
    assert!(smooth.sparsity().hessian.contains(0, 2) && !smooth.sparsity().hessian.contains(4, 0));
    check(&smooth, &[0.3, 0.4, 0.1, -0.2, 1.5]);
}

#[test]
fn products_couple_their_factors_only() {
    let program = Program::record(&[0.0; 6], |x| dot_product(&x[..3], &x[3..]) + x[0] / x[5]);
    let pattern = program.sparsity().hessian;
    let rows: Vec<&[u32]> = (0..6).map(|i| pattern.row(i)).collect();
    assert_eq!(rows, [&[3, 5][..], &[4], &[5], &[0], &[1], &[0, 2, 5]]);
    check(&program, &[1.0, 2.0, 3.0, 4.0, 5.0, 6.0]);
}

#[test]
fn each_output_has_a_row() {
    let program = Program::record_many(&[0.0; 3], |x| vec![x[0] + x[2], x[1].sin(), Var::lift(1.0)]);
    let sparsity = program.sparsity();
    let rows: Vec<&[u32]> = (0..3).map(|i| sparsity.jacobian.row(i)).collect();
    assert_eq!(rows, [&[0, 2][..], &[1], &[]]);
    assert_eq!((sparsity.jacobian.rows(), sparsity.jacobian.columns(), sparsity.jacobian.len()), (3, 3, 3));
    assert_eq!(sparsity.hessian.row(1), [1]);
}

#[test]
fn a_sparse_hessian_takes_few_products() {
    // Each product replays the custom node once forward and asks for one product with its Hessian.
    use smoothmax::{CustomNode, SecondOrder};
    use std::sync::Arc;
    use std::sync::atomic::{AtomicUsize, Ordering};

    struct Counted(Arc<AtomicUsize>);

    impl CustomNode for Counted {
        fn value(&self, x: &[f64]) -> f64 {
            x[0] * x[1]
        }

        fn pullback(&self, x: &[f64], y_bar: f64, x_bar: &mut [f64]) {
            x_bar[0] += y_bar * x[1];
            x_bar[1] += y_bar * x[0];
        }

        fn second_order(&self) -> Option<&dyn SecondOrder> {
            Some(self)
        }
    }

    impl SecondOrder for Counted {
        fn hessian_vector(&self, _: &[f64], direction: &[f64], product: &mut [f64]) {
            self.0.fetch_add(1, Ordering::Relaxed);
            product.copy_from_slice(&[direction[1], direction[0]]);
        }
    }

    let calls = Arc::new(AtomicUsize::new(0));
    let program = Program::record(&[0.0; 50], |x| {
        x[1..].iter().fold(Var::custom(Arc::new(Counted(calls.clone())), &x[..2]), |sum, &x| sum + x.sin())
    });
    let hessian = program.hessian(&point(50)).unwrap();
    assert_eq!((hessian[(0, 1)], hessian[(1, 0)]), (1.0, 1.0));
    assert_eq!(calls.load(Ordering::Relaxed), 2, "a product for each of two colours");
}

proptest! {
    #[test]
    fn random_programs(expression in expressions(), x in prop::collection::vec(-2.0..2.0, 8)) {
        let program = Program::record(&x, |x| *expression.evaluate(x).last().unwrap());
        check(&program, &x);
    }
}
