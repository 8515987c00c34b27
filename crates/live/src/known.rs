//! Who sends or watches, where that is known by more than an address.

/// A key or user.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Known {
    words: Box<str>,
    name: Box<str>,
}

impl Known {
    /// `words` tell it from all others, as in the log: `the key c0db3b92 ("gate phone")`; people call it `name`.
    pub fn new(words: impl Into<Box<str>>, name: impl Into<Box<str>>) -> Self {
        Self { words: words.into(), name: name.into() }
    }

    /// What tells it from all others.
    pub fn words(&self) -> &str {
        &self.words
    }

    /// What people call it; several may have the same.
    pub fn name(&self) -> &str {
        &self.name
    }
}
