//! Where things stand in a TOML file, for messages.

use toml::Spanned;
use toml::de::{DeTable, DeValue};

/// The lines of a file's keys and tables, from 1; 0 is said of what is not found.
pub(crate) struct Lines<'a> {
    text: &'a str,
    root: DeTable<'a>,
}

impl<'a> Lines<'a> {
    /// Of a file that is TOML; of another, nothing is found.
    pub fn parse(text: &'a str) -> Self {
        let root = DeTable::parse(text).map(Spanned::into_inner).unwrap_or_default();
        Self { text, root }
    }

    /// Of a section, or of what stands in its place.
    pub fn section_line(&self, section: &str) -> usize {
        find_entry(&self.root, section).map_or(0, |(begin, _)| self.line(begin))
    }

    /// Of a key of a section.
    pub fn key_line(&self, section: &str, name: &str) -> usize {
        let entry = find_entry(&self.root, section)
            .and_then(|(_, value)| find_entry(value.get_ref().as_table()?, name));
        entry.map_or(0, |(begin, _)| self.line(begin))
    }

    /// Of the table with that index, from 0, of a list of tables; of what stands in the list's place, if it is none.
    pub fn table_line(&self, list: &str, index: usize) -> usize {
        let tables = self.find_list(list);
        let begin = tables.map(|list| match list.get_ref() {
            DeValue::Array(tables) => tables.get(index).map_or(list.span().start, |one| one.span().start),
            _ => list.span().start,
        });
        begin.map_or(0, |begin| self.line(begin))
    }

    /// Of a key of that table, or of the table where it has no such key.
    pub fn table_key_line(&self, list: &str, index: usize, name: &str) -> usize {
        let entry = self
            .find_list(list)
            .and_then(|list| list.get_ref().as_array()?.get(index)?.get_ref().as_table())
            .and_then(|table| find_entry(table, name));
        entry.map_or_else(|| self.table_line(list, index), |(begin, _)| self.line(begin))
    }

    /// `camera` or `access.legacy`.
    fn find_list(&self, name: &str) -> Option<&Spanned<DeValue<'a>>> {
        let mut parts = name.split('.');
        let first = find_entry(&self.root, parts.next()?)?.1;
        parts.try_fold(first, |value, part| Some(find_entry(value.get_ref().as_table()?, part)?.1))
    }

    fn line(&self, begin: usize) -> usize {
        self.text.get(..begin).map_or(0, |before| before.matches('\n').count() + 1)
    }
}

/// Where the key begins, and its value.
fn find_entry<'a, 'b>(table: &'b DeTable<'a>, name: &str) -> Option<(usize, &'b Spanned<DeValue<'a>>)> {
    let (key, value) = table.iter().find(|(key, _)| key.get_ref() == name)?;
    Some((key.span().start, value))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_are_found_however_they_are_written() {
        for (text, line) in [
            ("[relay]\nmax_fps = 0", 2),
            ("[relay] # of mine\nmax_fps = 0", 2),
            ("[ relay ]\n\n\"max_fps\" = 0", 3),
            ("[\"relay\"]\nmax_fps = 0", 2),
            ("relay.max_fps = 0", 1),
            ("\nrelay = { max_fps = 0 }", 2),
            ("[relay]\nnames = [\n  \"a\",\n[\"b\"]]\nmax_fps = 0", 5),
            ("[log]\nnote = \"\"\"\n[relay]\nmax_fps = 1\n\"\"\"\n[relay]\nmax_fps = 0", 7),
            ("[relay]\nmax_fp = 0", 0),
            ("no TOML", 0),
        ] {
            assert_eq!(Lines::parse(text).key_line("relay", "max_fps"), line, "{text}");
        }
        let text = "relay = 3\n[log]\n";
        assert_eq!(Lines::parse(text).section_line("relay"), 1);
        assert_eq!(Lines::parse(text).section_line("log"), 2);
        assert_eq!(Lines::parse(text).section_line("cat"), 0);
    }

    #[test]
    fn tables_of_a_list_are_found_with_their_keys() {
        let text = "[[camera]]\nid = \"a\"\n\n[[ camera ]] # the other\nid = \"b\"\nfps = 3\n[[access.legacy]]\nrole = 3\n";
        let lines = Lines::parse(text);
        assert_eq!([0, 1].map(|index| lines.table_line("camera", index)), [1, 4]);
        assert_eq!(lines.table_key_line("camera", 1, "fps"), 6);
        assert_eq!(lines.table_key_line("camera", 0, "fps"), 1);
        assert_eq!(lines.table_line("access.legacy", 0), 7);
        assert_eq!(lines.table_key_line("access.legacy", 0, "role"), 8);
        let inline = Lines::parse("camera = [{ id = \"a\" },\n{ id = 3 }]");
        assert_eq!(inline.table_key_line("camera", 1, "id"), 2);
        assert_eq!(Lines::parse("\n[camera]\nid = 3").table_line("camera", 0), 2);
    }
}
