//! METIS graphs.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| outcore_fuzz::feed("metis", bytes));
