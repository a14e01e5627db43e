//! Files that are nearly right: no reader panics, takes memory beyond its limit, or needs long for a few bytes.
//!
//! Mutations are drawn from a seed, in a worker whose memory is bounded; what it was fed with last stays in a file, so that
//! an input that ends the process can be examined.

use std::fs;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;
use std::time::{Duration, Instant};

use outcore::{Error, Result};

use crate::random::Random;
use crate::readers::{READERS, feed, prepare, seeds};
use crate::report::{Form, Report};
use crate::state::folder;
use crate::worker::{self, PATIENCE};

/// Seconds that a few hundred bytes may take on a machine that is busy.
const SLOW: f64 = 2.0;

/// Addresses of a worker: the program, threads, and some times the limit of the readers.
const MEMORY: u64 = 512 << 20;

/// Memory that a worker may have had at any time: the program, and some times the limit of the readers.
const MOST: u64 = 128 << 20;

/// Mutants of every seed of every reader.
pub fn run(program: &Path, form: Form) -> Report {
    let mut report = Report::new("mutations");
    let rounds = form.rounds(2_000, 400_000);
    for reader in READERS {
        // In parts, so that an input that ends a worker does not end the suite.
        let parts = rounds.div_ceil(1_000);
        for part in 0..parts {
            let seed = form.seed.wrapping_mul(1_000_003).wrapping_add(part as u64) >> 1;
            let outcome = mutated(program, reader, seed, rounds.min(1_000));
            report.tried_many(rounds.min(1_000) as u64);
            if let Err(fault) = outcome {
                report.fault(format!("{reader}, seed {seed}: {fault}"));
            }
        }
    }
    report
}

fn mutated(
    program: &Path,
    reader: &str,
    seed: u64,
    rounds: usize,
) -> std::result::Result<(), String> {
    let folder = folder()?;
    let (path, seed, rounds) =
        (folder.path().to_string_lossy().into_owned(), seed.to_string(), rounds.to_string());
    let arguments = ["worker", "mutates", reader, &path, &seed, &rounds];
    let ended =
        worker::run(worker::command(program, &arguments), PATIENCE + Duration::from_secs(60))?;
    let last = || {
        let bytes = fs::read(folder.path().join("fed")).unwrap_or_default();
        let shown = bytes.escape_ascii().to_string();
        if shown.len() > 600 { format!("{}…", &shown[..600]) } else { shown }
    };
    match ended.clean() {
        Ok(true) if ended.out.trim().is_empty() => Ok(()),
        Ok(true) => Err(ended.out.trim().replace('\n', " | ")),
        Ok(false) => Err(ended.said()),
        Err(fault) => Err(format!("{fault}; the input is \"{}\"", last())),
    }
}

/// Worker: feeds a reader with mutants, and prints those that it stumbled over.
pub fn mutates(reader: &str, folder: &Path, seed: u64, rounds: usize) -> Result<String> {
    worker::bound_memory(MEMORY);
    prepare(reader, folder)?;
    let (seeds, mut random, mut said) = (seeds(reader), Random::new(seed), Vec::new());
    for round in 0..rounds {
        let bytes = match round.checked_sub(seeds.len()) {
            None => seeds[round].clone(),
            Some(_) => mutant(&seeds, &mut random),
        };
        let fed = folder.join("fed");
        fs::write(&fed, &bytes).map_err(|e| Error::io("writing", &fed, e))?;
        let start = Instant::now();
        let outcome = catch_unwind(AssertUnwindSafe(|| feed(reader, &bytes, folder)));
        let seconds = start.elapsed().as_secs_f64();
        let shown = || bytes.escape_ascii().to_string();
        match outcome {
            Err(_) => said.push(format!("a panic over \"{}\"", shown())),
            Ok(()) if seconds > SLOW => said.push(format!("{seconds:.1} s for \"{}\"", shown())),
            Ok(()) => {}
        }
        if worker::most_memory() > MOST {
            said.push(format!("{} bytes of memory for \"{}\"", worker::most_memory(), shown()));
            break;
        }
        if said.len() == 5 {
            break;
        }
    }
    Ok(said.join("\n"))
}

/// What is put into files: ends of ranges, signs, and words that mean something to one of the readers.
const WORDS: [&str; 24] = [
    "0",
    "-1",
    "1",
    "2147483647",
    "2147483648",
    "4294967296",
    "2000000000",
    "9223372036854775807",
    "18446744073709551615",
    "18446744073709551616",
    "1e999",
    "nan",
    "-inf",
    " ",
    "\n",
    "\r\n",
    "%",
    "#",
    "(",
    ")",
    ",",
    "\"",
    "[",
    "{",
];

/// One of the seeds with one to four changes.
fn mutant(seeds: &[Vec<u8>], random: &mut Random) -> Vec<u8> {
    let mut bytes = seeds[random.below(seeds.len())].clone();
    for _ in 0..1 + random.below(4) {
        change(&mut bytes, seeds, random);
    }
    bytes
}

fn change(bytes: &mut Vec<u8>, seeds: &[Vec<u8>], random: &mut Random) {
    let at = random.below(bytes.len() + 1);
    let end = (at + 1 + random.below(8)).min(bytes.len());
    match random.below(9) {
        0 if at < end => bytes[at] ^= 1 << random.below(8),
        1 if at < end => bytes[at] = [0, 1, 0x7f, 0x80, 0xff, b' ', b'\n', b'-'][random.below(8)],
        2 => drop(bytes.drain(at..end)),
        3 => {
            let again = bytes[at..end].to_vec();
            bytes.splice(at..at, again);
        }
        4 => bytes.truncate(at),
        5 => {
            let other = &seeds[random.below(seeds.len())];
            let from = random.below(other.len());
            bytes.splice(at.., other[from..].iter().copied());
        }
        // Where a number stands, another one.
        6 | 7 => {
            let digits = |b: &u8| b.is_ascii_digit();
            let from = at + bytes[at..].iter().position(digits).unwrap_or(0);
            let len = bytes[from..].iter().take_while(|b| digits(b)).count();
            bytes.splice(from..from + len, WORDS[random.below(13)].bytes());
        }
        _ => drop(bytes.splice(at..at, WORDS[random.below(WORDS.len())].bytes())),
    }
}
