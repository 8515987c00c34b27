//! Networks that another machine runs, where one is asked to: a session asks there first, and runs here whatever it gets no
//! answer to. What asks, and how, is not known here.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use crate::network::Network;

/// What a network is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Task {
    /// Clips of people who sign.
    Signs,
    /// Joints of hands, and shoulders.
    Hands,
}

/// How values go as bytes: a value is a byte / `divide_by`.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Levels {
    /// What bytes are divided by; more than 0.
    pub divide_by: f32,
}

/// On which terms a network may be run elsewhere.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Terms {
    /// What it is for.
    pub task: Task,
    /// The input is made of bytes, which is what goes over the wire; `None` where it is not.
    pub levels: Option<Levels>,
}

/// A network as others know it.
#[derive(Clone, Debug, PartialEq)]
pub struct Offered {
    /// `MODEL.ROLE`.
    pub name: String,
    /// The beginning of its file's SHA-256: with another file it is another network.
    pub version: String,
    /// Who may run it, and what its input is.
    pub terms: Terms,
}

/// What came of a run elsewhere: shape and values.
#[derive(Clone, Debug, PartialEq)]
pub struct Output {
    /// As many as there are dimensions.
    pub shape: Vec<i64>,
    /// As many as the shape says, row-major.
    pub values: Vec<f32>,
}

/// How far a network is at the other machine.
#[derive(Clone, Debug, PartialEq)]
pub struct Report {
    /// `MODEL.ROLE`.
    pub network: String,
    /// Whether it is asked now.
    pub is_here: bool,
    /// Why not, in words; `None` where it is, or nobody has asked for it yet.
    pub why_not: Option<String>,
    /// Runs that were answered.
    pub answered: u64,
    /// Runs that were late, refused, cut off, or answered with what is not an answer; each was run here.
    pub failed: u64,
}

/// Has networks run elsewhere.
pub trait RemoteNetworks: fmt::Debug + Send + Sync {
    /// Whether networks for this may be asked for at all.
    fn takes_task(&self, task: Task) -> bool;

    /// Runs the network on values of this shape, and blocks until there is an answer in the shape that is expected, where `None`
    /// is any size. `None` is an answer that did not come in time: the network is to be run here.
    fn run(
        &self,
        network: &Arc<Offered>,
        shape: &[usize],
        values: &[f32],
        expected: &[Option<usize>],
    ) -> Option<Output>;

    /// Of all networks that were ever asked for, by name.
    fn report(&self) -> Vec<Report>;
}

/// Where a session asks first.
#[derive(Clone, Debug)]
pub(crate) struct Away {
    pub(crate) to: Arc<dyn RemoteNetworks>,
    pub(crate) network: Arc<Offered>,
    /// Of the output; `None` is any size.
    pub(crate) expected: Vec<Option<usize>>,
}

/// Nothing answers more slowly than this and is still waited for: pictures of live streams wait.
pub const PATIENCE: Duration = Duration::from_millis(250);

impl Levels {
    /// The byte that is nearest to a value.
    pub fn to_byte(self, value: f32) -> u8 {
        // Saturates, and is 0 for what is not a number.
        (value * self.divide_by).round() as u8
    }

    /// What each byte stands for.
    pub fn values(self) -> [f32; 256] {
        std::array::from_fn(|byte| byte as f32 / self.divide_by)
    }
}

impl Offered {
    /// A network in one of a model's roles.
    pub fn new(network: &Network, role: &str, terms: Terms) -> Self {
        let version = network.sha256().chars().take(16).collect();
        Self { name: format!("{}.{role}", network.model()), version, terms }
    }
}

impl Output {
    /// Whether it has the shape that is expected, where `None` is any size, and numbers only.
    pub fn check_shape(&self, expected: &[Option<usize>]) -> Result<(), &'static str> {
        let fits = |(found, expected): (&i64, &Option<usize>)| {
            usize::try_from(*found).is_ok_and(|found| expected.is_none_or(|expected| expected == found))
        };
        if self.shape.len() != expected.len() || !self.shape.iter().zip(expected).all(fits) {
            return Err("does not have the network's shape");
        }
        if self.shape.iter().product::<i64>() != self.values.len() as i64 {
            return Err("has more or fewer values than its shape says");
        }
        self.values.iter().all(|value| value.is_finite()).then_some(()).ok_or("is not made of numbers")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_come_back_as_they_went() {
        let levels = Levels { divide_by: 255.0 };
        for (byte, value) in levels.values().into_iter().enumerate() {
            assert_eq!(usize::from(levels.to_byte(value)), byte);
        }
        assert_eq!([-1.0, 0.501 / 255.0, 2.0, f32::NAN].map(|value| levels.to_byte(value)), [0, 1, 255, 0]);
    }

    #[test]
    fn an_output_has_the_shape_that_is_expected_and_numbers() {
        let output = |shape: &[i64], values: &[f32]| Output { shape: shape.into(), values: values.into() };
        assert_eq!(output(&[1, 2], &[0.0, 1.0]).check_shape(&[Some(1), None]), Ok(()));
        for (wrong, part) in [
            (output(&[2], &[0.0, 1.0]), "shape"),
            (output(&[2, 1], &[0.0, 1.0]), "shape"),
            (output(&[1, -2], &[0.0, 1.0]), "shape"),
            (output(&[1, 3], &[0.0, 1.0]), "more or fewer"),
            (output(&[1, 2], &[0.0, f32::NAN]), "numbers"),
            (output(&[1, 2], &[0.0, f32::INFINITY]), "numbers"),
        ] {
            assert!(wrong.check_shape(&[Some(1), None]).unwrap_err().contains(part), "{wrong:?}");
        }
    }
}
