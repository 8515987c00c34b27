//! What can run a network.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// What runs the networks.
#[derive(Clone, Copy, Debug, Deserialize, Serialize, PartialEq, Eq)]
#[serde(rename_all = "lowercase")]
pub enum Provider {
    /// ONNX Runtime's own kernels.
    Cpu,
    /// Intel's, the fast ones on x86-64 CPUs.
    OpenVino,
    /// NVIDIA's, on its GPUs.
    Cuda,
}

impl Provider {
    /// As in the configuration and API answers.
    pub fn name(self) -> &'static str {
        match self {
            Provider::Cpu => "cpu",
            Provider::OpenVino => "openvino",
            Provider::Cuda => "cuda",
        }
    }
}

impl fmt::Display for Provider {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// Nothing that can run a network is called so.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is not one of cpu, openvino, cuda")]
pub struct UnknownProvider(String);

impl FromStr for Provider {
    type Err = UnknownProvider;

    fn from_str(text: &str) -> Result<Self, UnknownProvider> {
        match text {
            "cpu" => Ok(Provider::Cpu),
            "openvino" => Ok(Provider::OpenVino),
            "cuda" => Ok(Provider::Cuda),
            _ => Err(UnknownProvider(text.to_owned())),
        }
    }
}
