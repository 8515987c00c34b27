//! Pictures that another machine reads, where one is asked to. What asks, and how, is not known here.

use std::fmt;
use std::pin::Pin;
use std::time::Duration;

use bytes::Bytes;
use sightwire_ocr::ReadModel;

use crate::output::Document;
use crate::picture::Picture;
use crate::work::ReadRequest;

/// What comes of asking.
pub type Asked<'a> = Pin<Box<dyn Future<Output = Option<Document>> + Send + 'a>>;

/// Whether a document can be that of a picture.
pub type CanBe<'a> = dyn Fn(&Document) -> bool + Send + Sync + 'a;

/// Has pictures read elsewhere.
pub trait RemoteReader: fmt::Debug + Send + Sync {
    /// What a file says, as it is told there; `None` where that does not come in time or cannot be it, as `can_be` says, and it is
    /// to be read here. The version is the beginning of [`ReadModel::digest`].
    fn read<'a>(
        &'a self,
        file: &'a Bytes,
        request: &'a ReadRequest,
        version: &'a str,
        within: Duration,
        can_be: &'a CanBe<'a>,
    ) -> Asked<'a>;
}

/// What tells the files of a model from those of another version, for those who ask and are asked. Blocks the first time.
pub fn model_version(model: &ReadModel) -> String {
    model.digest().chars().take(16).collect()
}

/// Whether a document can be that of a picture that was to be read so.
pub fn is_of(document: &Document, picture: &Picture, request: &ReadRequest) -> bool {
    // A camera may have held it sideways, which its header says in its own way.
    let sides = |width: u32, height: u32| (width.min(height), width.max(height));
    let sizes = document.pages.iter().map(|page| sides(page.width, page.height));
    document.model == request.model
        && document.options == request.options
        && document.format == picture.format.name()
        && sizes.eq(picture.pages.iter().map(|page| sides(page.size.0, page.size.1)))
}

impl ReadRequest {
    /// As parameters of a query, from which a server makes the same again.
    pub fn query_parameters(&self) -> Vec<(&'static str, String)> {
        let options = &self.options;
        vec![
            ("model", self.model.clone()),
            ("threshold", options.threshold.to_string()),
            ("box_threshold", options.box_threshold.to_string()),
            ("unclip", options.unclip.to_string()),
            ("max_side", options.max_side.to_string()),
            ("max_candidates", options.max_candidates.to_string()),
            ("min_detection_size", options.min_detection_size.to_string()),
            ("min_confidence", options.min_confidence.to_string()),
            ("angle", options.angle.to_string()),
            ("perspective", options.perspective.to_string()),
            ("corners", options.corners.map(|corners| corners.to_string()).unwrap_or_default()),
            ("deskew", options.deskew.to_string()),
            ("contrast", options.contrast.to_string()),
            ("denoise", options.denoise.to_string()),
        ]
    }
}
