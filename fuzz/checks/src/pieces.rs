//! Bytes in pieces, as a network delivers them.

/// Pieces of 1 to `seed` + 1 bytes; the same for the same seed.
pub(crate) fn split_pieces(bytes: &[u8], seed: u8) -> impl Iterator<Item = &[u8]> {
    let (mut rest, mut random) = (bytes, u32::from(seed));
    std::iter::from_fn(move || {
        random = random.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        let length = (random >> 24) as usize % (usize::from(seed) + 1) + 1;
        let (piece, later) = rest.split_at(rest.len().min(length));
        rest = later;
        (!piece.is_empty()).then_some(piece)
    })
}
