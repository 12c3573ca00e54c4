//! Batches against the same terms written out one by one.

mod support;

use std::cmp::Ordering;

use nalgebra::{DMatrix, DVector};
use proptest::prelude::*;
use smoothmax::rules::{Rule, TABLE};
use smoothmax::{
    Batch, Error, Program, Rows, Scalar, Var, gradient, hessian, log_sum_exp, max, smooth_max, sum,
};
use support::expression::expressions;

fn assert_near(what: &str, a: &[f64], b: &[f64], tolerance: f64) {
    assert_eq!(a.len(), b.len());
    for (a_i, b_i) in a.iter().zip(b) {
        let scale = a_i.abs().max(b_i.abs()).max(1.0);
        let near = a_i == b_i || (a_i.is_nan() && b_i.is_nan()) || (a_i - b_i).abs() <= tolerance * scale;
        assert!(near, "{what}: {a:?} and {b:?}");
    }
}

fn term<S: Scalar>(p: &[S], row: &[S]) -> S {
    (p[0] + p[1] * row[0]).sin().exp() * row[1] - p[2].square()
}

fn data(count: usize) -> DMatrix<f64> {
    DMatrix::from_fn(count, 2, |i, j| (0.7 * i as f64 + 1.3 * j as f64).sin() * 2.0)
}

fn terms<'t>(p: &[Var<'t>], data: &DMatrix<f64>) -> Vec<Var<'t>> {
    data.row_iter().map(|row| term(p, &[row[0].into(), row[1].into()])).collect()
}

const P: [f64; 3] = [0.3, -0.4, 0.2];

#[test]
fn every_remainder_of_the_lanes() {
    for count in 0..=49 {
        let data = data(count);
        let batch = Batch::record(&[0.1; 3], &data, |p, row| term(p, row));
        let mut g = [0.0; 3];
        for k in [0.5, 20.0, 1e4, f64::INFINITY, -3.0, f64::NEG_INFINITY] {
            let what = format!("{count} rows, k = {k}");
            let value = batch.smooth_max(k, &P, &mut g).unwrap();
            if count == 0 {
                assert_eq!((value, g), (-k.signum() * f64::INFINITY, [0.0; 3]));
                continue;
            }
            let (expected, expected_g) = gradient(&P, |p| smooth_max(&terms(p, &data), k));
            assert_near(&what, &[value], &[expected], 1e-14);
            assert_near(&what, &g, expected_g.as_slice(), 1e-13);
            let pruned = batch.smooth_max_pruned(k, &P, &mut g).unwrap();
            assert_near(&what, &[pruned], &[expected], 1e-14);
            assert_near(&what, &g, expected_g.as_slice(), 1e-13);
        }
        let mut values = vec![0.0; count];
        batch.values(&P, &mut values).unwrap();
        let plain: Vec<f64> = data.row_iter().map(|row| term(&P, &[row[0], row[1]])).collect();
        assert_near("values", &values, &plain, 1e-14);

        let value = batch.sum(&P, &mut g).unwrap();
        let (expected, expected_g) =
            gradient(&P, |p| if count == 0 { Var::lift(0.0) } else { sum(&terms(p, &data)) });
        assert_near("sum", &[value], &[expected], 1e-13);
        assert_near("gradient of the sum", &g, expected_g.as_slice(), 1e-13);

        let maximum = batch.max(&P, &mut g).unwrap();
        let (expected, expected_g) =
            gradient(&P, |p| if count == 0 { Var::lift(f64::NEG_INFINITY) } else { max(&terms(p, &data)) });
        assert_near("max", &[maximum.value], &[expected], 1e-14);
        assert_near("gradient of the max", &g, expected_g.as_slice(), 1e-13);
        assert_eq!(maximum.active.len(), count.min(1));

        let rows: Vec<usize> = (0..count).rev().step_by(3).collect();
        let jacobian = batch.jacobian_rows(&P, &rows).unwrap();
        for (i, &row) in rows.iter().enumerate() {
            let (_, expected) = gradient(&P, |p| terms(p, &data)[row]);
            assert_near("jacobian", jacobian.row(i).transpose().as_slice(), expected.as_slice(), 1e-13);
        }
    }
}

/// Many chunks: the running maximum, and merging, across their borders.
#[test]
fn a_long_batch() {
    let count = 60_001;
    let t: Vec<f64> = (0..count).map(|i| i as f64 / count as f64).collect();
    let batch = Batch::record(&[0.0, 0.0], Rows::row_major(&t, 1), |p, row| {
        (p[0] + p[1] * row[0] - row[0].exp()).powi(2)
    });
    for p in [[1.0, 1.5], [2.0, 1.0], [-1.0, 4.0]] {
        let mut g = [0.0; 2];
        let value = batch.smooth_max(1e3, &p, &mut g).unwrap();
        let (expected, expected_g) = gradient(&p, |p| {
            smooth_max(&t.iter().map(|&t| (p[0] + p[1] * t - t.exp()).powi(2)).collect::<Vec<_>>(), 1e3)
        });
        assert_near("value", &[value], &[expected], 1e-14);
        assert_near("gradient", &g, expected_g.as_slice(), 1e-11);
    }
}

#[test]
fn rows_are_the_same_however_they_are_given() {
    let matrix = data(21);
    let arrays: Vec<[f64; 2]> = matrix.row_iter().map(|row| [row[0], row[1]]).collect();
    let flat: Vec<f64> = arrays.as_flattened().to_vec();
    let ways =
        [Rows::from(&matrix), Rows::from(matrix.clone()), Rows::from(&arrays[..]), Rows::row_major(&flat, 2)];
    let results: Vec<_> = ways
        .into_iter()
        .map(|rows| {
            let mut g = [0.0; 3];
            let batch = Batch::record(&P, rows, |p, row| term(p, row));
            (batch.smooth_max(3.0, &P, &mut g).unwrap(), g)
        })
        .collect();
    assert!(results.iter().all(|result| *result == results[0]), "{results:?}");
}

/// Every row of the rule table on lanes: all samples and edges side by side.
#[test]
fn every_rule_on_lanes() {
    for rule in TABLE {
        let arity = rule.op.arity();
        let points: Vec<&[f64]> =
            rule.samples.iter().copied().chain(rule.edges.iter().map(|edge| edge.at)).collect();
        let data = DMatrix::from_fn(points.len(), arity, |i, j| points[i][j]);
        // p is zero: it makes the arguments active without changing them.
        let batch = Batch::record(&vec![0.0; arity], &data, |p, row| {
            let x: Vec<Var<'_>> = p.iter().zip(row).map(|(&p, &x)| p + x).collect();
            rule.apply(&x)
        });
        let (mut values, rows) = (vec![0.0; points.len()], (0..points.len()).collect::<Vec<_>>());
        batch.values(&vec![0.0; arity], &mut values).unwrap();
        let jacobian = batch.jacobian_rows(&vec![0.0; arity], &rows).unwrap();
        for (i, point) in points.iter().enumerate() {
            // -0 + 0 is 0, so the recorded argument is too.
            let x: Vec<f64> = point.iter().map(|x| 0.0 + x).collect();
            assert_near(rule.name, &[values[i]], &[rule.value(&x)], 4e-16);
            assert_near(rule.name, jacobian.row(i).transpose().as_slice(), &rule.partials(&x), 4e-15);
        }
    }
}

/// The same with second derivatives. Every term has variables of its own, so
/// that the lanes of a product can be told apart.
#[test]
fn every_rule_on_dual_lanes() {
    for rule in TABLE {
        let arity = rule.op.arity();
        let points = rule.samples.iter().copied().chain(rule.edges.iter().map(|edge| edge.at));
        let x: Vec<f64> = points.flatten().copied().collect();
        let v: Vec<f64> = (0..x.len()).map(|i| 1.0 + i as f64).collect();
        let mut product = vec![0.0; x.len()];
        match arity {
            1 => products_of_a_rule::<1>(rule, &x, &v, &mut product),
            2 => products_of_a_rule::<2>(rule, &x, &v, &mut product),
            _ => products_of_a_rule::<3>(rule, &x, &v, &mut product),
        }
        for ((x, v), product) in x.chunks(arity).zip(v.chunks(arity)).zip(product.chunks(arity)) {
            let program = Program::record(x, |x| rule.apply(x));
            let mut expected = vec![0.0; arity];
            program.hvp(&mut program.workspace(), x, v, &mut expected).unwrap();
            assert_near(&format!("{} at {x:?}", rule.name), product, &expected, 1e-14);
        }
    }
}

fn products_of_a_rule<const N: usize>(rule: &Rule, x: &[f64], v: &[f64], product: &mut [f64]) {
    let variables: Vec<u32> = (0..x.len() as u32).collect();
    let indices = variables.as_chunks::<N>().0;
    let batch = Batch::gather(x, indices, Rows::empty(indices.len()), |x, _| rule.apply(x));
    batch.hvp_of_sum(x, &vec![1.0; indices.len()], v, product).unwrap();
}

#[test]
fn products_for_every_remainder_of_the_lanes() {
    let v = [0.3, -1.0, 0.7];
    for count in [1, 2, 31, 32, 33, 64, 70] {
        let data = data(count);
        let batch = Batch::record(&[0.1; 3], &data, |p, row| term(p, row));
        let mut product = [0.0; 3];
        for every in [1, 3] {
            let w: Vec<f64> = (0..count).map(|i| if i % every == 0 { 1.0 + i as f64 } else { 0.0 }).collect();
            let (_, _, expected) =
                hessian(&P, |p| terms(p, &data).into_iter().zip(&w).map(|(f, &w)| f * w).sum());
            batch.hvp_of_sum(&P, &w, &v, &mut product).unwrap();
            let scale = 1e-14 * (1.0 + expected.amax());
            let difference = DVector::from_row_slice(&product) - &expected * DVector::from_row_slice(&v);
            assert!(difference.amax() <= scale * 10.0, "{count} rows: {difference}");
            assert_near(
                "hessian",
                batch.hessian_of_sum(&P, &w).unwrap().as_slice(),
                expected.as_slice(),
                1e-13,
            );
        }
        let (expected_value, _, expected) = hessian(&P, |p| smooth_max(&terms(p, &data), 20.0));
        let value = batch.smooth_max_hvp(20.0, &P, &v, &mut product).unwrap();
        assert_near("smooth maximum", &[value], &[expected_value], 1e-14);
        let expected = expected * DVector::from_row_slice(&v);
        assert_near("its product", &product, expected.as_slice(), 1e-12);
    }
}

#[test]
fn nary_nodes_on_lanes() {
    let data = data(19);
    let batch =
        Batch::record(&P, &data, |p, row| log_sum_exp(&[p[0] * row[0], p[1], row[1] + p[2]]) + max(p));
    let f = |p: &[f64], row: &[f64]| log_sum_exp(&[p[0] * row[0], p[1], row[1] + p[2]]) + max(p);
    let mut values = vec![0.0; 19];
    batch.values(&P, &mut values).unwrap();
    let expected: Vec<f64> = data.row_iter().map(|row| f(&P, &[row[0], row[1]])).collect();
    assert_near("values", &values, &expected, 1e-15);
    let jacobian = batch.jacobian_rows(&P, &[4, 18]).unwrap();
    for (i, row) in [4, 18].into_iter().enumerate() {
        let x = [data[(row, 0)], data[(row, 1)]];
        let (_, g) = gradient(&P, |p| log_sum_exp(&[p[0] * x[0], p[1], p[2] + x[1]]) + max(p));
        assert_near("gradient", jacobian.row(i).transpose().as_slice(), g.as_slice(), 1e-14);
    }
    let (w, v) = ([1.0; 19], [0.5, -2.0, 1.0]);
    let (_, _, expected) = hessian(&P, |p| {
        let rows = data.row_iter();
        rows.map(|x| log_sum_exp(&[p[0] * x[0], p[1], p[2] + x[1]]) + max(p)).sum()
    });
    let mut product = [0.0; 3];
    batch.hvp_of_sum(&P, &w, &v, &mut product).unwrap();
    assert_near("product", &product, (expected * DVector::from_row_slice(&v)).as_slice(), 1e-13);
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 60, ..ProptestConfig::default() })]

    /// Random programs as terms, random numbers of rows.
    #[test]
    fn random_terms(
        expression in expressions(),
        rows in prop::collection::vec(prop::array::uniform2(-2.0..2.0), 1..40),
        p in prop::array::uniform2(-1.0..1.0),
    ) {
        let batch = Batch::record(&p, &rows[..], |p, row| {
            *expression.evaluate(&[p[0], p[1], row[0], row[1]]).last().unwrap()
        });
        let mut g = [0.0; 2];
        let branches = |row: &[f64; 2]| expression.branches(&[p[0], p[1], row[0], row[1]]);
        match batch.sum(&p, &mut g) {
            Ok(value) => {
                let (expected, expected_g) = gradient(&p, |p| {
                    let terms = rows.iter().map(|row| {
                        *expression.evaluate(&[p[0], p[1], row[0].into(), row[1].into()]).last().unwrap()
                    });
                    sum(&terms.collect::<Vec<_>>())
                });
                let scale = 1e-12 * (1.0 + expected.abs() + expected_g.amax());
                prop_assert!((value - expected).abs() <= scale, "{value} {expected}");
                prop_assert!((DVector::from_row_slice(&g) - &expected_g).amax() <= scale * 100.0, "{g:?} {expected_g}");
            }
            Err(Error::BranchChanged { row: Some(row), .. }) => {
                prop_assert!(branches(&rows[row]) != branches(&rows[0]));
            }
            Err(error) => prop_assert!(false, "{error}"),
        }
    }
}

#[test]
fn a_row_that_branches_otherwise_is_named() {
    let rows: Vec<[f64; 1]> = (0..40).map(|i| [if i == 37 { -1.0 } else { 1.0 }]).collect();
    let batch = Batch::record(&[2.0], &rows[..], |p, row| if row[0] > 0.0 { p[0] * row[0] } else { p[0] });
    let mut g = [0.0];
    let error = batch.smooth_max(1.0, &[2.0], &mut g).unwrap_err();
    assert!(matches!(error, Error::BranchChanged { row: Some(37), .. }), "{error}");
    let error = batch.hvp_of_sum(&[2.0], &[1.0; 40], &[1.0], &mut g).unwrap_err();
    assert!(matches!(error, Error::BranchChanged { row: Some(37), .. }), "{error}");
}

#[test]
fn infinities_and_nan_among_the_terms() {
    let inf = f64::INFINITY;
    let reduce = |column: &[f64], k: f64| {
        let batch = Batch::record(&[0.0], Rows::row_major(column, 1), |p, row| row[0] + p[0] * 2.0);
        let mut g = [0.0];
        (batch.smooth_max(k, &[0.0], &mut g).unwrap(), g[0])
    };
    let long = |last: f64| [vec![1.0; 40], vec![last]].concat();
    assert_eq!(reduce(&long(inf), 2.0), (inf, 2.0));
    assert_eq!(reduce(&[inf, 1.0, inf], 2.0), (inf, 2.0));
    assert_eq!(reduce(&[-inf; 20], 2.0), (-inf, 0.0));
    assert_eq!(reduce(&[inf; 20], -2.0), (inf, 0.0));
    assert_eq!(reduce(&[-inf, 3.0], 2.0), (3.0, 2.0));
    for nan_at in [0, 20, 40] {
        let mut column = long(2.0);
        column[nan_at] = f64::NAN;
        let (value, g) = reduce(&column, 2.0);
        assert!(value.is_nan() && g.is_nan());
    }
    // What is small beside the maximum is not lost.
    assert_eq!(reduce(&[0.0, -40.0], 1.0).0, (-40f64).exp());
    assert_eq!(reduce(&[-40.0, 0.0], 1.0).0, (-40f64).exp());
}

#[test]
fn all_rows_that_attain_the_maximum_are_active() {
    let rows: Vec<[f64; 1]> = (0..100).map(|i| [f64::from(i % 25)]).collect();
    let batch = Batch::record(&[1.0], &rows[..], |p, row| p[0] * row[0]);
    let mut g = [0.0];
    let maximum = batch.max(&[2.0], &mut g).unwrap();
    assert_eq!((maximum.value, &maximum.active[..], g), (48.0, &[24, 49, 74, 99][..], [24.0]));
}

#[test]
fn partials_merge_in_any_order() {
    let data = data(50);
    let part = |first: usize, count: usize| data.rows(first, count).into_owned();
    let batches: Vec<Batch<'_>> = [(0, 7), (7, 20), (27, 0), (27, 23)]
        .map(|(first, count)| Batch::record(&P, part(first, count), |p, row| term(p, row)))
        .into_iter()
        .collect();
    let partial = |i: usize| batches[i].smooth_max_partial(5.0, &P).unwrap();
    let (value, g) = gradient(&P, |p| smooth_max(&terms(p, &data), 5.0));
    for order in [[0, 1, 2, 3], [3, 2, 1, 0], [2, 0, 3, 1]] {
        let merged = order.into_iter().map(partial).reduce(|a, b| a.merge(b)).unwrap();
        assert_near("value", &[merged.value()], &[value], 1e-14);
        assert_near("gradient", merged.gradient().as_slice(), g.as_slice(), 1e-13);
    }
}

/// All pairs of points, one of them paired with itself.
#[test]
fn gathered_terms() {
    let n = 9;
    let x: Vec<f64> = (0..3 * n).map(|i| (1.7 * i as f64).sin()).collect();
    let mut pairs: Vec<[u32; 6]> = Vec::new();
    for i in 0..n as u32 {
        for j in 0..=i {
            pairs.push([3 * i, 3 * i + 1, 3 * i + 2, 3 * j, 3 * j + 1, 3 * j + 2]);
        }
    }
    fn distance<S: Scalar>(p: &[S]) -> S {
        -((p[0] - p[3]).square() + (p[1] - p[4]).square() + (p[2] - p[5]).square())
    }
    fn terms<'t>(x: &[Var<'t>], pairs: &[[u32; 6]]) -> Vec<Var<'t>> {
        pairs.iter().map(|pair| distance(&pair.map(|i| x[i as usize]))).collect()
    }
    let batch = Batch::gather(&x, &pairs, Rows::empty(pairs.len()), |p, _| distance(p));
    let mut g = vec![0.0; x.len()];
    for k in [1.0, 100.0, -2.0] {
        let value = batch.smooth_max(k, &x, &mut g).unwrap();
        let (expected, expected_g) = gradient(&x, |x| smooth_max(&terms(x, &pairs), k));
        assert_near("value", &[value], &[expected], 1e-14);
        assert_near("gradient", &g, expected_g.as_slice(), 1e-13);
    }
    let value = batch.sum(&x, &mut g).unwrap();
    let (expected, expected_g) = gradient(&x, |x| sum(&terms(x, &pairs)));
    assert_near("sum", &[value], &[expected], 1e-13);
    assert_near("gradient of the sum", &g, expected_g.as_slice(), 1e-13);
    let jacobian = batch.jacobian_rows(&x, &[1, 17]).unwrap();
    for (i, row) in [1, 17].into_iter().enumerate() {
        let (_, expected) = gradient(&x, |x| terms(x, &pairs)[row]);
        assert_near("jacobian", jacobian.row(i).transpose().as_slice(), expected.as_slice(), 1e-15);
    }
    let w: Vec<f64> = (0..pairs.len()).map(|i| (i % 3) as f64).collect();
    let v: Vec<f64> = (0..x.len()).map(|i| (0.9 * i as f64).cos()).collect();
    batch.hvp_of_sum(&x, &w, &v, &mut g).unwrap();
    let (_, _, h) = hessian(&x, |x| terms(x, &pairs).into_iter().zip(&w).map(|(term, &w)| term * w).sum());
    assert_near("hvp", &g, (h * DVector::from_vec(v)).as_slice(), 1e-12);
}

/// Terms whose variables are a step apart, the same, in falling order and in none.
#[test]
fn gathered_terms_at_steps() {
    fn term<S: Scalar>(p: &[S]) -> S {
        (p[0] * p[1] - p[2]).sin() + p[3].square() * p[4]
    }
    let terms = 100;
    for step in [1, 2, 3, 7] {
        let variables = step * terms + step - 1;
        let x: Vec<f64> = (0..variables).map(|i| (1.7 * i as f64).sin()).collect();
        let index = |i: usize| [step * i, step * i + step / 2, step, variables - 1 - i, 31 * i % variables];
        let indices: Vec<[u32; 5]> = (0..terms).map(|i| index(i).map(|v| v as u32)).collect();
        let batch = Batch::gather(&x, &indices, Rows::empty(terms), |p, _| term(p));
        let at = |i: usize| gradient(&x, |x| term(&index(i).map(|v| x[v])));

        let mut values = vec![0.0; terms];
        batch.values(&x, &mut values).unwrap();
        let listed: Vec<usize> = (0..terms).rev().step_by(3).collect();
        let jacobian = batch.jacobian_rows(&x, &listed).unwrap();
        for (row, &i) in listed.iter().enumerate() {
            let (value, slopes) = at(i);
            assert_near("value", &[values[i]], &[value], 1e-14);
            assert_near("row", jacobian.row(row).transpose().as_slice(), slopes.as_slice(), 1e-14);
        }
        for every in [1, 3] {
            let w: Vec<f64> = (0..terms).map(|i| if i % every == 0 { 1.0 + i as f64 } else { 0.0 }).collect();
            let expected: DVector<f64> = (0..terms).map(|i| at(i).1 * w[i]).sum();
            let mut product = vec![0.0; variables];
            batch.pullback(&x, &w, &mut product).unwrap();
            assert_near("pullback", &product, expected.as_slice(), 1e-13);
        }
    }
}

#[test]
fn bad_input_is_named() {
    let length = |argument, found, expected| Err(Error::Length { argument, found, expected });
    let batch = Batch::record(&P, data(5), |p, row| term(p, row));
    let mut g = [0.0; 3];
    assert_eq!(batch.sum(&[1.0], &mut g), length("x", 1, 3));
    assert_eq!(batch.smooth_max(1.0, &P, &mut [0.0; 2]), length("gradient", 2, 3));
    let product = batch.hvp_of_sum(&[1.0], &[1.0; 5], &P, &mut g).map(|()| 0.0);
    assert_eq!(product, length("x", 1, 3));
    let none = Batch::record(&P, Rows::empty(0), |p, _| p[0]);
    assert_eq!(none.sum(&[1.0], &mut g), length("x", 1, 3));
    assert_eq!(none.smooth_max(1.0, &[1.0], &mut g), length("x", 1, 3));
    assert_eq!(none.hvp_of_sum(&[1.0], &[], &P, &mut g).map(|()| 0.0), length("x", 1, 3));
    assert_eq!(batch.values(&P, &mut [0.0; 4]).map(|()| 0.0), length("values", 4, 5));
    let gathered = |indices: &'static [[u32; 1]], rows| {
        Batch::try_gather(&P, indices, Rows::empty(rows), |x, _| x[0]).map(|_| 0.0)
    };
    assert_eq!(gathered(&[[0], [2]], 3), length("rows", 3, 2));
    assert!(matches!(gathered(&[[0], [3]], 2), Err(Error::Invalid { argument: "indices", .. })));
    assert_eq!(gathered(&[], 0), Ok(0.0));
}

#[test]
#[should_panic(expected = "sharpness `k` is 0")]
fn a_sharpness_of_zero_panics() {
    let batch = Batch::record(&P, data(5), |p, row| term(p, row));
    let _ = batch.smooth_max(0.0, &P, &mut [0.0; 3]);
}

#[test]
fn an_order_of_the_values_is_a_comparison() {
    let rows = [[1.0, 2.0], [4.0, 3.0]];
    let batch = Batch::record(&[1.0], &rows[..], |p, row| match row[0].partial_cmp(&row[1]) {
        Some(Ordering::Less) => p[0],
        _ => -p[0],
    });
    let error = batch.sum(&[1.0], &mut [0.0]).unwrap_err();
    assert!(matches!(error, Error::BranchChanged { row: Some(1), operator: "partial_cmp", .. }), "{error}");
}

/// In one chunk and over several, where the largest comes last.
#[test]
fn an_infinite_sharpness_is_the_exact_extreme() {
    for count in [100, 20_000] {
        let rows: Vec<[f64; 1]> = (0..count).map(|i| [f64::from(i)]).collect();
        let batch = Batch::record(&[2.0], &rows[..], |p, row| p[0] * row[0] + 1.0);
        let last = f64::from(count - 1);
        let mut g = [0.0];
        for (k, value, slope) in [(f64::INFINITY, 2.0 * last + 1.0, last), (f64::NEG_INFINITY, 1.0, 0.0)] {
            assert_eq!(batch.smooth_max(k, &[2.0], &mut g).unwrap(), value);
            assert_eq!(g, [slope], "k = {k}, {count} rows");
            assert_eq!(batch.smooth_max_pruned(k, &[2.0], &mut g).unwrap(), value);
            assert_eq!(g, [slope], "k = {k}, {count} rows, pruned");
        }
    }
}

#[test]
#[should_panic(expected = "row 5 is not below the 2 terms")]
fn rows_beyond_the_last_are_refused() {
    let batch = Batch::gather(&[1.0], &[[0u32], [0]], Rows::empty(2), |x, _| x[0]);
    let _ = batch.jacobian_rows(&[1.0], &[5]);
}
