//! `/status` and `/control`, as the board's firmware has them.

use std::collections::BTreeMap;
use std::fmt;
use std::str::FromStr;

use serde::Serialize;
use sightwire_synth::scene::{MAX_SIDE, MIN_SIDE};

use super::faults::{FaultError, Faults};

/// `framesize`: the sizes of the OV2640's driver, by their number.
const FRAME_SIZES: [Size; 14] = [
    Size::new(96, 96),
    Size::new(160, 120),
    Size::new(176, 144),
    Size::new(240, 176),
    Size::new(240, 240),
    Size::new(320, 240),
    Size::new(400, 296),
    Size::new(480, 320),
    Size::new(640, 480),
    Size::new(800, 600),
    Size::new(1024, 768),
    Size::new(1280, 720),
    Size::new(1280, 1024),
    Size::new(1600, 1200),
];
/// Other settings of the board: name, least, greatest and first value. They are kept and shown, and do nothing.
const OTHERS: [(&str, i64, i64, i64); 23] = [
    ("brightness", -2, 2, 0),
    ("contrast", -2, 2, 0),
    ("saturation", -2, 2, 0),
    ("sharpness", -2, 2, 0),
    ("special_effect", 0, 6, 0),
    ("wb_mode", 0, 4, 0),
    ("awb", 0, 1, 1),
    ("awb_gain", 0, 1, 1),
    ("aec", 0, 1, 1),
    ("aec2", 0, 1, 0),
    ("ae_level", -2, 2, 0),
    ("aec_value", 0, 1200, 168),
    ("agc", 0, 1, 1),
    ("agc_gain", 0, 30, 0),
    ("gainceiling", 0, 6, 0),
    ("bpc", 0, 1, 0),
    ("wpc", 0, 1, 1),
    ("raw_gma", 0, 1, 1),
    ("lenc", 0, 1, 1),
    ("vflip", 0, 1, 0),
    ("hmirror", 0, 1, 0),
    ("dcw", 0, 1, 1),
    ("led_intensity", 0, 255, 0),
];
/// The worst of the board's qualities; 0 is the best.
const WORST_QUALITY: i64 = 63;
/// One of the board's qualities in percent of ours: its usual 12 is 83.
const QUALITY_STEP: f64 = 1.4;
const FPS: std::ops::RangeInclusive<f64> = 0.05..=120.0;

/// Width and height of a picture in pixels.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Size {
    /// From left to right.
    pub width: u32,
    /// From top to bottom.
    pub height: u32,
}

impl Size {
    const fn new(width: u32, height: u32) -> Self {
        Self { width, height }
    }
}

/// Why a text is not a size.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SizeError {
    /// It has no `x` between two numbers.
    #[error("write width and height as in 640x480")]
    Form,
    /// A side that no picture has.
    #[error("{0:?} is not a number of pixels from {MIN_SIDE} to {MAX_SIDE}")]
    Side(String),
}

/// Why a text is not a rate.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum FpsError {
    /// It is not a number.
    #[error("{0:?} is not a number")]
    Number(String),
    /// More than pictures can be made, or fewer than anybody waits for.
    #[error("it must be from {} to {}", FPS.start(), FPS.end())]
    Range,
}

impl FromStr for Size {
    type Err = SizeError;

    fn from_str(text: &str) -> Result<Self, SizeError> {
        let (width, height) = text.split_once('x').ok_or(SizeError::Form)?;
        let side = |text: &str| match text.parse() {
            Ok(side) if (MIN_SIDE..=MAX_SIDE).contains(&side) => Ok(side),
            _ => Err(SizeError::Side(text.to_owned())),
        };
        Ok(Self::new(side(width)?, side(height)?))
    }
}

impl fmt::Display for Size {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}x{}", self.width, self.height)
    }
}

/// Reads a number of pictures per second, 0.05 to 120.
pub fn parse_fps(text: &str) -> Result<f64, FpsError> {
    let fps: f64 = text.parse().map_err(|_| FpsError::Number(text.to_owned()))?;
    if FPS.contains(&fps) { Ok(fps) } else { Err(FpsError::Range) }
}

/// What `/control` can change.
#[derive(Debug, Clone)]
pub struct Settings {
    pub size: Size,
    /// JPEG quality, 1 to 100.
    pub quality: u8,
    pub fps: f64,
    others: BTreeMap<&'static str, i64>,
}

/// What `/control` changed.
#[derive(Debug, PartialEq, Eq)]
pub enum Changed {
    /// A setting has another value now; [`Settings`] holds it.
    Setting,
    /// What goes wrong from now on.
    Faults(Faults),
}

/// Why `/control` changed nothing.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub enum ControlError {
    /// Without a name or a value.
    #[error("write /control?var=NAME&val=VALUE")]
    Missing,
    /// Not a setting of the board.
    #[error("there is no setting {0:?}")]
    Unknown(String),
    /// Out of its range.
    #[error("{name} cannot be {value:?}: {allowed}")]
    Value {
        /// Name of the setting.
        name: &'static str,
        /// As it was given.
        value: String,
        /// What it can be.
        allowed: String,
    },
    /// A rate that is none.
    #[error("fps cannot be {value:?}: {source}")]
    Fps {
        /// As it was given.
        value: String,
        /// Why it is none.
        source: FpsError,
    },
    /// Not a list of faults.
    #[error(transparent)]
    Fault(#[from] FaultError),
}

impl Settings {
    /// With everything else as it is when a board starts.
    pub fn new(size: Size, quality: u8, fps: f64) -> Self {
        let others = OTHERS.into_iter().map(|(name, _, _, first)| (name, first)).collect();
        Self { size, quality, fps, others }
    }

    /// Sets what `/control` asks for.
    pub fn set(&mut self, name: Option<&str>, value: Option<&str>) -> Result<Changed, ControlError> {
        let (Some(name), Some(value)) = (name, value) else { return Err(ControlError::Missing) };
        match name {
            "fault" => return Ok(Changed::Faults(value.parse()?)),
            "framesize" => {
                let number = parse_number("framesize", value, 0, FRAME_SIZES.len() as i64 - 1)?;
                self.size = FRAME_SIZES[number as usize];
            }
            "quality" => {
                let number = parse_number("quality", value, 0, WORST_QUALITY)?;
                self.quality = (100.0 - number as f64 * QUALITY_STEP).round().clamp(1.0, 100.0) as u8;
            }
            "fps" => {
                self.fps = parse_fps(value)
                    .map_err(|source| ControlError::Fps { value: shorten_text(value), source })?;
            }
            _ => {
                let known = OTHERS.into_iter().find(|other| other.0 == name);
                let Some((name, least, greatest, _)) = known else {
                    return Err(ControlError::Unknown(shorten_text(name)));
                };
                self.others.insert(name, parse_number(name, value, least, greatest)?);
            }
        }
        Ok(Changed::Setting)
    }

    /// What `/status` says of them.
    pub fn status(&self) -> SettingsStatus {
        let quality =
            ((100.0 - f64::from(self.quality)) / QUALITY_STEP).round().clamp(0.0, WORST_QUALITY as f64);
        SettingsStatus {
            framesize: FRAME_SIZES.iter().position(|size| *size == self.size),
            quality: quality as i64,
            width: self.size.width,
            height: self.size.height,
            jpeg_quality: self.quality,
            fps: self.fps,
            others: self.others.clone(),
        }
    }
}

/// Settings as `/status` says them.
#[derive(Debug, Serialize)]
pub struct SettingsStatus {
    /// Number of the size, if it is one of the sensor's.
    framesize: Option<usize>,
    /// As the board counts: 0 is the best.
    quality: i64,
    width: u32,
    height: u32,
    /// Of its JPEGs, 1 to 100.
    jpeg_quality: u8,
    fps: f64,
    /// Of the sensor; they are kept and do nothing.
    #[serde(flatten)]
    others: BTreeMap<&'static str, i64>,
}

fn parse_number(name: &'static str, value: &str, least: i64, greatest: i64) -> Result<i64, ControlError> {
    match value.parse() {
        Ok(number) if (least..=greatest).contains(&number) => Ok(number),
        _ => Err(ControlError::Value {
            name,
            value: shorten_text(value),
            allowed: format!("it is a whole number from {least} to {greatest}"),
        }),
    }
}

fn shorten_text(text: &str) -> String {
    text.chars().take(60).collect()
}
