//! The statement of a minimax problem.

use std::ops::ControlFlow;

use nalgebra::DMatrix;

use super::certificate::Declarations;
use super::monitor::Observer;
use super::recorded::Recorded;
use super::{Method, Options, Oracle, Solution, State};
use crate::{Batch, Var};

/// A minimax problem and how to solve it.
pub struct Minimax<'a> {
    pub(super) oracle: Box<dyn Oracle + 'a>,
    pub(super) groups: Option<Vec<usize>>,
    pub(super) absolute: bool,
    pub(super) maximin: bool,
    pub(super) declared: Declarations,
    pub(super) bounds: Option<(Vec<f64>, Vec<f64>)>,
    pub(super) equalities: Option<(DMatrix<f64>, Vec<f64>)>,
    pub(super) inequalities: Option<(DMatrix<f64>, Vec<f64>)>,
    pub(super) method: Method,
    pub(super) options: Options,
    pub(super) observer: Option<Box<Observer<'a>>>,
    pub(super) warm: Option<Vec<f64>>,
}

impl<'a> Minimax<'a> {
    /// The problem whose components a closure returns. It is called at `x0` to count them, then
    /// recorded and replayed; where one of its comparisons flips it is recorded again, so it may
    /// branch.
    ///
    /// Chebyshev regression, the line nearest to three points in the maximum norm:
    ///
    /// ```
    /// use smoothmax::Minimax;
    ///
    /// let points = [(0.0, 0.0), (1.0, 2.0), (2.0, 1.0)];
    /// let residuals = Minimax::record(&[0.0, 0.0], |p| {
    ///     points.iter().map(|&(t, y)| p[0] + p[1] * t - y).collect()
    /// });
    /// let solution = residuals.absolute().convex().radius(10.0).solve(&[0.0, 0.0])?;
    /// assert!((solution.value - 0.75).abs() < 1e-14);
    /// let (lower, upper) = solution.bracket().expect("convex, with a radius");
    /// assert!(lower <= 0.75 && 0.75 <= upper && upper - lower < 1e-12);
    /// # Ok::<(), smoothmax::Error>(())
    /// ```
    pub fn record<F>(x0: &[f64], components: F) -> Self
    where
        F: for<'t> Fn(&[Var<'t, f64>]) -> Vec<Var<'t, f64>> + Send + Sync + 'a,
    {
        Minimax::oracle(Recorded::new(x0, components))
    }

    /// The problem whose components are the terms of a [`Batch`]: one formula, many rows of data.
    ///
    /// The midrange of a million numbers:
    ///
    /// ```
    /// use smoothmax::{Batch, Minimax, Rows};
    ///
    /// let numbers: Vec<f64> = (0..1_000_000).map(|i| (i as f64).sqrt()).collect();
    /// let rows = Rows::row_major(&numbers, 1);
    /// let distances = Batch::record(&[0.0], rows, |x, row| x[0] - row[0]);
    /// let solution = Minimax::batch(distances).absolute().solve(&[0.0])?;
    /// assert!((solution.x[0] - 0.5 * 999_999f64.sqrt()).abs() < 1e-10);
    /// assert!(solution.counts.gradient_rows < 1_000);
    /// # Ok::<(), smoothmax::Error>(())
    /// ```
    pub fn batch(batch: Batch<'a>) -> Self {
        Minimax::oracle(batch)
    }

    /// The problem whose components an [`Oracle`] computes; a [`Program`](crate::Program) is one.
    pub fn oracle(oracle: impl Oracle + 'a) -> Self {
        Minimax {
            oracle: Box::new(oracle),
            groups: None,
            absolute: false,
            maximin: false,
            declared: Declarations::default(),
            bounds: None,
            equalities: None,
            inequalities: None,
            method: Method::Auto,
            options: Options::default(),
            observer: None,
            warm: None,
        }
    }

    /// Sums the maxima of groups: `id[i]` is the group of component `i`. Any numbers will do as
    /// ids; a component alone in its group is a smooth term of the sum.
    pub fn groups(mut self, id: &[usize]) -> Self {
        self.groups = Some(id.to_vec());
        self
    }

    /// Takes the components by absolute value: `max_i |F_i|`, or with groups sums of such.
    pub fn absolute(mut self) -> Self {
        self.absolute = true;
        self
    }

    /// Maximises the sum of the groups' minima instead. "Convex" then refers to `-F_i`: declare it
    /// where the components are concave.
    pub fn maximin(mut self) -> Self {
        self.maximin = true;
        self
    }

    /// Declares every component convex (under [`absolute`](Minimax::absolute) also its negative, so
    /// affine, unless it is non-negative). The user's promise: a bracket rests on it. It is
    /// withdrawn when the iterates contradict it.
    pub fn convex(mut self) -> Self {
        self.declared.convex = true;
        self
    }

    /// Declares every component convex, and every convex combination of them strongly convex with
    /// modulus `mu > 0` (`F(y) >= F(x) + F'(x)(y - x) + mu |y - x|^2 / 2`).
    pub fn strongly_convex(mut self, mu: f64) -> Self {
        self.declared.convex = true;
        self.declared.strong = mu;
        self
    }

    /// Declares that some minimiser lies within `r` (Euclidean) of the start. The solver does not
    /// enforce it; the bracket uses it.
    pub fn radius(mut self, r: f64) -> Self {
        self.declared.radius = Some(r);
        self
    }

    /// `lower <= x <= upper`, infinities where there is none. Every point at which components
    /// are evaluated keeps them.
    pub fn bounds(mut self, lower: &[f64], upper: &[f64]) -> Self {
        self.bounds = Some((lower.to_vec(), upper.to_vec()));
        self
    }

    /// `a x = b`.
    pub fn linear_eq(mut self, a: DMatrix<f64>, b: &[f64]) -> Self {
        self.equalities = Some((a, b.to_vec()));
        self
    }

    /// `a x <= b`.
    pub fn linear_le(mut self, a: DMatrix<f64>, b: &[f64]) -> Self {
        self.inequalities = Some((a, b.to_vec()));
        self
    }

    /// Chooses the algorithm; [`Method::Auto`] unless set.
    pub fn method(mut self, method: Method) -> Self {
        self.method = method;
        self
    }

    /// Sets tolerances and limits.
    pub fn options(mut self, options: Options) -> Self {
        self.options = options;
        self
    }

    /// Calls `observer` after the start and after each iteration; `ControlFlow::Break` stops.
    pub fn observe(mut self, observer: impl Fn(&State) -> ControlFlow<()> + Send + Sync + 'a) -> Self {
        self.observer = Some(Box::new(observer));
        self
    }

    /// Starts from the multipliers of a solution of a similar problem. Pass its `x` as the start.
    pub fn warm_start(mut self, solution: &Solution) -> Self {
        self.warm = Some(solution.multipliers.as_slice().to_vec());
        self
    }
}
