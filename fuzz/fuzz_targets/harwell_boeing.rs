//! Harwell-Boeing and Rutherford-Boeing files.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| outcore_fuzz::feed("harwell_boeing", bytes));
