//! The graph that an example is asked to work on.

use outcore::io::read_graph;
use outcore::{Context, Coo, Csr, Duplicates, Place};

type Failure = Box<dyn std::error::Error>;

/// A file of any kind that is read, or `rmat SCALE`; without words an R-MAT graph of scale 14.
pub(crate) fn load(words: &[String], help: &str, ctx: &Context) -> Result<Csr<()>, Failure> {
    let words = words.iter().map(String::as_str).collect::<Vec<_>>();
    let scale = match words[..] {
        [] => 14,
        ["rmat", scale] => scale.parse()?,
        [path] => return Ok(read_graph(path, Place::Memory, ctx)?),
        _ => return Err(help.into()),
    };
    Ok(Coo::<()>::rmat(scale, 16, 1, Place::Memory, &Context::new())?.to_csr(
        Duplicates::Sum,
        Place::Memory,
        ctx,
    )?)
}

/// Takes `flag NUMBER` out of the words; `None` if the flag is not there.
pub(crate) fn take_number(words: &mut Vec<String>, flag: &str) -> Result<Option<usize>, Failure> {
    let Some(at) = words.iter().position(|word| word == flag) else { return Ok(None) };
    let number = words.get(at + 1).ok_or_else(|| format!("{flag} wants a number"))?.parse()?;
    words.drain(at..at + 2);
    Ok(Some(number))
}
