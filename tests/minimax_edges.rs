//! Where answers are easily wrong: offsets, bad scales, kinks at the start, false declarations,
//! problems without a minimum.
#![cfg(feature = "minimax")]

use smoothmax::minimax::{Method, Options, Solution, Status, anneal};
use smoothmax::{Error, Minimax, Program, Var};

const METHODS: [Method; 3] = [Method::ProxSqp, Method::ProxNewton, Method::ExponentialMultipliers];

/// The line nearest to three points far above the axis: 0.75, by symmetry of the residuals.
fn far_line<'a>() -> Minimax<'a> {
    let points = [(0.0, 1e6), (1.0, 1e6 + 2.0), (2.0, 1e6 + 1.0)];
    let line = Minimax::record(&[0.0; 2], move |p| points.map(|(t, y)| p[0] + p[1] * t - y).to_vec());
    line.absolute().convex().radius(2e6)
}

#[test]
fn rounding_of_large_numbers_is_no_reason_to_stall() {
    for method in [Method::ProxSqp, Method::ProxNewton] {
        let solution = far_line().method(method).solve(&[0.0; 2]).unwrap();
        assert_eq!((solution.status, solution.value), (Status::Converged, 0.75), "{solution}");
        let (lower, upper) = solution.bracket().unwrap();
        assert!(lower <= 0.75 && upper - lower < 1e-8, "{solution}");
        for (found, expected) in solution.multipliers.iter().zip([0.25, -0.5, 0.25]) {
            assert!((found - expected).abs() < 1e-12, "{solution}");
        }
    }
}

#[test]
fn convergence_does_not_contradict_the_bracket() {
    // The first variable is worth 1e-4 in all, and has next to no slope anywhere.
    let start = [1e8, 1.0];
    for method in METHODS {
        let minimax = Minimax::record(&start, |x| {
            let flat = 1e-20 * x[0] * x[0];
            [2.0, -2.0].map(|a| 1.0 + flat + (x[1] + a).powi(2)).to_vec()
        });
        let solution = minimax.convex().radius(2e8).method(method).solve(&start).unwrap();
        let (lower, upper) = solution.bracket().unwrap();
        assert!(lower <= 5.0 && 5.0 <= upper, "{solution}");
        assert!(solution.status != Status::Converged || upper - lower < 1e-5, "{solution}");
    }
}

#[test]
fn a_gradient_that_is_not_finite_at_the_start_is_a_named_error() {
    fn norm<'t>(x: &[Var<'t>]) -> Var<'t> {
        (x[0] * x[0] + x[1] * x[1]).sqrt()
    }
    for method in METHODS {
        let distances = Minimax::record(&[1.0; 2], |x| vec![x[0] - 1.0, norm(x)]).method(method);
        let error = distances.convex().radius(3.0).solve(&[0.0; 2]).unwrap_err();
        assert!(matches!(error, Error::NotFinite { component: 1, .. }), "{method:?} {error}");
        let root = Minimax::record(&[1.0], |x| vec![x[0] - 3.0, -x[0].sqrt()]).method(method);
        let error = root.maximin().solve(&[0.0]).unwrap_err();
        let expected = Error::NotFinite { component: 1, value: f64::NEG_INFINITY };
        assert_eq!(error, expected, "{method:?}");
    }
}

#[test]
fn there_is_no_bracket_where_a_gradient_is_not_finite() {
    // Found by another problem with the same value there.
    let found = Minimax::record(&[1.0], |x| vec![x[0] * x[0]]).solve(&[0.0]).unwrap();
    let root = Minimax::record(&[1.0], |x| vec![(x[0] * x[0]).sqrt()]).convex().radius(3.0);
    let report = found.verify(&root).unwrap();
    assert!(report.gradient_norm.is_nan() && report.bracket.is_none() && report.assumptions.is_empty());
}

#[test]
fn rounding_does_not_contradict_convexity() {
    // A game whose value is 0: the multipliers' mean cancels, the slopes of 1e5 do not.
    let start = [3e-6, 0.3];
    for method in METHODS {
        let game = Minimax::record(&start, |u| {
            let x = [u[0] * 1e5, u[1]];
            let z = 1.0 - x[0] - x[1];
            vec![x[1] - z, z - x[0], x[0] - x[1]]
        });
        let solution = game.maximin().convex().radius(10.0).method(method).solve(&start).unwrap();
        assert!(!solution.contradicts_convexity, "{solution}");
        let (lower, upper) = solution.bracket().unwrap();
        assert!(lower <= 0.0 && 0.0 <= upper, "{solution}");
    }
}

/// Whether the bracket was withdrawn, which the summary must say then; it is never inverted.
fn refuted(solution: &Solution) -> bool {
    assert_eq!(solution.contradicts_declarations, solution.bracket().is_none(), "{solution}");
    assert_eq!(solution.contradicts_declarations, solution.to_string().contains("a declaration is false"));
    assert!(solution.bracket().is_none_or(|(lower, upper)| lower <= upper), "{solution}");
    solution.contradicts_declarations
}

#[test]
fn bounds_that_cross_refute_the_declarations() {
    for method in METHODS {
        let line = Minimax::record(&[0.0], |x| vec![x[0], x[0] - 1.0]).convex().radius(5.0);
        assert!(refuted(&line.method(method).solve(&[0.0]).unwrap()));
        let mut withdrawn = 0;
        for max_iterations in 0..10 {
            let options = Options { max_iterations, ..Options::default() };
            let bowls = Minimax::record(&[1.0; 2], |x| vec![x[0] * x[0] + x[1], x[1] * x[1] - x[0]]);
            let bowls = bowls.convex().radius(0.0).options(options).method(method);
            let solution = bowls.solve(&[1.0; 2]).unwrap();
            withdrawn += usize::from(refuted(&solution));
            assert_eq!(solution.verify(&bowls).unwrap().bracket, solution.bracket());
        }
        // The exponential multipliers are at the minimum, where all agrees, after one iteration.
        assert!(withdrawn > 0 || method == Method::ExponentialMultipliers);
    }
}

#[test]
fn a_hessian_that_is_not_finite_leaves_the_quasi_newton_model() {
    fn cone<'t>(x: &[Var<'t>]) -> Var<'t> {
        x[0].hypot(x[1]) + 3.0 * x[0]
    }
    let minimax = Minimax::record(&[0.0; 2], |x| vec![cone(x), cone(x) - 1.0, x[0] * x[0] - 5.0]);
    let solution = minimax.method(Method::ProxNewton).solve(&[0.0; 2]).unwrap();
    // Where 2 x = x^2 - 5 on the negative axis.
    assert!((solution.value - 2.0 * (1.0 - 6f64.sqrt())).abs() < 1e-12, "{solution}");
    assert_eq!(solution.status, Status::Converged);
}

#[test]
fn linear_problems_without_a_minimum_are_unbounded() {
    for method in METHODS {
        let status = |minimax: Minimax<'_>| {
            let solution = minimax.method(method).solve(&[0.0; 2]).unwrap();
            assert!(solution.iterations() < 100, "{solution}");
            solution.status
        };
        assert_eq!(status(Minimax::record(&[0.0; 2], |x| vec![x[0]])), Status::Unbounded);
        let parallel = Minimax::record(&[0.0; 2], |x| vec![x[0], x[0] - 1.0]);
        assert_eq!(status(parallel), Status::Unbounded);
        let wedge = Minimax::record(&[0.0; 2], |x| vec![x[0] + x[1], 1e-3 * (x[0] - x[1]) - 1e-6 * x[1]]);
        assert_eq!(status(wedge), Status::Unbounded);
        // The slope is the same for a long way, and then is not.
        let far = Minimax::record(&[0.0; 2], |x| vec![x[0], -x[0] - 1e5]);
        assert_eq!(status(far), Status::Converged);
    }
    let held = Minimax::record(&[0.0; 2], |x| vec![x[0] + x[1]]).bounds(&[-1e9; 2], &[f64::INFINITY; 2]);
    let solution = held.solve(&[0.0; 2]).unwrap();
    assert_eq!((solution.status, solution.value), (Status::Converged, -2e9));
}

#[test]
fn declarations_that_mean_nothing_are_refused() {
    let bowl = || Minimax::record(&[1.0], |x| vec![x[0] * x[0]]);
    let infinity = f64::INFINITY;
    for bound in [infinity, -infinity] {
        let error = bowl().bounds(&[bound], &[bound]).solve(&[1.0]).unwrap_err();
        assert!(matches!(error, Error::Invalid { argument: "bounds", .. }), "{error}");
    }
    assert!(bowl().bounds(&[-infinity], &[infinity]).solve(&[1.0]).is_ok());
    let error = bowl().strongly_convex(infinity).solve(&[1.0]).unwrap_err();
    assert!(matches!(error, Error::Invalid { argument: "strongly_convex", .. }), "{error}");
}

#[test]
fn the_iteration_limit_is_enough_for_a_long_valley() {
    // Y. Nesterov's variant of Rosenbrock's function, which a solver follows along a long valley.
    let n = 6;
    let minimax = Minimax::record(&[0.5; 6], |x| {
        let steps = x.windows(2).map(|x| x[1] - 2.0 * x[0].powi(2) + 1.0);
        std::iter::once(0.25 * (x[0] - 1.0)).chain(steps).collect()
    });
    let minimax = minimax.absolute().groups(&(0..n).collect::<Vec<_>>()).method(Method::ProxSqp);
    let mut start = [0.7; 6];
    start[0] = -1.0;
    let solution = minimax.solve(&start).unwrap();
    assert!(solution.iterations() > 200 && solution.value < 1e-8, "{solution}");
}

#[test]
fn the_summary_names_what_helps_at_a_kink_and_has_no_empty_line() {
    let kink = Minimax::record(&[0.0; 2], |x| vec![x[0].abs() + 0.5 * x[1] + x[1].powi(2)]);
    let stalled = Options { max_iterations: 0, ..Options::default() };
    let mut solution = kink.options(stalled).solve(&[1e-3, 1.0]).unwrap();
    assert!(!solution.to_string().contains("hint"));
    solution.status = Status::Stalled;
    assert!(solution.to_string().contains("hint") && solution.to_string().contains("anneal"), "{solution}");
    let zero = Minimax::record(&[1.0], |x| vec![x[0]]).absolute().solve(&[0.0]).unwrap();
    assert!(zero.to_string().contains("multipliers   none above 1e-9"), "{zero}");
}

#[test]
fn a_program_without_kinks_is_annealed_exactly() {
    let bowl = Program::record(&[0.0; 2], |x| x[0] * x[0] + (x[1] - 2.0).powi(2) + 1.0);
    let result = anneal(&bowl).solve(&[3.0, 4.0]).unwrap();
    assert!((result.value - 1.0).abs() < 1e-12);
    assert!(result.extrapolated.asymptotic && result.extrapolated.error == 0.0, "{result}");
    assert!(!result.to_string().contains("not asymptotic"));
}
