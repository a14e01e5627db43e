//! What the disk itself can do, measured with plain system calls.

use std::fs::{File, OpenOptions};
use std::os::unix::fs::{FileExt, OpenOptionsExt};
use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Instant;

/// Bytes of one request.
const STEP: u64 = 4 << 20;

/// Past the page cache, as on Linux on x86-64 and AArch64.
const O_DIRECT: i32 = if cfg!(target_arch = "aarch64") { 0o200000 } else { 0o40000 };

/// Seconds to read a whole file past the page cache with two threads into huge pages; through it where that is refused.
pub(crate) fn read_seconds(path: &Path) -> std::io::Result<f64> {
    let file = open(OpenOptions::new().read(true), path)?;
    let length = file.metadata()?.len();
    let start = Instant::now();
    with_two_threads(length, |buffer, offset| {
        let mut done = 0;
        let wanted = STEP.min(length - offset);
        while done < wanted {
            let read = file.read_at(&mut buffer[done as usize..], offset + done)?;
            if read == 0 {
                return Err(std::io::ErrorKind::UnexpectedEof.into());
            }
            done += read as u64;
        }
        Ok(())
    })?;
    Ok(start.elapsed().as_secs_f64())
}

/// Seconds to write a new file of `bytes` bytes past the page cache with two threads and bring it to the device. The space
/// is reserved before; the file is removed.
pub(crate) fn write_seconds(folder: &Path, bytes: u64) -> std::io::Result<f64> {
    let path = folder.join("outcore-write-test");
    let bytes = bytes.next_multiple_of(STEP);
    let new = File::create(&path)?;
    if rustix::fs::fallocate(&new, rustix::fs::FallocateFlags::empty(), 0, bytes).is_err() {
        new.set_len(bytes)?;
    }
    let file = open(OpenOptions::new().write(true), &path)?;
    let start = Instant::now();
    let written = with_two_threads(bytes, |buffer, offset| file.write_all_at(buffer, offset))
        .and_then(|()| file.sync_all());
    let seconds = start.elapsed().as_secs_f64();
    std::fs::remove_file(&path)?;
    written.map(|()| seconds)
}

fn open(options: &mut OpenOptions, path: &Path) -> std::io::Result<File> {
    let plain = options.clone();
    options.custom_flags(O_DIRECT).open(path).or_else(|_| plain.open(path))
}

fn with_two_threads(
    bytes: u64,
    work: impl Fn(&mut [u8], u64) -> std::io::Result<()> + Sync,
) -> std::io::Result<()> {
    let next = AtomicU64::new(0);
    std::thread::scope(|scope| {
        let thread = || {
            let mut buffer = memmap2::MmapMut::map_anon(STEP as usize)?;
            let _ = buffer.advise(memmap2::Advice::HugePage);
            buffer.fill(1);
            loop {
                let offset = next.fetch_add(STEP, Ordering::Relaxed);
                if offset >= bytes {
                    return Ok(());
                }
                work(&mut buffer, offset)?;
            }
        };
        let threads = [scope.spawn(thread), scope.spawn(thread)];
        threads.into_iter().try_for_each(|thread| thread.join().expect("it does not panic"))
    })
}
