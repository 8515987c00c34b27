//! Inference over gRPC as `KServe` v2 defines it: Triton, `MLServer` and their like speak it, and so do other Sightwires.
//!
//! - [`messages`]: what goes over the wire, written from the published field numbers; [`tensor`]: tensors, built and checked
//! - [`model`]: a model elsewhere that may be away; [`client`]: calls with a deadline; [`breaker`]: when it is left alone;
//!   [`address`]: where it is
//! - [`server`]: models of this process for others
//! - `metrics`: what is counted, for `/metrics`
//! - `codec`, `tasks`: what client and server share; `places`: for connections

pub mod address;
pub mod breaker;
pub mod client;
mod codec;
pub mod messages;
mod metrics;
pub mod model;
mod places;
pub mod server;
mod tasks;
pub mod tensor;

pub use tonic::Code;

/// Of the protocol's methods.
mod path {
    pub(crate) const SERVER_LIVE: &str = "/inference.GRPCInferenceService/ServerLive";
    pub(crate) const SERVER_READY: &str = "/inference.GRPCInferenceService/ServerReady";
    pub(crate) const SERVER_METADATA: &str = "/inference.GRPCInferenceService/ServerMetadata";
    pub(crate) const MODEL_READY: &str = "/inference.GRPCInferenceService/ModelReady";
    pub(crate) const MODEL_METADATA: &str = "/inference.GRPCInferenceService/ModelMetadata";
    pub(crate) const MODEL_INFER: &str = "/inference.GRPCInferenceService/ModelInfer";
}
