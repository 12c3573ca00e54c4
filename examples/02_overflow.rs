//! The log-sum-exp trick, and three ways to write the softmax.
//!
//! ```text
//! lse(x) = ln Σ e^{x_i} = m + ln(1 + Σ' e^{x_i - m}),   m = max x, Σ' over the others
//!
//! softmax(x)_i = e^{x_i} / Σ e^{x_j}           (*) as defined
//!              = e^{x_i - lse(x)}              (#) through lse
//!              = e^{x_i - m} / Σ e^{x_j - m}   (+) shifted
//! ```
//!
//! You will learn: the plain formulas overflow and underflow; the shift by the maximum cures that;
//! `log1p` keeps what is small beside 1; and of the softmaxes only (+) keeps its digits when all
//! inputs are large, because (#) exponentiates the rounding error of a large number.
//!
//! Expected output:
//!
//! ```text
//! ln(e^1000 + e^1000) = inf              log_sum_exp: 1000.6931471805599
//! ln(e^0 + e^-40)     = 0                log_sum_exp: 4.248354255291589e-18
//! relative error of the softmax of c + (-1, 0, 1):
//!          c        (*)        (#)        (+)
//!          1    1.7e-16    3.3e-16    1.7e-16
//!        100    1.5e-16    5.7e-15    1.7e-16
//!      10000        NaN    5.0e-13    1.7e-16
//!    1000000        NaN    1.3e-11    1.7e-16
//! ```
//!
//! Source: P. Blanchard, D. Higham, N. Higham, *Accurately computing the log-sum-exp and softmax
//! functions*, IMA J. Numer. Anal. 41 (2021).

mod draw;

// The same bits on every machine, which `f64::exp` does not promise; so the picture is the same.
use libm::{exp, log};
use smoothmax::{log_sum_exp, softmax};

type Softmax = fn(&[f64; 3]) -> [f64; 3];

/// (*)
fn plain(x: &[f64; 3]) -> [f64; 3] {
    let total: f64 = x.iter().map(|&x| exp(x)).sum();
    x.map(|x| exp(x) / total)
}

/// (#)
fn through_lse(x: &[f64; 3]) -> [f64; 3] {
    let m = x.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    let lse = m + log(x.iter().map(|&x| exp(x - m)).sum());
    x.map(|x| exp(x - lse))
}

/// (+)
fn shifted(x: &[f64; 3]) -> [f64; 3] {
    let m = x.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    plain(&x.map(|x| x - m))
}

/// The softmax of (-1, 0, 1), and so of (c - 1, c, c + 1), from 40-digit arithmetic.
const EXACT: [f64; 3] = [0.09003057317038046, 0.24472847105479764, 0.6652409557748219];

fn relative_error(found: &[f64]) -> f64 {
    let errors = found.iter().zip(EXACT).map(|(p, exact)| ((p - exact) / exact).abs());
    errors.fold(0.0, |a, b| if b.is_nan() { b } else { b.max(a) })
}

fn main() {
    let naive = |x: &[f64]| x.iter().map(|x| x.exp()).sum::<f64>().ln();
    println!("ln(e^1000 + e^1000) = {:<16} log_sum_exp: {}", naive(&[1e3; 2]), log_sum_exp(&[1e3; 2]));
    println!(
        "ln(e^0 + e^-40)     = {:<16} log_sum_exp: {:e}",
        naive(&[0.0, -40.0]),
        log_sum_exp(&[0.0, -40.0])
    );
    assert_eq!((naive(&[1e3; 2]), log_sum_exp(&[1e3; 2])), (f64::INFINITY, 1000.6931471805599));
    assert_eq!((naive(&[0.0, -40.0]), log_sum_exp(&[0.0, -40.0])), (0.0, 4.248354255291589e-18));

    println!("relative error of the softmax of c + (-1, 0, 1):");
    println!("{:>10} {:>10} {:>10} {:>10}", "c", "(*)", "(#)", "(+)");
    let error = |softmax: Softmax, c: f64| relative_error(&softmax(&[c - 1.0, c, c + 1.0]));
    for c in [1e0, 1e2, 1e4, 1e6] {
        let [star, hash, plus] = [plain as Softmax, through_lse, shifted].map(|f| error(f, c));
        println!("{c:>10} {star:>10.1e} {hash:>10.1e} {plus:>10.1e}");
        assert!(plus < 4.0 * f64::EPSILON);
        assert!(relative_error(&softmax(&[c - 1.0, c, c + 1.0])) < 4.0 * f64::EPSILON);
    }
    assert!(error(plain, 1e4).is_nan());
    assert!(error(through_lse, 1e6) > 1e4 * f64::EPSILON);

    // Whole offsets, so that c - 1 and c + 1 are exact.
    let offsets: Vec<f64> = draw::graph_log(1.0..1e8, 161, f64::round).into_iter().map(|(_, c)| c).collect();
    let curve = |f: Softmax| {
        let errors = offsets.iter().map(|&c| (c, error(f, c)));
        let worst = errors.scan(0.0, |worst: &mut f64, (c, error)| {
            *worst = if error.is_nan() { error } else { worst.max(error) };
            Some((c, *worst))
        });
        worst.collect()
    };
    let plot = draw::Plot::new(
        "Softmax of (c - 1, c, c + 1) in double precision",
        draw::logarithmic("offset c", 1.0..1e8),
        draw::logarithmic("largest relative error up to c", 1e-17..1e-8),
    )
    .legend(draw::Corner::UpperLeft)
    .line("(#) exp(x - lse x)", draw::RED, curve(through_lse))
    .line("(*) exp(x) / sum exp(x), overflows at 709", draw::ORANGE, curve(plain))
    .dashed("(+) the same, shifted by max x", draw::BLUE, curve(shifted));
    draw::save("02_overflow", 1, &[plot]);
}
