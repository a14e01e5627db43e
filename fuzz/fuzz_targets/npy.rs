//! The header and the elements of a `.npy` file.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| outcore_fuzz::feed("npy", bytes));
