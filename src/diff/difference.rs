//! Numerical differentiation, to check derivatives against.

/// The derivative of `f` at `x` by central differences, and an estimate of its
/// error.
///
/// Ridders' method: differences of decreasing step are extrapolated to step
/// zero (Richardson), and the extrapolation that agrees best with its
/// predecessors is taken. `step` is the first, largest step: a length over
/// which `f` changes substantially. About ten digits can be expected of a
/// smooth `f`.
///
/// ```
/// use smoothmax::diff::central_difference;
///
/// let (derivative, error) = central_difference(0.7, 0.5, f64::sin);
/// assert!((derivative - 0.7f64.cos()).abs() <= 1e-11);
/// assert!(error <= 1e-10);
/// ```
///
/// Source: C. Ridders, *Accurate computation of F'(x) and F'(x) F''(x)*,
/// Advances in Engineering Software 4 (1982).
///
/// # Panics
///
/// Unless `step > 0`.
pub fn central_difference(x: f64, step: f64, f: impl Fn(f64) -> f64) -> (f64, f64) {
    assert!(step > 0.0, "central_difference: the step is {step}; it must be positive");
    const SHRINK: f64 = 1.4;
    const ROWS: usize = 14;
    let mut best = (f64::NAN, f64::INFINITY);
    let mut previous: Vec<f64> = Vec::new();
    let mut h = step;
    for _ in 0..ROWS {
        // The step that is actually taken, free of rounding.
        let width = (x + h) - (x - h);
        let mut row = vec![(f(x + h) - f(x - h)) / width];
        let mut factor = SHRINK * SHRINK;
        for (j, coarse) in previous.iter().enumerate() {
            let fine = row[j];
            let extrapolated = (fine * factor - coarse) / (factor - 1.0);
            factor *= SHRINK * SHRINK;
            let error = (extrapolated - fine).abs().max((extrapolated - coarse).abs());
            if error <= best.1 {
                best = (extrapolated, error);
            }
            row.push(extrapolated);
        }
        previous = row;
        h /= SHRINK;
    }
    best
}
