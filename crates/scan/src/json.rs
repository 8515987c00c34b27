//! What JSON demands of strings, for code that reads them without a parser because pictures are long.

/// Whether there is a character that JSON wants escaped: U+0000 to U+001F.
///
/// Looks at all of it, without a way out at the first: that is what compilers turn into a few instructions per 32 bytes.
pub fn has_control(text: &str) -> bool {
    text.bytes().min().is_some_and(|byte| byte < 0x20)
}

#[cfg(test)]
mod tests {
    use super::has_control;

    #[test]
    fn only_what_json_wants_escaped_is_found() {
        assert!(!has_control(""));
        assert!(!has_control("data:image/jpeg;base64,/9j/ \u{7f}\u{80}é"));
        let long = "A".repeat(100);
        for control in ["\0", "\n", "\u{1f}"] {
            for at in [0, 31, 100] {
                let (before, after) = long.split_at(at);
                assert!(has_control(&format!("{before}{control}{after}")), "{control:?} at {at}");
            }
        }
    }
}
