use sightwire_frame::header::{HeaderError, probe_header};

/// The headers of JPEG and PNG: no panic, and the answer for a beginning of the bytes never contradicts the answer for all.
pub fn image_header(data: &[u8]) {
    let all = probe_header(data);
    if let Ok(header) = &all {
        assert!(header.width > 0 && header.height > 0);
    }
    let beginning = probe_header(&data[..data.len() / 2]);
    if beginning != Err(HeaderError::Incomplete) && data.len() >= 24 {
        assert_eq!(beginning.is_ok(), all.is_ok());
        if all.is_ok() {
            assert_eq!(beginning, all);
        }
    }
}
