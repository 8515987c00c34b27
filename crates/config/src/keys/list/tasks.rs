//! What the server does, and with what.

use super::{Key, key};

/// Of all other sections.
pub const KEYS: &[Key] = &[
    key(
        "recognizer.model",
        r#""auto""#,
        &["MODEL_PATH"],
        "Name of the model (`sightwire models list` shows all), or path of a Keras file (.h5, .keras), which is imported at the first start. auto: hands if it has been fetched, else gestures.",
    ),
    key(
        "recognizer.arming",
        "true",
        &[],
        "Motions count only after the hand was held still: with the model hands as an open palm for 0.45 s, with gestures in whatever shape. Imported models are not concerned. false: every motion counts, also of people who talk or walk by.",
    ),
    key(
        "recognizer.hands",
        "2",
        &[],
        "Hands that are followed in one picture with the model hands, 1 to 4. Two people have four.",
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
        "Clients of one process at once. One more is told that the server is at capacity; with 0 everyone is.",
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
        "What addresses given by clients may lead to: networks (`192.168.1.0/24`), addresses, names of hosts. Configured cameras are always allowed. Private networks are allowed to whoever asks on the server's own machine, through no proxy, while the server listens on loopback only and nothing says that a proxy brings others (`access.mode` other than auto, `server.trusted_proxies`, `server.hosts`, `server.base_path`, `access.proxy_header`, `[[access.legacy]]`); loopback, link-local and metadata addresses only where listed themselves.",
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
        "Known cameras that one process reads at once. For one more, viewers are answered 503 and Retry-After.",
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
        "Streams from senders to one process at once; and streams of other processes that it pulls at once, counted apart. One more sender is told so and closed with 1013.",
    ),
    key(
        "relay.max_viewers",
        "1000",
        &[],
        "Viewers of `/ws/view` at once. One more is told so and closed with 1013.",
    ),
    key("relay.warn_after_s", "10.0", &[], "Seconds without a message after which the sender is warned."),
    key("relay.end_after_s", "15.0", &[], "Seconds without a frame after which a stream is ended."),
    key(
        "relay.hidden_end_after_s",
        "90.0",
        &[],
        "Seconds without a frame after which a stream is ended whose sender has given frames and still answers pings: a page whose tab is hidden. At least relay.end_after_s.",
    ),
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
        r#""all""#,
        &[],
        "Who gets `overlay_data`: asked (viewers with `overlays=1`, what the detector finds and, where the model \
         `pose` is there, bodies), all (also viewers of the old protocol that do not ask, as the prototype did: \
         bodies, where that model is there) or none.",
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
        "detector.hands",
        "false",
        &[],
        "Find hands, too, in streams that are analysed: their joints are drawn, and told in detections and overlay_data. recognizer.hands and recognizer.arming hold here, too. Needs the model hands (`sightwire models pull hands`).",
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
        "Seconds that a picture may take to be read for whoever waits for it, from when it has arrived. After that, the caller is told so, and the work is given up. A page of a batch may take that much work (time of cores), however long it waits for them: a batch tries late ones once more at its end.",
    ),
    key("reader.max_image_mb", "64", &[], "Largest picture to be read, in MiB."),
    key(
        "reader.max_pixels",
        "120000000",
        &[],
        "Most pixels of a picture to be read. While it is read, each takes 3 bytes, 7 with contrast, denoise or \
         perspective, 9 with deskew; while it is decoded, up to 15 (`images.decode_memory_mb`).",
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
        "reader.profile",
        r#""usual""#,
        &[],
        "How much memory text reading takes: small, usual or large. Sets `reader.memory_mb` (400, 600, 1,200), \
         `reader.keep_pictures` (5, 10, 20), `reader.keep_mb` (12, 48, 128) and `reader.display_size` (1024, 2048, \
         4096), unless one of them is set by itself.",
    ),
    key(
        "reader.memory_mb",
        "600",
        &[],
        "Resident memory, in MiB, that a server takes at most that only reads text: the process (170), the networks, \
         pictures that are read and those that are kept. Large pictures are looked at in more and smaller parts \
         where there is less, fewer threads read at once, and a picture that needs more than is left for pictures is \
         refused: of more than 25, 79 or 120 megapixels with the three profiles (10, 34 or 108 with contrast, denoise \
         or perspective, 8, 26 or 84 with deskew, 12, 23 or 58 of a WebP). Not counted: what arrives (`server.receive_memory_mb`), what a GPU's \
         driver takes, and a process that draws PDF, AVIF or HEIC.",
    ),
    key(
        "reader.keep_pictures",
        "10",
        &[],
        "How many pictures of a batch, those read last, are kept in memory for viewing (0 to 20). A request may ask for \
         fewer.",
    ),
    key(
        "reader.keep_mb",
        "48",
        &[],
        "Memory, in MiB, for the kept pictures of all batches, as they came. Copies for the screen take a quarter as \
         much again.",
    ),
    key(
        "reader.display_size",
        "2048",
        &[],
        "Longer side of a copy of a picture for the screen, at most, in pixels (64 to 4096). A request may ask for less.",
    ),
    key("reader.job_ttl_s", "3600.0", &[], "Seconds after which a batch that has ended is removed."),
    key(
        "reader.idle_release_s",
        "120.0",
        &[],
        "Sessions for reading text that were idle for this many seconds are released, because they take \
         hundreds of MiB, and created again when needed. So are those that were not used for longest, when \
         `reader.memory_mb` is taken.",
    ),
    key(
        "reader.folder",
        r#""""#,
        &[],
        "Folder for batches: what was sent, until it has been read, and what was read in it. Empty means `jobs` \
         in the store's folder (`store.home`). Batches outlive the server, and the next one with this folder goes \
         on with them; one server has it at a time.",
    ),
    key(
        "images.max_pixels",
        "10000000",
        &[],
        "Largest picture, in pixels; checked in the header, before decoding. 4K is 8.3 million; a larger one costs everybody's time. A stream's picture with more (up to 100 million) is looked at and drawn at a half, a quarter or an eighth of its sides.",
    ),
    key("images.max_side_px", "16384", &[], "Largest width or height of a picture."),
    key(
        "images.decode_memory_mb",
        "1024",
        &[],
        "Memory, in MiB, for the pixels of all single pictures together that are decoded and worked on (text \
         reading, `/api/v1/detect`): 3 to 15 bytes a pixel, by format and by what is done with it. What does not fit \
         waits for its turn; a picture that never fits is refused with 413. Live frames do not count: each thread, analysis and \
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
    key(
        "engine.remote",
        r#""""#,
        &[],
        "A server of models elsewhere that is asked to find objects in pictures: grpc://HOST:PORT, or \
         grpcs:// over TLS. It speaks KServe v2 (Triton, MLServer) and has a model named `detect`. \
         While it is away, `detector.model` looks. Empty: nobody is asked.",
    ),
    key(
        "engine.remote_for",
        r#"["objects"]"#,
        &[],
        "What that server is asked for: `objects` in pictures; `text` in them, by its model `read`; `hands` and `signs`: to run \
         the networks of `detector.hands` and `recognizer.model`, each as a model MODEL.ROLE, such as `hands.palm`. What it does \
         not answer in time is done here.",
    ),
    key(
        "engine.remote_secret",
        r#""""#,
        &[],
        "Key that is sent to that server, as `authorization: Bearer …`; beyond this machine only over grpcs://. It is \
         never shown; better set it in the environment (`SIGHTWIRE_ENGINE_REMOTE_SECRET`).",
    ),
    key(
        "engine.remote_ca_file",
        r#""""#,
        &[],
        "A PEM file with certificate authorities: the certificate of a grpcs:// server has to come from one of them. \
         Empty takes those of the system.",
    ),
    key(
        "engine.listen",
        "[]",
        &[],
        "Addresses, such as `0.0.0.0:8001`, where other servers ask this one to work on their pictures: by KServe v2 \
         over gRPC, encrypted if `tls.mode` says so. Keys and roles are needed as over HTTP. Empty: nobody is served.",
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
    key(
        "log.file",
        r#""""#,
        &[],
        "A file for the log, beside stderr. If it cannot be opened, the server does not start. If it cannot be written later, the server goes on, and stderr says so. Another program may move it away (logrotate): then it is begun anew.",
    ),
    key(
        "log.file_mb",
        "10",
        &[],
        "MiB of a log file. A full one becomes `NAME.1`, the one before `NAME.2`, and so on.",
    ),
    key("log.files", "5", &[], "Full log files that are kept beside the one being written."),
    key(
        "log.audit_file",
        r#""""#,
        &[],
        "A file for the lines alone that say who changed what (`AUDIT`); they are in the log, too, whatever `log.level` is.",
    ),
    key(
        "otlp.endpoint",
        r#""""#,
        &[],
        "Where metrics and log lines are sent over OTLP (http/protobuf): a collector's address, such as `http://127.0.0.1:4318`; `/v1/metrics` and `/v1/logs` are put after it. Empty: nothing is sent anywhere.",
    ),
    key(
        "otlp.headers_file",
        r#""""#,
        &[],
        "File with headers of each request, one `Name: value` a line, for a collector that asks for a key.",
    ),
    key(
        "otlp.interval_s",
        "10.0",
        &[],
        "Seconds from one sending to the next. A collector that does not take what is sent is asked more and more seldom.",
    ),
    key("otlp.metrics", "true", &[], "Send metrics, those of /metrics."),
    key("otlp.logs", r#""warn""#, &[], "Send log lines of this level and above: error, warn, info, or off."),
];
