//! Several processes that act as one.

use super::{Key, key};

/// Of `cluster`.
pub const KEYS: &[Key] = &[
    key(
        "cluster.redis_url",
        r#""""#,
        &[],
        "Redis (7 or newer), over which several processes of this server act as one: `redis://name:password@10.0.0.9:6379/0`, `rediss://` over TLS, or `redis+unix:///run/redis.sock`. Never shown, since it may hold a password. No picture goes through it. Empty: this process is alone, and nothing else may be set here.",
    ),
    key(
        "cluster.advertise_url",
        r#""""#,
        &[],
        "Where the other processes reach this one: `http://192.168.1.20:8000`, https with `tls.mode`; without a path. Required with `cluster.redis_url`.",
    ),
    key(
        "cluster.name",
        r#""""#,
        &[],
        "What this process is called among the others, each of which needs another name: 1 to 64 letters, digits, `.`, `_`, `:` and `-`. Empty takes host and port of `cluster.advertise_url`.",
    ),
    key(
        "cluster.secret_file",
        r#""""#,
        &[],
        "File with a secret of at least 32 bytes, the same for all processes, by which they know each other: `openssl rand -hex 32` makes one. Spaces and line breaks around it do not count. It is read at the start. Required with `cluster.redis_url`, unless `cluster.secret` is set.",
    ),
    key(
        "cluster.secret",
        r#""""#,
        &[],
        "That secret itself, for the environment (`SIGHTWIRE_CLUSTER_SECRET`). It is never shown.",
    ),
    key(
        "cluster.prefix",
        r#""sightwire""#,
        &[],
        "What the keys in Redis begin with, the same for all processes: 1 to 64 letters, digits, `.`, `_`, `:` and `-`. Another one for each group of processes that share a Redis and do not belong together.",
    ),
    key(
        "cluster.when_down",
        r#""accept""#,
        &[],
        "What becomes of a stream that begins while Redis does not answer: accept (it begins; if another process accepts one of the same name meanwhile, one of both is closed with 4090 when Redis is back) or refuse (its sender is told so and closed with 1013). What flows already goes on either way.",
    ),
    key(
        "cluster.rights_max_age_s",
        "3600.0",
        &[],
        "Seconds without an answer of Redis after which keys and users count no more, since one that was revoked at another process could not be told: requests with them get 401 until Redis is back. What is open stays open. At least 5.",
    ),
    key(
        "cluster.folders",
        "[]",
        &[],
        "Folders whose pictures are read for others by `sightwire worker`, such as `[\"/mnt/scans\"]`: the same place for all machines. What lies elsewhere is refused, wherever a link leads. A server that has them takes and tells of batches that workers read.",
    ),
    key(
        "cluster.buckets",
        "[]",
        &[],
        "Where in S3-compatible storage pictures lie that `sightwire worker` reads for others, such as `[\"s3://scans/2026\"]`: a bucket, or what is below a folder of one. Nothing else is asked for. Credentials are those of the environment alone: `AWS_ACCESS_KEY_ID`, `AWS_SECRET_ACCESS_KEY` and, if they expire, `AWS_SESSION_TOKEN`.",
    ),
    key(
        "cluster.s3_endpoint",
        r#""""#,
        &[],
        "Where that storage is, if it is not Amazon's: `https://minio.example.org:9000`, without a path. Buckets are asked for in the path, as MinIO, Ceph and Garage have it. Empty: `https://s3.REGION.amazonaws.com`.",
    ),
    key(
        "cluster.s3_region",
        r#""us-east-1""#,
        &[],
        "The region of that storage, which requests are signed with. Storage without regions takes the default.",
    ),
    key(
        "cluster.s3_allow_http",
        "false",
        &[],
        "Whether `cluster.s3_endpoint` may be `http://` elsewhere than on this machine. Whoever can read along then sees the pictures, and `AWS_SESSION_TOKEN`; the secret key is never sent.",
    ),
    key(
        "cluster.jobs_folder",
        r#""""#,
        &[],
        "Where what is read in common is kept while it is read: a folder that all workers and `sightwire read --cluster` can write, on a file system that they share. Empty takes `cluster-jobs` in `store.home`, which does for processes of one machine and one user.",
    ),
    key(
        "cluster.ca_file",
        r#""""#,
        &[],
        "A PEM file with certificate authorities: certificates of the other processes (https), and of Redis (`rediss://`), have to come from one of them. Empty takes those of the system; and, of processes with `tls.mode = \"self-signed\"`, the server's own in `store.home`.",
    ),
];
