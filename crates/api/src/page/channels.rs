//! What is said over Socket.IO and WebSockets.

use serde_json::json;

use super::markup::{Html, anchor_id};
use super::{operations, types};
use crate::asyncapi::{Channel, Document, Message};

pub fn show_channel(page: &mut Html, channel: &Channel, all: &Document) {
    page.raw(&format!("<details id=\"channel-{}\"><summary>", anchor_id(channel.address)));
    page.code(channel.address).raw(" <span class=\"about\">").inline(channel.title);
    page.raw("</span> <span class=\"role\">(").text(channel.role).raw(")</span></summary>");
    page.paragraph(channel.description);
    if channel.is_websocket() {
        let request = format!("#{}", operations::anchor_of("get", channel.address));
        page.raw("<p>").link(&request, "Parameters of the handshake, and why it may be refused").raw("</p>");
    }
    for (title, names) in [("The server takes", &channel.taken), ("The server sends", &channel.sent)] {
        if !names.is_empty() {
            page.title(title);
        }
        for name in names {
            if let Some(one) = all.components.messages.get(name) {
                show_message(page, one);
            }
        }
    }
    if !channel.codes.is_empty() {
        page.title("Close codes").raw("<dl>");
        for (code, why) in &channel.codes {
            page.raw("<dt>").code(code).raw("</dt><dd>").inline(why).raw("</dd>");
        }
        page.raw("</dl>");
    }
    page.raw("</details>");
}

fn show_message(page: &mut Html, message: &Message) {
    page.raw("<p>").code(message.name).raw(" ").inline(message.summary).raw(": ");
    if message.content_type == "application/json" {
        types::show_kind(page, &json!(message.payload));
    } else {
        page.code(message.content_type);
    }
    page.raw("</p>");
    if !message.layout.is_empty() {
        page.raw("<dl>");
        for [offset, bytes, meaning] in message.layout {
            page.raw("<dt>Offset ")
                .text(offset)
                .raw(", bytes: ")
                .text(bytes)
                .raw("</dt><dd>")
                .text(meaning)
                .raw("</dd>");
        }
        page.raw("</dl>");
    }
    for example in message.examples.iter().filter_map(|example| example.get("payload")) {
        page.raw("<details><summary>Example</summary>").example(example).raw("</details>");
    }
}
