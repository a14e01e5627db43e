//! The speed of a device and its faster mode of reading: measured once per process.

use std::collections::HashMap;
use std::fs::File;
use std::os::unix::fs::MetadataExt;
use std::path::Path;
use std::sync::{LazyLock, Mutex, PoisonError};
use std::time::Instant;

use crate::error::{Error, Result};
use crate::storage::memory::Origin;
use crate::storage::runtime::{Context, Meter};
use crate::storage::stream::device::append::Appender;
use crate::storage::stream::device::io_buffer::IoBuffer;
use crate::storage::stream::device::source::{ReadMode, SourceFile};

/// Bytes of one read or write of the measurement.
const STEP: usize = 4 << 20;

/// Number of reads or writes of the measurement in each mode.
const STEPS: u64 = 8;

/// Assumed bytes per second of a device that could not be measured.
const UNKNOWN: f64 = 1e9;

/// The devices measured so far.
#[derive(Debug, Default)]
pub(crate) struct Devices {
    reads: Mutex<HashMap<u64, DeviceSpeed>>,
    writes: Mutex<HashMap<u64, f64>>,
}

/// How a device is read.
#[derive(Clone, Copy, Debug)]
struct DeviceSpeed {
    mode: ReadMode,
    /// Bytes a second.
    speed: f64,
    /// The same in each mode.
    buffered: f64,
    direct: Option<f64>,
}

/// How fast a device is, in bytes a second, as [`device_speeds`] measured it.
#[derive(Clone, Copy, Debug, PartialEq)]
#[non_exhaustive]
pub struct DeviceSpeeds {
    /// Reads through the page cache.
    pub buffered: f64,
    /// Reads past the page cache; `None` if the file system has none.
    pub direct: Option<f64>,
    /// Whether matrices are read past the page cache. A tie goes to that, because it leaves processors and page cache
    /// to others.
    pub reads_directly: bool,
    /// Writes of scratch files.
    pub written: f64,
}

/// How fast the device of a file is read, and that of the scratch folder of `ctx` written: measured as for the first
/// work with a file on this device, or as remembered from then. Reads and writes up to 128 MiB.
///
/// Fails if the file cannot be read.
///
/// ```
/// # let folder = tempfile::tempdir()?;
/// # let path = folder.path().join("a.npy");
/// # std::fs::write(&path, [0u8; 1 << 16])?;
/// let speeds = outcore::device_speeds(&path, &outcore::Context::new())?;
/// println!("{:.1} MB/s through the page cache", speeds.buffered / 1e6);
/// # assert!(speeds.buffered > 0.0 && speeds.written > 0.0);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn device_speeds(file: impl AsRef<Path>, ctx: &Context) -> Result<DeviceSpeeds> {
    let path = file.as_ref();
    let file = File::open(path).map_err(|error| Error::io("opening", path, error))?;
    let source = SourceFile::open(&Origin { path: path.to_owned(), file })?;
    let DeviceSpeed { mode, buffered, direct, .. } = Devices::known().reading(&source)?;
    let written = Devices::known().write_speed(ctx.scratch_folder());
    Ok(DeviceSpeeds { buffered, direct, reads_directly: mode == ReadMode::Direct, written })
}

/// How fast files are read and written, in bytes a second.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Speeds {
    read: f64,
    write: f64,
}

impl Speeds {
    /// Seconds to read and write this many bytes; a device that does both at once divides its time between them.
    pub(crate) fn seconds(&self, read: u64, written: u64) -> f64 {
        read as f64 / self.read + written as f64 / self.write
    }
}

impl Devices {
    /// The devices measured by this process. These are facts, not settings, so all contexts share them.
    pub(crate) fn known() -> &'static Devices {
        static DEVICES: LazyLock<Devices> = LazyLock::new(Devices::default);
        &DEVICES
    }

    /// How to read the file: remembered, or measured with it. The measurement reads 64 MiB from places spread over
    /// the file, half of them past the page cache.
    pub(crate) fn read_mode(&self, source: &SourceFile) -> Result<ReadMode> {
        self.reading(source).map(|reading| reading.mode)
    }

    /// How fast the device of `file` is, or that of the folder for scratch files: reading is measured with the file if
    /// that is large enough, writing with a scratch file.
    pub(crate) fn speeds(&self, file: Option<&Path>, scratch: &Path) -> Result<Speeds> {
        let write = self.write_speed(scratch);
        // A file that has no name, or not yet, is usually on the same device.
        let open = |path: &Path| {
            let file = File::open(path).ok()?;
            file.metadata().ok()?.is_file().then(|| Origin { path: path.to_owned(), file })
        };
        let Some(origin) = file.and_then(open) else { return Ok(Speeds { read: write, write }) };
        Ok(Speeds { read: self.reading(&SourceFile::open(&origin)?)?.speed, write })
    }

    fn reading(&self, source: &SourceFile) -> Result<DeviceSpeed> {
        let mut devices = self.reads.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(&known) = devices.get(&source.device()) {
            return Ok(known);
        }
        let buffered = measure(source, ReadMode::Buffered)?;
        let direct = match source.reads_directly() {
            true => Some(measure(source, ReadMode::Direct)?),
            false => None,
        };
        // A tie goes to direct reads, which leave the processors and the page cache to others.
        let (mode, speed) = match direct {
            Some(direct) if direct * 1.1 >= buffered => (ReadMode::Direct, direct),
            _ => (ReadMode::Buffered, buffered),
        };
        let found = DeviceSpeed { mode, speed, buffered, direct };
        // A file too small to measure with says nothing about its device.
        if source.length() >= 2 * STEPS * STEP as u64 {
            devices.insert(source.device(), found);
        }
        Ok(found)
    }

    fn write_speed(&self, folder: &Path) -> f64 {
        let Ok(device) = folder.metadata().map(|metadata| metadata.dev()) else {
            return UNKNOWN;
        };
        let mut devices = self.writes.lock().unwrap_or_else(PoisonError::into_inner);
        *devices.entry(device).or_insert_with(|| measure_writes(folder).unwrap_or(UNKNOWN))
    }
}

/// Bytes a second of cold reads.
fn measure(source: &SourceFile, mode: ReadMode) -> Result<f64> {
    let bytes = STEP.min(source.length() as usize);
    // Not counted as memory or traffic of the first operation.
    let mut buffer = IoBuffer::new(SourceFile::padded(bytes), &Meter::default())?;
    buffer.bytes_mut().fill(0);
    let stride = source.length().saturating_sub(bytes as u64) / STEPS;
    // The two modes read different places, so that neither benefits from pages that the other cached.
    let shift = if mode == ReadMode::Direct { stride / 2 } else { 0 };
    let mut seconds = 0.0;
    for step in 0..STEPS {
        let offset = (step * stride + shift) / 4096 * 4096;
        source.forget(offset, bytes as u64);
        let start = Instant::now();
        source.read(mode, offset, bytes, buffer.bytes_mut())?;
        seconds += start.elapsed().as_secs_f64();
    }
    Ok(STEPS as f64 * bytes as f64 / seconds.max(1e-9))
}

/// Bytes a second of writing a scratch file and bringing it to the device.
fn measure_writes(folder: &Path) -> Result<f64> {
    let meter = Meter::default();
    let mut appender = Appender::scratch(folder, STEPS * STEP as u64, STEP, &meter)?;
    let start = Instant::now();
    for step in 0..STEPS {
        let mut buffer = match step < 2 {
            true => IoBuffer::new(STEP, &meter)?,
            false => appender.spare()?,
        };
        buffer.bytes_mut()[0] = step as u8;
        appender.append(buffer, STEP)?;
    }
    appender.finish()?.origin.file.sync_all().ok();
    Ok((STEPS * STEP as u64) as f64 / start.elapsed().as_secs_f64().max(1e-9))
}
