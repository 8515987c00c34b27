//! Formats and their kinds, with known pixels.

use png::{BitDepth, ColorType};
use sightwire_frame::header::Limits;
use sightwire_frame::{Decoder, Image};

use super::files::{
    HEIGHT, Order, TiffPage, WIDTH, all, bmp, bmp_rows, exif, gif, grey, jpeg, on_white, picture, png, rgb,
    rgba, tiff, webp,
};
use super::{decode, decode_page, error, header};

const SIZE: (u32, u32) = (WIDTH, HEIGHT);
const LITTLE: Order = Order::ALL[0];

fn three(levels: &[u8]) -> Vec<u8> {
    levels.iter().flat_map(|&level| [level; 3]).collect()
}

fn page(page: TiffPage) -> Vec<u8> {
    tiff(&[page], LITTLE, None)
}

#[test]
fn a_file_is_read_by_its_content() {
    for (name, bytes) in all() {
        let header = header(&bytes);
        assert_eq!(header.format.name(), name);
        let image = decode(&bytes);
        assert!(header.pages.contains(&(image.width(), image.height())), "{name}");
    }
}

#[test]
fn jpeg_and_opaque_png_have_the_pixels_of_the_live_path() {
    let image = picture(WIDTH, HEIGHT);
    for bytes in [jpeg(&image), png(WIDTH, HEIGHT, ColorType::Rgb, BitDepth::Eight, &rgb(&image))] {
        let mut live = Image::default();
        Decoder::new().unwrap().decode(&bytes, &Limits::default(), &mut live).unwrap();
        assert_eq!(decode(&bytes), live);
    }
}

#[test]
fn what_is_transparent_shows_white() {
    let image = picture(WIDTH, HEIGHT);
    let (samples, seen) = (rgba(&image), on_white(&rgba(&image)));
    assert_eq!(decode(&png(WIDTH, HEIGHT, ColorType::Rgba, BitDepth::Eight, &samples)).data(), seen);
    assert_eq!(decode(&webp(WIDTH, HEIGHT, &samples, None)).data(), seen);
    let unassociated = TiffPage::new(SIZE, 2, 8, 4, samples.clone()).with(338, &[2]);
    assert_eq!(decode(&page(unassociated)).data(), seen);
    let ignored = TiffPage::new(SIZE, 2, 8, 4, samples.clone()).with(338, &[0]);
    assert_eq!(decode(&page(ignored)), image);
    // Colours that have been multiplied already: to within what that rounded off.
    let multiply = |colour: u8, alpha: u8| (u32::from(colour) * u32::from(alpha) / 255) as u8;
    let multiplied = samples
        .chunks_exact(4)
        .flat_map(|p| [0, 1, 2].map(|at| multiply(p[at], p[3])).into_iter().chain([p[3]]));
    let associated = TiffPage::new(SIZE, 2, 8, 4, multiplied.collect()).with(338, &[1]);
    let decoded = decode(&page(associated));
    assert!(decoded.data().iter().zip(&seen).all(|(one, two)| one.abs_diff(*two) <= 1));
    let indexed = png(2, 1, ColorType::Indexed, BitDepth::Eight, &[0, 1]);
    assert_eq!(decode(&indexed).data(), [30, 20, 10, 255, 255, 255]);
    // The live path drops transparency, as OpenCV does.
    let mut live = Image::default();
    Decoder::new().unwrap().decode(&indexed, &Limits::default(), &mut live).unwrap();
    assert_eq!(live.data(), [30, 20, 10, 50, 100, 200]);
}

#[test]
fn what_is_white_on_transparent_shows_on_black() {
    let stroke = |at: u32| (8..12).contains(&(at % WIDTH));
    let samples: Vec<u8> =
        (0..WIDTH * HEIGHT).flat_map(|at| [255, 255, 255, if stroke(at) { 255 } else { 0 }]).collect();
    let seen: Vec<u8> = (0..WIDTH * HEIGHT).flat_map(|at| [if stroke(at) { 255 } else { 0 }; 3]).collect();
    assert_eq!(decode(&png(WIDTH, HEIGHT, ColorType::Rgba, BitDepth::Eight, &samples)).data(), seen);
    assert_eq!(decode(&webp(WIDTH, HEIGHT, &samples, None)).data(), seen);
    let grey: Vec<u8> = samples.chunks_exact(4).flat_map(|pixel| [pixel[0], pixel[3]]).collect();
    let grey = png(WIDTH, HEIGHT, ColorType::GrayscaleAlpha, BitDepth::Eight, &grey);
    assert_eq!(decode(&grey).data(), seen);
}

#[test]
fn a_gif_shows_its_first_picture_on_white() {
    let indices: Vec<u8> = (0..20 * 13).map(|at| ((at / 3) % 4) as u8).collect();
    for interlaced in [false, true] {
        let image = decode(&gif((30, 20), (4, 5), 20, &indices, interlaced));
        assert_eq!((image.width(), image.height()), (30, 20));
        let colours = [[0, 0, 0], [0, 0, 250], [0, 200, 0], [255; 3]];
        for (at, pixel) in image.data().chunks_exact(3).enumerate() {
            let (x, y) = ((at % 30).wrapping_sub(4), (at / 30).wrapping_sub(5));
            let inside = x < 20 && y < 13;
            let expected = if inside { colours[usize::from(indices[y * 20 + x])] } else { [255; 3] };
            assert_eq!(pixel, expected, "{x} {y} {interlaced}");
        }
    }
    // A screen that is smaller than its picture grows.
    assert_eq!(header(&gif((1, 1), (2, 3), 20, &indices, false)).pages, [(22, 16)]);
}

#[test]
fn lossless_webp_is_exact_and_turned_by_its_exif() {
    let image = picture(WIDTH, HEIGHT);
    assert_eq!(decode(&webp(WIDTH, HEIGHT, &rgb(&image), None)), image);
    let turned = decode(&webp(WIDTH, HEIGHT, &rgb(&image), Some(exif(6))));
    assert_eq!((turned.width(), turned.height()), (HEIGHT, WIDTH));
    let last_row = ((HEIGHT - 1) * WIDTH * 3) as usize;
    assert_eq!(turned.data()[..3], image.data()[last_row..last_row + 3]);
}

#[test]
fn tiff_orientation_turns_the_page() {
    let image = picture(WIDTH, HEIGHT);
    let pixel = |image: &Image, x: u32, y: u32| {
        let at = ((y * image.width() + x) * 3) as usize;
        image.data()[at..at + 3].to_vec()
    };
    let (right, bottom) = (WIDTH - 1, HEIGHT - 1);
    // Where the stored first pixel and the one to its right are seen.
    let seen = [
        [(0, 0), (1, 0)],
        [(right, 0), (right - 1, 0)],
        [(right, bottom), (right - 1, bottom)],
        [(0, bottom), (1, bottom)],
        [(0, 0), (0, 1)],
        [(bottom, 0), (bottom, 1)],
        [(bottom, right), (bottom, right - 1)],
        [(0, right), (0, right - 1)],
    ];
    for (value, [first, second]) in (1..).zip(seen) {
        let turned = decode(&page(TiffPage::new(SIZE, 2, 8, 3, rgb(&image)).with(274, &[value])));
        assert_eq!(pixel(&turned, first.0, first.1), pixel(&image, 0, 0), "{value}");
        assert_eq!(pixel(&turned, second.0, second.1), pixel(&image, 1, 0), "{value}");
    }
    let odd = TiffPage::new(SIZE, 2, 8, 3, rgb(&image)).with(274, &[99]);
    assert_eq!(decode(&page(odd)), image, "an orientation that does not exist");
}

#[test]
fn sixteen_bits_of_which_fewer_are_used_are_stretched() {
    let image = picture(WIDTH, HEIGHT);
    let levels = grey(&image);
    for order in Order::ALL {
        for bits in [8, 10, 12, 14, 16] {
            let stored = |samples: &[u8]| -> Vec<u8> {
                // One is as large as it can be: what is used is told by the largest.
                let values = samples.iter().enumerate();
                let values =
                    values.map(|(at, &level)| if at == 0 { 0xff } else { u16::from(level) } << (bits - 8));
                values
                    .flat_map(|value| if order.little { value.to_le_bytes() } else { value.to_be_bytes() })
                    .collect()
            };
            let one = |page| decode(&tiff(&[page], order, None));
            let grey = one(TiffPage::new(SIZE, 1, 16, 1, stored(&levels)));
            assert_eq!(grey.data()[3..], three(&levels)[3..], "{bits} bits of grey, {order:?}");
            let colours = one(TiffPage::new(SIZE, 2, 16, 3, stored(&rgb(&image))));
            assert_eq!(colours.data()[3..], image.data()[3..], "{bits} bits of colour, {order:?}");
            // 0 is white here.
            let inverted = one(TiffPage::new(SIZE, 0, 16, 1, stored(&levels)));
            let expected: Vec<u8> = three(&levels).iter().map(|level| 255 - level).collect();
            assert_eq!(inverted.data()[3..], expected[3..], "{bits} bits of grey, 0 is white, {order:?}");
        }
        // Nothing is known of what is black all over.
        let black = decode(&tiff(&[TiffPage::new(SIZE, 1, 16, 1, vec![0; levels.len() * 2])], order, None));
        assert!(black.data().iter().all(|&level| level == 0));
    }
}

#[test]
fn tiffs_of_all_orders_and_depths_are_exact() {
    let image = picture(WIDTH, HEIGHT);
    let levels = grey(&image);
    for order in Order::ALL {
        let one = |page| decode(&tiff(&[page], order, None));
        assert_eq!(one(TiffPage::new(SIZE, 2, 8, 3, rgb(&image))), image, "{order:?}");
        assert_eq!(one(TiffPage::new(SIZE, 1, 8, 1, levels.clone())).data(), three(&levels), "{order:?}");
        let wide = |samples: &[u8]| -> Vec<u8> {
            let wide = samples.iter().map(|&level| u16::from(level) << 8 | 0x7f);
            wide.flat_map(|value| if order.little { value.to_le_bytes() } else { value.to_be_bytes() })
                .collect()
        };
        assert_eq!(one(TiffPage::new(SIZE, 2, 16, 3, wide(&rgb(&image)))), image, "{order:?}");
        assert_eq!(one(TiffPage::new(SIZE, 1, 16, 1, wide(&levels))).data(), three(&levels), "{order:?}");
        let planes: Vec<u8> =
            [0, 1, 2].iter().flat_map(|&c| rgb(&image).into_iter().skip(c).step_by(3)).collect();
        let length = WIDTH * HEIGHT;
        let start = if order.big { 16 } else { 8 };
        let planar = TiffPage::new(SIZE, 2, 8, 3, planes)
            .with(284, &[2])
            .with(273, &[start, start + length, start + 2 * length])
            .with(279, &[length; 3]);
        assert_eq!(one(planar), image, "{order:?}");
    }
}

#[test]
fn tiffs_in_grey_black_and_white_and_with_palettes_are_exact() {
    let bits = vec![0b1010_0101, 0b1100_0000, 0b0000_1111, 0b0011_0000];
    let expected: Vec<u8> = [0b1010_0101_1100, 0b0000_1111_0011]
        .iter()
        .flat_map(|row: &u16| (0..12).map(move |x| if row >> (11 - x) & 1 == 1 { 255 } else { 0 }))
        .collect();
    let black_is_zero = TiffPage::new((12, 2), 1, 1, 1, bits.clone());
    assert_eq!(decode(&page(black_is_zero.clone())).data(), three(&expected));
    let inverted: Vec<u8> = expected.iter().map(|level| 255 - level).collect();
    assert_eq!(decode(&page(TiffPage::new((12, 2), 0, 1, 1, bits))).data(), three(&inverted));
    // Lowest bit first, and a strip of all the rows that there could be, as fax machines write them.
    let fax = TiffPage {
        strip: black_is_zero.strip.iter().map(|byte| byte.reverse_bits()).collect(),
        ..black_is_zero
    };
    assert_eq!(decode(&page(fax.with(266, &[2]).with(278, &[u32::MAX]))).data(), three(&expected));
    let nibbles = TiffPage::new((3, 1), 1, 4, 1, vec![0x0f, 0x70]);
    assert_eq!(decode(&page(nibbles)).data(), three(&[0, 255, 119]));
    let map: Vec<u32> = (0..768).map(|at| ((at * 7) % 256) * 257).collect();
    let palette = TiffPage::new((2, 2), 3, 8, 1, vec![0, 1, 100, 255]).with(320, &map);
    let colour = |index: u32| [512 + index, 256 + index, index].map(|at| ((at * 7) % 256) as u8);
    assert_eq!(decode(&page(palette)).data(), [0, 1, 100, 255].map(colour).concat());
    let missing = TiffPage::new((2, 2), 3, 8, 1, vec![0, 1, 100, 255]);
    assert!(error(&page(missing)).contains("palette"));
}

#[test]
fn four_inks_become_colours() {
    let inks = vec![0, 0, 0, 0, 255, 0, 0, 0, 0, 255, 255, 0, 0, 0, 0, 255];
    let image = decode(&page(TiffPage::new((4, 1), 5, 8, 4, inks).with(332, &[1])));
    // The formula is OpenCV's, which leaves 1 of a full ink.
    assert_eq!(image.data(), [255, 255, 255, 255, 255, 1, 1, 1, 255, 0, 0, 0]);
    let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/vectors");
    let jpeg = decode(&std::fs::read(folder.join("cmyk.jpg")).unwrap());
    assert!(!jpeg.is_empty());
}

#[test]
fn compressed_tiffs_are_exact() {
    use tiff::encoder::{Compression, DeflateLevel, Predictor, TiffEncoder, colortype};
    let image = picture(100, 70);
    for compression in [
        Compression::Uncompressed,
        Compression::Lzw,
        Compression::Deflate(DeflateLevel::Fast),
        Compression::Packbits,
    ] {
        for predictor in [Predictor::None, Predictor::Horizontal] {
            let mut bytes = std::io::Cursor::new(Vec::new());
            let encoder = TiffEncoder::new(&mut bytes).unwrap();
            let mut encoder = encoder.with_compression(compression).with_predictor(predictor);
            encoder.write_image::<colortype::RGB8>(100, 70, &rgb(&image)).unwrap();
            encoder.write_image::<colortype::Gray8>(100, 70, &grey(&image)).unwrap();
            let bytes = bytes.into_inner();
            assert_eq!(decode(&bytes), image);
            assert_eq!(decode_page(&bytes, 1).unwrap().data(), three(&grey(&image)));
        }
    }
}

#[test]
fn pages_are_read_one_by_one_and_thumbnails_are_none() {
    let grey_page =
        |width: u32, level: u8| TiffPage::new((width, 2), 1, 8, 1, vec![level; width as usize * 2]);
    let thumbnail = grey_page(1, 9).with(254, &[1]);
    for order in Order::ALL {
        let bytes =
            tiff(&[thumbnail.clone(), grey_page(3, 10), grey_page(4, 20), thumbnail.clone()], order, None);
        assert_eq!(header(&bytes).pages, [(3, 2), (4, 2)]);
        assert_eq!(decode_page(&bytes, 1).unwrap().data(), [20; 24]);
        let message = decode_page(&bytes, 2).unwrap_err().to_string();
        assert!(message.contains("no page 3") && message.contains("has 2"), "{message}");
        assert_eq!(
            header(&tiff(std::slice::from_ref(&thumbnail), order, None)).pages,
            [(1, 2)],
            "nothing else is there"
        );
    }
    assert!(decode_page(&jpeg(&picture(8, 8)), 1).unwrap_err().to_string().contains("no page 2"));
}

#[test]
fn bmps_of_all_depths_are_exact() {
    let image = picture(WIDTH, HEIGHT);
    let rows: Vec<Vec<u8>> = image.data().chunks_exact(WIDTH as usize * 3).map(<[u8]>::to_vec).collect();
    let (width, height) = (WIDTH as i32, HEIGHT as i32);
    let size = (width, height);
    assert_eq!(decode(&bmp(size, 24, 0, &[], &bmp_rows(&rows))), image);
    let downwards: Vec<_> = rows.iter().rev().cloned().collect();
    assert_eq!(decode(&bmp((width, -height), 24, 0, &[], &bmp_rows(&downwards))), image);
    let wide = |alpha: u8| -> Vec<_> {
        rows.iter().map(|row| row.chunks_exact(3).flat_map(|p| [p[0], p[1], p[2], alpha]).collect()).collect()
    };
    assert_eq!(decode(&bmp(size, 32, 0, &[], &bmp_rows(&wide(0)))), image, "the fourth byte means nothing");
    let masks = |masks: [u32; 4]| masks.map(u32::to_le_bytes).concat();
    let all_masks = masks([0xff_0000, 0xff00, 0xff, 0xff00_0000]);
    assert_eq!(
        decode(&bmp(size, 32, 6, &all_masks, &bmp_rows(&wide(0)))),
        image,
        "no pixel says how opaque it is"
    );
    assert_eq!(decode(&bmp(size, 32, 6, &all_masks, &bmp_rows(&wide(255)))), image);
    let swapped = bmp(size, 32, 3, &masks([0xff, 0xff00, 0xff_0000, 0])[..12], &bmp_rows(&wide(0)));
    assert_eq!(decode(&swapped).data(), rgb(&image));
    // Five and six bits, an odd width: rows are filled up by two bytes.
    let short =
        bmp((1, 2), 16, 3, &masks([0xf800, 0x7e0, 0x1f, 0])[..12], &[0x1f, 0xf8, 0, 0, 0xe0, 0x07, 0, 0]);
    assert_eq!(decode(&short).data(), [0, 255, 0, 255, 0, 255]);
    let plain = bmp((1, 1), 16, 0, &[], &[0x00, 0x7c, 0, 0]);
    assert_eq!(decode(&plain).data(), [0, 0, 255]);
}

#[test]
fn bmps_with_palettes_and_runs_are_exact() {
    let palette: Vec<u8> = (0..=255).flat_map(|level: u8| [level, 255 - level, 7, 0]).collect();
    let colour = |index: u8| [index, 255 - index, 7];
    let colours = |indices: &[u8]| indices.iter().flat_map(|&index| colour(index)).collect::<Vec<_>>();
    let eight = bmp((3, 2), 8, 0, &palette, &[4, 5, 6, 0, 1, 2, 3, 0]);
    assert_eq!(decode(&eight).data(), colours(&[1, 2, 3, 4, 5, 6]));
    let four = bmp((3, 1), 4, 0, &palette[..64], &[0x1f, 0x20, 0, 0]);
    assert_eq!(decode(&four).data(), colours(&[1, 15, 2]));
    let one = bmp((10, 1), 1, 0, &palette[..8], &[0b1010_0000, 0b0100_0000, 0, 0]);
    assert_eq!(decode(&one).data(), colours(&[1, 0, 1, 0, 0, 0, 0, 0, 0, 1]));
    // Runs, pixels one by one, a jump, the end.
    let runs = [3, 9, 0, 0, 0, 3, 1, 2, 3, 0, 0, 0, 0, 2, 1, 0, 2, 5, 0, 1];
    let image = decode(&bmp((3, 3), 8, 1, &palette, &runs));
    assert_eq!(image.data(), colours(&[0, 5, 5, 1, 2, 3, 9, 9, 9]));
    let nibbles = [5, 0x12, 0, 0, 0, 5, 0x34, 0x56, 0x70, 0, 0, 1];
    assert_eq!(
        decode(&bmp((5, 2), 4, 2, &palette[..64], &nibbles)).data(),
        colours(&[3, 4, 5, 6, 7, 1, 2, 1, 2, 1])
    );
    // OS/2: sides of 16 bits, colours of 3 bytes.
    let mut old = b"BM\0\0\0\0\0\0\0\0\x20\0\0\0\x0c\0\0\0\x02\0\x01\0\x01\0\x01\0".to_vec();
    old.extend([1, 2, 3, 4, 5, 6, 0b0100_0000, 0, 0, 0]);
    assert_eq!(decode(&old).data(), [1, 2, 3, 4, 5, 6]);
}
