#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| sightwire_fuzz_checks::inference(data));
