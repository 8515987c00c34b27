//! How text becomes HTML.

use serde_json::Value;

/// A piece of HTML that is being written.
#[derive(Debug, Default)]
pub struct Html(String);

impl Html {
    pub fn finish(self) -> String {
        self.0
    }

    /// HTML as it is.
    pub fn raw(&mut self, html: &str) -> &mut Self {
        self.0.push_str(html);
        self
    }

    /// Text without marks of its own.
    pub fn text(&mut self, text: &str) -> &mut Self {
        self.0.push_str(&escape_html(text));
        self
    }

    pub fn code(&mut self, text: &str) -> &mut Self {
        self.raw("<code>").text(text).raw("</code>")
    }

    /// Text with code between backticks, and links of rustdoc as code.
    pub fn inline(&mut self, text: &str) -> &mut Self {
        for (index, piece) in text.replace("[`", "`").replace("`]", "`").split('`').enumerate() {
            if index % 2 == 0 {
                self.text(piece)
            } else {
                self.code(piece)
            };
        }
        self
    }

    pub fn paragraph(&mut self, text: &str) -> &mut Self {
        self.raw("<p>").inline(text).raw("</p>")
    }

    pub fn heading(&mut self, level: u8, id: &str, text: &str) -> &mut Self {
        self.raw(&format!("<h{level} id=\"{id}\">")).text(text).raw(&format!("</h{level}>"))
    }

    pub fn title(&mut self, text: &str) -> &mut Self {
        self.raw("<h3>").text(text).raw("</h3>")
    }

    pub fn link(&mut self, to: &str, text: &str) -> &mut Self {
        self.raw(&format!("<a href=\"{}\">", escape_html(to))).text(text).raw("</a>")
    }

    pub fn pre(&mut self, text: &str) -> &mut Self {
        self.raw("<pre>").text(text).raw("</pre>")
    }

    pub fn example(&mut self, value: &Value) -> &mut Self {
        self.pre(&serde_json::to_string_pretty(value).unwrap_or_default())
    }
}

pub fn escape_html(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}

/// As the `id` of an element may be.
pub fn anchor_id(text: &str) -> String {
    let pieces = text.split(|c: char| !c.is_ascii_alphanumeric()).filter(|piece| !piece.is_empty());
    pieces.collect::<Vec<_>>().join("-").to_lowercase()
}
