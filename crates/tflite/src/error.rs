//! Why a file is not converted: what is wrong with it, and where.

/// Why a file is not converted.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ConvertError {
    /// The first bytes say that it is something else.
    #[error("this is no TFLite file: {0}")]
    NotTflite(&'static str),
    /// Something points outside of the file, or is not what the format prescribes.
    #[error("the TFLite file is damaged: {what} at byte {at}")]
    Damaged {
        /// What was read there.
        what: &'static str,
        /// Where in the file.
        at: usize,
    },
    /// It has more of something than any network that is converted here.
    #[error("the TFLite file has {what}; at most {most} are read")]
    TooLarge {
        /// What there is too much of, with its number.
        what: String,
        /// The limit.
        most: usize,
    },
    /// The network as a whole is of a kind that is not converted.
    #[error("the network of the TFLite file {0}")]
    Graph(String),
    /// An operator that is not among those that are converted.
    #[error("unsupported operator {name} (operator {index})")]
    Unsupported {
        /// Place in the file's list of operators.
        index: usize,
        /// As the format calls it.
        name: String,
    },
    /// An operator that is known, but not in this way.
    #[error("operator {index} ({name}) {reason}")]
    Operator {
        /// Place in the file's list of operators.
        index: usize,
        /// As the format calls it.
        name: String,
        /// What is wrong with it.
        reason: String,
    },
    /// A tensor that is not what it has to be.
    #[error("tensor {index} (\"{name}\") {reason}")]
    Tensor {
        /// Place in the file's list of tensors.
        index: usize,
        /// As in the file.
        name: String,
        /// What is wrong with it.
        reason: String,
    },
    /// What was asked for is not in the file.
    #[error("the TFLite file has {count} outputs, so there is no number {asked} (the first is 0)")]
    NoOutput {
        /// How many outputs it has.
        count: usize,
        /// The output that was asked for.
        asked: usize,
    },
    /// Nothing was asked for.
    #[error("no output of the TFLite file was asked for")]
    NoOutputs,
}

/// Why an operator is not converted, before it is known which one it is.
#[derive(Debug)]
pub(crate) enum Fault {
    /// What already says where.
    File(ConvertError),
    /// Goes on after the operator's name.
    Reason(String),
}

impl From<ConvertError> for Fault {
    fn from(error: ConvertError) -> Self {
        Self::File(error)
    }
}

impl From<String> for Fault {
    fn from(reason: String) -> Self {
        Self::Reason(reason)
    }
}

impl From<&str> for Fault {
    fn from(reason: &str) -> Self {
        Self::Reason(reason.to_owned())
    }
}
