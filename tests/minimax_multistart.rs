//! Many starts: the same result whoever computes it, and all the minima there are.
#![cfg(feature = "minimax")]

use smoothmax::minimax::{Solution, Starts};
use smoothmax::{Error, Minimax, Var};

/// A point of the unit square far from (0.4, 0.4): the four corners are local maxima.
fn far_from_a_site<'a>() -> Minimax<'a> {
    let minimax = Minimax::record(&[0.0; 2], |x| vec![(x[0] - 0.4).powi(2) + (x[1] - 0.4).powi(2)]);
    minimax.maximin().bounds(&[0.0; 2], &[1.0; 2])
}

fn absolute(v: Var<'_, f64>) -> Var<'_, f64> {
    if v < 0.0 { -v } else { v }
}

/// max |x^2 - 1|, |y - x/2|, |x y - 1/2| is zero at (1, 1/2) and (-1, -1/2); the closure branches.
fn two_zeros<'a>() -> Minimax<'a> {
    let minimax = Minimax::record(&[0.5, 0.5], |x| {
        vec![absolute(x[0].powi(2) - 1.0), x[1] - 0.5 * x[0], x[0] * x[1] - 0.5]
    });
    minimax.absolute()
}

fn solve(minimax: &Minimax<'_>, seed: u64) -> Vec<Solution> {
    minimax.multistart(&Starts::uniform(&[-2.0; 2], &[2.0; 2], 24, seed)).unwrap()
}

/// The numbers of solutions, to compare bit by bit.
fn bits(solutions: &[Solution]) -> Vec<u64> {
    let numbers = |s: &Solution| [s.x.as_slice(), &[s.value], s.multipliers.as_slice()].concat();
    solutions.iter().flat_map(numbers).map(f64::to_bits).collect()
}

#[test]
fn the_same_seed_gives_the_same_bits() {
    for minimax in [far_from_a_site, two_zeros] {
        let first = bits(&solve(&minimax(), 7));
        assert_eq!(first, bits(&solve(&minimax(), 7)));
        // Also by a problem that has been solved before, and keeps its recordings.
        let used = minimax();
        solve(&used, 8);
        assert_eq!(first, bits(&solve(&used, 7)));
    }
    let [a, b] = [7, 8].map(|seed| solve(&two_zeros(), seed)[0].start.clone());
    assert_ne!(a, b);
}

#[test]
#[cfg(feature = "parallel")]
fn the_number_of_threads_changes_nothing() {
    for minimax in [far_from_a_site, two_zeros] {
        let with_threads = |threads: usize| {
            let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
            pool.install(|| bits(&solve(&minimax(), 3)))
        };
        let alone = with_threads(1);
        assert_eq!(alone, with_threads(2));
        assert_eq!(alone, with_threads(5));
    }
}

#[test]
fn every_local_minimum_is_found_once_the_best_first() {
    for seed in 1..4 {
        let corners = solve(&far_from_a_site(), seed);
        let values: Vec<f64> = corners.iter().map(|s| s.value).collect();
        assert_eq!(values.len(), 4, "{values:?}");
        for (found, expected) in values.iter().zip([0.72, 0.52, 0.52, 0.32]) {
            assert!((found - expected).abs() < 1e-12, "{values:?}");
        }
        assert_eq!(corners[0].x.as_slice(), [1.0, 1.0]);
        assert_eq!(corners[3].x.as_slice(), [0.0, 0.0]);
    }
    let zeros = solve(&two_zeros(), 1);
    for sign in [1.0, -1.0] {
        let near = |s: &&Solution| (s.x[0] - sign).abs() < 1e-9 && (s.x[1] - 0.5 * sign).abs() < 1e-9;
        assert_eq!(zeros.iter().filter(near).count(), 1, "{zeros:?}");
    }
    assert!(zeros.windows(2).all(|pair| pair[0].value <= pair[1].value));
}

#[test]
fn starts_where_a_component_is_not_finite_are_left_out() {
    let logarithm = || Minimax::record(&[0.5], |x| vec![x[0].ln(), -x[0].ln()]);
    let minima = logarithm().multistart(&Starts::uniform(&[-3.0], &[3.0], 20, 1)).unwrap();
    assert_eq!(minima.len(), 1);
    assert!((minima[0].x[0] - 1.0).abs() < 1e-9, "{}", minima[0]);
    let error = logarithm().multistart(&Starts::uniform(&[-3.0], &[-1.0], 20, 1)).unwrap_err();
    assert!(matches!(error, Error::NotFinite { component: 0, .. }));
    let none = logarithm().multistart(&Starts::uniform(&[-3.0], &[3.0], 0, 1)).unwrap();
    assert!(none.is_empty());
    let length = logarithm().multistart(&Starts::uniform(&[1.0; 2], &[2.0; 2], 3, 1)).unwrap_err();
    assert_eq!(length, Error::Length { argument: "x0", found: 2, expected: 1 });
}
