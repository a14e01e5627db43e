//! Files larger than memory, read panel by panel ahead of the work on them.
//!
//! A *panel* is what is read and worked on at a time, a few MiB: runs of bytes from some files, for example the rows
//! `r0..r1` of a matrix. [`PanelReader::sweep_window`] yields every panel in order while I/O threads read the next ones into
//! buffers that are reused, so that no page fault ever happens in a computing thread. As many panels as the budget
//! allows stay pinned in memory between sweeps; a page cache would keep nothing of a cyclic scan.
//!
//! ```text
//! sweeping thread:  request panels ahead -> wait for the next one -> work on it -> give its buffer back
//! I/O threads:      take a request, which owns its buffer -> read its runs -> send the buffer back filled
//! ```
//!
//! If no I/O thread can be started, the sweeping thread reads by itself.
//!
//! All runs of a panel share one buffer, each starting on a new page, so that huge pages are filled however short the
//! runs are. Buffers change hands by value: only the queue has a lock. Panels are worked on in order, in whatever order
//! reads end; pinned panels are spread evenly between the others, so that the device is never idle while they are
//! worked on.
//!
//! A panel yields the bytes as they are in the file. Its user turns them into elements, which is also where encoded
//! data is decoded.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use crate::error::{Error, ErrorKind, Result};
use crate::storage::runtime::Context;
use crate::storage::stream::device::{ReadMode, SourceFile};
use crate::storage::stream::panel_files::{PanelExtents, PanelFiles};
use crate::storage::stream::panel_ring::{DEPTH, Ring};
use crate::storage::stream::panel_sweep::{WindowWork, sweep};

/// Threads that read: two keep one device busy.
const READERS: usize = 2;

/// The cost of reading so far.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct Traffic {
    /// Passes over all panels.
    pub sweeps: u64,
    /// Bytes read from files.
    pub bytes_read: u64,
    /// Seconds that the work waited for reads.
    pub seconds_waiting: f64,
}

/// Reads panels, each made of some extents.
#[derive(Debug)]
pub(crate) struct PanelReader {
    files: Arc<PanelFiles>,
    pub(super) ring: Ring,
}

impl PanelReader {
    /// A reader of `panels`, which uses at most `budget` bytes of memory for pinned panels and the ring together, and
    /// pins panels between sweeps if it `keeps` them: for a single sweep, touching more memory is only a cost.
    ///
    /// Fails if not even two panels fit.
    pub(crate) fn new(
        sources: Vec<SourceFile>,
        panels: PanelExtents,
        (budget, keeps): (u64, bool),
        mode: ReadMode,
    ) -> Result<Self> {
        let (count, size) = (panels.count(), panels.memory_of_largest());
        let fit = (budget / size as u64) as usize;
        if fit < 2 && count > 1 {
            return Err(Error::new(
                ErrorKind::Memory,
                "two panels of the file would not fit in memory",
            )
            .expected(format!("at least {} bytes for reading", 2 * size))
            .found(format!("{budget}"))
            .remedy("raise the memory limit"));
        }
        let files = PanelFiles {
            sources,
            mode,
            panels,
            sweeps: AtomicU64::new(0),
            bytes_read: AtomicU64::new(0),
            waited: AtomicU64::new(0),
        };
        Ok(PanelReader { files: Arc::new(files), ring: Ring::new(count, size, fit, keeps) })
    }

    /// A reader of the same panels with a separate ring, as small as possible. Its cost is counted with that of the
    /// first.
    pub(crate) fn another(&self) -> Self {
        let (count, size) = (self.ring.count(), self.ring.size());
        PanelReader {
            files: Arc::clone(&self.files),
            ring: Ring::new(count, size, DEPTH / 2, true),
        }
    }

    /// The cost of reading so far, including other readers of the same panels.
    pub(crate) fn traffic(&self) -> Traffic {
        let PanelFiles { sweeps, bytes_read, waited, .. } = &*self.files;
        Traffic {
            sweeps: sweeps.load(Ordering::Relaxed),
            bytes_read: bytes_read.load(Ordering::Relaxed),
            seconds_waiting: Duration::from_nanos(waited.load(Ordering::Relaxed)).as_secs_f64(),
        }
    }

    /// Counts a pass that used the map instead of reading.
    pub(crate) fn count_mapped(&self) {
        let panels = &self.files.panels;
        let bytes = (0..self.ring.count()).map(|panel| panels.bytes(panel)).sum();
        self.files.sweeps.fetch_add(1, Ordering::Relaxed);
        self.files.bytes_read.fetch_add(bytes, Ordering::Relaxed);
    }

    /// The bytes of all panels but those that are in memory.
    pub(super) fn bytes_without(&self, in_memory: &[bool]) -> u64 {
        let missing = (0..in_memory.len()).filter(|&panel| !in_memory[panel]);
        missing.map(|panel| self.files.panels.bytes(panel)).sum()
    }

    /// Calls `work` with every panel in order, when it is in memory, where about `extra` panels are needed for longer
    /// than the work on them: `work` returns the first that must stay.
    ///
    /// Stops at the first error of a read, of `work`, or when the caller cancels.
    pub(crate) fn sweep_window(
        &mut self,
        extra: usize,
        ctx: &Context,
        work: &mut WindowWork<'_>,
    ) -> Result<()> {
        sweep(&self.files, &mut self.ring, (READERS, extra), ctx, work)
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use super::*;
    use crate::storage::memory::Origin;
    use crate::storage::stream::panel_files::Extent;

    /// A file of numbered bytes, in panels of two extents each.
    fn reader(panels: usize, budget: u64) -> PanelReader {
        let mut file = tempfile::tempfile().unwrap();
        let bytes: Vec<u8> = (0..panels * 8192).map(|k| (k / 4096) as u8).collect();
        file.write_all(&bytes).unwrap();
        let source = SourceFile::open(&Origin { path: "numbers".into(), file }).unwrap();
        let mut extents = PanelExtents::default();
        for k in 0..2 * panels {
            extents.push(Extent { source: 0, offset: (k * 4096) as u64, bytes: 4096 });
            if k % 2 == 1 {
                extents.end();
            }
        }
        PanelReader::new(vec![source], extents, (budget, true), ReadMode::Buffered).unwrap()
    }

    impl PanelReader {
        fn sweep(
            &mut self,
            ctx: &Context,
            work: &mut dyn FnMut(usize, &[&[u8]]) -> Result<()>,
        ) -> Result<()> {
            self.sweep_window(0, ctx, &mut |panel, window| {
                work(panel, &window.bytes(panel).unwrap()).map(|()| panel + 1)
            })
        }

        fn bytes_to_read(&self, extra: usize) -> u64 {
            self.bytes_without(&self.ring.staying(extra))
        }

        fn bytes_to_read_again(&self, extra: usize) -> u64 {
            self.bytes_without(&self.ring.pinned_after_next(extra))
        }
    }

    fn check(seen: &mut usize) -> impl FnMut(usize, &[&[u8]]) -> Result<()> {
        |panel, bytes| {
            assert_eq!(panel, *seen);
            assert!(bytes[0].iter().all(|&b| b == 2 * panel as u8), "{panel}");
            assert!(bytes[1].iter().all(|&b| b == 2 * panel as u8 + 1), "{panel}");
            *seen += 1;
            Ok(())
        }
    }

    #[test]
    fn any_number_of_reading_threads_hands_out_the_same_none_included() {
        let ctx = Context::new();
        for threads in 0..3 {
            let mut reader = reader(20, 10 * 16384);
            for _ in 0..3 {
                let mut seen = 0;
                {
                    let (PanelReader { files, ring }, mut check) = (&mut reader, check(&mut seen));
                    sweep(files, ring, (threads, 0), &ctx, &mut |panel, window| {
                        check(panel, &window.bytes(panel).unwrap()).map(|()| panel + 1)
                    })
                    .unwrap();
                }
                assert_eq!(seen, 20, "{threads} threads");
            }
            let (pinned, again) = (20 - 6, reader.bytes_to_read_again(0));
            assert_eq!((reader.bytes_to_read(0), again), (pinned * 8192, pinned * 8192));
            assert_eq!(reader.traffic().bytes_read, (20 + 2 * pinned) * 8192);
        }
    }

    #[test]
    fn a_reader_goes_on_after_work_that_panicked_or_failed() {
        let ctx = Context::new();
        let mut reader = reader(20, 10 * 16384);
        for panel in [0, 3, 19] {
            let stop = |k: usize| assert_ne!(k, panel, "stopped");
            let panicked = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
                reader.sweep(&ctx, &mut |k, _| {
                    stop(k);
                    Ok(())
                })
            }));
            assert!(panicked.is_err());
            let fail = Error::new(ErrorKind::Value, "refused");
            let mut fail = Some(fail);
            let failed = reader.sweep(&ctx, &mut |k, _| match k == panel {
                true => Err(fail.take().unwrap()),
                false => Ok(()),
            });
            assert_eq!(failed.unwrap_err().kind(), ErrorKind::Value);
            let mut seen = 0;
            reader.sweep(&ctx, &mut check(&mut seen)).unwrap();
            assert_eq!(seen, 20);
        }
    }

    #[test]
    fn a_window_keeps_panels_that_are_still_needed() {
        let (ctx, count, extra) = (Context::new(), 20, 5);
        let mut reader = reader(count, 12 * 16384);
        for pass in 0..3 {
            let predicted = reader.bytes_to_read(extra);
            let before = reader.traffic().bytes_read;
            reader
                .sweep_window(extra, &ctx, &mut |panel, window| {
                    let first = (panel + 1).saturating_sub(extra);
                    for near in first..=panel {
                        assert_eq!(window.bytes(near).unwrap()[1][7], 2 * near as u8 + 1);
                    }
                    assert!(window.bytes(panel + 5).is_none() || pass > 0 || panel + 5 >= count);
                    Ok(first)
                })
                .unwrap();
            assert_eq!(reader.traffic().bytes_read - before, predicted, "{pass}");
            assert!(ctx.meter().most_memory() <= 12 * 16384);
        }
        assert_eq!(reader.bytes_to_read(extra), (count as u64 - 3) * 8192);
    }

    #[test]
    fn what_is_pinned_yields_to_other_memory_and_comes_back() {
        let ctx = Context::new().memory_limit(12 * 16384);
        let mut reader = reader(20, 12 * 16384);
        reader.ring.share(0, 0, &ctx);
        let bytes_read = |reader: &mut PanelReader| {
            let before = reader.traffic().bytes_read;
            let (predicted, mut seen) = (reader.bytes_to_read(0), 0);
            reader.sweep(&ctx, &mut check(&mut seen)).unwrap();
            let read = reader.traffic().bytes_read - before;
            assert_eq!((predicted, seen), (read, 20));
            assert!(ctx.meter().memory_held() <= 12 * 16384);
            read / 8192
        };
        assert_eq!([bytes_read(&mut reader), bytes_read(&mut reader)], [20, 12]);
        let held = ctx.hold(5 * 16384);
        // It was not reclaimed while idle, so the next sweep releases it.
        assert_eq!(reader.bytes_to_read_again(0), 17 * 8192);
        assert_eq!([bytes_read(&mut reader), bytes_read(&mut reader)], [17, 17]);
        reader.ring.give_back(u64::MAX);
        assert_eq!(ctx.meter().memory_held(), 5 * 16384);
        drop(held);
        assert_eq!([bytes_read(&mut reader), bytes_read(&mut reader)], [20, 12]);
    }
}
