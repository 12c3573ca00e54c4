//! How the examples draw: plots as data, rendered by `plotters` into an SVG file.
//!
//! [`Plot`] holds two axes and layers of lines, dots, bands and words; [`save`] puts plots side by
//! side into `docs/images/<name>.svg`. The same program draws the same bytes on every machine:
//! coordinates are whole pixels of a large canvas, the font is named but never measured.
//!
//! Compiled as a test (`tests/tutorial.rs` does), `save` compares with the committed file instead
//! of writing it, and the one test here runs the example around it.

// Each example uses a part of it.
#![allow(dead_code)]

use std::ops::Range;
use std::path::Path;

use plotters::coord::Shift;
use plotters::coord::types::RangedCoordf64;
use plotters::element::DashedPathElement;
use plotters::prelude::*;
use plotters::style::text_anchor::{HPos, Pos, VPos};

/// A point of a plot.
pub(crate) type Point = (f64, f64);

// The palette of Okabe and Ito, distinguishable in all forms of colour blindness.
pub(crate) const INK: RGBColor = RGBColor(0, 0, 0);
pub(crate) const GREY: RGBColor = RGBColor(150, 150, 150);
pub(crate) const PALE: RGBColor = RGBColor(195, 205, 215);
pub(crate) const BLUE: RGBColor = RGBColor(0, 114, 178);
pub(crate) const SKY: RGBColor = RGBColor(86, 180, 233);
pub(crate) const GREEN: RGBColor = RGBColor(0, 158, 115);
pub(crate) const YELLOW: RGBColor = RGBColor(240, 228, 66);
pub(crate) const ORANGE: RGBColor = RGBColor(230, 159, 0);
pub(crate) const RED: RGBColor = RGBColor(213, 94, 0);
pub(crate) const PURPLE: RGBColor = RGBColor(204, 121, 167);

/// In canvas pixels; readers see about half of it. plotters divides font sizes by 1.24.
const FONT: f64 = 31.0;
const LINE: u32 = 4;
/// The opacity of a band.
const BAND: f64 = 0.35;

/// One axis: its name, its ends and whether it is logarithmic.
pub(crate) struct Axis {
    name: String,
    ends: Range<f64>,
    logarithmic: bool,
    marks: usize,
}

/// A linear axis. Without a name it is not drawn.
pub(crate) fn linear(name: &str, ends: Range<f64>) -> Axis {
    Axis { name: name.into(), ends, logarithmic: false, marks: 7 }
}

/// A logarithmic axis; its ends are powers of ten.
pub(crate) fn logarithmic(name: &str, ends: Range<f64>) -> Axis {
    let ends = ends.start.log10().round()..ends.end.log10().round();
    let marks = (ends.end - ends.start) as usize + 1;
    Axis { name: name.into(), ends, logarithmic: true, marks }
}

impl Axis {
    /// How many marks to put on it, at most.
    pub(crate) fn marks(mut self, count: usize) -> Axis {
        self.marks = count;
        self
    }

    fn place(&self, value: f64) -> f64 {
        if self.logarithmic { value.log10() } else { value }
    }

    /// The text at a mark: on a linear axis the digits that tell it from its neighbours, on a
    /// logarithmic one the power of ten, or nothing between two.
    fn mark(&self, place: f64) -> String {
        if !self.logarithmic {
            let step = (self.ends.end - self.ends.start) / self.marks as f64;
            let digits = (-step.log10()).ceil().max(0.0) as usize;
            // Rounding, and adding 0 to a negative zero, keeps "-0" away.
            let unit = 10f64.powi(digits as i32);
            return ((place * unit).round() / unit + 0.0).to_string();
        }
        let power = place.round();
        if (place - power).abs() < 1e-9 { format!("1e{power}") } else { String::new() }
    }
}

enum Layer {
    Line { name: String, color: RGBColor, width: u32, dashed: bool, points: Vec<Point> },
    Dots { name: String, color: RGBColor, radius: u32, points: Vec<Point> },
    Band { name: String, color: RGBColor, outline: Vec<Point> },
    Words { color: RGBColor, at: Point, text: String },
}

impl Layer {
    /// The name in the legend.
    fn name(&self) -> Option<&str> {
        match self {
            Layer::Line { name, .. } | Layer::Dots { name, .. } | Layer::Band { name, .. } => {
                Some(name.as_str()).filter(|name| !name.is_empty())
            }
            Layer::Words { .. } => None,
        }
    }
}

/// Where a legend goes.
#[derive(Clone, Copy, PartialEq)]
pub(crate) enum Corner {
    UpperLeft,
    UpperRight,
    LowerLeft,
    LowerRight,
}

impl Corner {
    fn is_left(self) -> bool {
        matches!(self, Corner::UpperLeft | Corner::LowerLeft)
    }

    fn is_upper(self) -> bool {
        matches!(self, Corner::UpperLeft | Corner::UpperRight)
    }
}

/// A picture with two axes, drawn in the order in which its layers were added. Names of layers
/// appear in the legend, each once.
pub(crate) struct Plot {
    title: String,
    x: Axis,
    y: Axis,
    size: (u32, u32),
    legend: Corner,
    layers: Vec<Layer>,
}

impl Plot {
    pub(crate) fn new(title: &str, x: Axis, y: Axis) -> Plot {
        Plot { title: title.into(), x, y, size: (1000, 720), legend: Corner::UpperRight, layers: Vec::new() }
    }

    /// Width and height in canvas pixels, with title and axis names.
    pub(crate) fn size(mut self, width: u32, height: u32) -> Plot {
        self.size = (width, height);
        self
    }

    /// Where the legend goes.
    pub(crate) fn legend(mut self, corner: Corner) -> Plot {
        self.legend = corner;
        self
    }

    pub(crate) fn line(self, name: &str, color: RGBColor, points: Vec<Point>) -> Plot {
        self.stroke(name, color, LINE, false, points)
    }

    /// A line that stays in the background.
    pub(crate) fn thin(self, name: &str, color: RGBColor, points: Vec<Point>) -> Plot {
        self.stroke(name, color, LINE / 2, false, points)
    }

    /// A hair line, one of thousands.
    pub(crate) fn hair(self, color: RGBColor, points: Vec<Point>) -> Plot {
        self.stroke("", color, 1, false, points)
    }

    pub(crate) fn dashed(self, name: &str, color: RGBColor, points: Vec<Point>) -> Plot {
        self.stroke(name, color, LINE, true, points)
    }

    fn stroke(mut self, name: &str, color: RGBColor, width: u32, dashed: bool, points: Vec<Point>) -> Plot {
        self.layers.push(Layer::Line { name: name.into(), color, width, dashed, points });
        self
    }

    pub(crate) fn dots(self, name: &str, color: RGBColor, points: Vec<Point>) -> Plot {
        self.discs(name, color, 9, points)
    }

    /// Dots of a given radius in canvas pixels.
    pub(crate) fn discs(mut self, name: &str, color: RGBColor, radius: u32, points: Vec<Point>) -> Plot {
        self.layers.push(Layer::Dots { name: name.into(), color, radius, points });
        self
    }

    /// The region between two lines.
    pub(crate) fn band(mut self, name: &str, color: RGBColor, lower: &[Point], upper: &[Point]) -> Plot {
        let outline = lower.iter().chain(upper.iter().rev()).copied().collect();
        self.layers.push(Layer::Band { name: name.into(), color, outline });
        self
    }

    /// A bar from `y = 0`.
    pub(crate) fn bar(self, name: &str, color: RGBColor, x: Range<f64>, height: f64) -> Plot {
        self.band(name, color, &[(x.start, 0.0), (x.end, 0.0)], &[(x.start, height), (x.end, height)])
    }

    /// Words with their centre at a point.
    pub(crate) fn words(mut self, color: RGBColor, at: Point, text: &str) -> Plot {
        self.layers.push(Layer::Words { color, at, text: text.into() });
        self
    }

    fn place(&self, (x, y): Point) -> Point {
        (self.x.place(x), self.y.place(y))
    }

    /// The parts of a line inside the axes.
    fn inside(&self, points: &[Point]) -> Vec<Vec<Point>> {
        let within = |ends: &Range<f64>, v: f64| ends.start <= v && v <= ends.end;
        let placed: Vec<Point> = points.iter().map(|&p| self.place(p)).collect();
        placed
            .split(|&(x, y)| !within(&self.x.ends, x) || !within(&self.y.ends, y))
            .filter(|run| !run.is_empty())
            .map(<[Point]>::to_vec)
            .collect()
    }

    fn draw(&self, area: &Area<'_>) -> Result<(), Failure> {
        let named = |axis: &Axis, size| if axis.name.is_empty() { 0 } else { size };
        let mut builder = ChartBuilder::on(area);
        if !self.title.is_empty() {
            builder.caption(&self.title, font(FONT * 1.15));
        }
        let mut chart = builder
            .margin(14)
            .margin_right(30)
            .x_label_area_size(named(&self.x, 84))
            .y_label_area_size(named(&self.y, 116))
            .build_cartesian_2d(self.x.ends.clone(), self.y.ends.clone())?;
        if !self.x.name.is_empty() {
            let mut mesh = chart.configure_mesh();
            if self.y.name.is_empty() {
                mesh.disable_y_axis().disable_y_mesh();
            }
            mesh.x_desc(&self.x.name)
                .y_desc(&self.y.name)
                .x_labels(self.x.marks)
                .y_labels(self.y.marks)
                .max_light_lines(0)
                .bold_line_style(INK.mix(0.12))
                .label_style(font(FONT * 0.9))
                .axis_desc_style(font(FONT))
                .x_label_formatter(&|&v| self.x.mark(v))
                .y_label_formatter(&|&v| self.y.mark(v))
                .draw()?;
        }
        let inner = chart.plotting_area();
        for layer in &self.layers {
            self.draw_layer(inner, layer)?;
        }
        let (x, y) = inner.get_pixel_range();
        let (left, top) = area.get_base_pixel();
        self.draw_legend(area, (x.start - left..x.end - left, y.start - top..y.end - top))
    }

    fn draw_layer(&self, inner: &Inner<'_>, layer: &Layer) -> Result<(), Failure> {
        match layer {
            Layer::Line { color, width, dashed, points, .. } => {
                for run in self.inside(points) {
                    let style = color.stroke_width(*width);
                    if *dashed {
                        inner.draw(&DashedPathElement::new(run, 14, 10, style))?;
                    } else {
                        inner.draw(&PathElement::new(run, style))?;
                    }
                }
            }
            Layer::Dots { color, radius, points, .. } => {
                for place in self.inside(points).concat() {
                    inner.draw(&Circle::new(place, *radius, color.filled()))?;
                }
            }
            Layer::Band { color, outline, .. } => {
                let outline: Vec<Point> = outline.iter().map(|&p| self.place(p)).collect();
                inner.draw(&Polygon::new(outline, color.mix(BAND)))?;
            }
            Layer::Words { color, at, text } => {
                let style = font(FONT).color(color).pos(Pos::new(HPos::Center, VPos::Center));
                inner.draw(&Text::new(text.as_str(), self.place(*at), style))?;
            }
        }
        Ok(())
    }

    /// The names of the layers, one below the other, in a corner of the rectangle between the axes.
    fn draw_legend(&self, area: &Area<'_>, (x, y): (Range<i32>, Range<i32>)) -> Result<(), Failure> {
        const ROW: i32 = 36;
        const KEY: i32 = 40;
        let mut rows: Vec<(&str, &Layer)> = Vec::new();
        for layer in &self.layers {
            rows.extend(
                layer.name().filter(|name| rows.iter().all(|row| row.0 != *name)).map(|name| (name, layer)),
            );
        }
        let letters = rows.iter().map(|(name, _)| name.chars().count()).max().unwrap_or(0);
        let (width, height) = (KEY + 30 + (letters as f64 * FONT * 0.46) as i32, ROW * rows.len() as i32);
        let left = if self.legend.is_left() { x.start + 14 } else { x.end - width };
        let top = if self.legend.is_upper() { y.start + 8 } else { y.end - height - 10 };
        if !rows.is_empty() {
            let corners = [(left - 8, top), (left + width - 8, top + height)];
            area.draw(&Rectangle::new(corners, WHITE.mix(0.85).filled()))?;
        }
        for (row, (name, layer)) in rows.into_iter().enumerate() {
            let (start, end, y) = (left, left + KEY, top + ROW / 2 + ROW * row as i32);
            match layer {
                Layer::Line { color, width, dashed: true, .. } => {
                    let key = [(start, y), (end, y)];
                    area.draw(&DashedPathElement::new(key, 10, 5, color.stroke_width(*width)))?;
                }
                Layer::Line { color, width, .. } => {
                    area.draw(&PathElement::new([(start, y), (end, y)], color.stroke_width(*width)))?;
                }
                Layer::Dots { color, radius, .. } => {
                    area.draw(&Circle::new((start + KEY / 2, y), *radius, color.filled()))?;
                }
                Layer::Band { color, .. } => {
                    area.draw(&Rectangle::new([(start, y - 11), (end, y + 11)], color.mix(BAND).filled()))?;
                }
                Layer::Words { .. } => {}
            }
            let style = font(FONT).pos(Pos::new(HPos::Left, VPos::Center));
            area.draw(&Text::new(name, (end + 14, y), style))?;
        }
        Ok(())
    }
}

type Area<'a> = DrawingArea<SVGBackend<'a>, Shift>;
/// The area between the axes.
type Inner<'a> = DrawingArea<SVGBackend<'a>, Cartesian2d<RangedCoordf64, RangedCoordf64>>;
type Failure = Box<dyn std::error::Error>;

/// The generic family: whatever the reader's machine calls sans-serif.
fn font(size: f64) -> TextStyle<'static> {
    TextStyle::from(("sans-serif", size))
}

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

/// Draws plots in rows of `columns` and writes `docs/images/<name>.svg`.
pub(crate) fn save(name: &str, columns: usize, plots: &[Plot]) {
    let drawn = render(columns, plots).expect("a plot can be drawn");
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("docs/images/{name}.svg"));
    if cfg!(test) {
        let committed = std::fs::read_to_string(&path).unwrap_or_default();
        assert!(drawn == committed, "{} is not what the example draws; run the example", path.display());
    } else {
        std::fs::write(&path, drawn).expect("docs/images can be written");
    }
}

fn render(columns: usize, plots: &[Plot]) -> Result<String, Failure> {
    let rows: Vec<&[Plot]> = plots.chunks(columns).collect();
    let height_of = |row: &[Plot]| row.iter().map(|plot| plot.size.1).max().unwrap_or(0);
    let width_of = |row: &[Plot]| row.iter().map(|plot| plot.size.0).sum::<u32>();
    let size = (
        rows.iter().map(|row| width_of(row)).max().unwrap_or(0),
        rows.iter().map(|row| height_of(row)).sum(),
    );
    let mut svg = String::new();
    {
        let canvas = SVGBackend::with_string(&mut svg, size).into_drawing_area();
        canvas.fill(&WHITE)?;
        let mut y = 0;
        for row in rows {
            let mut x = 0;
            for plot in row {
                let (width, height) = plot.size;
                plot.draw(&canvas.clone().shrink((x, y), (width, height)))?;
                x += width;
            }
            y += height_of(row);
        }
        canvas.present()?;
    }
    // A page narrower than the canvas shrinks it.
    Ok(svg.replacen("<svg ", "<svg style=\"max-width:100%;height:auto\" ", 1))
}

/// The example around this module holds, and draws the committed picture.
#[cfg(test)]
#[test]
fn example() -> impl std::process::Termination {
    super::main()
}
