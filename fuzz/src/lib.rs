//! What the targets share: a folder in memory for each process, and the readers of the fault suites.

use std::path::PathBuf;
use std::sync::OnceLock;

/// Feeds a reader with what the fuzzer made up. Ends the process where the reader panics.
pub fn feed(reader: &str, bytes: &[u8]) {
    static FOLDER: OnceLock<PathBuf> = OnceLock::new();
    let folder = FOLDER.get_or_init(|| {
        let folder = tempfile::tempdir_in("/dev/shm").or_else(|_| tempfile::tempdir());
        let folder = folder.expect("a folder for the files to read").keep();
        outcore_faults::readers::prepare(reader, &folder).expect("what lies beside them");
        folder
    });
    outcore_faults::readers::feed(reader, bytes, folder);
}

/// Writes what the readers are fed with in the beginning, one file each, into a folder for each target.
pub fn write_seeds(corpus: &std::path::Path) -> std::io::Result<()> {
    for reader in outcore_faults::readers::READERS {
        let target = if reader == "edges" { "edge_list" } else { reader };
        let folder = corpus.join(target);
        std::fs::create_dir_all(&folder)?;
        for (i, seed) in outcore_faults::readers::seeds(reader).iter().enumerate() {
            std::fs::write(folder.join(format!("seed-{i}")), seed)?;
        }
    }
    Ok(())
}
