//! The report for people.

use std::fmt::{self, Write as _};

use crate::load::stats::Percentiles;

use super::report::{DelayPart, MemoryPart, Report};

/// The report as aligned lines.
pub(crate) fn render_report(report: &Report) -> String {
    let mut lines = Lines(String::new());
    let r = report;
    lines.add_line(
        "load",
        format_args!(
            "{} clients × {} fps for {} s over {}; {} pictures of {}×{} ({}), {:.1} kB, as {} ({:.1} kB a message)",
            r.run.clients,
            r.run.fps,
            r.run.seconds,
            r.run.transport,
            r.run.frames.distinct,
            r.run.frames.width,
            r.run.frames.height,
            r.run.frames.gesture,
            r.run.frames.mean_jpeg_bytes as f64 / 1e3,
            r.run.encoding,
            r.run.message_bytes as f64 / 1e3,
        ),
    );
    lines.add_machine(r);
    lines.add_clients(r);
    let per_frame = r.frames.replies_per_frame.unwrap_or(0.0);
    lines.add_line(
        "frames",
        format_args!(
            "{} sent, {} replied: {per_frame} replies a frame ({} missing, {} extra, {} out of order, {} unsent); {} of {} a second",
            r.frames.sent,
            r.frames.replied,
            r.frames.missing,
            r.frames.extra,
            r.frames.out_of_order,
            r.frames.unsent,
            r.frames.sent_per_s,
            r.frames.wanted_per_s,
        ),
    );
    lines.add_heading("delay, ms                              p50      p95      p99      max");
    lines.add_delays("", &r.delay_ms);
    if r.run.extras {
        lines.add_percentiles("frame due → prediction that saw it", &r.analysis.frame_to_prediction_ms);
        lines.add_percentiles("newest frame at server → result", &r.analysis.result_age_ms);
    }
    lines.add_percentiles("connect → ready", &r.clients.connect_ms);
    if let Some(baseline) = &r.baseline_delay_ms {
        lines.add_heading("before the disturbance");
        lines.add_delays("", baseline);
    }
    lines.add_analysis(r);
    lines.add_server(r);
    lines.add_line(
        "generator",
        format_args!(
            "{} cores, {} CPU ms a frame",
            or_dash(r.generator.cores, 2),
            or_dash(r.generator.cpu_ms_per_frame, 3)
        ),
    );
    lines.add_disturbance(r);
    if r.run.interrupted {
        lines.add_line("note", format_args!("interrupted: the figures cover {} s", r.run.seconds));
    }
    match r.problems.as_slice() {
        [] => lines.add_line("verdict", format_args!("ok")),
        problems => lines.add_line("verdict", format_args!("NOT OK: {}", problems.join("; "))),
    }
    lines.0
}

/// Text under construction. Writing into a string cannot fail, so results are dropped here only.
struct Lines(String);

impl Lines {
    fn add_line(&mut self, name: &str, text: fmt::Arguments<'_>) {
        let _ = writeln!(self.0, "{name:<11} {text}");
    }

    fn add_heading(&mut self, text: &str) {
        let _ = writeln!(self.0, "{text}");
    }

    fn add_percentiles(&mut self, name: &str, p: &Percentiles) {
        if p.count == 0 {
            let _ = writeln!(self.0, "  {name:<35} {:>5}", "-");
            return;
        }
        let _ = writeln!(self.0, "  {name:<33} {:>8.2} {:>8.2} {:>8.2} {:>8.2}", p.p50, p.p95, p.p99, p.max);
    }

    fn add_delays(&mut self, suffix: &str, delay: &DelayPart) {
        self.add_percentiles(&format!("frame due → reply{suffix}"), &delay.reply_from_due);
        self.add_percentiles(&format!("frame sent → reply{suffix}"), &delay.reply_from_send);
        self.add_percentiles(&format!("frame due → sent (lateness){suffix}"), &delay.lateness);
    }

    fn add_machine(&mut self, r: &Report) {
        let m = &r.machine;
        self.add_line(
            "machine",
            format_args!(
                "{} CPUs ({}), {} busy, {} of them by others",
                m.cpus,
                m.cpu_model,
                or_dash(m.busy_cores, 2),
                or_dash(m.other_cores, 2)
            ),
        );
    }

    fn add_clients(&mut self, r: &Report) {
        let c = &r.clients;
        self.add_line(
            "clients",
            format_args!("{} ready, {} refused, {} failed, {} cut off", c.ready, c.refused, c.failed, c.lost),
        );
        for (reason, count) in &c.reasons {
            self.add_line("", format_args!("{count} × {reason}"));
        }
    }

    fn add_analysis(&mut self, r: &Report) {
        let a = &r.analysis;
        self.add_line(
            "analysis",
            format_args!(
                "{} % of the frames analysed ({} a second), {} predictions a second",
                or_dash(a.analysed_share.map(|share| share * 100.0), 1),
                or_dash(a.analysed_per_s, 1),
                or_dash(a.predictions_per_s, 1),
            ),
        );
        if let Some(spread) = &a.results_per_client_per_s {
            self.add_line(
                "",
                format_args!(
                    "results per client and second: {:.2} min, {:.2} median, {:.2} max; {} % of the frames in some window",
                    spread.min,
                    spread.median,
                    spread.max,
                    or_dash(a.seen_share.map(|share| share * 100.0), 1),
                ),
            );
        }
        let total: u64 = r.labels.values().sum();
        let mut labels: Vec<_> = r.labels.iter().collect();
        labels.sort_by_key(|(_, count)| std::cmp::Reverse(**count));
        let shares: Vec<String> = labels
            .iter()
            .map(|(label, count)| format!("{label} {:.1} %", **count as f64 * 100.0 / total.max(1) as f64))
            .collect();
        self.add_line("labels", format_args!("{}", shares.join(", ")));
    }

    fn add_server(&mut self, r: &Report) {
        let s = &r.server;
        let engine = s.engine.clone().unwrap_or_default();
        let said = [s.version.clone(), s.model.clone(), engine.provider, engine.precision, engine.jpeg];
        let said: Vec<String> = said.into_iter().flatten().collect();
        self.add_line(
            "server",
            format_args!(
                "{} cores, {} CPU ms a frame, {} threads{}{}",
                or_dash(s.cores, 2),
                or_dash(s.cpu_ms_per_frame, 3),
                s.threads.map_or("-".to_owned(), |threads| threads.to_string()),
                s.pid.map(|pid| format!(", process {pid}")).unwrap_or_default(),
                if said.is_empty() { String::new() } else { format!(" ({})", said.join(", ")) },
            ),
        );
        if let Some(memory) = &s.memory {
            self.add_memory(memory);
        }
        if let Some([before, with, after]) = s.open_files {
            self.add_line(
                "open files",
                format_args!("{before} before, {with} with the clients, {after} after"),
            );
        }
        if let Some(clients) = s.clients_after.filter(|&clients| clients > 0) {
            self.add_line("", format_args!("the server still counts {clients} clients"));
        }
    }

    fn add_memory(&mut self, m: &MemoryPart) {
        let mb = |bytes: u64| bytes as f64 / 1e6;
        self.add_line(
            "memory, MB",
            format_args!(
                "resident: {:.1} idle, {:.1} before, {:.1} end, {:.1} peak, {:.1} after; {} a client; {} a minute",
                mb(m.idle.rss_bytes),
                mb(m.before.rss_bytes),
                mb(m.end.rss_bytes),
                mb(m.peak_rss_bytes),
                mb(m.after.rss_bytes),
                or_dash(m.per_client_bytes.map(|bytes| bytes as f64 / 1e6), 3),
                or_dash(m.growth_bytes_per_minute.map(|bytes| bytes / 1e6), 2),
            ),
        );
        if m.before.pss_bytes > 0 {
            self.add_line(
                "",
                format_args!(
                    "proportional: {:.1} idle, {:.1} before, {:.1} end, {:.1} after",
                    mb(m.idle.pss_bytes),
                    mb(m.before.pss_bytes),
                    mb(m.end.pss_bytes),
                    mb(m.after.pss_bytes),
                ),
            );
        }
    }

    fn add_disturbance(&mut self, r: &Report) {
        if let Some(churn) = &r.churn {
            self.add_line(
                "churn",
                format_args!(
                    "{} a second: {} started, {} well, {} refused, {} failed, {} not started{}",
                    churn.per_s,
                    churn.started,
                    churn.succeeded,
                    churn.refused,
                    churn.failed,
                    churn.not_started,
                    churn.first_failure.as_ref().map(|why| format!(" ({why})")).unwrap_or_default(),
                ),
            );
            self.add_percentiles("short session: connect → ready", &churn.connect_ms);
        }
        if let Some(stuck) = &r.stuck {
            let after = stuck.dropped_after_s.map_or("-".to_owned(), |s| {
                format!("{:.1} min, {:.1} median, {:.1} max", s.min, s.median, s.max)
            });
            self.add_line(
                "stuck",
                format_args!(
                    "{} stopped reading ({} refused, {} failed): {} dropped by the server, {} still connected; dropped after, s: {after}",
                    stuck.stopped_reading,
                    stuck.refused,
                    stuck.failed,
                    stuck.dropped_by_server,
                    stuck.still_connected,
                ),
            );
        }
    }
}

fn or_dash(value: Option<f64>, digits: usize) -> String {
    value.map_or("-".to_owned(), |value| format!("{value:.digits$}"))
}
