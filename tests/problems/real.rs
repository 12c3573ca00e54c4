use num_dual::{Dual64, DualNum};
use std::ops::*;
pub trait Real: Copy + Add<Output = Self> + Sub<Output = Self> + Mul<Output = Self> + Div<Output = Self> + Neg<Output = Self> {
    fn constant(v: f64) -> Self;
    fn exp(self) -> Self;
    fn sin(self) -> Self;
    fn cos(self) -> Self;
    fn sqrt(self) -> Self;
    fn abs(self) -> Self;
    fn ln_1p(self) -> Self;
    fn powi(self, n: i32) -> Self;
    fn powf(self, n: Self) -> Self;
}
impl Real for f64 {
    fn constant(v: f64) -> Self { v }
    fn exp(self) -> Self { self.exp() }
    fn sin(self) -> Self { self.sin() }
    fn cos(self) -> Self { self.cos() }
    fn sqrt(self) -> Self { self.sqrt() }
    fn abs(self) -> Self { self.abs() }
    fn ln_1p(self) -> Self { self.ln_1p() }
    fn powi(self, n: i32) -> Self { self.powi(n) }
    fn powf(self, n: Self) -> Self { self.powf(n) }
}
#[derive(Clone, Copy)]
pub struct D(pub Dual64);
impl Add for D { type Output = D; fn add(self, o: D) -> D { D(self.0 + o.0) } }
impl Sub for D { type Output = D; fn sub(self, o: D) -> D { D(self.0 - o.0) } }
impl Mul for D { type Output = D; fn mul(self, o: D) -> D { D(self.0 * o.0) } }
impl Div for D { type Output = D; fn div(self, o: D) -> D { D(self.0 / o.0) } }
impl Neg for D { type Output = D; fn neg(self) -> D { D(-self.0) } }
impl Real for D {
    fn constant(v: f64) -> Self { D(Dual64::from(v)) }
    fn exp(self) -> Self { D(DualNum::exp(&self.0)) }
    fn sin(self) -> Self { D(DualNum::sin(&self.0)) }
    fn cos(self) -> Self { D(DualNum::cos(&self.0)) }
    fn sqrt(self) -> Self { D(DualNum::sqrt(&self.0)) }
    fn abs(self) -> Self { D(if self.0.re < 0.0 { -self.0 } else { self.0 }) }
    fn ln_1p(self) -> Self { D(DualNum::ln_1p(&self.0)) }
    fn powi(self, n: i32) -> Self { D(DualNum::powi(&self.0, n)) }
    fn powf(self, n: Self) -> Self { D(DualNum::powd(&self.0, n.0)) }
}
