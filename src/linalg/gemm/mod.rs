//! Products of dense matrices that need not fit in memory.
//!
//! - `product` – what is called, what it costs, and where the result goes; `tiling` – how the product is cut up
//! - `strips` – rows of the result at a time, the rows of the left matrix in memory, the right one read as it lies
//! - `tiles` – a tile of the result at a time, both matrices read in runs along the inner dimension
//! - `operand` – a part of a matrix, where it lies or as it was read; `gemm` – the product of what is in memory, of
//!   [`packed`] tiles
//! - [`gram`] – `Aᴴ A` of a tall matrix in one pass
//!
//! The inner dimension is summed in blocks of 256, each added to the result when it is complete, whatever the tiles, the
//! limit, the order of the elements and where they lie: the same bits, on one kind of processor (the product of a block
//! uses the vector units it finds).

mod gemm;
mod gram;
mod operand;
mod packed;
mod product;
mod strips;
mod tiles;
mod tiling;
