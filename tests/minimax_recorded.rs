//! Components that come from recordings: how often closures run, programs and batches as oracles.

use std::sync::atomic::{AtomicUsize, Ordering};

use nalgebra::{DMatrix, DVector};
use smoothmax::minimax::{Method, Oracle, Status};
use smoothmax::{Batch, Error, Minimax, Program, Rows, Var};

const CB2: f64 = 1.9522244938706588;

fn cb2<'t>(x: &[Var<'t, f64>]) -> Vec<Var<'t, f64>> {
    vec![x[0].powi(2) + x[1].powi(4), (2.0 - x[0]).powi(2) + (2.0 - x[1]).powi(2), 2.0 * (x[1] - x[0]).exp()]
}

#[test]
fn a_closure_that_does_not_branch_is_recorded_once() {
    let calls = AtomicUsize::new(0);
    let minimax = Minimax::record(&[2.0, 2.0], |x| {
        calls.fetch_add(1, Ordering::Relaxed);
        cb2(x)
    });
    for _ in 0..3 {
        assert!((minimax.solve(&[2.0, 2.0]).unwrap().value - CB2).abs() < 1e-14);
    }
    // Once to count the components, once to record them.
    assert_eq!(calls.load(Ordering::Relaxed), 2);
}

#[test]
fn a_closure_that_branches_is_recorded_where_it_does() {
    // max(x^2 left of 0, x^2/2 right of it, 1 - x): the optimum 2 - sqrt 3 at x = sqrt 3 - 1.
    let calls = AtomicUsize::new(0);
    let minimax = Minimax::record(&[-3.0], |x| {
        calls.fetch_add(1, Ordering::Relaxed);
        let x = x[0];
        vec![if x < 0.0 { x * x } else { 0.5 * x * x }, 1.0 - x]
    });
    let solution = minimax.solve(&[-3.0]).unwrap();
    assert!((solution.value - (2.0 - 3f64.sqrt())).abs() < 1e-14, "{solution}");
    let calls = calls.load(Ordering::Relaxed);
    assert!(calls > 2 && calls < solution.counts.values, "{calls} calls, {solution}");
}

#[test]
fn a_closure_that_reads_values_is_recorded_every_time() {
    // max(|x|, x + 1), 1/2 at -1/2. A replay would keep the sign read at the start.
    let sign = |x: Var<'_, f64>| if x.value() < 0.0 { -1.0 } else { 1.0 };
    let minimax = Minimax::record(&[3.0], |x| vec![sign(x[0]) * x[0], x[0] + 1.0]);
    let solution = minimax.solve(&[3.0]).unwrap();
    assert!((solution.value - 0.5).abs() < 1e-14, "{solution}");
    let frozen = Program::record_many(&[3.0], |x| vec![sign(x[0]) * x[0], x[0] + 1.0]);
    assert!(Minimax::oracle(frozen).solve(&[3.0]).unwrap().value < -1e3);
}

#[test]
fn a_closure_that_changes_the_number_of_components_is_an_error() {
    let fickle = Minimax::record(&[2.0], |x| if x[0] > 1.5 { vec![x[0], -x[0]] } else { vec![] });
    let error = fickle.solve(&[2.0]).unwrap_err();
    assert_eq!(error, Error::Length { argument: "components", found: 0, expected: 2 });
}

#[test]
fn programs_are_oracles_of_every_order() {
    let program = || Program::record_many(&[2.0, 2.0], |x| cb2(x));
    for (method, accuracy) in
        [(Method::ProxSqp, 1e-14), (Method::ProxNewton, 1e-14), (Method::ExponentialMultipliers, 1e-10)]
    {
        let solution = Minimax::oracle(program()).method(method).solve(&[2.0, 2.0]).unwrap();
        assert!((solution.value - CB2).abs() <= accuracy, "{method:?}: {solution}");
    }
    let branching = Program::record_many(&[2.0], |x| vec![if x[0] > 1.0 { x[0] } else { -x[0] }]);
    assert!(matches!(Minimax::oracle(branching).solve(&[2.0]), Err(Error::BranchChanged { .. })));
}

/// Rows `(t, y)` near `e^(0.7 t)`.
const POINTS: [[f64; 2]; 6] = [[-2.0, 0.3], [-1.0, 0.4], [0.0, 1.2], [0.5, 1.3], [1.0, 2.1], [2.0, 4.0]];

fn residual<'t>(p: &[Var<'t, f64>], row: &[Var<'t, f64>]) -> Var<'t, f64> {
    p[0] * (p[1] * row[0]).exp() + p[2] - row[1]
}

fn residuals<'t>(p: &[Var<'t, f64>]) -> Vec<Var<'t, f64>> {
    POINTS.iter().map(|row| residual(p, &row.map(Var::from))).collect()
}

#[test]
fn a_batch_solves_as_the_closure_does() {
    let x0 = [1.0, 1.0, 0.0];
    for method in [Method::ProxSqp, Method::ProxNewton, Method::ExponentialMultipliers] {
        let batch = Minimax::batch(Batch::record(&x0, &POINTS[..], |p, row| residual(p, row)));
        let closure = Minimax::record(&x0, residuals);
        let [batch, closure] =
            [batch, closure].map(|minimax| minimax.absolute().method(method).solve(&x0).unwrap());
        assert!((batch.value - closure.value).abs() < 1e-10, "{method:?}\n{batch}\n{closure}");
        assert_eq!(batch.active(), closure.active(), "{method:?}");
        assert!(batch.stationarity < 1e-8, "{method:?}\n{batch}");
    }
}

#[test]
fn a_batch_gives_the_derivatives_of_its_terms() {
    let (x, weights, v) = ([0.7, 0.9, -0.3], [0.5, 0.0, -1.0, 2.0, 0.0, 0.25], [1.0, -2.0, 0.5]);
    let batch = Batch::record(&x, &POINTS[..], |p, row| residual(p, row));
    let (values, jacobian) = smoothmax::jacobian(&x, |p| residuals(p));
    let (mut found, mut gradient, mut product) = ([0.0; 6], [0.0; 3], [0.0; 3]);
    batch.sweep(&x, &mut found, &mut |_| weights.to_vec(), &mut gradient).unwrap();
    assert!((DVector::from_row_slice(&found) - values).amax() < 1e-14);
    let pulled = jacobian.tr_mul(&DVector::from_row_slice(&weights));
    assert!((DVector::from_row_slice(&gradient) - pulled).amax() < 1e-14);
    assert_eq!(batch.rows(&x, &[4, 1]).unwrap().nrows(), 2);
    assert!((batch.rows(&x, &[4, 1]).unwrap() - jacobian.select_rows(&[4, 1])).amax() < 1e-14);
    assert!(batch.hessian_vector(&x, &weights, &v, &mut product).unwrap());
    let (_, _, curvature) = smoothmax::hvp(&x, &v, |p| smoothmax::dot(&weights, &residuals(p)));
    assert!((DVector::from_row_slice(&product) - curvature).amax() < 1e-13);
    let mut short = [0.0; 2];
    assert!(batch.pullback(&x, &weights[..2], &mut product).is_err());
    assert!(batch.pullback(&x[..2], &weights, &mut product).is_err());
    assert!(batch.pullback(&x, &weights, &mut short).is_err());
}

#[test]
fn gathered_terms_see_their_own_variables() {
    // Ten points on a line, the ends held at 0 and 9: the largest gap is least when all are 1.
    let pairs: Vec<[u32; 2]> = (0..9).map(|i| [i, i + 1]).collect();
    let x0: Vec<f64> = (0..10).map(|i| (i as f64).powi(2) / 9.0).collect();
    let gaps = Batch::gather(&x0, &pairs, Rows::empty(9), |x, _| x[1] - x[0]);
    let ends = DMatrix::from_fn(2, 10, |i, j| if j == 9 * i { 1.0 } else { 0.0 });
    let solution = Minimax::batch(gaps).linear_eq(ends, &[0.0, 9.0]).solve(&x0).unwrap();
    assert!((solution.value - 1.0).abs() < 1e-12, "{solution}");
    assert!(solution.x.iter().enumerate().all(|(i, x)| (x - i as f64).abs() < 1e-11), "{solution}");
    assert_eq!(solution.status, Status::Converged);
}

#[test]
fn what_a_batch_cannot_follow_stops_the_solver() {
    let rows = [[0.0], [1.0]];
    let branching = Batch::record(&[2.0], &rows[..], |x, row| if x[0] > 1.0 { x[0] - row[0] } else { -x[0] });
    assert!(matches!(Minimax::batch(branching).solve(&[2.0]), Err(Error::BranchChanged { .. })));
    let none = Batch::record(&[2.0], Rows::empty(0), |x, _| x[0]);
    assert_eq!(Minimax::batch(none).solve(&[2.0]).unwrap_err(), Error::NoComponents);
    let undefined = Batch::record(&[2.0], &rows[..], |x, row| (x[0] - 2.0 * row[0]).ln());
    let error = Minimax::batch(undefined).solve(&[2.0]).unwrap_err();
    assert_eq!(error, Error::NotFinite { component: 1, value: f64::NEG_INFINITY });
}
