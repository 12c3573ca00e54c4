//! The solvers on the classical problems of `tests/problems`.

mod problems;

use problems::{TestProblem, numbers};
use smoothmax::minimax::{Method, Options, Solution, Status};

/// Those a local solver must solve: one minimum, smooth components there.
fn regular() -> Vec<TestProblem> {
    problems::all().into_iter().filter(|p| !p.several_minima && p.smooth).collect()
}

fn solve(problem: &TestProblem, method: Method) -> Solution {
    problem.minimax().method(method).solve(&problem.x0).expect("a start where everything is finite")
}

#[test]
fn formulas_agree_with_the_check_points() {
    for problem in problems::all() {
        for point in problem.check {
            let found = problem.evaluate(&numbers(&point["x"]));
            let largest = found.iter().fold(0.0, |m: f64, v| m.max(v.abs()));
            let compare = |found: &[f64], expected: &[f64]| {
                for (i, (v, w)) in found.iter().zip(expected).enumerate() {
                    let near = (v - w).abs() <= 1e-12 * largest.max(1.0);
                    assert!(near, "{} component {i}: {v} but {w} expected", problem.name);
                }
            };
            assert_eq!(found.len(), problem.components, "{}", problem.name);
            if point["components"].is_array() {
                compare(&found, &numbers(&point["components"]));
            } else {
                compare(&found[..5], &numbers(&point["components_first5"]));
                let number = |key: &str| point[key].as_f64().expect("a number");
                compare(&found[found.len() - 1..], &[number("component_last")]);
                compare(&[largest], &[number("components_max_abs")]);
            }
        }
    }
}

#[test]
fn auto_solves_at_least_95_percent_to_1e_8_and_all_to_1e_6() {
    let problems = regular();
    let mut accurate = 0;
    for problem in &problems {
        let solution = solve(problem, Method::Auto);
        let error = problem.error(solution.value);
        assert!(error <= 1e-6, "{}: error {error:.1e}\n{solution}", problem.name);
        if problem.optimum != 0.0 && problem.optimum.abs() < 0.1 {
            assert!(error <= 1e-6 * problem.optimum.abs(), "{}: error {error:.1e}", problem.name);
        }
        accurate += usize::from(error <= 1e-8);
    }
    assert!(100 * accurate >= 95 * problems.len(), "{accurate} of {}", problems.len());
}

#[test]
fn where_there_are_several_minima_the_end_is_stationary() {
    for problem in problems::all().iter().filter(|p| p.several_minima) {
        let solution = solve(problem, Method::Auto);
        assert_eq!(solution.status, Status::Converged, "{}", problem.name);
        assert!(solution.stationarity <= 1e-8, "{}\n{solution}", problem.name);
        assert!(solution.bracket().is_none(), "{}", problem.name);
    }
}

/// Two problems of the set have kinks inside their components: there the solvers must not claim
/// what the multipliers do not show.
#[test]
fn convergence_is_claimed_only_at_stationary_points() {
    let mut stalled = 0;
    for problem in problems::all() {
        let solution = solve(&problem, Method::Auto);
        let stationary = solution.stationarity <= 1e-6 * solution.value.abs().max(1.0);
        assert!(stationary || solution.status != Status::Converged, "{}\n{solution}", problem.name);
        stalled += usize::from(!stationary);
    }
    assert!(stalled > 0, "no problem of the set is hard enough to show the difference");
}

#[test]
fn prox_sqp_takes_a_median_of_at_most_12_jacobians() {
    let mut jacobians: Vec<usize> =
        problems::all().iter().map(|p| solve(p, Method::ProxSqp).iterations() + 1).collect();
    jacobians.sort_unstable();
    assert!(jacobians[jacobians.len() / 2] <= 12, "{jacobians:?}");
}

#[test]
fn exact_hessians_solve_at_least_90_percent_to_1e_8() {
    let problems = regular();
    let accurate = problems.iter().filter(|p| p.error(solve(p, Method::ProxNewton).value) <= 1e-8).count();
    assert!(10 * accurate >= 9 * problems.len(), "{accurate} of {}", problems.len());
}

#[test]
fn exponential_multipliers_solve_at_least_88_percent_to_1e_8() {
    let problems = regular();
    let error = |p: &TestProblem| p.error(solve(p, Method::ExponentialMultipliers).value);
    let missed: Vec<&str> = problems.iter().filter(|p| error(p) > 1e-8).map(|p| p.name).collect();
    assert!(100 * missed.len() <= 12 * problems.len(), "{missed:?}");
}

#[test]
fn brackets_of_convex_problems_hold_the_optimum_at_every_stop() {
    let problems: Vec<_> = problems::all().into_iter().filter(|p| p.convex).collect();
    let mut narrow = 0;
    for problem in &problems {
        let converged = solve(problem, Method::Auto);
        let radius = 2.0 * (&converged.x - &converged.start).norm() + 1.0;
        for max_iterations in [Some(1), Some(2), Some(5), None] {
            let options = Options { max_iterations, ..Options::default() };
            let minimax = problem.minimax().options(options).convex().radius(radius);
            let solution = minimax.solve(&problem.x0).expect("a start where everything is finite");
            let (lower, upper) = solution.bracket().expect("convex, with a radius");
            let holds = lower <= problem.optimum + 1e-11 && problem.optimum <= upper + 1e-11;
            assert!(holds, "{}: [{lower}, {upper}] after {max_iterations:?}", problem.name);
            assert_eq!(solution.verify(&minimax).expect("the same problem").bracket, solution.bracket());
            let width = (upper - lower) / problem.optimum.abs().max(1.0);
            narrow += usize::from(max_iterations.is_none() && width <= 1e-7);
        }
    }
    assert!(10 * narrow >= 9 * problems.len(), "{narrow} of {}", problems.len());
}

#[test]
fn false_declarations_of_convexity_are_found_out() {
    let names = ["Davidon2", "Wong1", "Madsen", "Polak5", "OET5"];
    let tried = problems::all().into_iter().filter(|p| names.contains(&p.name));
    let withdrawn = tried.filter(|p| {
        let solution = p.minimax().convex().radius(10.0).solve(&p.x0).expect("a finite start");
        assert_eq!(solution.contradicts_convexity, solution.bracket().is_none());
        solution.contradicts_convexity
    });
    assert!(withdrawn.count() >= 3);
}
