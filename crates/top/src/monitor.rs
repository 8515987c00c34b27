//! The monitor's state: what was read last, what is selected, how it is sorted. Knows neither terminal nor network.

use std::cmp::{Ordering, Reverse};
use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use super::client::{Address, ReadError, Reading};
use super::history::History;
use super::model::{Model, Stream, Viewer, viewers};

/// Losses are over about so long.
const LOSSES_OVER: Duration = Duration::from_secs(3);

/// What a key asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Action {
    /// End the monitor.
    Quit,
    /// Close the help, or end the monitor.
    Back,
    /// Select so many streams further down; negative: up.
    Move(isize),
    /// Select the first.
    First,
    /// Select the last.
    Last,
    /// The next order.
    Sort,
    /// Show or hide the help.
    Help,
}

/// What the streams are ordered by.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Sort {
    /// A to Z.
    #[default]
    Name,
    /// Trouble first.
    State,
    /// Slowest first.
    Fps,
    /// Most first.
    Viewers,
    /// Most first.
    Lost,
    /// Longest p95 first.
    Delay,
}

impl Sort {
    /// For the last line.
    pub fn word(self) -> &'static str {
        match self {
            Sort::Name => "name",
            Sort::State => "state",
            Sort::Fps => "fps",
            Sort::Viewers => "viewers",
            Sort::Lost => "lost",
            Sort::Delay => "delay",
        }
    }

    fn next(self) -> Self {
        match self {
            Sort::Name => Sort::State,
            Sort::State => Sort::Fps,
            Sort::Fps => Sort::Viewers,
            Sort::Viewers => Sort::Lost,
            Sort::Lost => Sort::Delay,
            Sort::Delay => Sort::Name,
        }
    }
}

/// Why nothing new is known.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    /// In words.
    pub text: String,
    /// The last answer, or the first attempt.
    pub since: Instant,
}

/// A stream and what is known beyond the last reading.
#[derive(Clone, Debug)]
pub struct Row {
    /// As read.
    pub stream: Stream,
    /// Of the last seconds.
    pub lost_percent: Option<f64>,
}

/// See the module.
#[derive(Debug)]
pub struct Monitor {
    address: Address,
    interval: Duration,
    model: Option<Model>,
    rows: Vec<Row>,
    histories: BTreeMap<String, History>,
    viewers: Option<(String, Vec<Viewer>)>,
    selected: Option<usize>,
    sort: Sort,
    help: bool,
    problem: Option<Problem>,
    /// Or the first attempt, if there was none.
    last_answer: Option<Instant>,
}

impl Monitor {
    /// Before the first reading.
    pub fn new(address: Address, interval: Duration) -> Self {
        Self {
            address,
            interval,
            model: None,
            rows: Vec::new(),
            histories: BTreeMap::new(),
            viewers: None,
            selected: None,
            sort: Sort::default(),
            help: false,
            problem: None,
            last_answer: None,
        }
    }

    /// Takes a reading, or why there is none.
    pub fn answered(&mut self, answer: Result<&Reading, &ReadError>, now: Instant) {
        match answer {
            Ok(reading) => {
                self.last_answer = Some(now);
                self.read(Model::from(reading));
            }
            Err(error) => {
                let since = *self.last_answer.get_or_insert(now);
                self.problem = Some(Problem { text: error.to_string(), since });
                self.histories.values_mut().for_each(History::push_gap);
            }
        }
    }

    fn read(&mut self, mut model: Model) {
        let selected = self.selected_id().map(str::to_owned);
        self.problem = None;
        let streams = model.streams.as_mut().map(std::mem::take).unwrap_or_default();
        self.histories.retain(|id, _| streams.iter().any(|stream| stream.id == *id));
        let readings = (LOSSES_OVER.as_secs_f64() / self.interval.as_secs_f64()).ceil().max(1.0) as usize;
        self.rows = streams
            .into_iter()
            .map(|stream| {
                let history = self.histories.entry(stream.id.clone()).or_default();
                history.push(&stream);
                Row { lost_percent: history.lost_percent(readings), stream }
            })
            .collect();
        self.model = Some(model);
        self.order(selected.as_deref());
    }

    /// Takes the viewers of a stream; `None` if it is closed by now.
    pub fn detailed(&mut self, id: String, detail: Option<&serde_json::Value>) {
        self.viewers = detail.map(|detail| (id, viewers(detail)));
    }

    /// Does what a key asks for; `false` to end.
    pub fn act(&mut self, action: Action) -> bool {
        let last = self.rows.len().checked_sub(1);
        match action {
            Action::Quit => return false,
            Action::Back if !self.help => return false,
            Action::Back => self.help = false,
            Action::Help => self.help = !self.help,
            Action::First => self.selected = last.map(|_| 0),
            Action::Last => self.selected = last,
            Action::Move(by) => {
                let at = self.selected.unwrap_or_default();
                self.selected = last.map(|last| at.saturating_add_signed(by).min(last));
            }
            Action::Sort => {
                self.sort = self.sort.next();
                let selected = self.selected_id().map(str::to_owned);
                self.order(selected.as_deref());
            }
        }
        true
    }

    /// Sorts, and selects the same stream again, or what is in its place.
    fn order(&mut self, selected: Option<&str>) {
        // Unknown comes last, whichever way the numbers go.
        let down = |value: Option<f64>| value.map_or(Number(f64::INFINITY), |value| Number(-value));
        let up = |value: Option<f64>| Number(value.unwrap_or(f64::INFINITY));
        let sort = self.sort;
        self.rows.sort_by(|a, b| {
            let by_key = match sort {
                Sort::Name => Ordering::Equal,
                Sort::State => a.stream.condition.cmp(&b.stream.condition),
                Sort::Fps => up(a.stream.fps).cmp(&up(b.stream.fps)),
                Sort::Viewers => Reverse(a.stream.viewers).cmp(&Reverse(b.stream.viewers)),
                Sort::Lost => down(a.lost_percent).cmp(&down(b.lost_percent)),
                Sort::Delay => down(a.stream.delay_p95_ms).cmp(&down(b.stream.delay_p95_ms)),
            };
            let name = |row: &Row| (row.stream.name.to_lowercase(), row.stream.id.clone());
            by_key.then_with(|| name(a).cmp(&name(b)))
        });
        let place = selected.and_then(|id| self.rows.iter().position(|row| row.stream.id == id));
        let last = self.rows.len().checked_sub(1);
        self.selected = last.map(|last| place.or(self.selected).unwrap_or_default().min(last));
    }

    /// Whom it watches.
    pub fn address(&self) -> &Address {
        &self.address
    }

    /// How often it looks.
    pub fn interval(&self) -> Duration {
        self.interval
    }

    /// The last reading, but for its streams; `None` before the first.
    pub fn model(&self) -> Option<&Model> {
        self.model.as_ref()
    }

    /// The streams, ordered.
    pub fn rows(&self) -> &[Row] {
        &self.rows
    }

    /// Its place in [`Self::rows`].
    pub fn selected(&self) -> Option<usize> {
        self.selected
    }

    /// Whose viewers are to be read.
    pub fn selected_id(&self) -> Option<&str> {
        Some(&self.rows.get(self.selected?)?.stream.id)
    }

    /// Of the selected stream; `None` if they are not known yet.
    pub fn viewers(&self) -> Option<&[Viewer]> {
        self.viewers
            .as_ref()
            .filter(|(id, _)| Some(id.as_str()) == self.selected_id())
            .map(|(_, list)| list.as_slice())
    }

    /// Of the selected stream.
    pub fn history(&self) -> Option<&History> {
        self.histories.get(self.selected_id()?)
    }

    /// The order.
    pub fn sort(&self) -> Sort {
        self.sort
    }

    /// Whether the help is open.
    pub fn help(&self) -> bool {
        self.help
    }

    /// Why the last reading is old.
    pub fn problem(&self) -> Option<&Problem> {
        self.problem.as_ref()
    }
}

/// A total order.
#[derive(Clone, Copy, Debug)]
struct Number(f64);

impl PartialEq for Number {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other).is_eq()
    }
}

impl Eq for Number {}

impl PartialOrd for Number {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Number {
    fn cmp(&self, other: &Self) -> Ordering {
        self.0.total_cmp(&other.0)
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::stub;

    fn monitor() -> Monitor {
        Monitor::new("127.0.0.1:8000".parse().unwrap(), Duration::from_secs(1))
    }

    fn reading(streams: &serde_json::Value) -> Reading {
        Reading { status: json!({}), streams: Some(json!({ "streams": streams })) }
    }

    fn names(monitor: &Monitor) -> Vec<&str> {
        monitor.rows().iter().map(|row| row.stream.name.as_str()).collect()
    }

    #[test]
    fn the_selection_stays_with_its_stream_when_others_come_and_go() {
        let (mut monitor, now) = (monitor(), Instant::now());
        assert!(monitor.act(Action::Move(1)));
        assert_eq!(monitor.selected_id(), None);
        monitor.answered(Ok(&reading(&json!([{ "id": "b" }, { "id": "d" }]))), now);
        assert_eq!(monitor.selected_id(), Some("b"));
        monitor.act(Action::Move(5));
        monitor.answered(Ok(&reading(&json!([{ "id": "a" }, { "id": "c" }, { "id": "d" }]))), now);
        assert_eq!(monitor.selected_id(), Some("d"));
        monitor.answered(Ok(&reading(&json!([{ "id": "a" }, { "id": "c" }, { "id": "e" }]))), now);
        assert_eq!(monitor.selected_id(), Some("e"), "what took its place");
        monitor.answered(Ok(&reading(&json!([]))), now);
        assert_eq!((monitor.selected_id(), monitor.selected()), (None, None));
        monitor.act(Action::Last);
        assert_eq!(monitor.selected(), None);
    }

    #[test]
    fn sorting_puts_trouble_first_and_the_unknown_last() {
        let mut monitor = monitor();
        let streams = json!([
            { "id": "a", "state": "running", "fps": 20.0, "viewers": 1, "delay_ms": { "p95": 3.0 } },
            { "id": "b", "state": "frozen", "fps": 5.0, "viewers": 9, "delay_ms": null },
            { "id": "c", "state": "stalled", "fps": null, "viewers": 2, "delay_ms": { "p95": 80.0 } },
        ]);
        monitor.answered(Ok(&reading(&streams)), Instant::now());
        let mut orders = Vec::new();
        for _ in 0..6 {
            orders.push((monitor.sort().word(), names(&monitor).concat()));
            assert_eq!(monitor.selected_id(), Some("a"), "the selection goes with its stream");
            monitor.act(Action::Sort);
        }
        let expected = ["abc", "bca", "bac", "bca", "abc", "cab"].map(str::to_owned);
        assert_eq!(orders.iter().map(|(_, order)| order.clone()).collect::<Vec<_>>(), expected);
        assert_eq!(orders[5].0, "delay");
    }

    #[test]
    fn a_problem_keeps_the_last_numbers_and_its_beginning_until_it_is_over() {
        let (mut monitor, start) = (monitor(), Instant::now());
        monitor.answered(Ok(&reading(&json!([{ "id": "a", "fps": 20.0 }]))), start);
        for seconds in [4, 5] {
            monitor.answered(Err(&ReadError::Refused), start + Duration::from_secs(seconds));
        }
        assert_eq!(monitor.problem().unwrap().since, start, "the last answer");
        assert_eq!(monitor.rows().len(), 1);
        assert_eq!(monitor.history().unwrap().fps().collect::<Vec<_>>(), [Some(20.0), None, None]);
        monitor.answered(Ok(&reading(&json!([]))), start + Duration::from_secs(6));
        assert!(monitor.problem().is_none() && monitor.rows().is_empty());
    }

    #[test]
    fn viewers_are_shown_for_the_stream_they_belong_to_only() {
        let mut monitor = monitor();
        monitor.answered(Ok(&stub::reading(2)), Instant::now());
        let first = monitor.selected_id().unwrap().to_owned();
        monitor.detailed(first, Some(&stub::detail(3)));
        assert_eq!(monitor.viewers().unwrap().len(), 3);
        monitor.act(Action::Move(1));
        assert_eq!(monitor.viewers(), None);
    }

    #[test]
    fn escape_closes_the_help_first() {
        let mut monitor = monitor();
        assert!(monitor.act(Action::Help) && monitor.help());
        assert!(monitor.act(Action::Back) && !monitor.help());
        assert!(!monitor.act(Action::Back));
    }
}
