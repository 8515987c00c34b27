//! Logging in, keys and users.

use super::Table;
use crate::access;
use crate::openapi::operation::Header;

const UNSAVED: &str = "The file of keys and users could not be read or written";
const NO_RANDOM: &str = "The system has no random bytes, or there is no room for the request";

pub fn describe_access(table: &mut Table<'_>) {
    (table.tag, table.role) = ("access", "admin");
    table.get("/api/v1/session", "Who asks", |get| {
        get.takes_no_role()
            .text("stream", "A stream, of which `sees` is to say whether it may be watched")
            .answers::<access::Session>()
    });
    table.post("/api/v1/login", "Begins a session, which a cookie keeps", |post| {
        post.takes_no_role()
            .takes::<access::Login>()
            .answers::<access::Session>()
            .tells("200", "Set-Cookie", Header::text("The session; not for scripts"))
            .fails("401", "The name, the password, the key or the link is wrong")
            .fails("403", "Pages from elsewhere may not log anybody in")
            .fails("409", "A proxy in front of the server says who asks, and that goes before a login")
            .fails(
                "429",
                "Too many have failed to log in as this user or from this address, or too many requests",
            )
            .fails("503", NO_RANDOM)
    });
    table.post("/api/v1/logout", "Ends the session", |post| {
        post.takes_no_role()
            .ends("204", "It has ended")
            .tells("204", "Set-Cookie", Header::text("Takes the cookie away"))
            .fails("403", "Pages from elsewhere may not log anybody out")
    });
    table.get("/api/v1/keys", "All keys, without what only their owners have", |get| {
        get.answers::<access::Keys>().fails("500", UNSAVED)
    });
    table.post("/api/v1/keys", "Makes a key", |post| {
        post.takes::<access::NewKey>()
            .answers_with::<access::MadeKey>("201", "With the key, this once")
            .leads("201", "id", "$response.body#/about/id", &[("delete", "/api/v1/keys/{id}")])
            .fails("500", UNSAVED)
            .fails("503", NO_RANDOM)
    });
    table.delete("/api/v1/keys/{id}", "Revokes a key", |delete| {
        delete
            .part::<String>("id", "Of the key", "k7m2x9qa")
            .ends("204", "It counts no more, and what it opened ends")
            .fails("404", "There is no such key")
            .fails("500", UNSAVED)
    });
    table.post(
        "/api/v1/login-links",
        "Makes a key, and a link that logs one device in with it, once",
        |post| {
            post.takes::<access::NewKey>()
                .answers_with::<access::LoginLink>("201", "With the link, this once")
                .fails("500", UNSAVED)
                .fails("503", NO_RANDOM)
        },
    );
    table.get("/api/v1/users", "All users", |get| get.answers::<access::Users>().fails("500", UNSAVED));
    table.post("/api/v1/users", "Adds a user", |post| {
        post.takes::<access::NewUser>()
            .answers_with::<access::User>("201", "They may log in")
            .leads("201", "name", "$response.body#/name", &[("delete", "/api/v1/users/{name}")])
            .fails("409", "There is a user of that name")
            .fails("500", UNSAVED)
    });
    table.delete("/api/v1/users/{name}", "Removes a user", |delete| {
        delete
            .part::<String>("name", "Of the user", "anna")
            .ends("204", "What they opened ends")
            .fails("404", "There is no such user")
            .fails("500", UNSAVED)
    });
    table.role = "viewer";
    table.list::<access::Tls>("/api/v1/tls", "How connections are encrypted");
}
