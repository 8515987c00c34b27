//! The page that shows both documents: plain HTML in the bar and the colours of the other pages. It needs no script; the one that it
//! loads knows which colours somebody has chosen.
//!
//! - [`operations`]: what is asked for over HTTP; [`channels`]: what is said over Socket.IO and WebSockets
//! - [`types`]: the fields of all types; [`markup`]: how text becomes HTML

mod channels;
mod markup;
mod operations;
mod types;

use serde_json::Value;

use crate::{asyncapi, openapi};
use markup::{Html, anchor_id};

/// The whole page.
pub fn page_html() -> String {
    let (http, messages) = (openapi::build_document(), asyncapi::build_document());
    let mut page = Html::default();
    page.raw(HEAD);
    page.raw("<style>").raw(STYLE).raw("</style></head><body>");
    show_bar(&mut page);
    page.raw("<div class=\"sheet\">");
    show_contents(&mut page);
    page.raw("<main id=\"main\" tabindex=\"-1\">");
    page.raw("<h1>Sightwire API</h1>");
    page.raw("<p>Everything that this server can be asked for, and everything that it says. The same for programs: ");
    page.raw("<a href=\"api/v1/openapi.json\">OpenAPI 3.1</a> and <a href=\"api/v1/asyncapi.json\">AsyncAPI 3.0</a>.</p>");
    show_introduction(&mut page, &http);
    for (tag, description) in openapi::TAGS {
        page.raw("<section>").heading(2, &format!("tag-{}", anchor_id(tag)), tag).paragraph(description);
        for (path, operations) in &http.paths {
            for (method, operation) in operations.iter().filter(|(_, one)| one.tags[0] == tag) {
                operations::show_operation(&mut page, method, path, operation);
            }
        }
        page.raw("</section>");
    }
    page.raw("<section>").heading(2, "messages", "Socket.IO and WebSockets");
    page.paragraph(
        "Messages are JSON, except for frames of `sightwire.v1`. Unknown fields are to be ignored.",
    );
    for channel in messages.channels.values() {
        channels::show_channel(&mut page, channel, &messages);
    }
    page.raw("</section>");
    let mut all: Vec<(&String, &Value)> = http.components.schemas.iter().collect();
    all.extend(
        messages.components.schemas.iter().filter(|(name, _)| !http.components.schemas.contains_key(*name)),
    );
    all.sort_by_key(|(name, _)| *name);
    page.raw("<section>").heading(2, "types", "Types");
    for (name, schema) in all {
        types::show_type(&mut page, name, schema);
    }
    page.raw("</section></main></div></body></html>\n");
    page.finish()
}

/// Where the other pages are, as their own bar has it. On a phone they are behind a button.
fn show_bar(page: &mut Html) {
    page.raw("<a class=\"skip\" href=\"#main\">Skip to content</a><header class=\"bar\">");
    page.raw("<a class=\"brand\" href=\"./\" aria-label=\"Sightwire, start page\">")
        .raw(MARK)
        .raw("<span>Sightwire</span></a>");
    page.raw("<button type=\"button\" popovertarget=\"pages\">API</button>");
    page.raw("<nav id=\"pages\" popover=\"auto\" aria-label=\"Pages\">");
    for (path, name) in PAGES {
        page.link(path, name);
    }
    page.raw("</nav></header>");
}

fn show_contents(page: &mut Html) {
    page.raw("<nav class=\"contents\" aria-label=\"Contents\">");
    for (tag, _) in openapi::TAGS {
        page.link(&format!("#tag-{}", anchor_id(tag)), tag);
    }
    page.link("#messages", "Socket.IO and WebSockets").link("#types", "Types").raw("</nav>");
}

fn show_introduction(page: &mut Html, http: &openapi::Document) {
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
    <link rel=\"icon\" href=\"favicon.svg\"><script src=\"scheme.js\"></script>";

/// Paths below the server's base, and names: as in `ui/src/app/pageNames.ts`.
const PAGES: [(&str, &str); 7] = [
    ("./", "Start"),
    ("recognise", "Recognise"),
    ("cameras", "Cameras"),
    ("broadcast", "Broadcast"),
    ("wall", "Wall"),
    ("read", "Read text"),
    ("health", "Health"),
];

/// As in `ui/src/app/Mark.tsx`.
const MARK: &str = "<svg viewBox=\"0 0 32 32\" width=\"28\" height=\"28\" aria-hidden=\"true\">\
    <rect width=\"32\" height=\"32\" rx=\"7.5\" fill=\"var(--accent)\"></rect>\
    <path d=\"M2.5 16H7c2.2-4.4 5.3-6.6 9-6.6s6.8 2.2 9 6.6h4.5M7 16c2.2 4.4 5.3 6.6 9 6.6s6.8-2.2 9-6.6\" fill=\"none\" \
    stroke=\"#fff\" stroke-width=\"2.2\" stroke-linecap=\"round\" stroke-linejoin=\"round\"></path>\
    <circle cx=\"16\" cy=\"16\" r=\"3\" fill=\"#fff\"></circle></svg>";

/// The first lines have what `ui/src/app/tokens.css` has under the same names.
const STYLE: &str = "\
:root{color-scheme:light dark;--page:light-dark(#f4f5f7,#0f1216);--card:light-dark(#ffffff,#171b21);\
--sunken:light-dark(#eceef2,#1f242c);--line:light-dark(#dfe2e8,#2a303a);--text:light-dark(#161a21,#e8ebf0);\
--text-soft:light-dark(#545d6b,#9ba5b4);--accent:light-dark(#3f55d6,#4c62e0);--accent-text:light-dark(#3347bd,#a3b1ff);\
--font:ui-sans-serif,-apple-system,'Segoe UI Variable Text','Segoe UI',Inter,Roboto,'Noto Sans','Liberation Sans',Helvetica,Arial,sans-serif;\
--mono:ui-monospace,'SF Mono','Cascadia Mono',Menlo,Consolas,'Liberation Mono','DejaVu Sans Mono',monospace}\
:root[data-mantine-color-scheme=light]{color-scheme:light}:root[data-mantine-color-scheme=dark]{color-scheme:dark}\
*{box-sizing:border-box}html{scroll-padding-top:4.5rem}\
body{margin:0;font:.875rem/1.5 var(--font);background:var(--page);color:var(--text)}\
a{color:var(--accent-text);text-underline-offset:.15em}\
:focus-visible{outline:2px solid var(--accent-text);outline-offset:2px;border-radius:4px}main:focus{outline:none}\
.skip{position:fixed;top:.5rem;left:.5rem;z-index:200;padding:.65rem 1rem;border-radius:.5rem;color:#fff;background:var(--accent)}\
.skip:not(:focus){clip-path:inset(50%);pointer-events:none}\
.bar{position:sticky;top:0;z-index:100;display:flex;align-items:center;gap:1.5rem;height:3.5rem;padding:0 1.5rem;\
background:var(--card);border-bottom:1px solid var(--line)}\
.brand{display:flex;align-items:center;gap:.625rem;color:var(--text);text-decoration:none;font-size:1rem;font-weight:650;letter-spacing:-.01em}\
.bar button{display:none}\
.bar nav{position:static;display:flex;align-self:stretch;gap:.25rem;width:auto;height:auto;margin:0;padding:0;border:0;overflow:visible;\
background:none;color:inherit}\
.bar nav a{display:flex;align-items:center;padding:.125rem .75rem 0;color:var(--text-soft);font-weight:500;text-decoration:none;white-space:nowrap}\
.bar nav a:hover{color:var(--text)}\
.sheet{display:grid;grid-template-columns:14rem minmax(0,60rem);gap:1.5rem;justify-content:center;padding:1.5rem}\
.contents{position:sticky;top:5rem;align-self:start;display:flex;flex-direction:column;max-height:calc(100dvh - 6rem);overflow-y:auto}\
.contents a{padding:.4rem .75rem;color:var(--text-soft);font-weight:500;text-decoration:none;border-radius:.5rem}\
.contents a::first-letter{text-transform:uppercase}.contents a:hover{color:var(--text);background:var(--sunken)}\
h1{font-size:1.25rem;line-height:1.3;margin:0 0 .5rem}h2{font-size:1rem;margin:2rem 0 .5rem}h3{margin:1rem 0 .25rem;font-size:.875rem}\
code,pre{font:.8125rem/1.45 var(--mono);overflow-wrap:anywhere}\
pre{background:var(--sunken);border-radius:.5rem;padding:.75rem;overflow-x:auto;white-space:pre-wrap}\
details{background:var(--card);border:1px solid var(--line);border-radius:.75rem;margin:.5rem 0;padding:0 1rem}\
details details{margin:.25rem 0;border:0;padding:0}\
summary{cursor:pointer;padding:.65rem 0}details[open]>summary{border-bottom:1px solid var(--line);margin-bottom:.5rem}\
details details[open]>summary{border:0;margin:0}\
summary .role,.kind{color:var(--text-soft);font-size:.8125rem}summary .about{color:var(--text-soft);margin-left:.5rem}\
.method{font-weight:600;text-transform:uppercase;display:inline-block;min-width:4.5rem}\
h2::first-letter{text-transform:uppercase}p{margin:.5rem 0}details:target{outline:2px solid var(--accent-text)}\
dl{margin:.25rem 0}dt{margin-top:.5rem}dd{margin:0 0 0 1.25rem}ul{padding-left:1.25rem}\
@media (max-width:66em){.bar{gap:.75rem}.brand span{display:none}.bar nav a{padding-inline:.5rem}\
.sheet{grid-template-columns:minmax(0,60rem);gap:0}.contents{position:static;flex-flow:row wrap;max-height:none;margin:0 -.5rem 1rem}\
.contents a{padding:.65rem .5rem}}\
@media (max-width:44em){.bar{padding:0 .75rem}.sheet{padding:1rem .75rem}\
.bar button{display:flex;align-items:center;min-height:2.75rem;padding:0 .75rem;border:1px solid var(--line);border-radius:.5rem;\
font:inherit;font-weight:500;color:var(--text);background:var(--card)}\
.bar nav{position:fixed;inset:3.75rem auto auto .75rem;flex-direction:column;padding:.5rem;border:1px solid var(--line);border-radius:.75rem;\
color:var(--text);background:var(--card)}.bar nav:not(:popover-open){display:none}.bar nav a{min-height:2.75rem;padding:0 1rem}}";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_operation_message_and_type_is_shown_and_every_link_leads_somewhere() {
        let (page, http, messages) = (page_html(), openapi::build_document(), asyncapi::build_document());
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
    fn it_loads_only_what_knows_the_colours_that_were_chosen() {
        let page = page_html();
        assert_eq!(page.matches("<script src=\"scheme.js\"></script>").count(), 1);
        let rest = page.replacen("<script src=\"scheme.js\">", "", 1);
        for loaded in ["<script", " onclick", "src=", "@import", "url(", "//cdn"] {
            assert!(!rest.contains(loaded), "{loaded}");
        }
    }

    #[test]
    fn its_bar_and_its_colours_are_those_of_the_other_pages() {
        let of = |file: &str| {
            let path = format!("{}/../../ui/src/app/{file}", env!("CARGO_MANIFEST_DIR"));
            std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{path}: {error}"))
        };
        let names = of("pageNames.ts");
        for (path, name) in PAGES {
            let path = path.trim_start_matches("./");
            assert!(names.contains(&format!("href: '/{path}', name: '{name}'")), "{name}");
        }
        assert_eq!(names.matches("href: '").count(), PAGES.len());
        let tokens = of("tokens.css");
        let (light, dark) = tokens.split_once(":root[data-mantine-color-scheme='dark']").unwrap();
        let mut colours = 0;
        for part in STYLE.split("--").skip(1) {
            let Some((name, values)) = part.split_once(":light-dark(") else { continue };
            let (one, other) = values.split_once(')').unwrap().0.split_once(',').unwrap();
            assert!(light.contains(&format!("--{name}: {one};")), "{name}: {one}");
            assert!(dark.contains(&format!("--{name}: {other};")), "{name}: {other}");
            colours += 1;
        }
        assert_eq!(colours, 8);
        assert!(of("Mark.tsx").contains(MARK.split("d=\"").nth(1).unwrap().split('"').next().unwrap()));
    }

    #[test]
    fn elements_are_closed_in_the_order_in_which_they_were_opened() {
        let (page, mut open) = (page_html(), Vec::new());
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
