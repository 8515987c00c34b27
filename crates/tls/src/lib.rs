//! Certificates of the server: those in files, taken up when they change, or those of an authority of its own.
#![forbid(unsafe_code)]
