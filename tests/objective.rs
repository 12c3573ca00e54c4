//! Objectives add up, and the Hessians of batches are those of their terms.

use nalgebra::DMatrix;
use smoothmax::{Batch, Error, Objective, Program, Rows, Scalar, smooth_max, sum};

const K: f64 = 3.0;

fn point(n: usize) -> Vec<f64> {
    (0..n).map(|i| 0.4 + 0.8 * (1.7 * i as f64).sin()).collect()
}

fn data() -> Vec<[f64; 2]> {
    (0..37).map(|i| (0.1 * i as f64 - 1.5, (0.4 * i as f64).cos())).map(|(t, y)| [t, y]).collect()
}

fn residual<S: Scalar>(p: &[S], t: S, y: S) -> S {
    (p[0] + p[1] * t + p[2] * t.square() - (p[3] * t).sin() * y).square()
}

fn pairs() -> Vec<[u32; 2]> {
    (0..4).flat_map(|i| (0..i).map(move |j| [i, j])).collect()
}

fn distance<S: Scalar>(x: S, y: S) -> S {
    (S::constant(1.0) + (x - y).square()).sqrt() * x
}

fn ridge<S: Scalar>(p: &[S]) -> S {
    sum(&p.iter().map(|&p| p.powi(4)).collect::<Vec<_>>()) + p[0] * p[3]
}

/// The whole objective as one function.
fn whole<S: Scalar>(p: &[S]) -> S {
    let c = S::constant;
    let fit: Vec<S> = data().iter().map(|&[t, y]| residual(p, c(t), c(y))).collect();
    let repulsion: Vec<S> = pairs().iter().map(|&[i, j]| distance(p[i as usize], p[j as usize])).collect();
    c(2.0) * smooth_max(&fit, K) + c(0.5) * sum(&repulsion) + smooth_max(&repulsion, -K) + c(0.1) * ridge(p)
}

#[test]
fn value_gradient_and_products_are_those_of_the_sum() {
    let (data, pairs) = (data(), pairs());
    let fit = Batch::record(&[0.0; 4], &data[..], |p, row| residual(p, row[0], row[1]));
    let repulsion = Batch::gather(&[0.0; 4], &pairs, Rows::empty(pairs.len()), |x, _| distance(x[0], x[1]));
    let ridge = Program::record(&[0.0; 4], |p| ridge(p));
    let objective = Objective::new(4)
        .smooth_max(2.0, K, &fit)
        .sum(0.5, &repulsion)
        .smooth_max(1.0, -K, &repulsion)
        .program(0.1, &ridge);
    let reference = Program::record(&[0.0; 4], |p| whole(p));

    let (mut work, mut reference_work) = (objective.workspace(), reference.workspace());
    let (x, v) = (point(4), [1.0, -0.5, 2.0, 0.3]);
    let (mut g, mut expected) = ([0.0; 4], [0.0; 4]);
    let close = |a: &[f64], b: &[f64]| {
        let scale = b.iter().fold(1.0, |m: f64, b| m.max(b.abs()));
        assert!(a.iter().zip(b).all(|(a, b)| (a - b).abs() < 1e-12 * scale), "{a:?} and {b:?}");
    };
    let value = objective.gradient(&mut work, &x, &mut g).unwrap();
    let expected_value = reference.gradient(&mut reference_work, &x, &mut expected).unwrap();
    close(&[value, objective.value(&mut work, &x).unwrap()], &[expected_value; 2]);
    close(&g, &expected);
    close(&[objective.hvp(&mut work, &x, &v, &mut g).unwrap()], &[expected_value]);
    reference.hvp(&mut reference_work, &x, &v, &mut expected).unwrap();
    close(&g, &expected);
}

#[test]
fn a_smoothed_program_is_a_term_and_nothing_is_zero() {
    let smooth = Program::record(&[0.0; 2], |x| x[0].max(x[1])).smoothed(2.0);
    let objective = Objective::new(2).program(3.0, &smooth);
    assert_eq!(objective.value(&mut objective.workspace(), &[0.0, 0.0]), Ok(1.5 * 2f64.ln()));
    let nothing = Objective::new(2);
    let mut g = [7.0; 2];
    assert_eq!(nothing.gradient(&mut nothing.workspace(), &[1.0, 1.0], &mut g), Ok(0.0));
    assert_eq!(g, [0.0; 2]);
}

#[test]
fn what_has_weight_zero_is_not_evaluated() {
    // Infinite at 0, with an infinite slope: 0 times that would be NaN.
    let pole = Program::record(&[1.0], |x| 1.0 / x[0]);
    let poles = Batch::record(&[1.0], &[[1.0], [2.0]][..], |x, row| row[0] / x[0]);
    let square = Program::record(&[1.0], |x| x[0] * x[0]);
    let objective = Objective::new(1)
        .program(0.0, &pole)
        .sum(0.0, &poles)
        .smooth_max(0.0, K, &poles)
        .program(2.0, &square);
    let (mut work, mut g) = (objective.workspace(), [f64::NAN]);
    assert_eq!(objective.value(&mut work, &[0.0]), Ok(0.0));
    assert_eq!((objective.gradient(&mut work, &[0.0], &mut g), g), (Ok(0.0), [0.0]));
    assert_eq!((objective.hvp(&mut work, &[0.0], &[1.0], &mut g), g), (Ok(0.0), [4.0]));
}

#[test]
fn bad_lengths_and_changed_branches_are_errors() {
    let program = Program::record(&[1.0], |x| if x[0] > 0.0 { x[0] } else { -x[0] });
    let objective = Objective::new(1).program(1.0, &program);
    let mut work = objective.workspace();
    let error = objective.gradient(&mut work, &[1.0], &mut []).unwrap_err();
    assert_eq!(error, Error::Length { argument: "gradient", found: 0, expected: 1 });
    assert!(matches!(objective.value(&mut work, &[-1.0]), Err(Error::BranchChanged { .. })));
    let length = |argument, found| Err(Error::Length { argument, found, expected: 1 });
    let idle = Objective::new(1).program(0.0, &program);
    assert_eq!(idle.value(&mut work, &[1.0; 2]), length("x", 2));
    assert_eq!(idle.hvp(&mut work, &[1.0], &[1.0; 3], &mut [0.0]), length("v", 3));
    let other = Objective::new(1);
    let error = other.value(&mut work, &[1.0]).unwrap_err();
    assert_eq!(error, Error::Length { argument: "work", found: 1, expected: 0 });
}

#[test]
#[should_panic(expected = "`program` has 1 variables, the objective 2")]
fn another_number_of_variables_panics() {
    let program = Program::record(&[1.0], |x| x[0]);
    let _ = Objective::new(2).program(1.0, &program);
}

/// The Hessian of a batch's weighted sum, a column for each unit vector.
fn by_products(batch: &Batch<'_>, w: &[f64], x: &[f64]) -> DMatrix<f64> {
    let mut hessian = DMatrix::zeros(x.len(), x.len());
    for j in 0..x.len() {
        let unit: Vec<f64> = (0..x.len()).map(|i| f64::from(u8::from(i == j))).collect();
        batch.hvp_of_sum(x, w, &unit, hessian.column_mut(j).as_mut_slice()).unwrap();
    }
    hessian
}

fn check_hessian(batch: &Batch<'_>, x: &[f64], nonzeros: usize) {
    let w: Vec<f64> = (0..batch.len()).map(|i| (i % 4) as f64 - 1.0).collect();
    let expected = by_products(batch, &w, x);
    let scale = 1e-13 * expected.amax().max(1.0);
    assert!((batch.hessian_of_sum(x, &w).unwrap() - &expected).amax() < scale);
    #[cfg(feature = "sparse")]
    {
        let sparse = batch.sparse_hessian_of_sum(x, &w).unwrap();
        assert_eq!(sparse.nnz(), nonzeros);
        assert!((DMatrix::from(&sparse) - &expected).amax() < scale);
    }
    let nonzero = expected.iter().filter(|&&entry| entry != 0.0).count();
    assert!(nonzero <= nonzeros && nonzero > nonzeros / 2, "{nonzero} of {nonzeros}");
}

#[test]
fn the_hessian_of_a_broadcast_sum() {
    let data = data();
    let batch = Batch::record(&[0.0; 4], &data[..], |p, row| residual(p, row[0], row[1]));
    check_hessian(&batch, &point(4), 16);
}

#[test]
fn the_hessian_of_a_gathered_sum_is_assembled_from_elements() {
    // Neighbours on a ring of 30, three at a time; the middle one enters linearly.
    let triples: Vec<[u32; 3]> = (0..30).map(|i| [i, (i + 1) % 30, (i + 2) % 30]).collect();
    let batch = Batch::gather(&[0.0; 30], &triples, Rows::empty(30), |x, _| (x[0] * x[2]).sin() + x[1]);
    check_hessian(&batch, &point(30), 30 + 2 * 30);
}

#[test]
fn a_term_may_see_a_variable_twice() {
    let pairs = [[0, 0], [0, 1], [1, 2]];
    let batch = Batch::gather(&[0.0; 3], &pairs, Rows::empty(3), |x, _| (x[0] * x[1]).powi(2));
    let hessian = batch.hessian_of_sum(&[2.0, 3.0, 5.0], &[1.0; 3]).unwrap();
    // The first term is x^4.
    assert_eq!(hessian[(0, 0)], 12.0 * 4.0 + 2.0 * 9.0);
    assert_eq!(hessian[(0, 1)], 4.0 * 2.0 * 3.0);
    check_hessian(&batch, &[2.0, 3.0, 5.0], 7);
}

#[test]
fn products_of_the_smooth_maximum_are_differences_of_its_gradient() {
    let data = data();
    let batch = Batch::record(&[0.0; 4], &data[..], |p, row| residual(p, row[0], row[1]));
    let (x, v, h) = (point(4), [0.3, -1.0, 0.5, 0.2], 1e-5);
    for k in [0.5, 20.0, -4.0] {
        let mut product = [0.0; 4];
        batch.smooth_max_hvp(k, &x, &v, &mut product).unwrap();
        let slope = |t: f64| {
            let mut g = [0.0; 4];
            let moved: Vec<f64> = x.iter().zip(v).map(|(x, v)| x + t * v).collect();
            batch.smooth_max(k, &moved, &mut g).unwrap();
            g
        };
        for i in 0..4 {
            let difference = (slope(h)[i] - slope(-h)[i]) / (2.0 * h);
            assert!((product[i] - difference).abs() < 1e-6 * (1.0 + difference.abs()), "k = {k}, {i}");
        }
    }
}

#[test]
fn products_of_a_sharp_smooth_maximum_far_from_zero_are_those_of_the_slice() {
    // Terms a few 1/k apart on an offset of 1e4: the digits of `k f` do not reach their differences.
    fn term<S: Scalar>(x: &[S], a: S, b: S) -> S {
        a * x[0] + b * x[1] + (x[0] * x[1]).exp() + S::constant(1e4)
    }
    let (k, x, v) = (1e6, [1e-6, 2e-6], [0.7, -0.4]);
    let data: Vec<[f64; 2]> = (0..50).map(|i| [(1.3 * i as f64).sin(), (0.9 * i as f64).cos()]).collect();
    let batch = Batch::record(&x, &data[..], |x, row| term(x, row[0], row[1]));
    let slice = Program::record(&x, |x| {
        let terms: Vec<_> =
            data.iter().map(|&[a, b]| term(x, Scalar::constant(a), Scalar::constant(b))).collect();
        smooth_max(&terms, k)
    });
    let (mut product, mut expected) = ([0.0; 2], [0.0; 2]);
    let value = batch.smooth_max_hvp(k, &x, &v, &mut product).unwrap();
    let expected_value = slice.hvp(&mut slice.workspace(), &x, &v, &mut expected).unwrap();
    assert!((value - expected_value).abs() <= f64::EPSILON * expected_value, "{value} {expected_value}");
    let scale = expected.iter().fold(0.0, |m: f64, p| m.max(p.abs()));
    assert!(scale > 1e5, "the terms compete");
    for (a, b) in product.iter().zip(expected) {
        assert!((a - b).abs() < 1e-12 * scale, "{product:?} {expected:?}");
    }
}

#[test]
fn products_of_the_smooth_maximum_do_not_tie_where_k_f_overflows() {
    let batch = Batch::record(&[0.0], &[[2.0], [1.0]][..], |x, row| row[0] * x[0] * x[0]);
    let mut product = [0.0];
    assert_eq!(batch.smooth_max_hvp(1e306, &[1e3], &[1.0], &mut product), Ok(2e6));
    assert_eq!(product, [4.0]);
}
