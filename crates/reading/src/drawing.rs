//! Whether the program is there that draws PDF, AVIF and HEIC: looked at now and then, said in the log, shown in the status.

use std::time::Duration;

use sightwire_api::status::DrawingStatus;
use sightwire_documents::{Drawing, Pages};
use tokio_util::sync::CancellationToken;

/// Time between two looks.
const LOOK: Duration = Duration::from_secs(5);
/// The server starts without knowing after this time.
const FIRST_LOOK: Duration = Duration::from_secs(2);

/// Looks at the start and then now and then. So a server keeps the program that it was started with, whatever an upgrade puts in
/// its place, and finds one that comes later.
#[derive(Debug)]
pub struct DrawingWatch {
    pages: Pages,
    stop: CancellationToken,
    /// What is missing, as it was said last.
    said: Option<String>,
}

impl DrawingWatch {
    /// Looks for the first time; a program that is there and does not say its version keeps nobody for long.
    pub async fn look_first(pages: Pages, stop: CancellationToken) -> Self {
        let mut watch = Self { pages, stop, said: None };
        let _ = tokio::time::timeout(FIRST_LOOK, watch.check_drawing()).await;
        watch
    }

    /// Looks, and says in the log what is new.
    async fn check_drawing(&mut self) {
        let (pages, stop) = (self.pages.clone(), self.stop.clone());
        let look = move || pages.find_program(&|| !stop.is_cancelled());
        let Ok(drawing) = tokio::task::spawn_blocking(look).await else { return };
        let why = match drawing {
            Drawing::Ready(_) => None,
            Drawing::Lacking(why) => Some(why.to_string()),
            Drawing::Unknown => return,
        };
        if why == self.said {
            return;
        }
        if let Some(why) = &why {
            tracing::warn!("PDF, AVIF and HEIC cannot be read yet: {why}");
        } else {
            tracing::info!("PDF, AVIF and HEIC can be read now");
        }
        self.said = why;
    }

    /// Looks until the server stops.
    pub async fn run(mut self) {
        let stop = self.stop.clone();
        while stop.run_until_cancelled(tokio::time::sleep(LOOK)).await.is_some() {
            self.check_drawing().await;
        }
    }
}

/// As the status shows it.
pub(crate) fn drawing_status(pages: &Pages) -> DrawingStatus {
    match pages.drawing() {
        Drawing::Ready(_) => DrawingStatus { available: true, why: None },
        Drawing::Lacking(why) => DrawingStatus { available: false, why: Some(why.to_string()) },
        Drawing::Unknown => DrawingStatus::default(),
    }
}

#[cfg(test)]
mod tests {
    use sightwire_base::captured;
    use sightwire_documents::program::Launch;

    use super::*;

    #[tokio::test]
    async fn what_is_missing_is_said_once_and_shown() {
        let log = captured::capture_log();
        let pages =
            Pages::new(Launch { places: vec!["/nowhere/sightwire-draw".into()], args: Vec::new() }, 1);
        assert_eq!(drawing_status(&pages), DrawingStatus::default(), "nobody has looked");
        DrawingWatch::look_first(pages.clone(), CancellationToken::new()).await.check_drawing().await;
        assert_eq!(log.lines_with("cannot be read yet: the program sightwire-draw is missing").len(), 1);
        let shown = drawing_status(&pages);
        assert!(!shown.available && shown.why.unwrap().contains("/nowhere/sightwire-draw"));
    }
}
