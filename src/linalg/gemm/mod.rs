//! Products of dense matrices that need not fit in memory.
//!
//! - `product` – the public methods, the cost, and the place of the result; `tiling` – how the product is cut into
//!   parts
//! - `row_blocks` – rows of the result at a time, the rows of the left matrix in memory, the right one in file order
//! - `tiles` – a tile of the result at a time, both matrices read in runs along the inner dimension
//! - `operand` – a part of a matrix, in place or as it was read; `in_memory` – the product in memory, from
//!   [`packed`] tiles
//! - [`gram`] – `Aᴴ A` of a tall matrix in one pass
//!
//! The inner dimension is summed in blocks of 256, each added to the result when it is complete, whatever the tiles,
//! the limit, the order of the elements and their place: the same bits, on one kind of processor (the product of a
//! block uses the available vector units).

mod gram;
mod in_memory;
mod operand;
mod packed;
mod product;
mod row_blocks;
mod tiles;
mod tiling;
