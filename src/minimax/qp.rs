//! The quadratic program of one SQP step,
//!
//! `min_{d, tau} sum_g tau_g + d'Bd/2` subject to `F_i + J_i d <= tau_g(i)` and the user's linear
//! constraints on `x + d`.
//!
//! clarabel's interior point method solves it to about 1e-9; the crossover below then guesses the
//! active rows from its slacks and multipliers and solves the equality-constrained problem
//! directly (the step needs multipliers to 1e-12 to see a predicted decrease of 1e-13), which gives step and multipliers to machine precision (Nocedal & Wright, Numerical
//! Optimization, 2nd ed., 16.2 and 16.5).

use clarabel::algebra::CscMatrix;
use clarabel::solver::{DefaultSettings, DefaultSolver, IPSolver, SolverStatus, SupportedConeT};
use nalgebra::{DMatrix, DVector};

use super::groups::Groups;
use super::problem::Constraints;

/// The linearisation at the current point; `values`, `jacobian` and `groups` of the working set.
pub(crate) struct Subproblem<'q> {
    pub(crate) values: &'q [f64],
    pub(crate) jacobian: &'q DMatrix<f64>,
    pub(crate) groups: &'q Groups,
    pub(crate) constraints: &'q Constraints,
    /// `c - C x`.
    pub(crate) slack: &'q DVector<f64>,
}

/// A step with its multipliers.
#[derive(Clone)]
pub(crate) struct QpStep {
    pub(crate) step: DVector<f64>,
    /// `sum_g max (F + J d)`.
    pub(crate) model: f64,
    /// Of the working set's components: non-negative, summing to one in each group.
    pub(crate) weights: Vec<f64>,
    /// Of the constraints: any sign on equalities, non-negative on inequalities.
    pub(crate) multipliers: DVector<f64>,
    /// `|B d + J'w + C'mu|_max / |J|_max`.
    pub(crate) residual: f64,
}

/// `min q'z + z'Hz/2` subject to `R z <= h`, the first rows with equality.
struct StandardForm {
    hessian: DMatrix<f64>,
    linear: DVector<f64>,
    rows: DMatrix<f64>,
    rhs: DVector<f64>,
    equalities: usize,
}

impl Subproblem<'_> {
    /// Solves with the Hessian `b`; `None` when the solver fails altogether.
    pub(crate) fn solve(&self, b: &DMatrix<f64>) -> Option<QpStep> {
        let scale = self.jacobian.amax().max(f64::MIN_POSITIVE);
        let form = self.standard_form(b, scale);
        let (primal, dual) = form.interior_point()?;
        let rough = self.step(b, scale, &primal, &dual);
        let spread = self.groups.spread(self.values) / scale;
        let polished = form.crossover(&primal, &dual, spread).map(|(z, y)| self.step(b, scale, &z, &y));
        match polished {
            Some(polished) if self.no_worse(b, &polished, &rough) => Some(polished),
            _ => Some(rough),
        }
    }

    /// Variables `(d, (tau - max F) / scale)`; rows: equalities, components, inequalities.
    fn standard_form(&self, b: &DMatrix<f64>, scale: f64) -> StandardForm {
        let (n, g, w) = (b.nrows(), self.groups.count(), self.values.len());
        let (c, equalities) = (self.constraints.rhs.len(), self.constraints.equalities);
        let maxima = self.groups.maxima(self.values);
        let mut hessian = DMatrix::zeros(n + g, n + g);
        hessian.view_mut((0, 0), (n, n)).copy_from(&(b / scale));
        let mut linear = DVector::zeros(n + g);
        linear.rows_mut(n, g).fill(1.0);
        let mut rows = DMatrix::zeros(w + c, n + g);
        let mut rhs = DVector::zeros(w + c);
        for i in 0..w {
            let r = equalities + i;
            rows.view_mut((r, 0), (1, n)).copy_from(&(self.jacobian.row(i) / scale));
            rows[(r, n + self.groups.of(i))] = -1.0;
            rhs[r] = (maxima[self.groups.of(i)] - self.values[i]) / scale;
        }
        for j in 0..c {
            let r = self.constraint_row(j);
            rows.view_mut((r, 0), (1, n)).copy_from(&self.constraints.matrix.row(j));
            rhs[r] = self.slack[j];
        }
        StandardForm { hessian, linear, rows, rhs, equalities }
    }

    fn constraint_row(&self, j: usize) -> usize {
        if j < self.constraints.equalities { j } else { self.values.len() + j }
    }

    /// Reads step and multipliers back from the standard form.
    fn step(&self, b: &DMatrix<f64>, scale: f64, primal: &DVector<f64>, dual: &DVector<f64>) -> QpStep {
        let (n, w) = (b.nrows(), self.values.len());
        let step = primal.rows(0, n).into_owned();
        let mut weights: Vec<f64> = (0..w).map(|i| dual[self.constraints.equalities + i].max(0.0)).collect();
        self.groups.normalise(&mut weights);
        let multipliers = DVector::from_fn(self.constraints.rhs.len(), |j, _| {
            let y = scale * dual[self.constraint_row(j)];
            if j < self.constraints.equalities { y } else { y.max(0.0) }
        });
        let stationarity = b * &step
            + self.jacobian.tr_mul(&DVector::from_column_slice(&weights))
            + self.constraints.matrix.tr_mul(&multipliers);
        QpStep { model: self.model(&step), weights, multipliers, residual: stationarity.amax() / scale, step }
    }

    /// The piecewise linear model `sum_g max (F + J d)`.
    pub(crate) fn model(&self, step: &DVector<f64>) -> f64 {
        let change = self.jacobian * step;
        let values: Vec<f64> = self.values.iter().zip(change.iter()).map(|(f, c)| f + c).collect();
        self.groups.value(&values)
    }

    fn no_worse(&self, b: &DMatrix<f64>, polished: &QpStep, rough: &QpStep) -> bool {
        let objective = |s: &QpStep| s.model + 0.5 * s.step.dot(&(b * &s.step));
        let violation = |s: &QpStep| {
            let slack = self.slack - &self.constraints.matrix * &s.step;
            (0..slack.len())
                .map(|j| if j < self.constraints.equalities { slack[j].abs() } else { -slack[j] })
                .fold(0.0, f64::max)
        };
        let allowed =
            1e-15 * rough.model.abs().max(1.0) + 1e-9 * (self.groups.value(self.values) - rough.model).abs();
        violation(polished) <= violation(rough).max(1e-13 * self.slack.amax().max(1.0))
            && objective(polished) <= objective(rough) + allowed
    }
}

impl StandardForm {
    /// clarabel's primal and dual solution; also when it stops short of its tolerance. Lengths are
    /// measured in units of the largest right-hand side, so that absolute tolerances mean the same
    /// far from and close to the solution.
    fn interior_point(&self) -> Option<(DVector<f64>, DVector<f64>)> {
        let settings = DefaultSettings {
            verbose: false,
            max_iter: 100,
            tol_gap_abs: 1e-13,
            tol_gap_rel: 1e-13,
            tol_feas: 1e-13,
            presolve_enable: false,
            max_threads: 1,
            ..DefaultSettings::default()
        };
        let mut cones = vec![SupportedConeT::NonnegativeConeT(self.rhs.len() - self.equalities)];
        if self.equalities > 0 {
            cones.insert(0, SupportedConeT::ZeroConeT(self.equalities));
        }
        let unit = Some(self.rhs.amax()).filter(|&u| u > 0.0).unwrap_or(1.0);
        let hessian = sparse(&(&self.hessian * unit)).to_triu();
        let rhs = &self.rhs / unit;
        let rows = sparse(&self.rows);
        let mut solver =
            DefaultSolver::new(&hessian, self.linear.as_slice(), &rows, rhs.as_slice(), &cones, settings)
                .ok()?;
        solver.solve();
        let solution = &solver.solution;
        let infeasible =
            matches!(solution.status, SolverStatus::PrimalInfeasible | SolverStatus::DualInfeasible);
        let finite = solution.x.iter().chain(&solution.z).all(|v| v.is_finite());
        (finite && !infeasible).then(|| {
            (DVector::from_column_slice(&solution.x) * unit, DVector::from_column_slice(&solution.z))
        })
    }

    /// Active-set iterations from the interior point's guess; `None` when they do not settle.
    fn crossover(
        &self,
        primal: &DVector<f64>,
        dual: &DVector<f64>,
        spread: f64,
    ) -> Option<(DVector<f64>, DVector<f64>)> {
        const ROUNDS: usize = 10;
        let slack = &self.rhs - &self.rows * primal;
        let scale = spread.max(f64::MIN_POSITIVE);
        let mut active: Vec<bool> =
            (0..self.rhs.len()).map(|r| r < self.equalities || dual[r] > slack[r] / scale).collect();
        for _ in 0..ROUNDS {
            let (z, y) = self.solve_active(&active)?;
            let slack = &self.rhs - &self.rows * &z;
            let negative = (self.equalities..y.len()).filter(|&r| active[r] && y[r] < -1e-12);
            let violated =
                (self.equalities..y.len()).filter(|&r| !active[r] && slack[r] < -1e-14 * scale.max(z.amax()));
            let leaving = negative.min_by(|&a, &b| y[a].total_cmp(&y[b]));
            let entering = violated.min_by(|&a, &b| slack[a].total_cmp(&slack[b]));
            if leaving.is_none() && entering.is_none() {
                return Some((z, y));
            }
            leaving.into_iter().for_each(|r| active[r] = false);
            entering.into_iter().for_each(|r| active[r] = true);
        }
        None
    }

    /// `H z + R_A' y = -q`, `R_A z = h_A`: regularised by 1e-13, which iterative refinement takes
    /// back, so that dependent rows do no harm.
    fn solve_active(&self, active: &[bool]) -> Option<(DVector<f64>, DVector<f64>)> {
        const REGULARISATION: f64 = 1e-13;
        let index: Vec<usize> = (0..active.len()).filter(|&r| active[r]).collect();
        let (n, a) = (self.linear.len(), index.len());
        let rows = self.rows.select_rows(&index);
        let mut kkt = DMatrix::zeros(n + a, n + a);
        kkt.view_mut((0, 0), (n, n)).copy_from(&self.hessian);
        kkt.view_mut((n, 0), (a, n)).copy_from(&rows);
        kkt.view_mut((0, n), (n, a)).copy_from(&rows.transpose());
        let mut rhs = DVector::zeros(n + a);
        rhs.rows_mut(0, n).copy_from(&-&self.linear);
        rhs.rows_mut(n, a).copy_from(&self.rhs.select_rows(&index));
        let mut regular = kkt.clone();
        for j in 0..n + a {
            regular[(j, j)] += if j < n { REGULARISATION } else { -REGULARISATION };
        }
        let factors = regular.lu();
        let mut solution = factors.solve(&rhs)?;
        for _ in 0..3 {
            solution += factors.solve(&(&rhs - &kkt * &solution))?;
        }
        let consistent = (&rhs - &kkt * &solution).amax() <= 1e-10 * rhs.amax().max(1.0);
        if !consistent || solution.iter().any(|v| !v.is_finite()) {
            return None;
        }
        let mut dual = DVector::zeros(active.len());
        for (k, &r) in index.iter().enumerate() {
            dual[r] = solution[n + k];
        }
        Some((solution.rows(0, n).into_owned(), dual))
    }
}

/// Column-compressed, without the zeros.
fn sparse(dense: &DMatrix<f64>) -> CscMatrix<f64> {
    let mut starts = vec![0];
    let (mut index, mut entries) = (Vec::new(), Vec::new());
    for column in dense.column_iter() {
        for (row, &v) in column.iter().enumerate() {
            if v != 0.0 {
                index.push(row);
                entries.push(v);
            }
        }
        starts.push(index.len());
    }
    CscMatrix::new(dense.nrows(), dense.ncols(), starts, index, entries)
}

/// The point nearest to `x` that satisfies the constraints; `None` when there is none.
pub(crate) fn project(constraints: &Constraints, x: &DVector<f64>) -> Option<DVector<f64>> {
    if constraints.is_empty() {
        return Some(x.clone());
    }
    let n = x.len();
    let form = StandardForm {
        hessian: DMatrix::identity(n, n),
        linear: DVector::zeros(n),
        rows: constraints.matrix.clone(),
        rhs: constraints.slack(x),
        equalities: constraints.equalities,
    };
    let (primal, dual) = form.interior_point()?;
    let spread = form.rhs.amax();
    let step = form.crossover(&primal, &dual, spread).map_or(primal, |(step, _)| step);
    let mut projected = x + step;
    constraints.clamp(&mut projected);
    Some(projected)
}
