//! Files that are broken, too large, or made to do harm.

use png::{BitDepth, ColorType};
use proptest::prelude::*;
use sightwire_frame::Image;
use sightwire_frame::still::{StillDecoder, StillError, StillLimits, probe_still};

use super::files::{Order, TiffPage, all, bmp, bmp_rows, gif, jpeg, picture, png, rgb, tiff, webp};
use super::{decode, decode_page, error};

const LITTLE: Order = Order::ALL[0];

/// Decodes if it can; in any case the picture stays within the limits and has the size that was announced.
fn survive(bytes: &[u8]) -> Result<Image, StillError> {
    let limits = StillLimits { max_bytes: 1 << 20, max_pixels: 1 << 16, max_side: 1 << 12, max_pages: 20 };
    let header = probe_still(bytes, &limits)?;
    assert!(!header.pages.is_empty() && header.pages.len() <= 20);
    let mut image = Image::default();
    for (index, page) in header.pages.iter().enumerate() {
        assert!(u64::from(page.0) * u64::from(page.1) <= 1 << 16 && page.0 > 0 && page.1 > 0);
        StillDecoder::new()?.decode(bytes, index as u32, &limits, &mut image)?;
        assert_eq!((image.width(), image.height()), *page);
    }
    Ok(image)
}

#[test]
fn what_is_no_picture_is_named() {
    for (bytes, named) in [
        (&b""[..], "empty"),
        (b"\xff\xd8", "ff d8"),
        (b"%PDF-1.7", "a PDF"),
        (b"PK\x03\x04....", "zip"),
        (b"BMW is a maker of cars", "BMP"),
        (b"RIFF\0\0\0\0WAVEfmt ", "AVI or WAV"),
        (b"hello", "68 65"),
    ] {
        let message = error(bytes);
        assert!(message.contains(named) && message.contains("TIFF"), "{message}");
    }
}

#[test]
fn a_file_cut_off_anywhere_is_an_error_that_names_the_format() {
    for (name, bytes) in all() {
        for length in (0..bytes.len()).step_by(7) {
            match survive(&bytes[..length]) {
                Err(error) => {
                    let message = error.to_string();
                    let named = message.to_lowercase().contains(name) || message.contains("no picture");
                    assert!(named, "{name} cut at {length}: {message}");
                }
                // What follows the last pixel may be missing: the end of a JPEG or GIF, the filling of a row.
                Ok(_) => assert!(length * 10 > bytes.len() * 8 || name == "gif", "{name} cut at {length}"),
            }
        }
    }
}

#[test]
fn one_pixel_and_a_long_strip_are_pictures() {
    let one = picture(1, 1);
    for bytes in [
        jpeg(&one),
        png(1, 1, ColorType::Rgb, BitDepth::Eight, &rgb(&one)),
        webp(1, 1, &rgb(&one), None),
        tiff(&[TiffPage::new((1, 1), 2, 8, 3, rgb(&one))], LITTLE, None),
        bmp((1, 1), 24, 0, &[], &bmp_rows(&[one.data().to_vec()])),
        gif((1, 1), (0, 0), 1, &[1], false),
    ] {
        let image = decode(&bytes);
        assert_eq!((image.width(), image.height()), (1, 1));
    }
    let (width, height) = (30_000, 100);
    let long = picture(width, height);
    let rows: Vec<Vec<u8>> = long.data().chunks_exact(90_000).map(<[u8]>::to_vec).collect();
    for bytes in [
        jpeg(&long),
        png(width, height, ColorType::Rgb, BitDepth::Eight, &rgb(&long)),
        tiff(&[TiffPage::new((width, height), 2, 8, 3, rgb(&long))], LITTLE, None),
        bmp((30_000, 100), 24, 0, &[], &bmp_rows(&rows)),
        gif((30_000, 100), (0, 0), 30_000, &vec![1; 3_000_000], false),
    ] {
        let image = decode(&bytes);
        assert_eq!((image.width(), image.height()), (width, height));
    }
}

#[test]
fn bombs_are_refused_from_their_headers() {
    let small = picture(8, 8);
    let bytes = |name: &str| all().into_iter().find(|(found, _)| *found == name).unwrap().1;
    let patched = |name: &str, at: usize, with: &[u8]| {
        let mut bytes = bytes(name);
        bytes[at..at + with.len()].copy_from_slice(with);
        bytes
    };
    let lossless = |width: u32, height: u32| ((width - 1) | (height - 1) << 14).to_le_bytes();
    let mut long_jpeg = jpeg(&small);
    let frame = long_jpeg.windows(2).position(|pair| pair == [0xff, 0xc0]).unwrap();
    long_jpeg[frame + 5..frame + 9].fill(0xff);
    for bomb in [
        long_jpeg,
        patched("png", 16, &[0, 0, 0x7f, 0xff, 0, 0, 0x7f, 0xff]),
        patched("webp", 21, &lossless(16_384, 16_384)),
        tiff(&[TiffPage::new((32_000, 32_000), 1, 1, 1, vec![0])], LITTLE, None),
        tiff(&[TiffPage::new((u32::MAX, u32::MAX), 1, 1, 1, vec![0])], LITTLE, None),
        bmp((32_000, 32_000), 8, 1, &[0; 1024], &[0, 1]),
        bmp((i32::MAX, i32::MIN), 24, 0, &[], &[0, 1]),
        gif((u16::MAX, u16::MAX), (0, 0), 1, &[1], false),
    ] {
        let refused = probe_still(&bomb, &StillLimits::default()).unwrap_err();
        assert!(matches!(refused, StillError::Limit(_)), "{refused}");
        assert!(refused.to_string().contains("limit"), "{refused}");
    }
    let limits = StillLimits { max_bytes: 100, ..StillLimits::default() };
    assert!(matches!(probe_still(&bytes("tiff"), &limits), Err(StillError::Limit(_))));
}

#[test]
fn pictures_within_a_picture_are_limited_too() {
    let big = jpeg(&picture(640, 480));
    let page = TiffPage::new((16, 16), 6, 8, 3, big).with(259, &[7]).with(530, &[2, 2]);
    let message = error(&tiff(&[page], LITTLE, None));
    assert!(message.contains("larger than its place"), "{message}");
    let fits = jpeg(&picture(16, 16));
    let page = TiffPage::new((16, 16), 6, 8, 3, fits).with(259, &[7]).with(530, &[2, 2]);
    let image = decode(&tiff(&[page], LITTLE, None));
    let expected = picture(16, 16);
    let far = image.data().iter().zip(expected.data()).filter(|(one, two)| one.abs_diff(**two) > 90).count();
    assert!(far < 40, "{far} values differ much");
    let overlapping = TiffPage::new((16, 160), 6, 8, 3, jpeg(&picture(16, 16)))
        .with(259, &[7])
        .with(278, &[16])
        .with(273, &[8; 10])
        .with(279, &[600; 10]);
    assert!(error(&tiff(&[overlapping], LITTLE, None)).contains("overlap"));
    // The canvas is small, the picture on it says that it is large.
    let inner = webp(8, 8, &rgb(&picture(8, 8)), None);
    let mut chunk = inner[12..].to_vec();
    chunk[9..13].copy_from_slice(&((16_383_u32) | 16_383 << 14).to_le_bytes());
    let canvas = [&b"VP8X\x0a\0\0\0\0\0\0\0\x07\0\0\x07\0\0"[..], &chunk].concat();
    let file = [&b"RIFF"[..], &(canvas.len() as u32 + 4).to_le_bytes(), b"WEBP", &canvas].concat();
    assert!(matches!(probe_still(&file, &StillLimits::default()), Err(StillError::Limit(_))));
}

#[test]
fn pages_without_end_are_refused() {
    let page = TiffPage::new((2, 2), 1, 8, 1, vec![0; 4]);
    for order in Order::ALL {
        for back_to in [0, 1, 2] {
            let message = error(&tiff(&vec![page.clone(); 3], order, Some(back_to)));
            assert!(message.contains("circle"), "{order:?} {message}");
        }
    }
    let many = tiff(&vec![page; 201], LITTLE, None);
    let message = error(&many);
    assert!(message.contains("more than 200 pages"), "{message}");
    // A million directories, each within the next one's bytes.
    let mut nested = b"II*\0\x08\0\0\0".to_vec();
    for at in (8..6_000_008_u32).step_by(6) {
        nested.extend([0, 0]);
        nested.extend((at + 6).to_le_bytes());
    }
    let unlimited = StillLimits { max_pages: u32::MAX, ..StillLimits::default() };
    assert!(probe_still(&nested, &unlimited).is_err());
    let mut wide = b"II*\0\x08\0\0\0".to_vec();
    wide.resize(900_000, 0xff);
    for at in (8..60_000_u32).step_by(2) {
        wide[at as usize..at as usize + 2].copy_from_slice(&[0xff, 0xff]);
    }
    assert!(probe_still(&wide, &unlimited).is_err());
}

#[test]
fn kinds_that_are_not_read_say_what_to_do() {
    let page = |photometric, bits, samples| {
        let bytes = vec![0; (bits * samples / 8 * 4) as usize];
        TiffPage::new((2, 2), photometric, bits, samples, bytes)
    };
    for (page, named) in [
        (page(1, 32, 1).with(339, &[3]), "floating point"),
        (page(2, 32, 3).with(339, &[3, 3, 3]), "floating point"),
        (page(1, 16, 1).with(339, &[2]), "below zero"),
        (page(1, 32, 1), "32 bits"),
        (page(1, 8, 1).with(259, &[3]), "Fax3"),
        (page(8, 8, 3), "Lab"),
        (page(1, 8, 9), "samples a pixel"),
    ] {
        let message = error(&tiff(&[page], LITTLE, None));
        assert!(
            message.contains(named) && message.contains("save it as a PNG or JPEG"),
            "{named}: {message}"
        );
    }
    let message = error(&bmp((2, 2), 24, 5, &[], &[0; 100]));
    assert!(message.contains("BMP") && message.contains("compression 5"), "{message}");
}

#[test]
fn one_decoder_goes_on_after_every_failure() {
    let mut decoder = StillDecoder::new().unwrap();
    let limits = StillLimits::default();
    let mut image = Image::default();
    for _ in 0..3 {
        for (name, bytes) in all() {
            assert!(decoder.decode(&bytes[..bytes.len() / 2], 0, &limits, &mut image).is_err(), "{name}");
            decoder.decode(&bytes, 0, &limits, &mut image).unwrap();
            assert_eq!(image, decode_page(&bytes, 0).unwrap(), "{name}");
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    #[test]
    fn changed_bytes_never_panic(
        file in 0..9_usize,
        changes in proptest::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..8),
    ) {
        let mut bytes = all().swap_remove(file).1;
        for (place, value) in changes {
            let at = place.index(bytes.len());
            bytes[at] = value;
        }
        let _ = survive(&bytes);
    }

    #[test]
    fn any_bytes_behind_a_signature_never_panic(
        signature in prop::sample::select(vec![
            &b"II*\0\x08\0\0\0"[..], b"MM\0*\0\0\0\x08", b"II+\0\x08\0\0\0", b"BM", b"GIF89a", b"RIFF\x40\0\0\0WEBP",
            b"RIFF\x40\0\0\0WEBPVP8X\x0a\0\0\0", b"RIFF\x40\0\0\0WEBPVP8L", b"\xff\xd8\xff", b"\x89PNG\r\n\x1a\n",
        ]),
        rest in proptest::collection::vec(any::<u8>(), 0..200),
    ) {
        let _ = survive(&[signature, &rest].concat());
    }
}
