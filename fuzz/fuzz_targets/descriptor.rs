//! `binsparse.json`, in a folder with right arrays.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| outcore_fuzz::feed("descriptor", bytes));
