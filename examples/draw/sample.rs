//! Functions as points and lines to draw.

use std::ops::Range;

use super::Point;

/// `count` points of the graph of `f`, the ends among them; evenly spaced on a linear axis.
pub(crate) fn graph(x: Range<f64>, count: usize, f: impl Fn(f64) -> f64) -> Vec<Point> {
    let at = |i: usize| x.start + (x.end - x.start) * i as f64 / (count - 1) as f64;
    (0..count).map(|i| (at(i), f(at(i)))).collect()
}

/// The same, evenly spaced on a logarithmic axis.
pub(crate) fn graph_log(x: Range<f64>, count: usize, f: impl Fn(f64) -> f64) -> Vec<Point> {
    let exponents = graph(x.start.log10()..x.end.log10(), count, |e| e);
    exponents.into_iter().map(|(e, _)| 10f64.powf(e)).map(|x| (x, f(x))).collect()
}

/// The lines on which `f` has a given value, from samples on a `count` by `count` grid.
pub(crate) fn isolines(
    x: Range<f64>,
    y: Range<f64>,
    count: usize,
    level: f64,
    f: impl Fn(f64, f64) -> f64,
) -> Vec<Vec<Point>> {
    // A frame of samples outside the axes, because the tracer closes its lines along the border.
    let step = |ends: &Range<f64>| (ends.end - ends.start) / count as f64;
    let (dx, dy, side) = (step(&x), step(&y), count + 5);
    let at = |start: f64, step: f64, i: usize| start + step * (i as f64 - 2.0);
    let samples: Vec<f64> =
        (0..side * side).map(|i| f(at(x.start, dx, i % side), at(y.start, dy, i / side))).collect();
    let lines = contour::ContourBuilder::new(side, side, true)
        .x_step(dx)
        .y_step(dy)
        .x_origin(x.start - 2.5 * dx)
        .y_origin(y.start - 2.5 * dy)
        .lines(&samples, &[level])
        .expect("a value for each sample");
    let points = |line: &contour::Line| -> Vec<Vec<Point>> {
        line.geometry().0.iter().map(|ring| ring.coords().map(|c| (c.x, c.y)).collect()).collect()
    };
    lines.iter().flat_map(points).collect()
}
