//! With the feature `parallel`: a batch gives the same bits on any number of
//! threads, for every sweep, broadcast and gathered.

#![cfg(feature = "parallel")]

use smoothmax::{Batch, Rows, Scalar};

fn residual<S: Scalar>(p: &[S], row: &[S]) -> S {
    ((p[0] + p[1] * row[0]).sin() - row[1]).square() + (p[2] * row[0]).exp()
}

fn link<S: Scalar>(p: &[S]) -> S {
    (p[0] - p[1]).square() - (p[0] * p[1]).cos()
}

/// The bits of everything a batch computes at `x`.
fn everything(batch: &Batch<'_>, x: &[f64], terms: usize) -> Vec<u64> {
    let wave = |len: usize| -> Vec<f64> { (0..len).map(|i| (0.7 * i as f64).cos()).collect() };
    let (v, w) = (wave(x.len()), wave(terms));
    let mut numbers = Vec::new();
    let mut g = vec![0.0; x.len()];
    for k in [0.1, 40.0, -3.0] {
        numbers.push(batch.smooth_max(k, x, &mut g).unwrap());
        numbers.extend_from_slice(&g);
        numbers.push(batch.smooth_max_pruned(k, x, &mut g).unwrap());
        numbers.extend_from_slice(&g);
        numbers.push(batch.smooth_max_hvp(k, x, &v, &mut g).unwrap());
        numbers.extend_from_slice(&g);
    }
    numbers.push(batch.sum(x, &mut g).unwrap());
    numbers.extend_from_slice(&g);
    numbers.push(batch.max(x, &mut g).unwrap().value);
    numbers.extend_from_slice(&g);
    batch.pullback(x, &w, &mut g).unwrap();
    numbers.extend_from_slice(&g);
    batch.hvp_of_sum(x, &w, &v, &mut g).unwrap();
    numbers.extend_from_slice(&g);
    let mut values = vec![0.0; terms];
    batch.values(x, &mut values).unwrap();
    numbers.extend_from_slice(&values);
    numbers.into_iter().map(f64::to_bits).collect()
}

fn assert_same_on_any_number_of_threads(batch: &Batch<'_>, x: &[f64], terms: usize) {
    let on_threads = |threads: usize| {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
        pool.install(|| everything(batch, x, terms))
    };
    let alone = on_threads(1);
    for threads in [2, 3, 8] {
        assert!(alone == on_threads(threads), "{threads} threads give other bits than one");
    }
}

#[test]
fn terms_of_data_rows() {
    let rows = 50_011;
    let data: Vec<f64> = (0..2 * rows).map(|i| (1.3 * i as f64).sin()).collect();
    let x = [0.3, -0.4, 0.2];
    let batch = Batch::record(&x, Rows::row_major(&data, 2), |p, row| residual(p, row));
    assert_same_on_any_number_of_threads(&batch, &x, rows);
}

#[test]
fn gathered_terms() {
    let n = 40_000u32;
    let x: Vec<f64> = (0..n).map(|i| (0.37 * f64::from(i)).sin()).collect();
    let links: Vec<[u32; 2]> = (1..n).map(|i| [i - 1, if i % 5 == 0 { i * 7 % n } else { i }]).collect();
    let batch = Batch::gather(&x, &links, Rows::empty(links.len()), |p, _| link(p));
    assert_same_on_any_number_of_threads(&batch, &x, links.len());
}
