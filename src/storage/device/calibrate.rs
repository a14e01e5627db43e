//! Which way of reading a device likes better: measured once, remembered with the context.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};
use std::time::Instant;

use crate::error::Result;
use crate::storage::device::io_buffer::IoBuffer;
use crate::storage::device::source::{ReadMode, Source};

/// Bytes of one read of the measurement.
const STEP: usize = 4 << 20;

/// Reads of the measurement in each mode.
const STEPS: u64 = 8;

/// The devices measured so far.
#[derive(Debug, Default)]
pub(crate) struct Devices(Mutex<HashMap<u64, ReadMode>>);

impl Devices {
    /// How to read the file, from memory or by measuring its device with it: 64 MiB are read, from places spread over
    /// the file, half of them past the page cache.
    pub(crate) fn read_mode(&self, source: &Source) -> Result<ReadMode> {
        let mut devices = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(&known) = devices.get(&source.device()) {
            return Ok(known);
        }
        let buffered = measure(source, ReadMode::Buffered)?;
        let direct = if source.reads_directly() { measure(source, ReadMode::Direct)? } else { 0.0 };
        // Equal is not equal: direct reads leave the processors and the page cache to others.
        let found = match direct * 1.1 >= buffered {
            true => ReadMode::Direct,
            false => ReadMode::Buffered,
        };
        // A file too small to measure with says nothing of its device.
        if source.length() >= 2 * STEPS * STEP as u64 {
            devices.insert(source.device(), found);
        }
        Ok(found)
    }
}

/// Bytes a second of cold reads.
fn measure(source: &Source, mode: ReadMode) -> Result<f64> {
    let bytes = STEP.min(source.length() as usize);
    let mut buffer = IoBuffer::new(Source::room(bytes))?;
    buffer.bytes_mut().fill(0);
    let stride = source.length().saturating_sub(bytes as u64) / STEPS;
    // The two modes read different places, so that neither finds what the other brought into the cache.
    let shift = if mode == ReadMode::Direct { stride / 2 } else { 0 };
    let mut seconds = 0.0;
    for step in 0..STEPS {
        let offset = (step * stride + shift) / 4096 * 4096;
        source.forget(offset, bytes as u64);
        let start = Instant::now();
        source.read(mode, offset, bytes, &mut buffer)?;
        seconds += start.elapsed().as_secs_f64();
    }
    Ok(STEPS as f64 * bytes as f64 / seconds.max(1e-9))
}
