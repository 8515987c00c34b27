//! What the recogniser counts, for `/metrics`.

use sightwire_base::metrics::{Collector, Metrics};

use crate::Recognizer;

impl Collector for Recognizer {
    fn collect(&self, metrics: &mut Metrics) {
        let (admitted, refused) = self.admissions();
        metrics.counter("recognizer_clients_admitted", "Clients admitted.", admitted);
        metrics.counter("recognizer_clients_refused", "Clients refused at capacity.", refused);
        let stats = self.stats();
        metrics.counter("recognizer_frames", "Valid frames received while a model was there.", stats.frames);
        metrics.counter(
            "recognizer_frames_analysed",
            "Frames decoded and run through the model.",
            stats.analysed,
        );
        metrics.counter(
            "recognizer_frames_skipped",
            "Frames not analysed: not their client's turn (past capacity).",
            stats.skipped,
        );
        metrics.counter(
            "recognizer_frames_excess",
            "Frames not analysed: their client sends too many a second.",
            stats.excess,
        );
        metrics.counter(
            "recognizer_frames_broken",
            "Frames with a valid header that could not be decoded.",
            stats.broken,
        );
        metrics.counter("recognizer_predictions", "Predictions made.", stats.predictions);
        metrics.counter(
            "recognizer_model_switches",
            "Times that another model took the place of the one in use.",
            self.switch_count(),
        );
        metrics.counter("recognizer_failures", "Runs of the model that failed.", stats.failed);
        metrics.gauge("recognizer_clients", "Clients now.", self.client_count());
        metrics.gauge("recognizer_clients_max", "Clients at most.", self.max_clients());
        metrics.gauge(
            "recognizer_clients_running",
            "Clients whose frames are being analysed now.",
            stats.running,
        );
        metrics.gauge("recognizer_frames_pending", "Frames that wait for a worker now.", stats.pending);
        metrics.gauge(
            "recognizer_capacity_fps",
            "Frames a second that can be analysed, as measured.",
            f64::from(stats.capacity_fps),
        );
        metrics.gauge(
            "recognizer_longest_wait_seconds",
            "How long the client that has waited longest for its turn has waited.",
            stats.longest_wait.as_secs_f64(),
        );
        metrics.gauge(
            "recognizer_workers_with_sessions",
            "Workers that hold sessions of the model now.",
            stats.workers_with_sessions,
        );
        metrics.histogram(
            "recognizer_delay",
            "Arrival of a window's newest frame to its prediction.",
            stats.delay,
        );
        metrics.histogram("recognizer_decode", "Decoding and resizing of a frame.", stats.decode);
        metrics.histogram("recognizer_infer", "Running the model on a frame.", stats.infer);
    }
}
