//! The classical test problems.

mod problems;

use nalgebra::DMatrix;
use num_dual::Dual64;
use problems::{TestProblem, numbers};
use smoothmax::minimax::{Error, Minimax, Oracle};

struct Classical<'t>(&'t TestProblem);
impl Oracle for Classical<'_> {
    fn dimension(&self) -> usize { self.0.x0.len() }
    fn components(&self) -> usize { self.0.components }
    fn values(&self, x: &[f64], values: &mut [f64]) -> Result<(), Error> {
        values.copy_from_slice(&self.0.evaluate(x));
        Ok(())
    }
    fn rows(&self, x: &[f64], indices: &[usize]) -> Result<DMatrix<f64>, Error> {
        let mut rows = DMatrix::zeros(indices.len(), x.len());
        for j in 0..x.len() {
            let mut z: Vec<problems::D> = x.iter().map(|&v| problems::D(Dual64::from(v))).collect();
            z[j].0.eps = 1.0;
            let f = self.0.evaluate(&z);
            for (r, &i) in indices.iter().enumerate() {
                rows[(r, j)] = f[i].0.eps;
            }
        }
        Ok(rows)
    }
}

#[test]
fn formulas_agree_with_the_check_points() {
    for problem in problems::all() {
        for point in problem.check {
            let x = numbers(&point["x"]);
            let found = problem.evaluate(&x);
            assert_eq!(found.len(), problem.components, "{}", problem.name);
            let near = |a: f64, b: f64| (a - b).abs() <= 1e-12 * found.iter().fold(1.0, |m: f64, v| m.max(v.abs()));
            let compare = |key: &str, values: &[f64]| {
                for (i, (&v, w)) in values.iter().zip(numbers(&point[key])).enumerate() {
                    assert!(near(v, w), "{} component {i}: {v} but {w} expected", problem.name);
                }
            };
            if point["components"].is_array() {
                compare("components", &found);
            } else {
                compare("components_first5", &found[..5]);
                assert!(near(found[found.len() - 1], point["component_last"].as_f64().unwrap()), "{}", problem.name);
                let largest = found.iter().fold(0.0, |m: f64, v| m.max(v.abs()));
                assert!(near(largest, point["components_max_abs"].as_f64().unwrap()), "{}", problem.name);
            }
        }
    }
}

#[test]
fn auto() {
    for problem in problems::all() {
        let t = std::time::Instant::now();
        let s = problem.declare(Minimax::oracle(Classical(&problem))).solve(&problem.x0).unwrap();
        println!("{:20} {:3} {:4} err {:8.1e} {:?} it {} {:?} g {:.1e} st {:.1e} {:.3}s", problem.name, problem.x0.len(), problem.components, problem.error(s.value), s.status, s.iterations(), s.counts, s.gradient_norm, s.stationarity, t.elapsed().as_secs_f64());
    }
}

#[test]
fn exponential() {
    for problem in problems::all() {
        let t = std::time::Instant::now();
        let s = problem.declare(Minimax::oracle(Classical(&problem))).method(smoothmax::minimax::Method::ExponentialMultipliers).solve(&problem.x0).unwrap();
        println!("{:20} {:3} {:4} err {:8.1e} {:?} it {} {:?} g {:.1e} st {:.1e} {:.3}s", problem.name, problem.x0.len(), problem.components, problem.error(s.value), s.status, s.iterations(), s.counts, s.gradient_norm, s.stationarity, t.elapsed().as_secs_f64());
    }
}

#[test]
fn brackets() {
    for problem in problems::all().into_iter().filter(|p| p.convex) {
        let s = problem.declare(Minimax::oracle(Classical(&problem))).solve(&problem.x0).unwrap();
        let r = 2.0 * (&s.x - &s.start).norm() + 1.0;
        let make = || problem.declare(Minimax::oracle(Classical(&problem))).convex().radius(r);
        let s = make().solve(&problem.x0).unwrap();
        let (l, u) = s.bracket().unwrap_or((f64::NAN, f64::NAN));
        let scale = problem.optimum.abs().max(1.0);
        println!("{:20} width {:.1e} r {r:.1e} g {:.1e} lower-f* {:.1e} upper-f* {:.1e} {}", problem.name, (u - l) / scale, s.gradient_norm, l - problem.optimum, u - problem.optimum, if (u-l)/scale > 1e-7 {"WIDE"} else {""});
        for limit in [1, 2, 5] {
            let o = smoothmax::minimax::Options { max_iterations: limit, ..Default::default() };
            let s = make().options(o).solve(&problem.x0).unwrap();
            let (l, u) = s.bracket().unwrap_or((f64::NAN, f64::NAN));
            if !(l <= problem.optimum + 1e-11 && problem.optimum <= u + 1e-11) { println!("   BAD {limit} {l} {u}"); }
        }
    }
}
