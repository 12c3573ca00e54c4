//! The classical problems of `tests/data/minimax-problems.json`, each formula written once.
//!
//! Starts, optima and check points come from the file, whose formulas count from 1; here arrays
//! count from 0.

// Each test binary uses a part of it.
#![allow(dead_code)]

use std::f64::consts::PI;
use std::sync::LazyLock;

use serde_json::Value;
use smoothmax::{Minimax, Scalar};

/// One problem of the file.
pub(crate) struct TestProblem {
    pub(crate) name: &'static str,
    pub(crate) kind: &'static str,
    pub(crate) x0: Vec<f64>,
    pub(crate) components: usize,
    pub(crate) optimum: f64,
    pub(crate) convex: bool,
    /// A local solver may end in another stationary point.
    pub(crate) several_minima: bool,
    /// False outside the problem class: a component has a kink at the minimiser.
    pub(crate) smooth: bool,
    pub(crate) groups: Option<Vec<usize>>,
    pub(crate) check: &'static [Value],
    data: &'static Value,
}

static FILE: LazyLock<Value> = LazyLock::new(|| {
    serde_json::from_str(include_str!("../data/minimax-problems.json")).expect("the data file is JSON")
});

/// All problems, in the order of the file.
pub(crate) fn all() -> Vec<TestProblem> {
    FILE["problems"].as_array().expect("a list of problems").iter().map(TestProblem::read).collect()
}

pub(crate) fn numbers(value: &Value) -> Vec<f64> {
    value.as_array().expect("a list").iter().map(|v| v.as_f64().expect("a number")).collect()
}

fn table(value: &Value) -> Vec<Vec<f64>> {
    value.as_array().expect("a list of rows").iter().map(numbers).collect()
}

impl TestProblem {
    fn read(entry: &'static Value) -> Self {
        let text = |key: &str| entry[key].as_str().expect("a string");
        let flag = |key: &str| entry[key].as_bool().expect("a flag");
        let components = entry["m"].as_u64().expect("a count") as usize;
        let groups = entry["groups"].as_array().map(|groups| {
            let mut id = vec![0; components];
            for (g, members) in groups.iter().enumerate() {
                numbers(members).into_iter().for_each(|i| id[i as usize] = g);
            }
            id
        });
        TestProblem {
            name: text("name"),
            kind: text("kind"),
            x0: numbers(&entry["x0"]),
            components,
            optimum: text("fstar").parse().expect("a number"),
            convex: flag("convex"),
            several_minima: flag("several_minima"),
            smooth: flag("components_smooth_at_minimiser"),
            groups,
            check: entry["check"].as_array().expect("check points"),
            data: &entry["data"],
        }
    }

    /// The problem with its kind and groups.
    pub(crate) fn minimax(&self) -> Minimax<'_> {
        let mut minimax = Minimax::record(&self.x0, |x| self.evaluate(x));
        if self.kind == "maxabs" {
            minimax = minimax.absolute();
        }
        match &self.groups {
            Some(groups) => minimax.groups(groups),
            None => minimax,
        }
    }

    /// `|f - f*| / max(1, |f*|)`.
    pub(crate) fn error(&self, value: f64) -> f64 {
        (value - self.optimum).abs() / self.optimum.abs().max(1.0)
    }

    /// The components at `x`.
    pub(crate) fn evaluate<S: Scalar>(&self, x: &[S]) -> Vec<S> {
        match self.name {
            "CB2" => cb2(x),
            "WF" => wf(x),
            "Rosen-Suzuki" => rosen_suzuki(x),
            "PBC3" => pbc3(x),
            "Bard" => bard(x, &numbers(&self.data["y"])),
            "Davidon2" => davidon2(x),
            "OET5" => oet5(x),
            "EXP" => exponential(x),
            "Filter" => filter(x),
            "Wong1" => wong1(x),
            "Polak3" => polak3(x),
            "Watson" => watson(x),
            "Osborne2" => osborne2(x, &numbers(&self.data["y"])),
            "CB3" => cb3(x),
            "DEM" => dem(x),
            "QL" => ql(x),
            "Mifflin1" => mifflin1(x),
            "Colville1" => colville1(x, self.data),
            "Maxquad" => maxquad(x),
            "Maxq" | "genMAXQ50" => x.iter().map(|&v| v * v).collect(),
            "L1HILB50" => l1hilb(x),
            "Madsen" => vec![x[0] * x[0] + x[1] * x[1] + x[0] * x[1], x[0].sin(), x[1].cos()],
            "Polak1" => polak1(x),
            "Polak5" => polak5(x),
            "OET1" => grid(2.0, |t| -x[0] * c(t) - x[1] * c(t.exp()) + c(t * t)),
            "OET3" => grid(1.0, |t| -x[0] - x[1] * c(t) - x[2] * c(t * t) + c(t.sin())),
            "OET4" => grid(1.0, |t| -(x[0] + x[1] * c(t)) / (x[2] * c(t) + c(1.0)) + c(t.exp())),
            "MadsSchj4" | "MadsSchj30" => madsen_schjaer(x),
            "ChainedLQ50" => chained_lq(x),
            "ChainedCB3-II50" => chained_cb3(x),
            "ActiveFaces50" => active_faces(x),
            "Brown2-50" => brown2(x),
            "ChainedMifflin2-50" => chained_mifflin2(x),
            "ChainedCrescent-I50" => chained_crescent(x),
            "ManufLCG5x200a4" => manufactured(x, 200, 4, 20240601),
            "ManufLCG20x100a10" => manufactured(x, 100, 10, 20240602),
            name => panic!("no formula for {name}"),
        }
    }
}

/// A literal.
fn c<S: Scalar>(value: f64) -> S {
    S::constant(value)
}

fn sum<S: Scalar>(terms: impl IntoIterator<Item = S>) -> S {
    terms.into_iter().fold(c(0.0), |a, b| a + b)
}

/// `f(t)` at 501 points of `[0, end]`.
fn grid<S>(end: f64, f: impl Fn(f64) -> S) -> Vec<S> {
    (0..501).map(|i| f(end * i as f64 / 500.0)).collect()
}

fn cb2<S: Scalar>(x: &[S]) -> Vec<S> {
    let near = (c::<S>(2.0) - x[0]).powi(2) + (c::<S>(2.0) - x[1]).powi(2);
    vec![x[0].powi(2) + x[1].powi(4), near, (x[1] - x[0]).exp() * c(2.0)]
}

fn cb3<S: Scalar>(x: &[S]) -> Vec<S> {
    let near = (c::<S>(2.0) - x[0]).powi(2) + (c::<S>(2.0) - x[1]).powi(2);
    vec![x[0].powi(4) + x[1].powi(2), near, (x[1] - x[0]).exp() * c(2.0)]
}

fn wf<S: Scalar>(x: &[S]) -> Vec<S> {
    let q = x[0] * c(10.0) / (x[0] + c(0.1));
    let s = x[1] * x[1] * c(2.0);
    vec![(x[0] + q + s) * c(0.5), (-x[0] + q + s) * c(0.5), (x[0] - q + s) * c(0.5)]
}

fn rosen_suzuki<S: Scalar>(x: &[S]) -> Vec<S> {
    let [a, b, d, e] = [x[0], x[1], x[2], x[3]];
    let f = a * a + b * b + d * d * c(2.0) + e * e - a * c(5.0) - b * c(5.0) - d * c(21.0) + e * c(7.0);
    let g1 = a * a + b * b + d * d + e * e + a - b + d - e - c(8.0);
    let g2 = a * a + b * b * c(2.0) + d * d + e * e * c(2.0) - a - e - c(10.0);
    let g3 = a * a + b * b + d * d + a * c(2.0) - b - e - c(5.0);
    vec![f, f + g1 * c(10.0), f + g2 * c(10.0), f + g3 * c(10.0)]
}

fn pbc3<S: Scalar>(x: &[S]) -> Vec<S> {
    let point = |i: usize| {
        let t = i as f64 / 2.0;
        let y = 3.0 / 20.0 * (-t).exp() + (-5.0 * t).exp() / 52.0
            - (-2.0 * t).exp() / 65.0 * (3.0 * (2.0 * t).sin() + 11.0 * (2.0 * t).cos());
        x[2] / x[1] * (-x[0] * c(t)).exp() * (x[1] * c(t)).sin() - c(y)
    };
    (0..21).map(point).collect()
}

fn bard<S: Scalar>(x: &[S], y: &[f64]) -> Vec<S> {
    let point = |i: usize| {
        let (u, v) = (i as f64, 16.0 - i as f64);
        c::<S>(y[i - 1]) - x[0] - c::<S>(u) / (x[1] * c(v) + x[2] * c(u.min(v)))
    };
    (1..=15).map(point).collect()
}

fn davidon2<S: Scalar>(x: &[S]) -> Vec<S> {
    let point = |i: usize| {
        let t = 0.2 * i as f64;
        (x[0] + x[1] * c(t) - c(t.exp())).powi(2) + (x[2] + x[3] * c(t.sin()) - c(t.cos())).powi(2)
    };
    (1..=20).map(point).collect()
}

fn oet5<S: Scalar>(x: &[S]) -> Vec<S> {
    let point = |i: usize| {
        let t = 0.25 + 0.75 * i as f64 / 20.0;
        x[3] - (x[0] * c(t * t) + x[1] * c(t) + x[2]).powi(2) - c(t.sqrt())
    };
    (0..21).map(point).collect()
}

fn exponential<S: Scalar>(x: &[S]) -> Vec<S> {
    let point = |i: usize| {
        let t = -1.0 + i as f64 / 10.0;
        let denominator = x[2] * c(t) + x[3] * c(t * t) + x[4] * c(t * t * t) + c(1.0);
        (x[0] + x[1] * c(t)) / denominator - c(t.exp())
    };
    (0..21).map(point).collect()
}

fn filter<S: Scalar>(x: &[S]) -> Vec<S> {
    let ranges = [(0.0, 0.01, 6), (0.07, 0.03, 14), (0.5, 0.0, 1), (0.54, 0.03, 14), (0.95, 0.01, 6)];
    let points =
        ranges.iter().flat_map(|&(start, step, count)| (0..count).map(move |i| start + step * i as f64));
    let component = |y: f64| {
        let (cos, sin) = ((PI * y).cos(), (PI * y).sin());
        let q = |a: S, b: S| (a + (b + c(1.0)) * c(cos)).powi(2) + ((c::<S>(1.0) - b) * c(sin)).powi(2);
        x[8] * (q(x[0], x[1]) / q(x[2], x[3])).sqrt() * (q(x[4], x[5]) / q(x[6], x[7])).sqrt()
            - c((1.0 - 2.0 * y).abs())
    };
    points.map(component).collect()
}

fn wong1<S: Scalar>(x: &[S]) -> Vec<S> {
    let f = (x[0] - c(10.0)).powi(2)
        + (x[1] - c(12.0)).powi(2) * c(5.0)
        + x[2].powi(4)
        + (x[3] - c(11.0)).powi(2) * c(3.0)
        + x[4].powi(6) * c(10.0)
        + x[5].powi(2) * c(7.0)
        + x[6].powi(4)
        - x[5] * x[6] * c(4.0)
        - x[5] * c(10.0)
        - x[6] * c(8.0);
    let g = [
        x[0].powi(2) * c(2.0) + x[1].powi(4) * c(3.0) + x[2] + x[3].powi(2) * c(4.0) + x[4] * c(5.0)
            - c(127.0),
        x[0] * c(7.0) + x[1] * c(3.0) + x[2].powi(2) * c(10.0) + x[3] - x[4] - c(282.0),
        x[0] * c(23.0) + x[1].powi(2) + x[5].powi(2) * c(6.0) - x[6] * c(8.0) - c(196.0),
        x[0].powi(2) * c(4.0) + x[1].powi(2) - x[0] * x[1] * c(3.0) + x[2].powi(2) * c(2.0) + x[5] * c(5.0)
            - x[6] * c(11.0),
    ];
    std::iter::once(f).chain(g.into_iter().map(|g| f + g * c(10.0))).collect()
}

fn polak3<S: Scalar>(x: &[S]) -> Vec<S> {
    let term = |k: usize, i: usize| (x[i - 1] - c((2.0 * i as f64 + k as f64 - 3.0).sin())).powi(2).exp();
    (1..=10).map(|k| sum((1..=11).map(|i| term(k, i) * c((i + k - 1) as f64)))).collect()
}

fn watson<S: Scalar>(x: &[S]) -> Vec<S> {
    let point = |i: usize| {
        let t = i as f64 / 29.0;
        let slope = sum((1..20).map(|j| x[j] * c(j as f64 * t.powi(j as i32 - 1))));
        let value = sum((0..20).map(|j| x[j] * c(t.powi(j as i32))));
        slope - value.powi(2) - c(1.0)
    };
    [x[0], x[1] - x[0].powi(2) - c(1.0)].into_iter().chain((1..=29).map(point)).collect()
}

fn osborne2<S: Scalar>(x: &[S], y: &[f64]) -> Vec<S> {
    let point = |(i, y): (usize, &f64)| {
        let t = c::<S>(i as f64 / 10.0);
        let bump = |height: usize| x[height] * (-x[height + 4] * (t - x[height + 7]).powi(2)).exp();
        c::<S>(*y) - x[0] * (-x[4] * t).exp() - bump(1) - bump(2) - bump(3)
    };
    y.iter().enumerate().map(point).collect()
}

fn dem<S: Scalar>(x: &[S]) -> Vec<S> {
    vec![x[0] * c(5.0) + x[1], x[0] * c(-5.0) + x[1], x[0].powi(2) + x[1].powi(2) + x[1] * c(4.0)]
}

fn ql<S: Scalar>(x: &[S]) -> Vec<S> {
    let f = x[0].powi(2) + x[1].powi(2);
    let g1 = x[0] * c(-4.0) - x[1] + c(4.0);
    let g2 = -x[0] - x[1] * c(2.0) + c(6.0);
    vec![f, f + g1 * c(10.0), f + g2 * c(10.0)]
}

fn mifflin1<S: Scalar>(x: &[S]) -> Vec<S> {
    vec![-x[0], -x[0] + (x[0].powi(2) + x[1].powi(2) - c(1.0)) * c(20.0)]
}

fn colville1<S: Scalar>(x: &[S], data: &Value) -> Vec<S> {
    let (a, q) = (table(&data["A"]), table(&data["Q"]));
    let [b, d, e] = ["b", "d", "e"].map(|key| numbers(&data[key]));
    let cubic = sum((0..5).map(|j| x[j].powi(3) * c(d[j]) + x[j] * c(e[j])));
    let quadratic =
        sum((0..5).flat_map(|i| (0..5).map(move |j| (i, j))).map(|(i, j)| x[i] * x[j] * c(q[i][j])));
    let row = |i: usize| (c::<S>(b[i]) - sum((0..5).map(|j| x[j] * c(a[i][j])))) * c(50.0);
    [cubic + quadratic, c(0.0)].into_iter().chain((0..10).map(row)).collect()
}

fn maxquad<S: Scalar>(x: &[S]) -> Vec<S> {
    let entry = |k: f64, i: usize, j: usize| {
        let (low, high) = (i.min(j) as f64, i.max(j) as f64);
        (low / high).exp() * (low * high).cos() * k.sin()
    };
    let component = |k: usize| {
        let k = k as f64;
        let diagonal = |i: usize| {
            let off: f64 = (1..=10).filter(|&j| j != i).map(|j| entry(k, i, j).abs()).sum();
            k.sin().abs() * i as f64 / 10.0 + off
        };
        let row =
            |i: usize| sum((1..=10).map(|j| x[j - 1] * c(if i == j { diagonal(i) } else { entry(k, i, j) })));
        let linear = |i: usize| (i as f64 / k).exp() * (i as f64 * k).sin();
        sum((1..=10).map(|i| x[i - 1] * (row(i) - c(linear(i)))))
    };
    (1..=5).map(component).collect()
}

fn l1hilb<S: Scalar>(x: &[S]) -> Vec<S> {
    let n = x.len();
    let residual = |i: usize| sum((0..n).map(|j| x[j] * c(1.0 / (i + j + 1) as f64)));
    let r: Vec<S> = (0..n).map(residual).collect();
    r.iter().copied().chain(r.iter().map(|&v| -v)).collect()
}

fn polak1<S: Scalar>(x: &[S]) -> Vec<S> {
    let bowl = |side: f64| (x[0].powi(2) * c(1e-3) + (x[1] + c(side)).powi(2)).exp();
    vec![bowl(-1.0), bowl(1.0)]
}

fn polak5<S: Scalar>(x: &[S]) -> Vec<S> {
    let valley = |side: f64| x[0].powi(2) * c(3.0) + (x[0] - x[1].powi(4) + c(side)).powi(2) * c(50.0);
    vec![valley(-1.0), valley(1.0)]
}

fn madsen_schjaer<S: Scalar>(x: &[S]) -> Vec<S> {
    let total = sum(x.iter().copied());
    let component = |j: usize, factor: f64| x[j].powi(2) * c(factor) + total - x[j] - c(1.0);
    let last = x.len() - 1;
    let mut components = vec![component(0, 1.0)];
    for j in 1..last {
        components.extend([component(j, 1.0), component(j, 2.0)]);
    }
    components.push(component(last, 1.0));
    components
}

fn chained_lq<S: Scalar>(x: &[S]) -> Vec<S> {
    let linear = |p: &[S]| -p[0] - p[1];
    let quadratic = |p: &[S]| linear(p) + p[0].powi(2) + p[1].powi(2) - c(1.0);
    x.windows(2).map(linear).chain(x.windows(2).map(quadratic)).collect()
}

fn chained_cb3<S: Scalar>(x: &[S]) -> Vec<S> {
    let terms = |f: &dyn Fn(S, S) -> S| sum(x.windows(2).map(|p| f(p[0], p[1])));
    vec![
        terms(&|a, b| a.powi(4) + b.powi(2)),
        terms(&|a, b| (c::<S>(2.0) - a).powi(2) + (c::<S>(2.0) - b).powi(2)),
        terms(&|a, b| (b - a).exp() * c(2.0)),
    ]
}

fn active_faces<S: Scalar>(x: &[S]) -> Vec<S> {
    let g = |y: S| y.abs().ln_1p();
    x.iter().map(|&v| g(v)).chain([g(-sum(x.iter().copied()))]).collect()
}

fn brown2<S: Scalar>(x: &[S]) -> Vec<S> {
    let power = |a: S, b: S| a.abs().powf(b.powi(2) + c(1.0));
    x.windows(2).map(|p| power(p[0], p[1]) + power(p[1], p[0])).collect()
}

fn chained_mifflin2<S: Scalar>(x: &[S]) -> Vec<S> {
    let component = |side: f64| {
        move |p: &[S]| {
            let t = p[0].powi(2) + p[1].powi(2) - c(1.0);
            -p[0] + t * c(2.0) + t * c(side)
        }
    };
    x.windows(2).map(component(1.75)).chain(x.windows(2).map(component(-1.75))).collect()
}

fn chained_crescent<S: Scalar>(x: &[S]) -> Vec<S> {
    let square = |p: &[S]| p[0].powi(2) + (p[1] - c(1.0)).powi(2);
    vec![
        sum(x.windows(2).map(|p| square(p) + p[1] - c(1.0))),
        sum(x.windows(2).map(|p| -square(p) + p[1] + c(1.0))),
    ]
}

/// A convex quadratic problem whose minimiser and multipliers are known by construction; the
/// generator is the file's.
fn manufactured<S: Scalar>(x: &[S], m: usize, active: usize, seed: u64) -> Vec<S> {
    let n = x.len();
    let mut state = seed;
    let mut draw = || {
        state = 48271 * state % 2147483647;
        state as f64 / 2147483647.0
    };
    let minimiser: Vec<f64> = (0..n).map(|_| 4.0 * draw() - 2.0).collect();
    let weights: Vec<f64> = (0..active).map(|_| draw() + 0.2).collect();
    let mut slopes: Vec<Vec<f64>> = (0..m).map(|_| (0..n).map(|_| 4.0 * draw() - 2.0).collect()).collect();
    let offsets: Vec<f64> = (0..m).map(|j| if j < active { 0.0 } else { -(draw() + 0.05) }).collect();
    let curvatures: Vec<Vec<f64>> = (0..m).map(|_| (0..n).map(|_| draw() + 0.1).collect()).collect();
    for i in 0..n {
        let others: f64 = (0..active - 1).map(|j| weights[j] * slopes[j][i]).sum();
        slopes[active - 1][i] = -others / weights[active - 1];
    }
    let component = |j: usize| {
        let term = |i: usize| {
            let d = x[i] - c(minimiser[i]);
            d * d * c(0.5 * curvatures[j][i]) + d * c(slopes[j][i])
        };
        sum((0..n).map(term)) + c(offsets[j])
    };
    (0..m).map(component).collect()
}
