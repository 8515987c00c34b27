//! The page that shows both documents: plain HTML, which needs no script and loads nothing.
//!
//! - [`operations`]: what is asked for over HTTP; [`channels`]: what is said over Socket.IO and WebSockets
//! - [`types`]: the fields of all types; [`markup`]: how text becomes HTML

mod channels;
mod markup;
mod operations;
mod types;

use serde_json::Value;

use crate::{asyncapi, openapi};
use markup::{Html, anchor};

/// The whole page.
pub fn html() -> String {
    let (http, messages) = (openapi::document(), asyncapi::document());
    let mut page = Html::default();
    page.raw(HEAD);
    page.raw("<style>").raw(STYLE).raw("</style></head><body>");
    contents(&mut page);
    page.raw("<main>");
    page.raw("<h1>Sightwire API</h1>");
    page.raw("<p>Everything that this server can be asked for, and everything that it says. The same for programs: ");
    page.raw("<a href=\"api/v1/openapi.json\">OpenAPI 3.1</a> and <a href=\"api/v1/asyncapi.json\">AsyncAPI 3.0</a>.</p>");
    introduction(&mut page, &http);
    for (tag, description) in openapi::TAGS {
        page.raw("<section>").heading(2, &format!("tag-{}", anchor(tag)), tag).paragraph(description);
        for (path, operations) in &http.paths {
            for (method, operation) in operations.iter().filter(|(_, one)| one.tags[0] == tag) {
                operations::show(&mut page, method, path, operation);
            }
        }
        page.raw("</section>");
    }
    page.raw("<section>").heading(2, "messages", "Socket.IO and WebSockets");
    page.paragraph(
        "Messages are JSON, except for frames of `sightwire.v1`. Unknown fields are to be ignored.",
    );
    for channel in messages.channels.values() {
        channels::show(&mut page, channel, &messages);
    }
    page.raw("</section>");
    let mut all: Vec<(&String, &Value)> = http.components.schemas.iter().collect();
    all.extend(
        messages.components.schemas.iter().filter(|(name, _)| !http.components.schemas.contains_key(*name)),
    );
    all.sort_by_key(|(name, _)| *name);
    page.raw("<section>").heading(2, "types", "Types");
    for (name, schema) in all {
        types::show(&mut page, name, schema);
    }
    page.raw("</section></main></body></html>\n");
    page.finish()
}

fn contents(page: &mut Html) {
    page.raw("<nav aria-label=\"Contents\"><a href=\"./\">Sightwire</a>");
    for (tag, _) in openapi::TAGS {
        page.link(&format!("#tag-{}", anchor(tag)), tag);
    }
    page.link("#messages", "Socket.IO and WebSockets").link("#types", "Types").raw("</nav>");
}

fn introduction(page: &mut Html, http: &openapi::Document) {
    page.raw("<section>").heading(2, "access", "Who may ask");
    page.paragraph(
        "On the machine that runs the server no key is needed, unless `access.mode` is `protected`. Elsewhere one of these says who \
         asks; beside each path stands the least role that it takes.",
    );
    page.raw("<dl>");
    for (name, description) in http.security() {
        page.raw("<dt>").code(name).raw("</dt><dd>").inline(description).raw("</dd>");
    }
    page.raw("</dl></section><section>").heading(2, "errors", "Errors");
    page.paragraph(
        "Every error is a status of 4xx or 5xx and JSON with a sentence for people. Any path can answer one of these; what a path can \
         answer beside them stands with it. A method that a path does not take gets 405, with `Allow`.",
    );
    page.example(&serde_json::json!({ "detail": "There is no stream \"front-door\"." }));
    page.raw("<ul>");
    for (status, description) in openapi::common_errors() {
        page.raw("<li>").code(status).raw(" ").inline(description).raw("</li>");
    }
    page.raw("</ul></section>");
}

const HEAD: &str = "<!doctype html><html lang=\"en\"><head><meta charset=\"utf-8\"><title>API – Sightwire</title>\
    <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\"><meta name=\"color-scheme\" content=\"light dark\">\
    <link rel=\"icon\" href=\"favicon.svg\">";

const STYLE: &str = "\
:root{color-scheme:light dark;--line:light-dark(#d5d9de,#363c44);--dim:light-dark(#59626d,#9aa4b0);\
--box:light-dark(#f4f5f7,#1b1f24);--link:light-dark(#0b57b4,#7db4ff)}\
*{box-sizing:border-box}html{scroll-padding-top:1rem}\
body{margin:0;font:16px/1.5 system-ui,sans-serif;background:light-dark(#fff,#111418);color:light-dark(#14181d,#e6e9ed)}\
a{color:var(--link)}main{max-width:60rem;margin:0 auto;padding:1rem}\
nav{display:flex;flex-wrap:wrap;gap:0 1rem;padding:0 1rem;border-bottom:1px solid var(--line)}\
h1{font-size:1.75rem;margin:.5rem 0}h2{margin:2.5rem 0 .5rem;border-bottom:1px solid var(--line)}\
h3{margin:1rem 0 .25rem;font-size:1rem}\
code,pre{font:.875em/1.45 ui-monospace,monospace;overflow-wrap:anywhere}\
pre{background:var(--box);border:1px solid var(--line);border-radius:6px;padding:.75rem;overflow-x:auto;white-space:pre-wrap}\
details{border:1px solid var(--line);border-radius:6px;margin:.5rem 0;padding:0 .75rem}\
details details{margin:.25rem 0;border:0;padding:0}\
nav a{padding:.65rem 0}summary{cursor:pointer;padding:.65rem 0}details[open]>summary{border-bottom:1px solid var(--line);margin-bottom:.5rem}\
details details[open]>summary{border:0;margin:0}\
summary .role,.kind{color:var(--dim);font-size:.875em}summary .about{color:var(--dim);margin-left:.5rem}\
.method{font-weight:600;text-transform:uppercase;display:inline-block;min-width:4.5rem}\
h2::first-letter{text-transform:uppercase}p{margin:.5rem 0}details:target{outline:2px solid var(--link)}\
dl{margin:.25rem 0}dt{margin-top:.5rem}dd{margin:0 0 0 1.25rem}ul{padding-left:1.25rem}";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_operation_message_and_type_is_shown_and_every_link_leads_somewhere() {
        let (page, http, messages) = (html(), openapi::document(), asyncapi::document());
        for (path, method, _) in http.roles() {
            assert!(
                page.contains(&format!("id=\"{}\"", operations::anchor_of(method, path))),
                "{method} {path}"
            );
        }
        for name in http.components.schemas.keys().chain(messages.components.schemas.keys()) {
            assert!(page.contains(&format!("id=\"type-{name}\"")), "{name}");
        }
        for message in messages.components.messages.values() {
            let mut summary = Html::default();
            summary.inline(message.summary);
            assert!(page.contains(&summary.finish()), "{}", message.summary);
        }
        for link in page.split("href=\"#").skip(1) {
            let id = link.split('"').next().unwrap();
            assert_eq!(page.matches(&format!("id=\"{id}\"")).count(), 1, "{id}");
        }
    }

    #[test]
    fn it_needs_no_script_and_loads_nothing_from_elsewhere() {
        let page = html();
        assert!(!page.contains("<script") && !page.contains(" onclick"), "a script");
        for loaded in ["src=", "@import", "url(", "//cdn"] {
            assert!(!page.contains(loaded), "{loaded}");
        }
    }

    #[test]
    fn elements_are_closed_in_the_order_in_which_they_were_opened() {
        let (page, mut open) = (html(), Vec::new());
        for tag in page.split('<').skip(1).filter_map(|rest| rest.split('>').next()) {
            let name = tag.split([' ', '\n']).next().unwrap();
            match name.strip_prefix('/') {
                Some(closed) => assert_eq!(open.pop(), Some(closed)),
                None if matches!(name, "!doctype" | "meta" | "link") => {}
                None => open.push(name),
            }
        }
        assert!(open.is_empty(), "{open:?}");
    }
}
