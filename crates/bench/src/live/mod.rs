//! Pictures to many viewers: what the benchmarks of cameras and of the relay share.
//!
//! - [`stamp`]: which picture, and when it was sent; [`sender`]: when the next one is due
//! - [`viewers`]: many viewers on one thread; [`kind`]: how pictures come to them
//! - [`multipart`], [`messages`]: what they get, taken apart ([`websocket`]: frames of WebSocket)
//! - [`bare`]: the loop that the server is measured by
//! - [`server`]: what is known of the server's process; [`measure`]: what it did in a time
//! - [`fanout`], [`slow`], [`churn`]: scenarios of both; [`table`]: how they are told

pub(crate) mod bare;
pub(crate) mod churn;
pub(crate) mod fanout;
pub(crate) mod kind;
pub(crate) mod measure;
pub(crate) mod messages;
pub(crate) mod multipart;
pub(crate) mod sender;
pub(crate) mod server;
pub(crate) mod slow;
pub(crate) mod stamp;
pub(crate) mod table;
pub(crate) mod viewers;
pub(crate) mod websocket;
