//! Typed compressed rows of a matrix whose index types are known at run time.

/// Evaluates an expression for compressed rows of `f64` with any index types.
macro_rules! by_width {
    ($a:expr, $rows:ident => $made:expr) => {{
        type Wide = outcore::Csr<f64, u64, u64>;
        if let Ok($rows) = outcore::Csr::<f64, u32, u32>::try_from($a.clone()) {
            $made
        } else if let Ok($rows) = outcore::Csr::<f64, u32, u64>::try_from($a.clone()) {
            $made
        } else if let Ok($rows) = outcore::Csr::<f64, u64, u32>::try_from($a.clone()) {
            $made
        } else {
            let $rows = Wide::try_from($a)?;
            $made
        }
    }};
}

pub(crate) use by_width;
