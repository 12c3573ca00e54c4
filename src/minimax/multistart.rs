//! Many starts for problems with several local minima.

use rand::rngs::Xoshiro256PlusPlus;
use rand::{RngExt, SeedableRng};

use super::{Minimax, Solution};
use crate::Error;

/// Random starts, uniform in a box. The same seed gives the same starts on every machine.
///
/// ```
/// use smoothmax::Minimax;
/// use smoothmax::minimax::Starts;
///
/// // A double well, raised on the right: local minima of 0 at -1 and 0.2 near 1.
/// let wells = Minimax::record(&[0.0], |x| {
///     let well = (x[0] * x[0] - 1.0).powi(2);
///     vec![well, well + 0.1 * (x[0] + 1.0)]
/// });
/// let minima = wells.multistart(&Starts::uniform(&[-2.0], &[2.0], 20, 1))?;
/// assert_eq!(minima.len(), 2);
/// assert!((minima[0].x[0] + 1.0).abs() < 1e-6 && minima[1].x[0] > 0.9);
/// # Ok::<(), smoothmax::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct Starts {
    lower: Vec<f64>,
    upper: Vec<f64>,
    count: usize,
    seed: u64,
}

impl Starts {
    /// `count` starts in `lower <= x <= upper`.
    ///
    /// # Panics
    ///
    /// If the bounds differ in length, or are not finite with `lower <= upper`.
    pub fn uniform(lower: &[f64], upper: &[f64], count: usize, seed: u64) -> Self {
        let (below, above) = (lower.len(), upper.len());
        assert!(below == above, "uniform: `lower` has {below} elements, `upper` {above}");
        let ordered = lower.iter().zip(upper).all(|(l, u)| l <= u && l.is_finite() && u.is_finite());
        assert!(ordered, "uniform: `lower` and `upper` must be finite with lower <= upper");
        Starts { lower: lower.to_vec(), upper: upper.to_vec(), count, seed }
    }

    /// The starts.
    fn points(&self) -> Vec<Vec<f64>> {
        let mut random = Xoshiro256PlusPlus::seed_from_u64(self.seed);
        let mut between = |(l, u): (&f64, &f64)| l + (u - l) * random.random::<f64>();
        (0..self.count).map(|_| self.lower.iter().zip(&self.upper).map(&mut between).collect()).collect()
    }
}

impl Minimax<'_> {
    /// Solves from every start and returns the distinct local minima found, the best first.
    ///
    /// Two are the same when value and point agree to 1e-6, relative beyond one. Starts where a
    /// component is not finite are left out. With the feature `parallel` the starts run on rayon's
    /// pool; the result does not depend on the number of threads.
    ///
    /// # Errors
    ///
    /// As [`solve`](Minimax::solve), other than [`Error::NotFinite`] at some of the starts.
    pub fn multistart(&self, starts: &Starts) -> Result<Vec<Solution>, Error> {
        let points = starts.points();
        #[cfg(feature = "parallel")]
        let solved: Vec<_> = {
            use rayon::prelude::*;
            points.par_iter().map(|x0| self.solve(x0)).collect()
        };
        #[cfg(not(feature = "parallel"))]
        let solved: Vec<_> = points.iter().map(|x0| self.solve(x0)).collect();

        let mut failure = None;
        let mut found = Vec::new();
        for solution in solved {
            match solution {
                Ok(solution) => found.push(solution),
                Err(Error::NotFinite { component, value }) => {
                    failure = Some(Error::NotFinite { component, value })
                }
                Err(error) => return Err(error),
            }
        }
        found.sort_by(|a, b| (self.sign() * a.value).total_cmp(&(self.sign() * b.value)));
        let mut distinct: Vec<Solution> = Vec::new();
        for solution in found {
            if !distinct.iter().any(|known| same(known, &solution)) {
                distinct.push(solution);
            }
        }
        match failure {
            Some(error) if distinct.is_empty() => Err(error),
            _ => Ok(distinct),
        }
    }
}

/// Whether two solutions are the same minimum.
fn same(a: &Solution, b: &Solution) -> bool {
    let near = |distance: f64, size: f64| distance <= 1e-6 * size.max(1.0);
    near((a.value - b.value).abs(), a.value.abs()) && near((&a.x - &b.x).amax(), a.x.amax())
}
