use sightwire_hub::multipart::{Counts, Limits, Parser};

use crate::pieces::split_pieces;

fn parse_pieces<'a>(limits: Limits, pieces: impl Iterator<Item = &'a [u8]>) -> (Vec<Vec<u8>>, Counts) {
    let (mut parser, mut pictures) = (Parser::new(limits), Vec::new());
    for piece in pieces {
        parser.feed(piece, |picture| pictures.push(picture.to_vec()));
        assert!(parser.buffered_bytes() <= limits.max_picture.max(2 * limits.max_header) + (4 << 10));
    }
    parser.finish(|picture| pictures.push(picture.to_vec()));
    (pictures, parser.counts())
}

/// A camera's endless answer: bounded memory, every byte counted once, the same pictures however the bytes are split, and each
/// picture the same by itself. The first two bytes choose the limits and the pieces.
pub fn multipart(data: &[u8]) {
    let Some((&[size, seed], bytes)) = data.split_first_chunk::<2>() else { return };
    let limits = Limits { max_picture: 64 << (size % 10), max_header: 8 << (size / 32) };
    let (pictures, counts) = parse_pieces(limits, std::iter::once(bytes));
    assert_eq!(parse_pieces(limits, split_pieces(bytes, seed)), (pictures.clone(), counts));

    assert_eq!(counts.pictures, pictures.len() as u64);
    let picture_bytes: usize = pictures.iter().map(Vec::len).sum();
    assert_eq!(counts.picture_bytes + 2 * counts.completed, picture_bytes as u64);
    assert_eq!(counts.picture_bytes + counts.header_bytes + counts.skipped_bytes, bytes.len() as u64);
    let has_length = bytes.windows(6).any(|word| word.eq_ignore_ascii_case(b"length"));
    for picture in &pictures {
        assert!(picture.len() <= limits.max_picture);
        assert!(picture.starts_with(&[0xff, 0xd8, 0xff]) && picture.ends_with(&[0xff, 0xd9]));
        if !has_length {
            assert_eq!(parse_pieces(limits, std::iter::once(&picture[..])).0, std::slice::from_ref(picture));
        }
    }
}
