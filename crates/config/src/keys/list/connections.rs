//! Who reaches the server, how, and how much they may take.

use super::{Key, key};

/// Of `server`, `access`, `limits` and `tls`.
pub const KEYS: &[Key] = &[
    key(
        "server.listen",
        r#"["127.0.0.1:8000"]"#,
        &[],
        "Addresses to listen on; a port alone is one of 127.0.0.1. Port 0 picks a free one. Use `0.0.0.0:8000` to be reached from other machines: then everybody needs a key, see `access.mode`.",
    ),
    key(
        "server.cors_origins",
        r#"["*"]"#,
        &["CORS_ORIGINS"],
        "Origins whose pages may use this server from a browser. `*` allows all (but only pages of this machine, and origins that are listed, may read what cameras see); `[]` only the server's own page.",
    ),
    key(
        "server.hosts",
        "[]",
        &[],
        "Names that this server answers for, such as `vision.example.org`; `*.example.org` for every name below one, `*` for all (any page on the web may then act as this server's own). Addresses, `localhost` and the machine's own name (with and without `.local`) are always answered; requests for another name get 421. A reverse proxy that passes `Host` on needs its public name here.",
    ),
    key(
        "server.base_path",
        "\"\"",
        &[],
        "Path below which a reverse proxy offers this server, such as `/sightwire`, if the proxy passes paths on as they are: it is taken off the beginning of each request's path, and paths without it are answered as well. A proxy that takes it off itself (`proxy_pass http://127.0.0.1:8000/;` in nginx) needs no setting: the pages and their sockets find their way from where they are. What such a proxy says in `X-Forwarded-Prefix` or `X-Ingress-Path` counts if it is one of `server.trusted_proxies`.",
    ),
    key(
        "server.max_connections",
        "1024",
        &[],
        "Connections at once, over all uses. One more is answered with 503 and Retry-After.",
    ),
    key(
        "server.trusted_proxies",
        "[]",
        &[],
        "Networks and addresses of reverse proxies that are believed: for requests from these, the address in `Forwarded` or `X-Forwarded-For` counts (the last one that is not itself such a proxy's) in limits, attempts to log in, `[[access.legacy]]`, the log and the lists of viewers. They must set that header themselves. For all others the address of the connection counts.",
    ),
    key(
        "server.receive_memory_mb",
        "256",
        &[],
        "Memory, in MiB, for all messages and bodies that have begun to arrive and are not complete (batches \
         go to disk and do not count). When five eighths of it are used, the longest is given up: a WebSocket \
         is closed with 1013, a request is answered with 503. So it has to be well above \
         `socketio.max_message_mb` and `reader.max_image_mb`.",
    ),
    key(
        "server.receive_timeout_s",
        "60.0",
        &[],
        "Seconds within which a WebSocket message, or a body that is held in memory, has to arrive \
         completely; otherwise 1008 or 408. A body of which nothing arrives for 15 s is given up earlier, and \
         so is a picture to be read or a batch that arrives at less than 16 KiB/s after 30 s.",
    ),
    key(
        "server.send_memory_mb",
        "64",
        &[],
        "Memory, in MiB, for data that waits to be sent to all Socket.IO clients together; at most 1 MiB of \
         it for one client. What does not fit is not sent, and is counted.",
    ),
    key(
        "server.memory_mb",
        "0",
        &[],
        "Memory, in MiB, that the process may use for itself, as the system counts it. Above it, new streams, cameras, viewers, clients, pictures and batches are refused, and what runs goes on; below 95 % of it they are accepted again. 0 takes 80 % of what the machine or its control group allows.",
    ),
    key("server.drain_s", "5.0", &[], "Seconds that connections get to end after SIGTERM."),
    key(
        "server.managing",
        r#""local""#,
        &[],
        "Who may end streams, disconnect viewers, and have the server get a missing ONNX Runtime library: local (on this machine, or with an operator's key), anyone (everyone who reaches the server, without a key; to be removed) or nobody.",
    ),
    key(
        "access.mode",
        r#""auto""#,
        &[],
        "Who needs a key: auto (everybody but those on this machine, who ask for `localhost` or a loopback address through no proxy), protected (everybody) or open (nobody). A proxy on this machine that adds no X-Forwarded-For cannot be told from somebody on it: use protected behind one.",
    ),
    key(
        "access.jwt_secret",
        r#""""#,
        &[],
        "Secret, of at least 32 bytes, that tokens of others (JWT) are signed with by HS256. It is never shown; better keep it in a file (`access.jwt_secret_file`) or in the environment. With this key, or one of the next three, tokens count as keys do; without them, none does.",
    ),
    key(
        "access.jwt_secret_file",
        r#""""#,
        &[],
        "File with that secret; spaces and line breaks at its end do not count. It is read at the start.",
    ),
    key(
        "access.jwt_key_file",
        r#""""#,
        &[],
        "File with a public key in PEM form (`-----BEGIN PUBLIC KEY-----`): tokens are signed by RS256, ES256 or EdDSA with the private key that belongs to it, as its kind says. It is read at the start.",
    ),
    key(
        "access.jwt_jwks",
        r#""""#,
        &[],
        "Address of the keys that the issuer of tokens publishes (JWKS): https, or http on this machine. They are fetched every hour, and when a token names one that is not among them, but not within 30 s. While the issuer cannot be reached, the last ones count.",
    ),
    key(
        "access.jwt_issuer",
        r#""""#,
        &[],
        "Who issues tokens: what their claim `iss` has to be. Required as soon as tokens count.",
    ),
    key(
        "access.jwt_audience",
        r#""""#,
        &[],
        "What tokens are issued for: what their claim `aud` has to be, or has to have in its list. Required as soon as tokens count.",
    ),
    key(
        "access.jwt_leeway_s",
        "60.0",
        &[],
        "Seconds by which the clocks of the issuer and this server may differ: for so long a token still opens something after it has expired, and already before it counts. What it opened before it expired ends then.",
    ),
    key(
        "access.jwt_role_claim",
        r#""role""#,
        &[],
        "Claim of tokens that has the role of its owner, or a list from which the highest role counts (what is no role is ignored). Dots lead into objects: `realm_access.roles`. A token without a role is refused.",
    ),
    key(
        "access.proxy_header",
        r#""""#,
        &[],
        "Header in which a reverse proxy that users log in at says their name, such as `X-Forwarded-User` or `Remote-User`. Empty: no proxy does. The proxy has to remove it from what others send.",
    ),
    key(
        "access.proxy_networks",
        "[]",
        &[],
        "Addresses or networks of the proxies whose `access.proxy_header` is believed; whoever else sends it is not. Required with it. Whoever comes from there without it needs a key, also on this machine.",
    ),
    key(
        "access.proxy_role",
        r#""viewer""#,
        &[],
        "Role of users whom such a proxy lets in and who are not in the store; with none they are not let in. Who is there (`sightwire users add NAME`) has the role and the scope from there, and the role here after being removed.",
    ),
    key(
        "tls.mode",
        r#""off""#,
        &[],
        "How connections are encrypted: off, self-signed (with a certificate from an authority that the server makes and keeps in `store.home`) or files. The same as `--tls`. All addresses of `server.listen` then speak HTTPS; a plain request there is answered with 308 and the address to open instead.",
    ),
    key(
        "tls.certificate_file",
        r#""""#,
        &[],
        "With `tls.mode = \"files\"`, a PEM file with the certificate, followed by those that lead to its authority. It is read again when it or the key changes, and on SIGHUP; open connections go on.",
    ),
    key(
        "tls.key_file",
        r#""""#,
        &[],
        "With `tls.mode = \"files\"`, a PEM file with the certificate's private key, not encrypted.",
    ),
    key(
        "tls.client_ca_file",
        r#""""#,
        &[],
        "A PEM file with certificate authorities: whoever shows no certificate of theirs gets no connection. Keys and passwords are needed all the same.",
    ),
    key(
        "tls.hsts_s",
        "0.0",
        &[],
        "Seconds for which browsers that were here ask for this host over HTTPS alone (HSTS), for example 31536000. 0: not said. Not with self-signed.",
    ),
    key(
        "tls.redirect_listen",
        "[]",
        &[],
        "Addresses, such as `0.0.0.0:80`, where plain HTTP is answered with 308 and the same address over HTTPS.",
    ),
    key(
        "limits.connections_per_address",
        "256",
        &[],
        "Open connections of one address (IPv6: of one /64). One more is answered with 503 and Retry-After. 0: no limit. This machine and `server.trusted_proxies` have none.",
    ),
    key(
        "limits.connection_rate",
        "50",
        &[],
        "New connections of one address per second; four times as many at once. One more is answered with 503 and Retry-After. 0: no limit. This machine and `server.trusted_proxies` have none.",
    ),
    key(
        "limits.connections_per_key",
        "0",
        &[],
        "Open connections with one key or of one user, wherever they are. A request on one more is answered with 429 and Retry-After. 0: no limit, since all viewers of a page may have one key. Connections from this machine have none, unless a proxy has passed them on.",
    ),
    key(
        "limits.requests_per_s",
        "1000",
        &[],
        "Requests per second (WebSocket handshakes and Socket.IO's polling included) with one key or of one user, and without either from one address; five times as many at once. One more is answered with 429 and Retry-After. 0: no limit. Requests from this machine have none, unless a proxy has passed them on.",
    ),
    key(
        "limits.mb_per_s",
        "100",
        &[],
        "MiB per second that come from one key, user or address over all its connections; twice as many at once. Beyond that it is read more slowly, and nothing is lost. 0: no limit. Connections from this machine have none, unless a proxy has passed them on.",
    ),
    key(
        "limits.frames_per_s",
        "2000",
        &[],
        "Frames per second that one key, user or address sends over Socket.IO and `/ws/stream/`, all its streams together; twice as many at once. What is more is dropped. 0: no limit. Connections from this machine have none, unless a proxy has passed them on.",
    ),
];
