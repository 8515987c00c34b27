//! Small files of all formats, made with the libraries' encoders or byte by byte.

use png::{BitDepth, ColorType};
use sightwire_frame::{Encoder, Image};

pub const WIDTH: u32 = 13;
pub const HEIGHT: u32 = 9;

/// A picture whose pixels are all different, BGR.
pub fn picture(width: u32, height: u32) -> Image {
    let pixel = |at: u32| {
        let (x, y) = (at % width, at / width);
        [(x * 19 + y) as u8, (y * 27 + 5) as u8, (x * 7 + y * 11 + 40) as u8]
    };
    Image::from_bgr(width, height, (0..width * height).flat_map(pixel).collect()).unwrap()
}

/// Its mean levels.
pub fn grey(image: &Image) -> Vec<u8> {
    image
        .data()
        .chunks_exact(3)
        .map(|p| ((u32::from(p[0]) + u32::from(p[1]) + u32::from(p[2])) / 3) as u8)
        .collect()
}

pub fn rgb(image: &Image) -> Vec<u8> {
    image.data().chunks_exact(3).flat_map(|pixel| [pixel[2], pixel[1], pixel[0]]).collect()
}

/// RGB with an opacity that differs from pixel to pixel.
pub fn rgba(image: &Image) -> Vec<u8> {
    let opacity = |index: usize| (index * 5 % 256) as u8;
    image.data().chunks_exact(3).enumerate().flat_map(|(at, p)| [p[2], p[1], p[0], opacity(at)]).collect()
}

/// What RGB with opacity looks like on white, BGR.
pub fn on_white(rgba: &[u8]) -> Vec<u8> {
    let show = |colour: u8, alpha: u8| {
        let alpha = f64::from(alpha) / 255.0;
        (f64::from(colour) * alpha + 255.0 * (1.0 - alpha)).round() as u8
    };
    rgba.chunks_exact(4).flat_map(|p| [show(p[2], p[3]), show(p[1], p[3]), show(p[0], p[3])]).collect()
}

pub fn jpeg(image: &Image) -> Vec<u8> {
    let mut bytes = Vec::new();
    Encoder::new().unwrap().encode(image, 90, &mut bytes).unwrap();
    bytes
}

pub fn png(width: u32, height: u32, colour: ColorType, depth: BitDepth, samples: &[u8]) -> Vec<u8> {
    let mut bytes = Vec::new();
    let mut encoder = png::Encoder::new(&mut bytes, width, height);
    encoder.set_color(colour);
    encoder.set_depth(depth);
    if colour == ColorType::Indexed {
        encoder.set_palette(vec![10, 20, 30, 200, 100, 50]);
        encoder.set_trns(vec![255, 0]);
    }
    encoder.write_header().unwrap().write_image_data(samples).unwrap();
    bytes
}

pub fn webp(width: u32, height: u32, samples: &[u8], exif: Option<Vec<u8>>) -> Vec<u8> {
    let mut bytes = Vec::new();
    let mut encoder = image_webp::WebPEncoder::new(&mut bytes);
    let colour = if samples.len() as u32 == width * height * 4 {
        image_webp::ColorType::Rgba8
    } else {
        image_webp::ColorType::Rgb8
    };
    if let Some(exif) = exif {
        encoder.set_exif_metadata(exif);
    }
    encoder.encode(samples, width, height, colour).unwrap();
    bytes
}

/// A TIFF without pixels that gives an orientation, as cameras write it.
pub fn exif(orientation: u8) -> Vec<u8> {
    let entry = [0x12, 1, 3, 0, 1, 0, 0, 0, orientation, 0, 0, 0];
    [&b"II*\0\x08\0\0\0\x01\0"[..], &entry, &[0; 4]].concat()
}

/// One picture at `left`, `top` of a larger screen; index 3 is transparent.
pub fn gif(
    screen: (u16, u16),
    (left, top): (u16, u16),
    width: u16,
    indices: &[u8],
    interlaced: bool,
) -> Vec<u8> {
    let mut bytes = Vec::new();
    let palette = [0, 0, 0, 250, 0, 0, 0, 200, 0, 9, 9, 9];
    let mut encoder = gif::Encoder::new(&mut bytes, screen.0, screen.1, &palette).unwrap();
    let height = (indices.len() / usize::from(width)) as u16;
    let mut frame = gif::Frame::from_indexed_pixels(width, height, indices.to_vec(), Some(3));
    (frame.left, frame.top) = (left, top);
    if interlaced {
        let row = |y: usize| &indices[y * usize::from(width)..][..usize::from(width)];
        let rows = usize::from(height);
        let order = (0..rows).step_by(8).chain((4..rows).step_by(8)).chain((2..rows).step_by(4));
        frame.buffer = order.chain((1..rows).step_by(2)).flat_map(row).copied().collect();
        frame.interlaced = true;
    }
    encoder.write_frame(&frame).unwrap();
    encoder.write_frame(&gif::Frame::from_indexed_pixels(1, 1, vec![1], None)).unwrap();
    drop(encoder);
    bytes
}

/// A BMP with a header of Windows 3, its masks and palette, and rows as given, bottom first.
pub fn bmp(size: (i32, i32), bits: u16, compression: u32, extra: &[u8], stored: &[u8]) -> Vec<u8> {
    let offset = (54 + extra.len()) as u32;
    let mut bytes = b"BM".to_vec();
    for value in [offset + stored.len() as u32, 0, offset, 40, size.0 as u32, size.1 as u32] {
        bytes.extend(value.to_le_bytes());
    }
    bytes.extend([1, 0]);
    bytes.extend(bits.to_le_bytes());
    for value in [compression, stored.len() as u32, 2835, 2835, 0, 0] {
        bytes.extend(value.to_le_bytes());
    }
    bytes.extend(extra);
    bytes.extend(stored);
    bytes
}

/// Rows of a BMP, bottom first, each filled up to four bytes.
pub fn bmp_rows(rows: &[Vec<u8>]) -> Vec<u8> {
    let filled = |row: &Vec<u8>| {
        let mut row = row.clone();
        row.resize(row.len().next_multiple_of(4), 0xee);
        row
    };
    rows.iter().rev().flat_map(filled).collect()
}

/// A page of a TIFF that is written by hand: tags with their values, and one strip.
#[derive(Clone)]
pub struct TiffPage {
    pub tags: Vec<(u16, Vec<u32>)>,
    pub strip: Vec<u8>,
}

impl TiffPage {
    /// Uncompressed samples.
    pub fn new(
        (width, height): (u32, u32),
        photometric: u32,
        bits: u32,
        samples: u32,
        strip: Vec<u8>,
    ) -> Self {
        let tags = vec![
            (256, vec![width]),
            (257, vec![height]),
            (258, vec![bits; samples as usize]),
            (259, vec![1]),
            (262, vec![photometric]),
            (277, vec![samples]),
            (278, vec![height]),
        ];
        Self { tags, strip }
    }

    pub fn with(mut self, tag: u16, values: &[u32]) -> Self {
        self.tags.retain(|(found, _)| *found != tag);
        self.tags.push((tag, values.to_vec()));
        self
    }
}

/// How numbers of a TIFF are written.
#[derive(Clone, Copy, Debug)]
pub struct Order {
    pub little: bool,
    pub big: bool,
}

impl Order {
    pub const ALL: [Self; 4] = [
        Self { little: true, big: false },
        Self { little: false, big: false },
        Self { little: true, big: true },
        Self { little: false, big: true },
    ];

    fn number(self, value: u64, bytes: usize) -> Vec<u8> {
        if self.little {
            value.to_le_bytes()[..bytes].to_vec()
        } else {
            value.to_be_bytes()[8 - bytes..].to_vec()
        }
    }
}

/// A TIFF of pages. The last one is followed by the page `after_last`, if any: a loop.
pub fn tiff(pages: &[TiffPage], order: Order, after_last: Option<usize>) -> Vec<u8> {
    let place_bytes = if order.big { 8 } else { 4 };
    let mut bytes = if order.little { b"II".to_vec() } else { b"MM".to_vec() };
    bytes.extend(order.number(if order.big { 43 } else { 42 }, 2));
    if order.big {
        bytes.extend(order.number(8, 2));
        bytes.extend(order.number(0, 2));
    }
    let mut link = bytes.len();
    bytes.extend(vec![0; place_bytes]);
    let mut starts = Vec::new();
    for page in pages {
        let strip = bytes.len() as u32;
        bytes.extend(&page.strip);
        let mut tags = page.tags.clone();
        for (tag, value) in [(273, strip), (279, page.strip.len() as u32)] {
            if !tags.iter().any(|(found, _)| *found == tag) {
                tags.push((tag, vec![value]));
            }
        }
        tags.sort_unstable();
        let mut entries = Vec::new();
        for (tag, values) in &tags {
            // Longs for places and sizes, shorts for the rest, as writers do.
            let (kind, each) = if matches!(tag, 256 | 257 | 273 | 279 | 278) { (4, 4) } else { (3, 2) };
            let mut value: Vec<u8> =
                values.iter().flat_map(|&value| order.number(value.into(), each)).collect();
            if value.len() > place_bytes {
                let place = bytes.len() as u64;
                bytes.extend(&value);
                value = order.number(place, place_bytes);
            }
            value.resize(place_bytes, 0);
            entries.extend(order.number((*tag).into(), 2));
            entries.extend(order.number(kind, 2));
            entries.extend(order.number(values.len() as u64, place_bytes));
            entries.extend(value);
        }
        let start = bytes.len() as u64;
        starts.push(start);
        bytes[link..link + place_bytes].copy_from_slice(&order.number(start, place_bytes));
        bytes.extend(order.number(tags.len() as u64, if order.big { 8 } else { 2 }));
        bytes.extend(entries);
        link = bytes.len();
        bytes.extend(vec![0; place_bytes]);
    }
    if let Some(target) = after_last {
        bytes[link..link + place_bytes].copy_from_slice(&order.number(starts[target], place_bytes));
    }
    bytes
}

/// One file of each format and kind that is read, with its name.
pub fn all() -> Vec<(&'static str, Vec<u8>)> {
    let image = picture(WIDTH, HEIGHT);
    let rows: Vec<Vec<u8>> = image.data().chunks_exact(WIDTH as usize * 3).map(<[u8]>::to_vec).collect();
    let size = (WIDTH, HEIGHT);
    let rgb_page = TiffPage::new(size, 2, 8, 3, rgb(&image));
    let indices: Vec<u8> = (0..WIDTH * HEIGHT).map(|at| (at % 4) as u8).collect();
    vec![
        ("jpeg", jpeg(&image)),
        ("png", png(WIDTH, HEIGHT, ColorType::Rgb, BitDepth::Eight, &rgb(&image))),
        ("webp", webp(WIDTH, HEIGHT, &rgb(&image), None)),
        ("webp", webp(WIDTH, HEIGHT, &rgba(&image), Some(exif(6)))),
        ("tiff", tiff(&[rgb_page.clone(), rgb_page.clone()], Order::ALL[0], None)),
        ("tiff", tiff(&[rgb_page], Order::ALL[3], None)),
        ("bmp", bmp((WIDTH as i32, HEIGHT as i32), 24, 0, &[], &bmp_rows(&rows))),
        ("bmp", bmp((4, 2), 8, 1, &[0x55; 1024], &[4, 7, 0, 0, 0, 4, 1, 2, 3, 4, 0, 1])),
        ("gif", gif((WIDTH as u16, HEIGHT as u16), (0, 0), WIDTH as u16, &indices, false)),
    ]
}
