//! Buffers that are kept from picture to picture.
//!
//! Keeping them is what makes a frame cost no allocation. One huge picture must not stay in memory for it.

/// Bytes that a buffer may keep whatever the next picture needs.
const KEEP_BYTES: usize = 16 << 20;

/// Gives `buffer` the length `len`. Its old bytes may stay in it. Memory far beyond `len` is given back.
pub(crate) fn fit_length(buffer: &mut Vec<u8>, len: usize) {
    if buffer.capacity() > KEEP_BYTES.max(len.saturating_mul(4)) {
        *buffer = Vec::new();
    }
    buffer.resize(len, 0);
}

/// Gives large memory back, for a buffer that few pictures need.
pub(crate) fn release_large(buffer: &mut Vec<u8>) {
    if buffer.capacity() > KEEP_BYTES {
        *buffer = Vec::new();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_huge_picture_leaves_no_huge_buffer() {
        let mut buffer = Vec::new();
        fit_length(&mut buffer, KEEP_BYTES * 2);
        fit_length(&mut buffer, KEEP_BYTES);
        assert!(buffer.capacity() >= KEEP_BYTES * 2, "half the size is no reason to allocate");
        fit_length(&mut buffer, 1_000);
        assert!(buffer.capacity() < KEEP_BYTES);
        fit_length(&mut buffer, KEEP_BYTES * 2);
        release_large(&mut buffer);
        assert_eq!(buffer.capacity(), 0);
    }
}
