//! The keys, by section.

use super::Key;

const fn key(
    name: &'static str,
    default: &'static str,
    old_names: &'static [&'static str],
    doc: &'static str,
) -> Key {
    Key { name, default, old_names, doc }
}

/// All keys, by section.
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
        "Role of users whom such a proxy lets in and who are not in the store. Who is there (`sightwire users add NAME`) has the role and the scope from there.",
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
    key(
        "recognizer.model",
        r#""gestures""#,
        &["MODEL_PATH"],
        "Name of the clip model (`sightwire models list` shows all), or path of a Keras file (.h5, .keras), which is imported at the first start.",
    ),
    key(
        "recognizer.switching",
        r#""local""#,
        &[],
        "Who may switch the model while the server runs: local (on this machine, or with an operator's key), anyone (everyone who reaches the server, without a key; to be removed) or nobody.",
    ),
    key(
        "recognizer.dummy",
        "false",
        &["USE_DUMMY_MODEL"],
        "Answer every frame with \"hello\" 0.9 and run no model, to test the wiring.",
    ),
    key(
        "recognizer.max_clients",
        "50",
        &["MAX_CLIENTS"],
        "Clients at once. One more is told that the server is at capacity; with 0 everyone is.",
    ),
    key(
        "recognizer.max_fps",
        "60.0",
        &[],
        "Frames a second of one client that are analysed; more are answered all the same.",
    ),
    key(
        "recognizer.turn_gap_s",
        "1.0",
        &[],
        "Past capacity, the seconds that a client waits before another client that has had its turn must give \
         way.",
    ),
    key(
        "recognizer.turn_wait_s",
        "15.0",
        &[],
        "Past capacity, the most seconds that a client waits for its turn. With too many clients, turns get \
         shorter.",
    ),
    key(
        "recognizer.reply_wait_s",
        "0.010",
        &[],
        "The most seconds that a reply waits for the prediction of its own frame, if that is about to be \
         ready. 0: it does not wait.",
    ),
    key(
        "recognizer.threshold",
        "0.0",
        &[],
        "Score below which the answer is \"none\". 0 takes the model's own (0.5 for gestures).",
    ),
    key(
        "socketio.ping_interval_s",
        "25.0",
        &["SOCKETIO_PING_INTERVAL"],
        "Seconds between pings to a Socket.IO client.",
    ),
    key(
        "socketio.ping_timeout_s",
        "60.0",
        &["SOCKETIO_PING_TIMEOUT"],
        "Seconds after which a Socket.IO client that does not answer a ping has left.",
    ),
    key("socketio.max_message_mb", "10", &[], "Largest message of a client, in MiB."),
    key(
        "cameras.default_url",
        r#""""#,
        &[],
        "Address of the camera that `/stream` shows to users who have none of their own.",
    ),
    key(
        "cameras.allow",
        "[]",
        &[],
        "What addresses given by clients may lead to: networks (`192.168.1.0/24`), addresses, names of hosts. Configured cameras are always allowed, private networks too while the server listens on loopback only; loopback, link-local and metadata addresses only where listed themselves.",
    ),
    key(
        "cameras.changing",
        r#""local""#,
        &[],
        "Who may add, change, try and remove cameras while the server runs: local (on this machine, or with an operator's key), anyone (everyone who reaches the server, without a key; to be removed) or nobody.",
    ),
    key(
        "cameras.max_upstreams",
        "5",
        &[],
        "Known cameras that are read at once. For one more, viewers are answered 503 and Retry-After.",
    ),
    key(
        "cameras.max_named",
        "5",
        &[],
        "Cameras that are read at once because a client named their address, or a user saved them. They do \
         not count towards `max_upstreams`.",
    ),
    key("cameras.max_viewers", "1000", &[], "Viewers of cameras at once, over all cameras."),
    key(
        "cameras.max_analyses",
        "10",
        &[],
        "Streams that are analysed at once. One address has at most three quarters of them for itself.",
    ),
    key(
        "cameras.max_views",
        "32",
        &[],
        "Views at once: one for each way in which an analysis is drawn. One address has at most three quarters of them for itself.",
    ),
    key(
        "cameras.linger_s",
        "3.0",
        &[],
        "Seconds that a camera without viewers stays open, for viewers who come back at once.",
    ),
    key("cameras.stalled_after_s", "3.0", &[], "Seconds without a frame after which a camera has stalled."),
    key(
        "cameras.frozen_after_s",
        "10.0",
        &[],
        "Seconds of the same frame, bit for bit, after which a camera is frozen. 0: never, for test patterns.",
    ),
    key(
        "cameras.viewer_deadline_s",
        "5.0",
        &[],
        "A viewer that takes no byte for this many seconds is disconnected.",
    ),
    key(
        "cameras.lower_quality",
        "true",
        &[],
        "Whether viewers that cannot keep up get smaller frames, encoded again. false: they get fewer frames.",
    ),
    key("cameras.max_frame_mb", "8", &[], "Largest frame of a camera, in MiB; a larger one is skipped."),
    key(
        "cameras.file",
        r#""""#,
        &[],
        "File that keeps the cameras added through the page or the API. Empty takes `cameras.json` in store.home.",
    ),
    key(
        "relay.max_streams",
        "64",
        &[],
        "Streams from senders at once. One more sender is told so and closed with 1013.",
    ),
    key(
        "relay.max_viewers",
        "1000",
        &[],
        "Viewers of `/ws/view` at once. One more is told so and closed with 1013.",
    ),
    key("relay.warn_after_s", "10.0", &[], "Seconds without a message after which the sender is warned."),
    key("relay.end_after_s", "15.0", &[], "Seconds without a frame after which a stream is ended."),
    key("relay.stalled_after_s", "3.0", &[], "Seconds without a frame after which a stream has stalled."),
    key("relay.ping_interval_s", "30.0", &[], "Seconds between pings to a viewer."),
    key(
        "relay.max_frame_mb",
        "8",
        &[],
        "Largest frame of a sender, in MiB; a longer message ends its stream with 1009.",
    ),
    key(
        "relay.max_fps",
        "60.0",
        &[],
        "Frames per second of one stream that are passed on; the excess is dropped and counted.",
    ),
    key(
        "relay.viewer_deadline_s",
        "1.0",
        &[],
        "Seconds that a viewer may take for a frame, until it is known how long it usually takes. One that \
         takes nothing for three deadlines, each twice the one before, is closed.",
    ),
    key(
        "relay.viewer_deadline_min_s",
        "0.5",
        &[],
        "Shortest deadline of a viewer, in seconds. The deadline follows the time that the viewer usually \
         takes.",
    ),
    key("relay.viewer_deadline_max_s", "5.0", &[], "Longest deadline of a viewer, in seconds."),
    key(
        "relay.lower_quality",
        "true",
        &[],
        "Whether viewers that cannot keep up get smaller frames, encoded again. false: they get fewer frames.",
    ),
    key(
        "relay.overlays",
        r#""asked""#,
        &[],
        "Who gets `overlay_data`, what the detector finds in the frames: asked (viewers with `overlays=1`), \
         all (as the prototype did; every stream that is watched is analysed) or none.",
    ),
    key("relay.normal_fps", "5", &[], "Frames per second that are analysed of a stream in mode normal."),
    key("relay.enhanced_fps", "15", &[], "Frames per second that are analysed of a stream in mode enhanced."),
    key(
        "detector.model",
        r#""auto""#,
        &[],
        "Name of the detection model; motion, which needs no model; or auto: yolox-nano if it is available, \
         else motion.",
    ),
    key(
        "detector.confidence",
        "0.25",
        &[],
        "Lowest confidence of the boxes that are shown, unless a request says otherwise.",
    ),
    key(
        "detector.iou",
        "0.0",
        &[],
        "Of two boxes of a class that overlap more than this (IoU), the one with the higher confidence is \
         kept. 0 takes the model's own (0.5).",
    ),
    key("detector.max_boxes", "50", &[], "Most boxes in one frame or picture."),
    key(
        "detector.classes",
        "[]",
        &[],
        "Classes that are shown unless a request says otherwise, for example `car, person`. Empty: all.",
    ),
    key(
        "detector.gate",
        r#""none""#,
        &[],
        "none, or motion: the model runs only while something moves (and once every ten seconds).",
    ),
    key(
        "detector.max_fps",
        "240.0",
        &[],
        "Frames per second on which the model is run, over all streams, each with an equal share; on other \
         frames, boxes are drawn at estimated positions.",
    ),
    key(
        "reader.model",
        r#""ppocr-v4""#,
        &[],
        "Name of the model that reads text unless a request names another. It is downloaded when it is first \
         needed.",
    ),
    key("reader.threads", "0", &[], "Threads that read text. 0 takes engine.threads."),
    key(
        "reader.queue",
        "16",
        &[],
        "Single pictures that may wait to be read at once, not counting those of batches. For one more, the \
         caller is answered 429 and Retry-After.",
    ),
    key(
        "reader.deadline_s",
        "60.0",
        &[],
        "Seconds that a picture may take to be read. After that, the caller is told so, and the work is given \
         up.",
    ),
    key("reader.max_image_mb", "64", &[], "Largest picture to be read, in MiB."),
    key(
        "reader.max_pixels",
        "120000000",
        &[],
        "Most pixels of a picture to be read. While it is decoded and read, each takes 7 bytes, or 14 in a \
         WebP (`images.decode_memory_mb`).",
    ),
    key("reader.max_side_px", "65535", &[], "Largest width or height of a picture to be read."),
    key("reader.max_pages", "100", &[], "Most pages of a TIFF."),
    key(
        "reader.max_jobs",
        "16",
        &[],
        "Batches at once, including those that have ended and are still kept. A new one takes the place of \
         the one that ended first; if none has ended, it is answered 429.",
    ),
    key("reader.max_job_files", "10000", &[], "Most files in a batch."),
    key(
        "reader.max_job_mb",
        "2048",
        &[],
        "Largest batch as it is sent, in MiB; its results may take as much again. Both are stored in \
         `reader.folder`.",
    ),
    key(
        "reader.keep_pictures",
        "10",
        &[],
        "How many pictures of a batch, those read last, are kept in memory for viewing (0 to 20).",
    ),
    key("reader.keep_mb", "256", &[], "Memory, in MiB, for the kept pictures of all batches."),
    key("reader.job_ttl_s", "3600.0", &[], "Seconds after which a batch that has ended is removed."),
    key(
        "reader.idle_release_s",
        "120.0",
        &[],
        "Sessions for reading text that were idle for this many seconds are released, because they take \
         hundreds of MiB, and created again when needed.",
    ),
    key(
        "reader.folder",
        r#""""#,
        &[],
        "Folder for batches while they are read. Empty means the system's folder for temporary files. What is \
         written there is removed at the end.",
    ),
    key(
        "images.max_pixels",
        "10000000",
        &[],
        "Largest picture, in pixels; checked in the header, before decoding. 4K is 8.3 million; a larger one costs everybody's time.",
    ),
    key("images.max_side_px", "16384", &[], "Largest width or height of a picture."),
    key(
        "images.decode_memory_mb",
        "1024",
        &[],
        "Memory, in MiB, for the pixels of all single pictures together that are decoded and worked on (text \
         reading, `/api/v1/detect`): 7 bytes a pixel, 14 of a WebP. What does not fit waits for its turn; a \
         picture that never fits is refused with 413. Live frames do not count: each thread, analysis and \
         view has at most one.",
    ),
    key(
        "engine.provider",
        r#""auto""#,
        &[],
        "What runs the networks: auto (the fastest that works, measured for each network), cpu, openvino or \
         cuda. If a provider is set by name and is missing or does not work, that is an error.",
    ),
    key(
        "engine.threads",
        "0",
        &["TF_INTRA_OP_THREADS", "TF_INTER_OP_THREADS"],
        "Threads that run networks. 0 means one for each core, or as many as a control group's CPU quota \
         leaves.",
    ),
    key(
        "engine.precision",
        r#""auto""#,
        &[],
        "auto (bf16 if it was checked for the model and is faster on this machine, else f32), f32 or bf16. \
         bf16 needs OpenVINO.",
    ),
    key("engine.gpu_memory_mb", "0", &[], "Most GPU memory that CUDA may take, in MiB. 0 sets no bound."),
    key(
        "engine.library",
        r#""""#,
        &["ORT_DYLIB_PATH"],
        "Path of an ONNX Runtime library. Empty takes the one that `sightwire models pull runtime` installed.",
    ),
    key(
        "engine.idle_release_s",
        "600.0",
        &[],
        "Sessions that were idle for this many seconds are released, and created again when needed.",
    ),
    key(
        "engine.trial_timeout_s",
        "60.0",
        &[],
        "Each way of running a network is tried in a child process before it is used; one that does not end \
         within this many seconds is given up.",
    ),
    key("import.python", r#""""#, &[], "Python (3.9 to 3.11) that imports Keras files. Empty looks for one."),
    key(
        "store.home",
        r#""""#,
        &["SIGHTWIRE_HOME"],
        "Folder of models and the ONNX Runtime library. Empty takes the platform's data folder.",
    ),
    key(
        "store.mirror",
        r#""""#,
        &["SIGHTWIRE_MODEL_MIRROR"],
        "Folder with copies of model files that are otherwise downloaded.",
    ),
    key(
        "log.level",
        r#""info""#,
        &["LOG_LEVEL"],
        "error, warn, info, debug or trace. `RUST_LOG` overrides it.",
    ),
    key("log.format", r#""text""#, &[], "text, or json with one object per line."),
];
