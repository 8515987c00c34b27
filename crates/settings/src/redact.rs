//! Addresses may hold names and passwords, also where they stand in the wrong place; and some keys hold secrets.

/// What the key of a secret ends with; `_file` after it is another's.
pub const SECRET: &str = "secret";

/// The text with `***` for whatever stands between `://` and `@`, and for the rest of a line that sets a secret; and without
/// what follows `?` in an address.
pub fn redact_secrets(text: &str) -> String {
    let without = |line: &str| {
        let is_set = |at: &usize| {
            let after = line.get(at + SECRET.len()..).unwrap_or_default();
            after.trim_start_matches(['"', '\'', '`', ' ', '\t']).starts_with(['=', ':'])
        };
        let set = line.match_indices(SECRET).map(|(at, _)| at).find(is_set);
        set.and_then(|at| line.get(..at))
            .map_or_else(|| line.to_owned(), |before| format!("{before}{SECRET} = ***"))
    };
    redact_addresses(&text.split('\n').map(without).collect::<Vec<_>>().join("\n"))
}

fn redact_addresses(text: &str) -> String {
    let (mut out, mut rest) = (String::with_capacity(text.len()), text);
    while let Some(at) = rest.find("://") {
        let (before, after) = rest.split_at(at + 3);
        out.push_str(before);
        // A password may hold a slash or a second `@`, though it should not.
        let end =
            after.find(|c: char| c.is_whitespace() || matches!(c, '"' | '\'' | ',')).unwrap_or(after.len());
        let (address, after) = after.split_at(end);
        let shown = address.rfind('@').map_or(address, |at| &address[at..]);
        if shown.len() < address.len() {
            out.push_str("***:***");
        }
        match shown.split_once('?') {
            Some((before, query)) if !query.is_empty() => {
                out.push_str(before);
                out.push_str("?…");
            }
            _ => out.push_str(shown),
        }
        rest = after;
    }
    out.push_str(rest);
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_and_passwords_of_addresses_are_not_shown() {
        for (text, shown) in [
            ("url = \"http://me:se/cr@et@10.0.0.5/x\"", "url = \"http://***:***@10.0.0.5/x\""),
            ("http://me@a, https://b/c@d", "http://***:***@a, https://***:***@d"),
            ("http://10.0.0.5:81/stream and a@b", "http://10.0.0.5:81/stream and a@b"),
            ("no address", "no address"),
            ("is it http://me@a/b?key=c, or http://d?", "is it http://***:***@a/b?…, or http://d?"),
            ("://", "://"),
        ] {
            assert_eq!(redact_secrets(text), shown);
        }
    }

    #[test]
    fn a_secret_is_not_shown_wherever_it_is_set() {
        for (text, shown) in [
            ("a = 1\n12 | jwt_secret = \"abc\ndef", "a = 1\n12 | jwt_secret = ***\ndef"),
            ("--set access.jwt_secret=abc", "--set access.jwt_secret = ***"),
            ("--set access.jwt_secret:abc", "--set access.jwt_secret = ***"),
            ("access.jwt_secret_file=/run/secret", "access.jwt_secret_file=/run/secret"),
            (
                "{ jwt_secret_file = \"\", jwt_secret = \"abc\" }",
                "{ jwt_secret_file = \"\", jwt_secret = ***",
            ),
            (
                "set one of access.jwt_secret, access.jwt_jwks",
                "set one of access.jwt_secret, access.jwt_jwks",
            ),
            ("[cluster]\nsecret = \"abc\"\nx", "[cluster]\nsecret = ***\nx"),
            ("--set cluster.secret=abc", "--set cluster.secret = ***"),
            ("secret_file = \"/run/x\", \"secret\" = \"abc\"", "secret_file = \"/run/x\", \"secret = ***"),
            ("cluster.secret is set, too: no secrets here", "cluster.secret is set, too: no secrets here"),
        ] {
            assert_eq!(redact_secrets(text), shown);
        }
    }
}
