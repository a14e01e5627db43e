//! The side file with the sums of an array.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| outcore_fuzz::feed("sums", bytes));
