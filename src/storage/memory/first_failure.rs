//! State built step by step. Once a step has failed half-way, every later step fails with the same error.
//!
//! The state after a failed step is unknown. A caller who retries must get neither a duplicate of the entry nor a
//! result without it.

use crate::error::{Error, Result};

/// The first failure, if there was one.
#[derive(Debug, Default)]
pub(crate) struct Broken(Option<Error>);

impl Broken {
    /// Fails as the step did that failed.
    pub(crate) fn check(&self) -> Result<()> {
        self.0.as_ref().map_or(Ok(()), |error| Err(error.again()))
    }

    /// Remembers the failure of a step that may have stopped half-way.
    pub(crate) fn note<R>(&mut self, outcome: Result<R>) -> Result<R> {
        if let Err(error) = &outcome {
            self.0.get_or_insert_with(|| error.again());
        }
        outcome
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::ErrorKind;

    #[test]
    fn the_first_failure_is_repeated() {
        let mut broken = Broken::default();
        assert_eq!(broken.note(Ok(3)).unwrap(), 3);
        broken.check().unwrap();
        let full =
            || Error::io("writing", "a.npy", std::io::Error::from_raw_os_error(28)).at_byte(7);
        broken.note::<()>(Err(full())).unwrap_err();
        broken.note::<()>(Err(Error::new(ErrorKind::Format, "another"))).unwrap_err();
        assert_eq!(broken.check().unwrap_err().to_string(), full().to_string());
        assert_eq!(broken.check().unwrap_err().kind(), full().kind());
    }
}
