#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| modgraft::fuzz::recipe(data));
