//! Batches that many processes read. A job is a folder that all of them see, and the whole truth of it is there: what is to be
//! read, in chunks, and what came of each. The queue only says who reads which chunk, and may forget everything.
//!
//! - [`folder`]: the folder of all jobs, and of one; [`about`]: what stands in it
//! - [`inputs`]: which pictures are meant by what was named, and `left_out` what else is there; [`list`]: what is to be read, put into chunks
//! - [`part`]: a chunk that is being read, and goes on where another worker was killed
//! - [`worker`]: the process that reads; `hands`: its threads
//! - [`how`]: what is read with
//! - [`refill`]: what is left goes into the queue
//! - [`service`]: jobs as a server sees them
//! - [`readable`]: what is read for others; [`shared`]: the folders of it
//! - [`outcome`]: what came of a chunk
//! - `metrics`: what is counted, for `/metrics`

#![forbid(unsafe_code)]

pub mod about;
pub mod folder;
mod hands;
pub mod how;
pub mod inputs;
pub mod left_out;
pub mod list;
mod metrics;
mod objects;
pub mod outcome;
pub mod part;
pub mod readable;
pub mod refill;
pub mod service;
pub mod shared;
pub mod worker;
