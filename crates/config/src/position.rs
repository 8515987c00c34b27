//! Where things stand in a TOML file, for messages.

/// The line of the `index`-th table that begins so, from 1; 0 if it is not found.
pub(crate) fn table_line(text: &str, head: &str, index: usize) -> usize {
    let is_table = |line: &str| line.trim_start().starts_with(head);
    text.lines().enumerate().filter(|(_, line)| is_table(line)).nth(index).map_or(0, |(line, _)| line + 1)
}

/// The line of a key in a file, for messages; 0 if it is written in an unusual way.
pub(crate) fn line_of(text: &str, section: &str, name: &str) -> usize {
    let mut current = "";
    for (number, line) in text.lines().enumerate() {
        let line = line.trim();
        if let Some(header) = line.strip_prefix('[') {
            current = header.trim_end_matches(']').trim();
            if section.is_empty() && current == name {
                return number + 1;
            }
        } else if current == section
            && line.split('=').next().is_some_and(|left| left.trim().trim_matches('"') == name)
        {
            return number + 1;
        }
    }
    0
}
