use sightwire_frame::header::Found;
use sightwire_frame::still::{StillError, StillFormat, StillLimits, probe_still};

/// What a file is called: short words, the same whatever follows its first bytes; and what is drawn elsewhere is decoded by nobody
/// here.
pub fn file_kind(data: &[u8]) {
    let said = Found::new(data).to_string();
    assert!(said.starts_with("it ") && said.len() < 80 && !said.contains(char::is_control), "{said:?}");
    let start = &data[..data.len().min(1024)];
    assert_eq!(Found::new(start), Found::new(data));
    if let Some(format) = StillFormat::from_bytes(data).filter(|format| format.is_drawn()) {
        assert_eq!(StillFormat::from_bytes(&[data, &[0; 9]].concat()), Some(format));
        let limits = StillLimits { max_bytes: usize::MAX, ..StillLimits::default() };
        assert!(matches!(probe_still(data, &limits), Err(StillError::UnknownFormat(_))), "{format}");
    }
}
