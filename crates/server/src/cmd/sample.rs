//! `sightwire sample`

use std::fs;
use std::io::{BufWriter, Write};

use anyhow::Context as _;
use sightwire_frame::sample::{Clip, Gesture};
use sightwire_frame::{Encoder, Image};

use super::SampleArgs;
use crate::print::out;

const SIZE_PX: (u32, u32) = (640, 480);
const QUALITY: u8 = 90;

pub(super) fn run(args: &SampleArgs) -> anyhow::Result<()> {
    let gesture: Gesture = args.gesture.parse()?;
    let clip = Clip::new(gesture, args.seed, SIZE_PX.0, SIZE_PX.1);
    let mut image = Image::new(0, 0);
    if let Some(folder) = &args.out {
        fs::create_dir_all(folder).with_context(|| format!("cannot make {}", folder.display()))?;
        let (mut encoder, mut jpeg) = (Encoder::new()?, Vec::new());
        for index in 0..args.frames {
            clip.frame_into(index, &mut image);
            encoder.encode(&image, QUALITY, &mut jpeg)?;
            let path = folder.join(format!("{index:03}.jpg"));
            fs::write(&path, &jpeg).with_context(|| format!("cannot write {}", path.display()))?;
        }
    }
    if let Some(path) = &args.y4m {
        let file = fs::File::create(path).with_context(|| format!("cannot write {}", path.display()))?;
        let mut out = BufWriter::new(file);
        write_y4m(&mut out, &clip, args.frames)
            .with_context(|| format!("cannot write {}", path.display()))?;
    }
    for place in args.out.iter().chain(&args.y4m) {
        out!("{} frames of {} in {}", args.frames, gesture.name(), place.display())?;
    }
    Ok(())
}

/// YUV4MPEG2, 25 frames a second, 4:2:0 at JPEG siting and full range (BT.601).
fn write_y4m(out: &mut impl Write, clip: &Clip, frames: u32) -> std::io::Result<()> {
    let mut image = Image::new(0, 0);
    let (width, height) = (SIZE_PX.0 as usize, SIZE_PX.1 as usize);
    writeln!(out, "YUV4MPEG2 W{width} H{height} F25:1 Ip A1:1 C420jpeg")?;
    let (mut y, mut u, mut v) =
        (vec![0; width * height], vec![0; width * height / 4], vec![0; width * height / 4]);
    for index in 0..frames {
        clip.frame_into(index, &mut image);
        let pixels = image.data();
        for row in 0..height {
            for column in 0..width {
                let at = (row * width + column) * 3;
                let [b, g, r] = [pixels[at], pixels[at + 1], pixels[at + 2]].map(f32::from);
                y[row * width + column] = (0.299 * r + 0.587 * g + 0.114 * b).round() as u8;
                if row % 2 == 0 && column % 2 == 0 {
                    let chroma = row / 2 * (width / 2) + column / 2;
                    u[chroma] =
                        (128.0 - 0.168_736 * r - 0.331_264 * g + 0.5 * b).round().clamp(0.0, 255.0) as u8;
                    v[chroma] =
                        (128.0 + 0.5 * r - 0.418_688 * g - 0.081_312 * b).round().clamp(0.0, 255.0) as u8;
                }
            }
        }
        out.write_all(b"FRAME\n")?;
        for plane in [&y, &u, &v] {
            out.write_all(plane)?;
        }
    }
    out.flush()
}
