//! Two arrays of one shape and order, of which the same elements are read at a time.

use crate::dense::any_dense::AnyDense;
use crate::error::{Error, ErrorKind, Result};
use crate::storage::{ArrayPanels, Arrays, EvenCut, Reading, largest_panel, panel_elements};

/// Elements of a panel of arrays that are used in place.
const RESIDENT: usize = 1 << 22;

/// Panels of both arrays for one pass, within `budget` bytes of memory.
///
/// Fails if the arrays differ in shape or order.
pub(crate) fn zipped(left: &AnyDense, right: &AnyDense, budget: u64) -> Result<ArrayPanels> {
    if left.shape() != right.shape() {
        let (expected, found) = (format!("{:?}", left.shape()), format!("{:?}", right.shape()));
        return Err(Error::shape("the second array", expected, found));
    }
    if left.order() != right.order() && left.len() > 1 {
        return Err(Error::new(ErrorKind::Unsupported, "the arrays differ in element order")
            .expected(format!("{:?}", left.order()))
            .found(format!("{:?}", right.order()))
            .remedy("transpose one, or store it in the other order"));
    }
    let arrays = Arrays::within(budget, [left.buffer(), right.buffer()])?;
    let step = match arrays.files() {
        0 => RESIDENT,
        _ => panel_elements(largest_panel(budget), &[arrays.size(0), arrays.size(1)]),
    };
    ArrayPanels::new(arrays, EvenCut { len: left.len(), step, arrays: 2 }, Reading::once(budget))
}
