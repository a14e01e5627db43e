//! What an entry is, and how it is made of the numbers of a file.

use num_complex::Complex;

use crate::error::Result;
use crate::io::harwell_boeing::fortran::FortranFormat;
use crate::io::harwell_boeing::header::OtherTriangle;
use crate::storage::Entry;

/// A type of entries, and the numbers of a file that make one.
pub(super) trait FortranValue: Entry {
    type Number: Send + Copy + 'static;
    /// Numbers for a value.
    const NUMBERS: usize;
    fn parse(fields: &FortranFormat, line: &[u8], k: usize) -> Result<Self::Number>;
    fn of(numbers: &[Self::Number]) -> Self;
    /// The entry on the other side of the diagonal; `None` if the type does not have it.
    fn image(self, symmetry: OtherTriangle) -> Option<Self>;
}

impl FortranValue for () {
    type Number = ();
    const NUMBERS: usize = 1;
    fn parse(_: &FortranFormat, _: &[u8], _: usize) -> Result<()> {
        Ok(())
    }
    fn of(_: &[()]) {}
    fn image(self, _: OtherTriangle) -> Option<()> {
        Some(())
    }
}

impl FortranValue for i64 {
    type Number = i64;
    const NUMBERS: usize = 1;
    fn parse(fields: &FortranFormat, line: &[u8], k: usize) -> Result<i64> {
        fields.integer(line, k)
    }
    fn of(numbers: &[i64]) -> i64 {
        numbers[0]
    }
    fn image(self, symmetry: OtherTriangle) -> Option<i64> {
        if symmetry == OtherTriangle::Skew { self.checked_neg() } else { Some(self) }
    }
}

impl FortranValue for f64 {
    type Number = f64;
    const NUMBERS: usize = 1;
    fn parse(fields: &FortranFormat, line: &[u8], k: usize) -> Result<f64> {
        match fields.is_integer() {
            true => fields.integer(line, k).map(|number| number as f64),
            false => fields.real(line, k),
        }
    }
    fn of(numbers: &[f64]) -> f64 {
        numbers[0]
    }
    fn image(self, symmetry: OtherTriangle) -> Option<f64> {
        Some(if symmetry == OtherTriangle::Skew { -self } else { self })
    }
}

impl FortranValue for Complex<f64> {
    type Number = f64;
    const NUMBERS: usize = 2;
    fn parse(fields: &FortranFormat, line: &[u8], k: usize) -> Result<f64> {
        <f64 as FortranValue>::parse(fields, line, k)
    }
    fn of(numbers: &[f64]) -> Self {
        Complex::new(numbers[0], numbers[1])
    }
    fn image(self, symmetry: OtherTriangle) -> Option<Self> {
        Some(match symmetry {
            OtherTriangle::Skew => -self,
            OtherTriangle::Hermitian => self.conj(),
            _ => self,
        })
    }
}
