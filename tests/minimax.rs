//! The face of the solver: certificates, constraints, limits, bad input.

use std::ops::ControlFlow;
use std::sync::{Arc, Mutex};

use nalgebra::{DMatrix, DVector};
use smoothmax::minimax::{Method, Options, Oracle, Status};
use smoothmax::{Error, Minimax, Var};

const CB2: f64 = 1.9522244938706588;

fn cb2<'t>(x: &[Var<'t, f64>]) -> Vec<Var<'t, f64>> {
    vec![x[0].powi(2) + x[1].powi(4), (2.0 - x[0]).powi(2) + (2.0 - x[1]).powi(2), 2.0 * (x[1] - x[0]).exp()]
}

fn limit(max_iterations: usize) -> Options {
    Options { max_iterations: Some(max_iterations), ..Options::default() }
}

#[test]
fn every_method_solves_cb2() {
    for (method, accuracy) in [
        (Method::Auto, 1e-14),
        (Method::ProxSqp, 1e-14),
        (Method::ProxNewton, 1e-14),
        (Method::ExponentialMultipliers, 1e-10),
    ] {
        let solution = Minimax::record(&[2.0, 2.0], cb2).method(method).solve(&[2.0, 2.0]).unwrap();
        assert_eq!(solution.status, Status::Converged);
        assert!((solution.value - CB2).abs() <= accuracy, "{method:?}: {}", solution.value);
        assert!(solution.bracket().is_none());
        assert!((solution.multipliers.sum() - 1.0).abs() < 1e-14);
        assert_eq!(solution.active(), [0, 1]);
    }
}

#[test]
fn a_bracket_needs_convexity_and_a_ball_a_modulus_or_bounds() {
    let problem = || Minimax::record(&[2.0, 2.0], cb2);
    let bracket = |minimax: Minimax<'_>| minimax.solve(&[2.0, 2.0]).unwrap().bracket();
    assert!(bracket(problem()).is_none());
    assert!(bracket(problem().convex()).is_none());
    assert!(bracket(problem().radius(3.0)).is_none());
    assert!(bracket(problem().bounds(&[0.0, 0.0], &[3.0, 3.0])).is_none());
    for declared in [problem().convex().radius(3.0), problem().convex().bounds(&[0.0, 0.0], &[3.0, 3.0])] {
        let (lower, upper) = bracket(declared).unwrap();
        assert!(lower <= CB2 && CB2 <= upper && upper - lower < 1e-7, "[{lower}, {upper}]");
    }
    // max((x - 1)^2, (x + 1)^2) is 2-strongly convex with its optimum 1 at 0.
    let parabolas = Minimax::record(&[3.0], |x| vec![(x[0] - 1.0).powi(2), (x[0] + 1.0).powi(2)]);
    let (lower, upper) = parabolas.strongly_convex(2.0).solve(&[3.0]).unwrap().bracket().unwrap();
    assert!(lower <= 1.0 && 1.0 <= upper && upper - lower < 1e-12);
}

#[test]
fn verify_recomputes_the_bracket_and_says_what_it_rests_on() {
    let problem = Minimax::record(&[2.0, 2.0], cb2).convex().radius(3.0);
    for options in [limit(1), limit(3), limit(100)] {
        let minimax = Minimax::record(&[2.0, 2.0], cb2).convex().radius(3.0).options(options);
        let solution = minimax.solve(&[2.0, 2.0]).unwrap();
        let report = solution.verify(&problem).unwrap();
        assert_eq!(report.bracket, solution.bracket());
        assert_eq!(report.assumptions, ["convex components", "a minimiser within 3 of the start"]);
        // The bound from its definition: w.F(x) + g.(x0 - x) - r |g|.
        let (f, j) = smoothmax::jacobian(solution.x.as_slice(), cb2);
        let g = j.tr_mul(&solution.multipliers);
        let bound = solution.multipliers.dot(&f) + g.dot(&(&solution.start - &solution.x)) - 3.0 * g.norm();
        let (lower, _) = solution.bracket().unwrap();
        assert!((lower - bound).abs() <= 1e-12 * bound.abs().max(1.0) && lower <= CB2, "{lower} {bound}");
    }
}

#[test]
fn limits_return_the_best_point_with_an_honest_status() {
    let minimax = || Minimax::record(&[2.0, 2.0], cb2);
    let stopped = minimax().options(limit(2)).solve(&[2.0, 2.0]).unwrap();
    assert_eq!((stopped.status, stopped.iterations()), (Status::IterationLimit, 2));
    assert!(stopped.value < 20.0);
    let no_time = Options { max_time: Some(std::time::Duration::ZERO), ..Options::default() };
    assert_eq!(minimax().options(no_time).solve(&[2.0, 2.0]).unwrap().status, Status::TimeLimit);
    let observed = minimax()
        .observe(|state| if state.value < 3.0 { ControlFlow::Break(()) } else { ControlFlow::Continue(()) });
    let observed = observed.solve(&[2.0, 2.0]).unwrap();
    assert_eq!(observed.status, Status::Stopped);
    assert!(observed.value < 3.0 && observed.value > CB2 + 1e-6);
    assert_eq!(observed.history.last().unwrap().value, observed.value);
}

#[test]
fn unbounded_and_constant_objectives() {
    for method in [Method::ProxSqp, Method::ExponentialMultipliers] {
        let line = Minimax::record(&[1.0], |x| vec![-x[0], -2.0 * x[0]]).method(method);
        assert_eq!(line.solve(&[1.0]).unwrap().status, Status::Unbounded, "{method:?}");
        let constant = Minimax::record(&[1.0], |_| vec![Var::from(2.0), Var::from(3.0)]).method(method);
        let solution = constant.solve(&[1.0]).unwrap();
        assert_eq!((solution.value, solution.status), (3.0, Status::Converged), "{method:?}");
    }
}

#[test]
fn bad_input_is_named() {
    let minimax = || Minimax::record(&[2.0, 2.0], cb2);
    let start = [2.0, 2.0];
    let error = |minimax: Minimax<'_>| minimax.solve(&start).unwrap_err();
    assert_eq!(minimax().solve(&[1.0]).unwrap_err(), Error::Length { argument: "x0", found: 1, expected: 2 });
    assert!(matches!(minimax().solve(&[f64::NAN, 0.0]), Err(Error::Invalid { argument: "x0", .. })));
    assert_eq!(error(Minimax::record(&start, |_| vec![])), Error::NoComponents);
    let not_a_number = Minimax::record(&start, |x| vec![x[0], (x[1] * 0.0 - 1.0).ln()]);
    assert!(matches!(error(not_a_number), Error::NotFinite { component: 1, value } if value.is_nan()));
    let infinite = Minimax::record(&start, |x| vec![x[0], 1.0 / (x[1] - 2.0)]);
    assert_eq!(error(infinite), Error::NotFinite { component: 1, value: f64::INFINITY });
    assert!(matches!(error(minimax().groups(&[0])), Error::Length { argument: "groups", .. }));
    assert!(matches!(error(minimax().radius(-1.0)), Error::Invalid { argument: "radius", .. }));
    assert!(matches!(
        error(minimax().bounds(&[1.0, 1.0], &[0.0, 2.0])),
        Error::Invalid { argument: "bounds", .. }
    ));
    assert!(matches!(error(minimax().bounds(&[1.0], &[0.0, 2.0])), Error::Length { .. }));
    assert!(matches!(error(minimax().linear_le(DMatrix::zeros(1, 3), &[0.0])), Error::Length { .. }));
    let contradiction =
        minimax().linear_le(DMatrix::from_row_slice(2, 2, &[1.0, 0.0, -1.0, 0.0]), &[0.0, -1.0]);
    assert_eq!(error(contradiction), Error::Infeasible);
    let first_order = minimax().bounds(&[0.0, 0.0], &[1.0, 1.0]).method(Method::ExponentialMultipliers);
    assert!(matches!(error(first_order), Error::Unsupported { .. }));
}

#[test]
fn a_component_undefined_away_from_the_start_makes_the_step_shorter() {
    // The minimum of max(x, -ln x - 1) is where x = -ln x - 1; the first full step leaves x > 0.
    for method in [Method::ProxSqp, Method::ExponentialMultipliers] {
        let minimax = Minimax::record(&[5.0], |x| vec![x[0], -x[0].ln() - 1.0]).method(method);
        let x = minimax.solve(&[5.0]).unwrap().x[0];
        assert!((x + x.ln() + 1.0).abs() < 1e-9, "{method:?} {x}");
    }
}

#[test]
fn bounds_and_linear_constraints_hold_and_have_multipliers() {
    // max(x, y) on x + y >= 1, x <= 0.2: the optimum is 0.8 at (0.2, 0.8).
    let minimax = Minimax::record(&[0.0, 0.0], |x| vec![x[0], x[1]])
        .linear_le(DMatrix::from_row_slice(1, 2, &[-1.0, -1.0]), &[-1.0])
        .bounds(&[0.0, 0.0], &[0.2, 1.0])
        .convex();
    let solution = minimax.solve(&[0.0, 0.0]).unwrap();
    assert!((&solution.x - DVector::from_vec(vec![0.2, 0.8])).amax() < 1e-14);
    assert!((solution.constraint_multipliers.inequalities[0] - 1.0).abs() < 1e-10);
    assert!((&solution.constraint_multipliers.bounds - DVector::from_vec(vec![1.0, 0.0])).amax() < 1e-10);
    let (lower, upper) = solution.bracket().unwrap();
    assert!(lower <= 0.8 && 0.8 <= upper && upper - lower < 1e-12, "[{lower}, {upper}]");
    // The nearest point of a plane in the maximum norm.
    let plane = Minimax::record(&[0.0; 3], |x| x.to_vec()).absolute();
    let plane =
        plane.linear_eq(DMatrix::from_row_slice(1, 3, &[1.0, 2.0, -3.0]), &[6.0]).solve(&[0.0; 3]).unwrap();
    assert!(
        (plane.value - 1.0).abs() < 1e-14
            && (plane.constraint_multipliers.equalities[0] + 1.0 / 6.0).abs() < 1e-12
    );
}

#[test]
fn maximin_mirrors_minimax() {
    let forward = Minimax::record(&[2.0, 2.0], cb2).convex().radius(3.0).solve(&[2.0, 2.0]).unwrap();
    let mirrored = Minimax::record(&[2.0, 2.0], |x| cb2(x).into_iter().map(|f| -f).collect()).maximin();
    let mirrored = mirrored.convex().radius(3.0).solve(&[2.0, 2.0]).unwrap();
    assert_eq!(mirrored.value, -forward.value);
    assert_eq!(mirrored.multipliers, forward.multipliers);
    assert_eq!(mirrored.bracket(), forward.bracket().map(|(lower, upper)| (-upper, -lower)));
    assert_eq!(mirrored.lower_estimate, -forward.lower_estimate);
    let both = Minimax::record(&[2.0, 2.0], cb2).absolute().maximin().solve(&[2.0, 2.0]);
    assert!(matches!(both, Err(Error::Invalid { argument: "maximin", .. })));
}

#[test]
fn a_warm_start_saves_iterations() {
    let cold = Minimax::record(&[2.0, 2.0], cb2).solve(&[2.0, 2.0]).unwrap();
    let again = Minimax::record(&[2.0, 2.0], cb2).warm_start(&cold).solve(cold.x.as_slice()).unwrap();
    assert!(again.iterations() < cold.iterations() / 2, "{} {}", again.iterations(), cold.iterations());
    assert!((again.value - CB2).abs() < 1e-14);
}

#[test]
fn the_summary_is_short_and_says_what_is_known() {
    let bracketed =
        Minimax::record(&[2.0, 2.0], cb2).convex().radius(3.0).solve(&[2.0, 2.0]).unwrap().to_string();
    let plain = Minimax::record(&[2.0, 2.0], cb2).solve(&[2.0, 2.0]).unwrap().to_string();
    assert!(bracketed.contains("Converged") && bracketed.contains("bracket       [1.95222449387"));
    assert!(plain.contains("stationarity") && !plain.contains("bracket       ["));
    assert!(bracketed.lines().count() <= 10 && plain.lines().count() <= 10);
}

#[test]
fn an_infinite_slope_at_the_start_is_a_named_error() {
    // The square root has a value at 0 but no slope; it is component 2 of 5.
    fn roots<'t>(x: &[Var<'t>]) -> Vec<Var<'t>> {
        vec![x[0] + 1.0, x[1] - x[0], x[1].sqrt() - 3.0, x[0].powi(2), 1.0 - x[1]]
    }
    let expected = Error::NotFinite { component: 2, value: f64::INFINITY };
    let minimax = || Minimax::record(&[1.0; 2], roots).method(Method::ExponentialMultipliers);
    assert_eq!(minimax().solve(&[1.0, 0.0]).unwrap_err(), expected);
    assert_eq!(minimax().maximin().solve(&[1.0, 0.0]).unwrap_err(), expected);
    // There the first sweep, evenly weighted, sees no slope: residuals and their negatives cancel.
    assert_eq!(minimax().absolute().solve(&[1.0, 0.0]).unwrap_err(), expected);
    assert!(minimax().solve(&[1.0, 1e-3]).is_ok());
    // Many variables choose the same method by themselves.
    let many = Minimax::record(&[1.0; 201], |x| x.iter().map(|x| x.sqrt()).collect());
    let mut start = [1.0; 201];
    start[150] = 0.0;
    let error = many.solve(&start).unwrap_err();
    assert_eq!(error, Error::NotFinite { component: 150, value: f64::INFINITY });
}

/// Three residuals of two variables that write down where they are swept.
struct Watched(Arc<Mutex<Vec<[f64; 2]>>>);

impl Oracle for Watched {
    fn dimension(&self) -> usize {
        2
    }

    fn components(&self) -> usize {
        3
    }

    fn values(&self, x: &[f64], values: &mut [f64]) -> Result<(), Error> {
        values.copy_from_slice(&[x[0] - 0.3 * x[1], x[1].powi(2) - x[0], x[0].powi(2) - 1.0]);
        Ok(())
    }

    fn rows(&self, x: &[f64], indices: &[usize]) -> Result<DMatrix<f64>, Error> {
        let rows = [[1.0, -0.3], [-1.0, 2.0 * x[1]], [2.0 * x[0], 0.0]];
        Ok(DMatrix::from_fn(indices.len(), 2, |r, j| rows[indices[r]][j]))
    }

    fn pullback(&self, x: &[f64], weights: &[f64], gradient: &mut [f64]) -> Result<(), Error> {
        self.0.lock().unwrap().push([x[0], x[1]]);
        let rows = self.rows(x, &[0, 1, 2])?;
        gradient.copy_from_slice(rows.tr_mul(&DVector::from_column_slice(weights)).as_slice());
        Ok(())
    }
}

#[test]
fn a_round_sweeps_its_start_once() {
    for i in 1..=50 {
        let (log, start) = (Arc::default(), [f64::from(i).sqrt(), 0.1 * f64::from(i)]);
        let minimax = Minimax::oracle(Watched(Arc::clone(&log))).method(Method::ExponentialMultipliers);
        minimax.solve(&start).unwrap();
        let log = log.lock().unwrap();
        let near = |x: &&[f64; 2]| x.iter().zip(start).all(|(x, start)| (x - start).abs() < 1e-12);
        // For the scale of the problem, and for the first round.
        assert_eq!(log.iter().filter(near).collect::<Vec<_>>(), [&start, &start]);
    }
}
