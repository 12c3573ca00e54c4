//! Problems that no method was tuned on, with optima known by construction: in the units they are
//! stated in, and with objective and variables scaled and shifted.
#![cfg(feature = "minimax")]

use nalgebra::{DMatrix, DVector};
use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::{Rng, SeedableRng};
use smoothmax::minimax::{Method, Options, Status};
use smoothmax::{Minimax, Var, dot};

const METHODS: [Method; 3] = [Method::ProxSqp, Method::ProxNewton, Method::ExponentialMultipliers];

type Components = Box<dyn for<'t> Fn(&[Var<'t>]) -> Vec<Var<'t>> + Send + Sync>;

struct Problem {
    name: &'static str,
    start: Vec<f64>,
    minimiser: Vec<f64>,
    optimum: f64,
    components: Components,
    absolute: bool,
    groups: Option<Vec<usize>>,
    convex: bool,
}

/// The objective times `f`; variables `x` times the given ones, plus `shift`.
#[derive(Clone, Copy, Debug)]
struct Units {
    f: f64,
    x: f64,
    shift: f64,
}

const PLAIN: Units = Units { f: 1.0, x: 1.0, shift: 0.0 };

impl Problem {
    fn new(
        name: &'static str,
        start: Vec<f64>,
        minimiser: Vec<f64>,
        optimum: f64,
        components: Components,
    ) -> Self {
        let (absolute, groups, convex) = (false, None, true);
        Problem { name, start, minimiser, optimum, components, absolute, groups, convex }
    }

    fn start(&self, units: Units) -> Vec<f64> {
        self.start.iter().map(|x| x * units.x + units.shift).collect()
    }

    fn minimax(&self, units: Units) -> Minimax<'_> {
        let minimax = Minimax::record(&self.start(units), move |x| {
            let plain: Vec<_> = x.iter().map(|&x| (x - units.shift) / units.x).collect();
            (self.components)(&plain).into_iter().map(|f| f * units.f).collect()
        });
        let minimax = if self.absolute { minimax.absolute() } else { minimax };
        self.groups.iter().fold(minimax, |minimax, groups| minimax.groups(groups))
    }
}

/// Uniform in [-1, 1).
fn generator(seed: u64) -> impl FnMut() -> f64 {
    let mut random = ChaCha8Rng::seed_from_u64(seed);
    move || (random.next_u64() >> 11) as f64 / (1u64 << 52) as f64 - 1.0
}

fn vectors(count: usize, n: usize, draw: &mut impl FnMut() -> f64) -> Vec<DVector<f64>> {
    (0..count).map(|_| DVector::from_fn(n, |_, _| draw())).collect()
}

/// Quadratics with dense Hessians; the first `active` meet in zero, where positive multiples of
/// their slopes cancel. `tilt` makes all of these but one concave in some directions, and leaves
/// the multipliers' mean as convex as it was; `ratio` is that of the variables' sizes.
fn quadratics(n: usize, m: usize, active: usize, tilt: f64, ratio: f64, seed: u64) -> Problem {
    let mut draw = generator(seed);
    let sizes: Vec<f64> = (0..n).map(|i| ratio.powf(i as f64 / (n - 1) as f64 - 0.5)).collect();
    let minimiser: Vec<f64> = sizes.iter().map(|size| draw() * size).collect();
    let weights: Vec<f64> = (0..active).map(|_| 0.6 + 0.5 * draw()).collect();
    let mut slopes = vectors(m, n, &mut draw);
    let others = (0..active - 1).fold(DVector::zeros(n), |sum, j| sum + &slopes[j] * weights[j]);
    slopes[active - 1] = -others / weights[active - 1];
    let balance = weights[1..].iter().sum::<f64>() / weights[0];
    let hessians: Vec<DMatrix<f64>> = (0..m)
        .map(|j| {
            let a = DMatrix::from_fn(n, n, |_, _| draw());
            let lift = if j == 0 { tilt * balance } else { -tilt };
            let lift = if j < active { lift } else { 0.0 };
            &a * a.transpose() / n as f64 + DMatrix::identity(n, n) * (0.1 + lift)
        })
        .collect();
    let offsets: Vec<f64> = (0..m).map(|j| if j < active { 0.0 } else { -0.55 - 0.5 * draw() }).collect();
    let near = |(x, size): (&f64, &f64)| x + 0.05 * draw() * size;
    let start = if tilt == 0.0 { vec![0.0; n] } else { minimiser.iter().zip(&sizes).map(near).collect() };
    let centre = minimiser.clone();
    let components: Components = Box::new(move |x| {
        let d: Vec<_> = (0..n).map(|i| (x[i] - centre[i]) / sizes[i]).collect();
        let component = |j: usize| {
            let bent = (0..n).map(|i| d[i] * dot(hessians[j].column(i).as_slice(), &d) * 0.5);
            bent.fold(dot(slopes[j].as_slice(), &d) + offsets[j], |sum, term| sum + term)
        };
        (0..m).map(component).collect()
    });
    let problem = Problem::new("quadratics", start, minimiser, 0.0, components);
    Problem { convex: tilt == 0.0, ..problem }
}

/// max |a_i . x - b_i|: n + 1 residuals of 0.7 whose signed rows cancel with positive weights.
fn uniform_regression() -> Problem {
    let (n, m) = (8, 300);
    let mut draw = generator(8);
    let minimiser = vectors(1, n, &mut draw).remove(0);
    let mut rows = vectors(m, n, &mut draw);
    let signed: Vec<f64> = (0..=n).map(|_| (0.6 + 0.5 * draw()).copysign(draw())).collect();
    let others = (0..n).fold(DVector::zeros(n), |sum, j| sum + &rows[j] * signed[j]);
    rows[n] = -others / signed[n];
    let residual = |j: usize| if j <= n { 0.7f64.copysign(signed[j]) } else { 0.69 * draw() };
    let residuals: Vec<f64> = (0..m).map(residual).collect();
    let problem = linear("uniform regression", rows, &residuals, minimiser, 0.7);
    Problem { absolute: true, ..problem }
}

/// sum |a_i . x - b_i|: n residuals of zero, whose rows balance the signed others.
fn absolute_regression() -> Problem {
    let (n, m) = (5, 40);
    let mut draw = generator(9);
    let minimiser = vectors(1, n, &mut draw).remove(0);
    let mut rows = vectors(m, n, &mut draw);
    let residual = |j: usize| if j < n { 0.0 } else { 0.1f64.copysign(draw()) + draw() };
    let residuals: Vec<f64> = (0..m).map(residual).collect();
    let slopes: Vec<f64> =
        residuals.iter().map(|&r| if r == 0.0 { 0.9 * draw() } else { r.signum() }).collect();
    let others = (0..m - 1).fold(DVector::zeros(n), |sum, j| sum + &rows[j] * slopes[j]);
    rows[m - 1] = -others * slopes[m - 1];
    let optimum = residuals.iter().map(|r| r.abs()).sum();
    let problem = linear("least absolute deviations", rows, &residuals, minimiser, optimum);
    Problem { absolute: true, groups: Some((0..m).collect()), ..problem }
}

/// Components `a_i . x - b_i` with the given values at the minimiser, started at zero.
fn linear(
    name: &'static str,
    rows: Vec<DVector<f64>>,
    values: &[f64],
    minimiser: DVector<f64>,
    optimum: f64,
) -> Problem {
    let constants: Vec<f64> = rows.iter().zip(values).map(|(row, v)| row.dot(&minimiser) - v).collect();
    let components: Components = Box::new(move |x| {
        rows.iter().zip(&constants).map(|(row, &constant)| dot(row.as_slice(), x) - constant).collect()
    });
    Problem::new(name, vec![0.0; minimiser.len()], minimiser.as_slice().to_vec(), optimum, components)
}

/// `exp(a_i . (x - x*))` with rows that add up to zero: 1, by the mean of the exponents.
fn exponentials() -> Problem {
    let (n, m) = (6, 12);
    let mut draw = generator(10);
    let minimiser = vectors(1, n, &mut draw).remove(0);
    let mut rows = vectors(m, n, &mut draw);
    rows[m - 1] = -rows[..m - 1].iter().fold(DVector::zeros(n), |sum, row| sum + row);
    let exponents = linear("exponentials", rows, &vec![0.0; m], minimiser, 1.0);
    let linear = exponents.components;
    Problem { components: Box::new(move |x| linear(x).into_iter().map(|v| v.exp()).collect()), ..exponents }
}

/// The squared distances from points of which two are opposite on the sphere around the others.
fn enclosing_ball() -> Problem {
    let (n, radius) = (8, 2.0);
    let mut draw = generator(7);
    let centre = vectors(1, n, &mut draw).remove(0) * 3.0;
    let inner = vectors(300, n, &mut draw).into_iter().map(|v| v.normalize() * (0.99 * radius * draw()));
    let mut points: Vec<DVector<f64>> = inner.map(|v| v + &centre).collect();
    let axis = vectors(1, n, &mut draw).remove(0).normalize() * radius;
    points.extend([&centre + &axis, &centre - &axis]);
    let components: Components = Box::new(move |x| {
        points.iter().map(|p| x.iter().zip(p).map(|(&x, &p)| (x - p).powi(2)).sum()).collect()
    });
    let minimiser = centre.as_slice().to_vec();
    Problem::new("enclosing ball", vec![0.0; n], minimiser, radius * radius, components)
}

/// The monic polynomial of degree 8 on the 65 extrema of T_64: 2^-7 T_8, whose extrema are there.
fn monic_polynomial() -> Problem {
    let t: Vec<f64> = (0..=64).map(|i| (std::f64::consts::PI * i as f64 / 64.0).cos()).collect();
    let rows = t.iter().map(|&t| DVector::from_fn(8, |j, _| t.powi(j as i32))).collect();
    let lower = [1.0 / 128.0, 0.0, -0.25, 0.0, 1.25, 0.0, -2.0, 0.0];
    let values: Vec<f64> = t.iter().map(|t| (8.0 * t.acos()).cos() / 128.0).collect();
    let problem = linear("monic polynomial", rows, &values, DVector::from_row_slice(&lower), 1.0 / 128.0);
    Problem { absolute: true, ..problem }
}

/// `|x_0 - 1|/4 + sum |x_i+1 - 2 x_i^2 + 1|` (Y. Nesterov; M. Gurbuzbalaban, M. Overton, 2012).
fn nesterov_rosenbrock(n: usize) -> Problem {
    let components: Components = Box::new(move |x| {
        let steps = x.windows(2).map(|x| x[1] - 2.0 * x[0].powi(2) + 1.0);
        std::iter::once(0.25 * (x[0] - 1.0)).chain(steps).collect()
    });
    let mut start = vec![0.7; n];
    start[0] = -1.0;
    let problem = Problem::new("Nesterov and Rosenbrock", start, vec![1.0; n], 0.0, components);
    Problem { absolute: true, groups: Some((0..n).collect()), convex: false, ..problem }
}

/// Half the square of x plus slopes that surround zero: 80 components active in 5 variables.
fn all_active() -> Problem {
    let slopes = vectors(40, 5, &mut generator(11));
    let slopes: Vec<_> = slopes.iter().flat_map(|slope| [slope.clone(), -0.5 * slope]).collect();
    let components: Components = Box::new(move |x| {
        let square = smoothmax::dot_product(x, x) * 0.5;
        slopes.iter().map(|slope| dot(slope.as_slice(), x) + square).collect()
    });
    Problem::new("all active", vec![1.0; 5], vec![0.0; 5], 0.0, components)
}

fn problems() -> Vec<Problem> {
    let bowl: Components = Box::new(|x| {
        let condition = |i: usize| 1e6f64.powf(i as f64 / 19.0);
        vec![x.iter().enumerate().map(|(i, &x)| condition(i) * x * x).sum()]
    });
    let rosenbrock = Problem::new(
        "Rosenbrock",
        vec![-1.2, 1.0],
        vec![1.0, 1.0],
        0.0,
        Box::new(|x| vec![10.0 * (x[1] - x[0].powi(2)), 1.0 - x[0]]),
    );
    let quartics: Components = Box::new(|x| [x[0], x[1], x[0] + x[1]].map(|v| v.powi(4)).to_vec());
    let cones: Components = Box::new(|x| {
        let [a, b, c] = [x[0], x[1], x[2]].map(|x| x * x);
        vec![(1.0 + a).sqrt() + 0.5 * x[1], (1.0 + b + c).sqrt() - 0.5 * x[1], (1.0 + c).sqrt()]
    });
    vec![
        quadratics(2, 5, 3, 0.0, 1.0, 1),
        quadratics(10, 30, 11, 0.0, 1.0, 3),
        quadratics(30, 100, 12, 0.0, 1.0, 4),
        quadratics(10, 40, 5, 0.0, 1e4, 5),
        quadratics(6, 20, 4, 0.8, 1.0, 7),
        quadratics(12, 20, 6, 2.0, 1.0, 8),
        uniform_regression(),
        absolute_regression(),
        exponentials(),
        enclosing_ball(),
        monic_polynomial(),
        nesterov_rosenbrock(2),
        nesterov_rosenbrock(4),
        all_active(),
        Problem::new("one bowl", vec![1.0; 20], vec![0.0; 20], 0.0, bowl),
        Problem { absolute: true, convex: false, ..rosenbrock },
        Problem::new("quartics", vec![1.0, 2.0], vec![0.0; 2], 0.0, quartics),
        Problem::new("cones", vec![3.0, -2.0, 1.0], vec![0.0; 3], 1.0, cones),
    ]
}

#[test]
fn optima_are_where_they_were_put() {
    for problem in problems() {
        let placed = problem.minimax(PLAIN).options(Options { max_iterations: 0, ..Options::default() });
        let value = placed.solve(&problem.minimiser).unwrap().value;
        assert!((value - problem.optimum).abs() < 1e-13, "{}: {value}", problem.name);
    }
}

#[test]
fn every_method_solves_every_problem() {
    for problem in problems() {
        for method in METHODS {
            let solution = problem.minimax(PLAIN).method(method).solve(&problem.start).unwrap();
            let error = (solution.value - problem.optimum).abs();
            assert!(error <= 1e-10, "{} {method:?}: error {error:.1e}\n{solution}", problem.name);
            assert_eq!(solution.status, Status::Converged, "{} {method:?}\n{solution}", problem.name);
        }
    }
}

#[test]
#[cfg_attr(debug_assertions, ignore = "slow without optimisation")]
fn units_do_not_matter() {
    let units = [
        Units { f: 1e6, ..PLAIN },
        Units { f: 1e-6, ..PLAIN },
        Units { shift: 1e3, ..PLAIN },
        Units { x: 1e5, ..PLAIN },
        Units { x: 1e-5, ..PLAIN },
    ];
    for (problem, units) in problems().iter().flat_map(|p| units.map(|units| (p, units))) {
        for method in METHODS {
            let solution = problem.minimax(units).method(method).solve(&problem.start(units)).unwrap();
            let error = (solution.value - units.f * problem.optimum).abs();
            // The tolerance is relative to at most one.
            let allowed = (1e-8 * units.f).max(1e-13);
            assert!(error <= allowed, "{} {units:?} {method:?}: {error:.1e}\n{solution}", problem.name);
        }
    }
}

/// The hardest of its kind: not every method gets to the minimum, and none that does not may say so.
#[test]
#[cfg_attr(debug_assertions, ignore = "slow without optimisation")]
fn convergence_is_not_claimed_in_any_units_where_there_is_none() {
    let problem = nesterov_rosenbrock(6);
    let units = [PLAIN, Units { f: 1e-6, ..PLAIN }, Units { x: 1e5, ..PLAIN }, Units { x: 1e-5, ..PLAIN }];
    for (units, method) in units.iter().flat_map(|&units| METHODS.map(|method| (units, method))) {
        let solution = problem.minimax(units).method(method).solve(&problem.start(units)).unwrap();
        let error = (solution.value - units.f * problem.optimum).abs();
        assert!(
            solution.status != Status::Converged || error <= 1e-6 * units.f,
            "{units:?} {method:?}: {error:.1e}\n{solution}"
        );
    }
}

#[test]
fn brackets_hold_wherever_the_solver_stops() {
    for problem in problems().iter().filter(|p| p.convex) {
        let distance = DVector::from_row_slice(&problem.minimiser) - DVector::from_row_slice(&problem.start);
        for method in METHODS {
            for max_iterations in [0, 1, 2, 5, 200] {
                let options = Options { max_iterations, ..Options::default() };
                let minimax = problem.minimax(PLAIN).convex().radius(2.0 * distance.norm() + 1.0);
                let minimax = minimax.method(method).options(options);
                let solution = minimax.solve(&problem.start).unwrap();
                let (lower, upper) = solution.bracket().expect("convex, with a radius");
                let holds = lower <= problem.optimum + 1e-13 && problem.optimum <= upper + 1e-13;
                assert!(holds, "{} {method:?} after {max_iterations}\n{solution}", problem.name);
                assert_eq!(solution.verify(&minimax).unwrap().bracket, solution.bracket());
            }
        }
    }
}

#[test]
fn a_false_declaration_of_convexity_is_noticed() {
    for problem in problems().iter().filter(|p| p.name == "quadratics" && !p.convex) {
        let noticed = METHODS.map(|method| {
            let minimax = problem.minimax(PLAIN).convex().radius(1.0).method(method);
            let solution = minimax.solve(&problem.start).unwrap();
            assert_eq!(solution.contradicts_convexity, solution.bracket().is_none());
            solution.contradicts_convexity
        });
        assert_eq!(noticed[..2], [true; 2], "{} variables", problem.start.len());
    }
}
