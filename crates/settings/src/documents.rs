//! What is made of the list of keys for people: a commented file, an `.env`, tables of a page.

use std::fmt::Write as _;

use crate::key::{Key, Sections};

/// Every variable with its default, commented, as `.env` has them.
pub fn env_example(sections: Sections) -> String {
    let mut text = String::from(
        "# Sightwire. Copy this to `.env` beside the server, and take away the `#` of what you change.\n\
         # docs/config.md says more. Variables of the process go before this file, and this file before sightwire.toml.\n",
    );
    for section in sections.iter() {
        text.push('\n');
        for key in section.keys {
            let _ = writeln!(text, "# {}\n#{}={}", key.text(), key.env_name(), env_default(key));
        }
    }
    text
}

/// The default, as a variable has it: without quotes, and a list by commas.
fn env_default(key: &Key) -> String {
    let items = key.default.trim_matches(['[', ']']).split(',');
    items.map(|item| item.trim().trim_matches('"')).collect::<Vec<_>>().join(",")
}

/// A commented file with every key at its default, and an example of each list of tables.
pub fn commented_file(sections: Sections) -> String {
    let mut text = String::from(
        "# Sightwire. Every key with its default; take away the `#` to change one.\n\
         # Environment (SIGHTWIRE_SECTION_KEY) and flags (--set section.key=value) go before this file.\n",
    );
    for section in sections.iter().filter(|section| !section.keys.is_empty()) {
        let _ = write!(text, "\n[{}]\n", section.name);
        for key in section.keys {
            let _ = write!(text, "# {}\n# {} = {}\n", key.text(), key.name_parts().1, key.default);
        }
    }
    text.extend(sections.tables().map(|table| table.example));
    text
}

/// The page with its tables made anew: rows that begin with a key give way to those of its section, everything else stays.
pub fn with_tables(sections: Sections, page: &str) -> String {
    let mut text = String::with_capacity(page.len());
    let mut table = None;
    for line in page.lines() {
        let key = line.strip_prefix("| `").and_then(|rest| rest.split_once('`')).map(|(name, _)| name);
        let section = key.and_then(|name| {
            let (section, _) = name.split_once('.')?;
            sections.iter().find(|known| known.name == section)
        });
        match section {
            None => {
                table = None;
                text.push_str(line);
                text.push('\n');
            }
            Some(section) if table == Some(section.name) => {}
            Some(section) => {
                table = Some(section.name);
                text.extend(section.keys.iter().map(table_row));
            }
        }
    }
    text
}

fn table_row(key: &Key) -> String {
    let old_names: Vec<String> = key.old_names.iter().map(|name| format!("`{name}`")).collect();
    let more = key.see.map(|page| format!(" ([more]({page}))")).unwrap_or_default();
    let (name, default) = (key.name, key.default);
    let allowed = key.kind.describe_allowed(name).unwrap_or_default();
    format!("| `{name}` | `{default}` | {allowed} | {} | {}{more} |\n", old_names.join(", "), key.text())
}
