//! Tables and lists of entries.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| outcore_fuzz::feed("table", bytes));
