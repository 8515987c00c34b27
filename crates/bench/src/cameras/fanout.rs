//! One camera and more and more viewers.

use anyhow::Result;
use sightwire_synth::sample::Gesture;

use super::camera::Camera;
use super::proxy_ask;
use crate::frames::FrameSet;
use crate::live::fanout::{Bench, Steps};
use crate::live::server::{Server, ServerArgs};
use crate::live::stamp;

#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    #[command(flatten)]
    server: ServerArgs,
    #[command(flatten)]
    steps: Steps,
    /// Pictures a second
    #[arg(long, default_value_t = 30.0)]
    fps: f64,
    /// Bytes of a picture
    #[arg(long, default_value_t = 75_000)]
    bytes: usize,
}

/// Prints a table of viewers at the usual rate, and one of as many pictures as possible.
pub(crate) fn main(args: &Args) -> Result<()> {
    let server = Server::from_args(&args.server)?;
    let frames = FrameSet::render(Gesture::Wave, 640, 480, args.bytes)?;
    let bytes = frames.summary.mean_jpeg_bytes as usize + stamp::SEGMENT_BYTES;
    let camera = Camera::start(frames.jpegs, args.fps)?;
    let ask = proxy_ask(&server, &camera);
    Bench { steps: &args.steps, fps: args.fps, server: &server, source: &camera, ask, bytes }
        .print_tables()?;
    println!("The camera was opened {} times.", camera.open_count());
    Ok(())
}
