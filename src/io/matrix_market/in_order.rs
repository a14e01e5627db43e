//! Whether a file lists its entries in the order of the result, as samples of it tell.
//!
//! Most files are in some order: programs write row by row, or column by column. If the rest disagrees with the samples,
//! which is found before an entry is stored in the wrong place, the file is read again by the way for entries in any
//! order.

use crate::error::Result;
use crate::io::text::cursor::Cursor;
use crate::io::text::records::skip_if_empty;
use crate::io::text::text_file::{Position, TextFile};

/// Samples of a file that are examined, and the bytes of each.
const SAMPLES: u64 = 32;
const SAMPLE: usize = 1 << 12;

/// Whether the entries seem to be in the order of a result whose lines are columns (`by_cols`) or rows, each position
/// once.
pub(super) fn seems_in_order(text: &TextFile, from: Position, by_cols: bool) -> Result<bool> {
    let (mut bytes, mut last) = (vec![0; SAMPLE], None);
    // The end of a gzip file can be reached only by unpacking all of it.
    let (count, step) = match text.is_packed() {
        true => (SAMPLES, SAMPLE as u64),
        false => {
            (SAMPLES, (text.length().saturating_sub(from.offset) / SAMPLES).max(SAMPLE as u64))
        }
    };
    for sample in 0..count {
        let offset = from.offset.saturating_add(sample * step);
        let read = text.fill(offset, &mut bytes)?;
        let end = bytes[..read].iter().rposition(|&byte| byte == b'\n').map_or(0, |at| at + 1);
        let mut cursor = Cursor::new(&bytes[..end]);
        if sample > 0 {
            cursor.skip_line();
        }
        while !cursor.is_done() {
            if skip_if_empty(&mut cursor, b"%") {
                continue;
            }
            let row = cursor.digits();
            cursor.skip_blanks();
            // What is not an entry is reported when it is read.
            let Some((row, col)) = row.zip(cursor.digits()) else { return Ok(false) };
            let position = if by_cols { (col, row) } else { (row, col) };
            if last.is_some_and(|last| last >= position) {
                return Ok(false);
            }
            last = Some(position);
            cursor.skip_line();
        }
        if read < SAMPLE {
            break;
        }
    }
    Ok(true)
}
