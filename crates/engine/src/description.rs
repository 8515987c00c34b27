//! What a network's file says of its input and output.

use crate::EngineError;

/// What a network's file says of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Description {
    /// Of the only input; free dimensions are `None`.
    pub input: Vec<Option<usize>>,
    /// Of the first output; free dimensions are `None`.
    pub output: Vec<Option<usize>>,
    /// Names of the input's dimensions; empty where one has none.
    pub symbols: Vec<String>,
    /// Of the metadata, the value that was asked for.
    pub metadata: Option<String>,
}

impl Description {
    /// The free dimensions by name, and how large each is at this shape.
    pub fn free_sizes(&self, network: &str, input: &[usize]) -> Result<Vec<(String, usize)>, EngineError> {
        let fits = self.input.len() == input.len()
            && self.input.iter().zip(input).all(|(file, size)| file.is_none_or(|file| file == *size));
        if !fits {
            let sizes: Vec<_> = self.input.iter().map(|size| size.map_or(-1, |size| size as i64)).collect();
            return Err(EngineError::Shape {
                network: network.to_owned(),
                side: "input",
                found: format!("f32 {sizes:?}"),
                expected: format!("f32 {input:?}"),
            });
        }
        // A name that stands for two different sizes stays free: such a network is run at a shape that is not static.
        let named: Vec<(&str, usize)> =
            self.symbols.iter().map(String::as_str).zip(input.iter().copied()).collect();
        let mut sizes = Vec::new();
        for (index, (symbol, size)) in named.iter().enumerate() {
            let free = self.input[index].is_none() && !symbol.is_empty();
            if free && named.iter().all(|(other, another)| other != symbol || another == size) {
                sizes.push(((*symbol).to_owned(), *size));
            }
        }
        Ok(sizes)
    }
}
