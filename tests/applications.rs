//! Problems with known answers from `tests/data/applications.json`.

mod problems;

use std::f64::consts::PI;
use std::sync::LazyLock;

use argmin::core::{Executor, State};
use argmin::solver::linesearch::MoreThuenteLineSearch;
use argmin::solver::quasinewton::LBFGS;
use nalgebra::DMatrix;
use problems::TestProblem;
use serde_json::Value;
use smoothmax::minimax::Starts;
use smoothmax::{Minimax, Scalar, Var, dot, dot_product, log_add_exp, max, softmax};

static FILE: LazyLock<Value> = LazyLock::new(|| {
    serde_json::from_str(include_str!("data/applications.json")).expect("the data file is JSON")
});

/// The entry of the file with this id.
fn entry(id: &str) -> &'static Value {
    FILE.as_array().expect("a list").iter().find(|e| e["id"] == id).expect("an entry with this id")
}

/// A number, given as such or as text.
fn number(value: &Value) -> f64 {
    value.as_f64().or_else(|| value.as_str()?.parse().ok()).expect("a number")
}

fn numbers(value: &Value) -> Vec<f64> {
    value.as_array().expect("a list").iter().map(number).collect()
}

fn table(value: &Value) -> Vec<Vec<f64>> {
    value.as_array().expect("a list of rows").iter().map(numbers).collect()
}

#[track_caller]
fn assert_near(found: f64, expected: f64, relative: f64) {
    let scale = if expected == 0.0 { 1.0 } else { expected.abs() };
    assert!((found - expected).abs() <= relative * scale, "{found} but {expected} expected");
}

/// The residuals of the linear model of the stack-loss data.
fn stack_loss<S: Scalar>(coefficients: &[S]) -> Vec<S> {
    let inputs = &entry("lad_stackloss")["inputs"];
    let residual = |(row, &y): (Vec<f64>, &f64)| {
        let slopes = coefficients[1..].iter().zip(row);
        slopes.fold(coefficients[0] - S::constant(y), |sum, (&c, x)| sum + c * S::constant(x))
    };
    table(&inputs["X"]).into_iter().zip(&numbers(&inputs["y"])).map(residual).collect()
}

#[test]
fn chebyshev_regression_of_the_stack_loss_data() {
    let answer = &entry("cheb_stackloss")["answer"];
    let minimax = Minimax::record(&[0.0; 4], |c| stack_loss(c)).absolute().convex().radius(100.0);
    let solution = minimax.solve(&[0.0; 4]).unwrap();
    assert_near(solution.value, 19705.0 / 4154.0, 1e-12);
    let (lower, upper) = solution.bracket().unwrap();
    assert!(lower <= 19705.0 / 4154.0 && upper - lower < 1e-8, "[{lower}, {upper}]");
    for (found, expected) in solution.x.iter().zip(numbers(&answer["coef"])) {
        assert_near(*found, expected, 1e-8);
    }
}

#[test]
fn least_absolute_deviations_of_the_stack_loss_data() {
    let answer = &entry("lad_stackloss")["answer"];
    let groups: Vec<usize> = (0..21).collect();
    let minimax = Minimax::record(&[0.0; 4], |c| stack_loss(c)).absolute().groups(&groups);
    let solution = minimax.convex().radius(100.0).solve(&[0.0; 4]).unwrap();
    assert_near(solution.value, number(&answer["sum_abs"]), 1e-12);
    let (lower, upper) = solution.bracket().unwrap();
    assert!(lower <= number(&answer["sum_abs"]) && upper - lower < 1e-7, "[{lower}, {upper}]");
    for (found, expected) in solution.x.iter().zip(numbers(&answer["coef"])) {
        assert_near(*found, expected, 1e-8);
    }
}

/// `n` weights that are non-negative and sum to one, on top of `minimax`.
fn on_simplex(minimax: Minimax<'_>, n: usize) -> Minimax<'_> {
    minimax.bounds(&vec![0.0; n], &vec![1.0; n]).linear_eq(DMatrix::from_element(1, n, 1.0), &[1.0])
}

/// `max_p min_j (p'A)_j`: the value of a matrix game for the row player.
fn game(a: &[Vec<f64>]) -> f64 {
    let n = a.len();
    let start = vec![1.0 / n as f64; n];
    let columns: Vec<Vec<f64>> = (0..a[0].len()).map(|j| a.iter().map(|row| row[j]).collect()).collect();
    let minimax = Minimax::record(&start, |p| columns.iter().map(|column| dot(column, p)).collect());
    let solution = on_simplex(minimax.maximin().convex(), n).solve(&start).unwrap();
    let (lower, upper) = solution.bracket().expect("affine on a box");
    assert!(lower <= solution.value && upper - lower <= 1e-7 * upper.abs().max(1.0), "{solution}");
    solution.value
}

#[test]
fn matrix_games() {
    for id in ["game_3x3", "game_rps", "game_lcg10"] {
        let game = game(&table(&entry(id)["inputs"]["A"]));
        let answer = &entry(id)["answer"];
        let value = if answer["value_f"].is_null() { &answer["value"] } else { &answer["value_f"] };
        assert_near(game, number(value), 1e-8);
    }
}

#[test]
#[cfg_attr(debug_assertions, ignore = "slow without optimisation")]
fn a_game_of_100_strategies() {
    let mut state: u64 = 5;
    let mut draw = || {
        state = (1103515245 * state + 12345) % (1 << 31);
        ((state >> 8) % 201) as f64 - 100.0
    };
    let a: Vec<Vec<f64>> = (0..100).map(|_| (0..100).map(|_| draw()).collect()).collect();
    assert_near(game(&a), number(&entry("game_lcg100")["answer"]["value"]), 1e-8);
}

/// The radius of the smallest ball around the points.
fn enclosing_radius(points: &[Vec<f64>]) -> f64 {
    let minimax = Minimax::record(&points[0], |c| {
        let square =
            |p: &Vec<f64>| p.iter().zip(c).fold(Var::from(0.0), |sum, (&p, &c)| sum + (c - p).powi(2));
        points.iter().map(square).collect()
    });
    let solution = minimax.strongly_convex(2.0).solve(&points[0]).unwrap();
    let (lower, upper) = solution.bracket().expect("strongly convex");
    assert!(lower <= solution.value && upper - lower <= 1e-8 * upper, "{solution}");
    solution.value.sqrt()
}

#[test]
fn smallest_enclosing_balls() {
    let [circle, ball] = ["seb_60pts", "seb_iris4d"].map(entry);
    let radius = |e: &Value| number(&e["answer"]["radius"]);
    assert_near(enclosing_radius(&table(&circle["inputs"]["points"])), radius(circle), 1e-8);
    assert_near(enclosing_radius(&table(&ball["inputs"]["data"])), radius(ball), 1e-8);
}

#[test]
fn chebyshev_centre() {
    let Value::Object(inputs) = &entry("chebyshev_centre")["inputs"] else { panic!("inputs") };
    let (a, b) = (table(&inputs["A"]), numbers(&inputs["b"]));
    let minimax = Minimax::record(&[0.0, 0.0], |x| {
        let distance = |(a, b): (&Vec<f64>, &f64)| (*b - dot(a, x)) / a[0].hypot(a[1]);
        a.iter().zip(&b).map(distance).collect()
    });
    let solution = minimax.maximin().solve(&[0.0, 0.0]).unwrap();
    let answer = &entry("chebyshev_centre")["answer"];
    assert_near(solution.value, number(&answer["radius"]), 1e-8);
    for (x, centre) in solution.x.iter().zip(numbers(&answer["centre"])) {
        assert_near(*x, centre, 1e-8);
    }
}

#[test]
fn the_box_of_largest_volume() {
    // In logarithms: maximise w + h + d; the wall area is an exact penalty, the rest is linear.
    let minimax = Minimax::record(&[1.0, 1.5, 1.5], |x| {
        let [w, h, d] = [x[0], x[1], x[2]];
        let wall = (2.0f64 / 200.0).ln() + log_add_exp(h + w, h + d);
        vec![-w - h - d, Var::from(0.0), 10.0 * wall]
    });
    let ratios = [[1.0, 0.0, 1.0], [1.0, -1.0, 0.0], [-1.0, 1.0, 0.0], [1.0, 0.0, -1.0], [-1.0, 0.0, 1.0]];
    let limits = [50.0f64.ln(), -(2.0f64.ln()), 10.0f64.ln(), -(2.0f64.ln()), 10.0f64.ln()];
    let minimax = minimax.groups(&[0, 1, 1]).linear_le(DMatrix::from_fn(5, 3, |i, j| ratios[i][j]), &limits);
    let solution = minimax.solve(&[1.0, 1.5, 1.5]).unwrap();
    assert_near((-solution.value).exp(), number(&entry("gp_box")["answer"]["volume"]), 1e-8);
}

#[test]
fn fractional_makespan() {
    let p = table(&entry("makespan_12x4")["inputs"]["p"]);
    let (jobs, machines) = (p.len(), p[0].len());
    let n = jobs * machines;
    let start = vec![1.0 / machines as f64; n];
    let minimax = Minimax::record(&start, |x| {
        (0..machines)
            .map(|j| (0..jobs).fold(0.0 * x[0], |sum, i| sum + p[i][j] * x[machines * i + j]))
            .collect()
    });
    let assigned = DMatrix::from_fn(jobs, n, |i, v| if v / machines == i { 1.0 } else { 0.0 });
    let minimax = minimax.bounds(&vec![0.0; n], &vec![1.0; n]).linear_eq(assigned, &vec![1.0; jobs]);
    let solution = minimax.solve(&start).unwrap();
    assert_near(solution.value, 2645.0 / 163.0, 1e-8);
    let duals = numbers(&entry("makespan_12x4")["answer"]["duals"]);
    for (weight, dual) in solution.multipliers.iter().zip(duals) {
        assert_near(*weight, -dual, 1e-6);
    }
}

#[test]
fn maximin_portfolio() {
    let returns = table(&entry("minimax_portfolio")["inputs"]["returns"]);
    let answer = &entry("minimax_portfolio")["answer"];
    let n = returns[0].len();
    let start = vec![1.0 / n as f64; n];
    let minimax = Minimax::record(&start, |w| returns.iter().map(|period| dot(period, w)).collect());
    let solution = on_simplex(minimax.maximin(), n).solve(&start).unwrap();
    assert_near(solution.value, number(&answer["value"]), 1e-8);
    let binding: Vec<usize> = numbers(&answer["binding_periods"]).into_iter().map(|t| t as usize).collect();
    assert_eq!(solution.active(), binding);
}

#[test]
#[cfg_attr(debug_assertions, ignore = "slow without optimisation")]
fn half_perimeter_wirelength() {
    let inputs = &entry("hpwl_30")["inputs"];
    let movable = inputs["movable"].as_u64().unwrap() as usize;
    let (pads, nets) = (table(&inputs["pads"]), table(&inputs["nets"]));
    // Four maxima a net: of x, -x, y and -y over its pins.
    let mut groups = Vec::new();
    for (net, pins) in nets.iter().enumerate() {
        (0..4 * pins.len()).for_each(|i| groups.push(4 * net + i % 4));
    }
    let start = vec![50.0; 2 * movable];
    let minimax = Minimax::record(&start, |v| {
        let coordinate = |pin: usize, axis: usize| match pin.checked_sub(movable) {
            None => v[2 * pin + axis],
            Some(pad) => Var::from(pads[pad][axis]),
        };
        let sides = |&pin: &f64| {
            let (x, y) = (coordinate(pin as usize, 0), coordinate(pin as usize, 1));
            [x, -x, y, -y]
        };
        nets.iter().flat_map(|pins| pins.iter().flat_map(sides)).collect()
    });
    let n = 2 * movable;
    let solution = minimax.groups(&groups).bounds(&vec![0.0; n], &vec![100.0; n]).solve(&start).unwrap();
    assert_near(solution.value, number(&entry("hpwl_30")["answer"]["hpwl"]), 1e-8);
}

#[test]
fn two_goals_in_signal_temporal_logic() {
    // max_u min(max_t (x_t - 4), max_t (-2 - x_t)), x_t the running sum of u, |u| <= 1.
    let minimax = Minimax::record(&[0.0; 10], |u| {
        let mut x = vec![u[0]];
        u[1..].iter().for_each(|&step| x.push(x[x.len() - 1] + step));
        let above: Vec<_> = x.iter().map(|&x| x - 4.0).collect();
        let below: Vec<_> = x.iter().map(|&x| -2.0 - x).collect();
        vec![max(&above), max(&below)]
    });
    let minimax = minimax.maximin().bounds(&[-1.0; 10], &[1.0; 10]);
    let minima = minimax.multistart(&Starts::uniform(&[-1.0; 10], &[1.0; 10], 60, 3)).unwrap();
    assert_near(minima[0].value, number(&entry("stl_two_goals")["answer"]["rho"]), 1e-6);
}

/// The least error of `sum_j c_j basis_j(t)` against `target(t)` over the bands: grids made finer
/// at the extrema of the error between solves (the exchange of Remez).
fn best_uniform(
    basis: &dyn Fn(f64) -> Vec<f64>,
    target: &(dyn Fn(f64) -> f64 + Sync),
    bands: &[(f64, f64)],
) -> f64 {
    let mut rows: Vec<(Vec<f64>, f64)> = Vec::new();
    let sample = |points: usize| {
        bands.iter().flat_map(move |&(a, b)| {
            (0..=points).map(move |i| a + (b - a) * 0.5 * (1.0 - (PI * i as f64 / points as f64).cos()))
        })
    };
    rows.extend(sample(60).map(|t| (basis(t), target(t))));
    let mut x = vec![0.0; basis(0.0).len()];
    loop {
        let data = rows.clone();
        let residuals = Minimax::record(&x, |c| data.iter().map(|(row, y)| dot(row, c) - *y).collect());
        let solution = residuals.absolute().solve(&x).unwrap();
        x = solution.x.as_slice().to_vec();
        let error = |t: f64| (basis(t).iter().zip(&x).map(|(b, c)| b * c).sum::<f64>() - target(t)).abs();
        let worst = refined_maxima(&error, bands);
        let largest = worst.iter().map(|&t| error(t)).fold(0.0, f64::max);
        if largest - solution.value <= 1e-9 * largest {
            return largest;
        }
        rows.extend(worst.into_iter().map(|t| (basis(t), target(t))));
    }
}

/// The local maxima of `f` in each band, by ternary search around those of a fine grid.
fn refined_maxima(f: &dyn Fn(f64) -> f64, bands: &[(f64, f64)]) -> Vec<f64> {
    const POINTS: usize = 2000;
    let mut maxima = Vec::new();
    for &(a, b) in bands {
        let t = |i: usize| a + (b - a) * i as f64 / POINTS as f64;
        for i in 0..=POINTS {
            let (left, right) = (t(i.saturating_sub(1)), t((i + 1).min(POINTS)));
            if f(t(i)) >= f(left) && f(t(i)) >= f(right) {
                let (mut low, mut high) = (left, right);
                for _ in 0..60 {
                    let (p, q) = (low + (high - low) / 3.0, high - (high - low) / 3.0);
                    if f(p) < f(q) { low = p } else { high = q }
                }
                maxima.push(0.5 * (low + high));
            }
        }
    }
    maxima
}

/// The Chebyshev polynomials `T_0, T_step, T_2step, ...` at `t`.
fn chebyshev(t: f64, count: usize, step: usize) -> Vec<f64> {
    (0..count).map(|j| ((step * j) as f64 * t.clamp(-1.0, 1.0).acos()).cos()).collect()
}

/// Lower and upper bounds on the least error of an even polynomial of this degree against |t| on
/// [-1, 1]: of a polynomial in s = t^2 against sqrt s, by the exchange algorithm on divided
/// differences. Levelled errors bound the least one from below (C. de la Vallee Poussin), the
/// greatest error of a polynomial from above.
fn best_error_of_abs(degree: usize) -> (f64, f64) {
    let n = degree / 2;
    let mut t: Vec<f64> = (0..n + 2).map(|j| (PI * j as f64 / (2 * n + 2) as f64).sin()).collect();
    loop {
        let weight = |j: usize, count: usize| {
            let others = (0..count).filter(|&i| i != j);
            others.fold(1.0, |w, i| w / ((t[j] - t[i]) * (t[j] + t[i])))
        };
        let sign = |j: usize| if j.is_multiple_of(2) { 1.0 } else { -1.0 };
        let sum = |term: &dyn Fn(usize) -> f64| (0..n + 2).map(|j| weight(j, n + 2) * term(j)).sum::<f64>();
        let level = sum(&|j| t[j]) / sum(&sign);
        // The polynomial whose error at the first n + 1 nodes is the levelled one, by barycentric
        // interpolation; at the last node it is so too.
        let weights: Vec<f64> = (0..n + 1).map(|j| weight(j, n + 1)).collect();
        let error = |x: f64| match t[..=n].iter().position(|&node| node == x) {
            Some(j) => sign(j) * level,
            None => {
                let shares = (0..=n).map(|j| weights[j] / ((x - t[j]) * (x + t[j])));
                let (top, bottom) = shares.enumerate().fold((0.0, 0.0), |(top, bottom), (j, share)| {
                    (top + share * (t[j] - sign(j) * level), bottom + share)
                });
                x - top / bottom
            }
        };
        let extremum = |j: usize| {
            let (mut low, mut high) = (0.5 * (t[j - 1] + t[j]), 0.5 * (t[j] + t[j + 1]));
            for _ in 0..60 {
                let (p, q) = (low + (high - low) / 3.0, high - (high - low) / 3.0);
                if error(p).abs() < error(q).abs() { low = p } else { high = q }
            }
            0.5 * (low + high)
        };
        // Both ends stay: at 0 the error has a kink.
        let next: Vec<f64> = (1..=n).map(extremum).collect();
        let largest = next.iter().map(|&x| error(x).abs()).fold(level.abs(), f64::max);
        if largest - level.abs() <= 1e-12 * largest {
            return (level.abs(), largest);
        }
        t[1..=n].copy_from_slice(&next);
    }
}

#[test]
fn the_exchange_algorithm_knows_the_degree_8() {
    let (lower, upper) = best_error_of_abs(8);
    assert!(lower - 1e-15 <= 0.03468972808438158706 && 0.03468972808438158706 <= upper + 1e-15);
}

/// The answers in the file are wrong from the tenth digit at degree 8, from the seventh at degree 40.
#[test]
#[cfg_attr(debug_assertions, ignore = "slow without optimisation")]
fn polynomials_nearest_to_the_absolute_value() {
    for degree in entry("cheb_abs_poly")["answer"].as_object().unwrap().keys() {
        let degree = degree.parse::<usize>().unwrap();
        let found = best_uniform(&|t| chebyshev(t, degree / 2 + 1, 2), &|t| t, &[(0.0, 1.0)]);
        assert_near(found, best_error_of_abs(degree).1, 1e-8);
    }
}

/// The minimum of the smoothed problem, its exact maximum and its dual value at each sharpness.
fn check_path(id: &str, problem: &TestProblem) {
    let minimax = problem.minimax();
    for (k, answer) in entry(id)["answer"].as_object().unwrap() {
        let k: f64 = k.parse().unwrap();
        let solver = LBFGS::new(MoreThuenteLineSearch::new(), 10).with_tolerance_cost(0.0).unwrap();
        let result = Executor::new(minimax.smoothed(k).unwrap(), solver)
            .configure(|state| state.param(problem.x0.clone()).max_iters(500))
            .run()
            .unwrap();
        let x = result.state().get_best_param().unwrap();
        let values = problem.evaluate(x);
        let scaled: Vec<f64> = values.iter().map(|f| k * f).collect();
        let dual: f64 = softmax(&scaled).iter().zip(&values).map(|(w, f)| w * f).sum();
        assert_near(result.state().get_best_cost(), number(&answer["lse_min"]), 1e-8);
        // Both are first order in the error of x, and the file's gradients go up to 1.4e-7.
        assert_near(values.iter().copied().fold(f64::NEG_INFINITY, f64::max), number(&answer["max_f"]), 1e-7);
        assert_near(dual, number(&answer["dual_p_dot_f"]), 1e-7);
    }
}

#[test]
fn smoothing_paths() {
    let problem =
        |name: &str| problems::all().into_iter().find(|p| p.name == name).expect("a problem of this name");
    for (id, name) in [("path_CB2", "CB2"), ("path_DEM", "DEM"), ("path_RosenSuzuki", "Rosen-Suzuki")] {
        check_path(id, &problem(name));
    }
}

#[test]
fn monic_polynomials_of_least_size() {
    for (degree, answer) in entry("cheb_monic")["answer"].as_object().unwrap() {
        let degree: usize = degree.parse().unwrap();
        let found = best_uniform(&|t| chebyshev(t, degree, 1), &|t| t.powi(degree as i32), &[(-1.0, 1.0)]);
        assert_near(found, number(answer), 1e-8);
    }
}

#[test]
fn a_low_pass_filter() {
    let inputs = &entry("fir_lowpass_21")["inputs"];
    let band = |key: &str| (number(&inputs[key][0]), number(&inputs[key][1]));
    let (pass, stop) = (band("passband"), band("stopband"));
    let taps = inputs["numtaps"].as_u64().unwrap() as usize;
    let amplitude = |f: f64| (0..=taps / 2).map(|j| (2.0 * PI * f * j as f64).cos()).collect();
    let desired = |f: f64| if f <= pass.1 { 1.0 } else { 0.0 };
    let ripple = best_uniform(&amplitude, &desired, &[pass, stop]);
    assert_near(ripple, number(&entry("fir_lowpass_21")["answer"]["ripple"]), 1e-8);
}

/// Squared distances of all pairs of points with `d` coordinates each.
fn pairs<'t>(
    x: &[Var<'t, f64>],
    d: usize,
    f: impl Fn(&[Var<'t, f64>], &[Var<'t, f64>]) -> Var<'t, f64>,
) -> Vec<Var<'t, f64>> {
    let points: Vec<_> = x.chunks(d).collect();
    let mut values = Vec::new();
    for (i, p) in points.iter().enumerate() {
        values.extend(points[..i].iter().map(|q| f(p, q)));
    }
    values
}

/// The least largest cosine found between `count` directions in `d` dimensions.
fn spherical_code(count: usize, d: usize, starts: usize, seed: u64) -> f64 {
    let n = count * d;
    let minimax = Minimax::record(&vec![1.0; n], |x| {
        pairs(x, d, |p, q| dot_product(p, q) / (dot_product(p, p) * dot_product(q, q)).sqrt())
    });
    minimax.multistart(&Starts::uniform(&vec![-1.0; n], &vec![1.0; n], starts, seed)).unwrap()[0].value
}

#[test]
#[cfg_attr(debug_assertions, ignore = "slow without optimisation")]
fn tammes() {
    for (count, answer) in entry("tammes")["answer"].as_object().unwrap() {
        let count: usize = count.parse().unwrap();
        if count <= 12 {
            assert_near(
                spherical_code(count, 3, 20, 1),
                number(answer.get("cos_exact").unwrap_or(&answer["cos"])),
                1e-6,
            );
        }
    }
}

#[test]
#[cfg_attr(debug_assertions, ignore = "slow without optimisation")]
fn the_24_cell() {
    let largest = spherical_code(24, 4, 60, 1);
    assert_near(largest, number(&entry("kissing_24cell")["answer"]["max_cos"]), 1e-6);
}

#[test]
#[cfg_attr(debug_assertions, ignore = "slow without optimisation")]
fn points_spread_in_a_square() {
    for (count, answer) in entry("points_in_square")["answer"].as_object().unwrap() {
        let n = 2 * count.parse::<usize>().unwrap();
        let (lower, upper) = (vec![0.0; n], vec![1.0; n]);
        let minimax =
            Minimax::record(&upper, |x| pairs(x, 2, |p, q| (p[0] - q[0]).powi(2) + (p[1] - q[1]).powi(2)));
        let minima =
            minimax.maximin().bounds(&lower, &upper).multistart(&Starts::uniform(&lower, &upper, 200, 1));
        assert_near(minima.unwrap()[0].value.sqrt(), number(&answer["closed"]), 1e-6);
    }
}
