//! Matrices with known rows, written row by row, and a right-hand side beside each.

use std::path::Path;

use outcore::{Context, Csr, CsrBuilder, DenseMut, Order, Result};

/// A kind of matrix.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    /// The Laplacian on a cube of points: seven entries a row, two different values.
    Poisson,
    /// Diffusion in a cube of cells with random coefficients: seven entries a row, all values different.
    Diffusion,
    /// The same by trilinear finite elements: 27 entries a row.
    Elements,
    /// Least squares: twice as many rows as columns, 240 random entries a row.
    Tall,
}

/// Entries in a row of [`Kind::Tall`].
const OF_TALL: usize = 240;

impl Kind {
    /// The shape of a matrix with this edge of the cube, or this number of columns.
    pub(crate) fn shape(self, size: usize) -> (usize, usize) {
        match self {
            Kind::Tall => (2 * size, size),
            _ => (size.pow(3), size.pow(3)),
        }
    }

    /// The size of a matrix that takes about `bytes` bytes.
    pub(crate) fn size(self, bytes: u64) -> usize {
        let side = |entries: u64| (bytes as f64 / (12 * entries + 4) as f64).cbrt() as usize;
        let size = match self {
            Kind::Poisson | Kind::Diffusion => side(7),
            Kind::Elements => side(27),
            Kind::Tall => bytes as usize / (2 * (12 * OF_TALL + 4)),
        };
        size.max(2)
    }

    /// Writes the matrix to `a.bspnpy` and a right-hand side to `b.npy` in a folder.
    pub(crate) fn make(self, size: usize, folder: &Path) -> Result<()> {
        let (path, ctx) = (folder.join("a.bspnpy"), Context::new());
        match self {
            Kind::Poisson => drop(Csr::<f64>::poisson(&[size; 3], &path, &ctx)?),
            Kind::Diffusion => diffusion(size, &path, &ctx)?,
            Kind::Elements => elements(size, &path, &ctx)?,
            Kind::Tall => {
                let density = OF_TALL as f64 / size as f64;
                drop(Csr::<f64>::random(self.shape(size), density.min(1.0), 1, &path, &ctx)?);
            }
        }
        let rows = self.shape(size).0;
        let mut b = DenseMut::<f64>::create((rows, 1), Order::C, folder.join("b.npy"), &ctx)?;
        b.as_mut_slice().iter_mut().enumerate().for_each(|(i, b)| *b = 2.0 * uniform(i) - 1.0);
        b.close()
    }
}

/// A number in [0, 1) for each index, without a pattern: the finalizer of SplitMix64.
fn uniform(i: usize) -> f64 {
    let mut z = (i as u64).wrapping_add(1).wrapping_mul(0x9E37_79B9_7F4A_7C15);
    z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    ((z ^ (z >> 31)) >> 11) as f64 / (1u64 << 53) as f64
}

/// The coefficients of a layer of cells: log-normal, the logarithm with a standard deviation of 1.
fn layer(number: usize, cells: usize) -> Vec<f64> {
    let normal = |cell: usize| {
        let (u, v) = (1.0 - uniform(2 * cell), uniform(2 * cell + 1));
        (-2.0 * u.ln()).sqrt() * (std::f64::consts::TAU * v).cos()
    };
    (number * cells..(number + 1) * cells).map(|cell| normal(cell).exp()).collect()
}

/// `−∇·(c ∇u)` by finite volumes, `u = 0` on the boundary: the coefficient of a face is the harmonic mean of its cells.
fn diffusion(side: usize, path: &Path, ctx: &Context) -> Result<()> {
    let (n, area) = (side.pow(3), side * side);
    let mut builder = CsrBuilder::<f64>::with_capacity(n, 7 * n, path, ctx)?;
    let none = vec![f64::INFINITY; area]; // beyond the boundary: the mean is twice the inner one
    let mut layers = [none.clone(), layer(0, area), none.clone()];
    for z in 0..side {
        layers[2] = if z + 1 < side { layer(z + 1, area) } else { none.clone() };
        let [below, here, above] = &layers;
        let (mut lens, mut cols, mut values) = (Vec::new(), Vec::new(), Vec::new());
        for cell in 0..area {
            let (x, y, row) = (cell % side, cell / side, z * area + cell);
            let inside =
                |there: bool, other: usize| if there { here[other] } else { f64::INFINITY };
            let neighbours = [
                (z > 0, row.wrapping_sub(area), below[cell]),
                (y > 0, row.wrapping_sub(side), inside(y > 0, cell.wrapping_sub(side))),
                (x > 0, row.wrapping_sub(1), inside(x > 0, cell.wrapping_sub(1))),
                (x + 1 < side, row + 1, inside(x + 1 < side, cell + 1)),
                (y + 1 < side, row + side, inside(y + 1 < side, cell + side)),
                (z + 1 < side, row + area, above[cell]),
            ];
            let face = |other: f64| 2.0 / (1.0 / here[cell] + 1.0 / other);
            let diagonal: f64 = neighbours.iter().map(|&(_, _, other)| face(other)).sum();
            let start = cols.len();
            for (at, &(there, col, other)) in neighbours.iter().enumerate() {
                if at == 3 {
                    cols.push(row as u32);
                    values.push(diagonal);
                }
                if there {
                    cols.push(col as u32);
                    values.push(-face(other));
                }
            }
            lens.push(cols.len() - start);
        }
        builder.push_lines(&lens, &cols, &values)?;
        layers.rotate_left(1);
    }
    builder.finish().map(drop)
}

/// The same by trilinear finite elements on bricks, with a coefficient for each brick.
fn elements(side: usize, path: &Path, ctx: &Context) -> Result<()> {
    let (n, area, cells) = (side.pow(3), side * side, (side + 1) * (side + 1));
    // Bricks that are no cubes: of a cube, entries of nodes along an edge would be zero.
    let (width, volume) = ([1.0, 0.8, 1.25], 1.0);
    let stiffness = |apart: usize| {
        let along = |d: usize| {
            let differs = |d: usize| apart >> d & 1 == 1;
            let mass = |e: usize| {
                if e == d {
                    1.0
                } else if differs(e) {
                    1.0 / 6.0
                } else {
                    1.0 / 3.0
                }
            };
            let sign = if differs(d) { -1.0 } else { 1.0 };
            sign * (0..3).map(mass).product::<f64>() / (width[d] * width[d])
        };
        volume * (0..3).map(along).sum::<f64>()
    };
    let of_element: Vec<f64> = (0..8).map(stiffness).collect();
    let mut builder = CsrBuilder::<f64>::with_capacity(n, 27 * n, path, ctx)?;
    let mut layers = [layer(0, cells), layer(1, cells)];
    for z in 0..side {
        let (mut lens, mut cols, mut values) = (Vec::new(), Vec::new(), Vec::new());
        for node in 0..area {
            let (x, y, row) = (node % side, node / side, z * area + node);
            let mut sums = [0.0; 27];
            for corner in 0..8 {
                // The brick at this side of the node, in which the node is the opposite corner.
                let [cx, cy, cz] = [corner & 1, corner >> 1 & 1, corner >> 2];
                let c = layers[cz][(y + cy) * (side + 1) + x + cx];
                for (apart, part) in of_element.iter().enumerate() {
                    let step = |d: usize, to: usize| match (apart >> d & 1, to) {
                        (0, _) => 1,
                        (_, to) => 2 * to,
                    };
                    sums[step(0, cx) + 3 * step(1, cy) + 9 * step(2, cz)] += c * part;
                }
            }
            let start = cols.len();
            for (at, &sum) in sums.iter().enumerate() {
                let place = [(x, at % 3), (y, at / 3 % 3), (z, at / 9)];
                if place.iter().all(|&(i, step)| (1..=side).contains(&(i + step))) {
                    let offset = (at % 3 + side * (at / 3 % 3) + area * (at / 9)) as isize;
                    cols.push((row as isize + offset - (1 + side + area) as isize) as u32);
                    values.push(sum);
                }
            }
            lens.push(cols.len() - start);
        }
        builder.push_lines(&lens, &cols, &values)?;
        layers = [std::mem::take(&mut layers[1]), layer(z + 2, cells)];
    }
    builder.finish().map(drop)
}
