//! The monitor's state: what was read last, what is selected, how it is sorted. Knows neither terminal nor network.

use std::cmp::Ordering;
use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use sightwire_api::stream::{Stream, Viewer};

use super::client::{Address, ReadError, Reading};
use super::history::History;
use super::model::{Condition, by_loss};

/// Losses are counted over about this time.
const LOSSES_OVER: Duration = Duration::from_secs(3);

/// What a key asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Action {
    /// End the monitor, even while the help is open.
    Quit,
    /// Close the help, or end the monitor.
    Back,
    /// Select this many streams further down; negative: up.
    Move(isize),
    /// Select the first stream in the present order.
    First,
    /// Select the last stream in the present order.
    Last,
    /// Order the streams by the next of [`Sort`].
    Sort,
    /// Show or hide the help.
    Help,
}

/// What the streams are ordered by.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Sort {
    /// A to Z, whatever the case of letters.
    #[default]
    Name,
    /// What needs a look most comes first.
    State,
    /// The slowest comes first.
    Fps,
    /// The most viewers come first.
    Viewers,
    /// The most losses come first.
    Lost,
    /// The longest p95 comes first.
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
    /// What went wrong, as a clause for people.
    pub text: String,
    /// The last answer, or the first attempt.
    pub since: Instant,
}

/// A stream and what is known beyond the last reading.
#[derive(Clone, Debug)]
pub struct Row {
    /// As read; one without a name is called by its id.
    pub stream: Stream,
    /// Of the last seconds.
    pub lost_percent: Option<f64>,
}

/// What is known of the server so far, and what the user has chosen to see.
#[derive(Debug)]
pub struct Monitor {
    address: Address,
    interval: Duration,
    reading: Option<Reading>,
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
            reading: None,
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
    pub fn apply_answer(&mut self, answer: Result<Reading, ReadError>, now: Instant) {
        match answer {
            Ok(reading) => {
                self.last_answer = Some(now);
                self.apply_reading(reading);
            }
            Err(error) => {
                let since = *self.last_answer.get_or_insert(now);
                self.problem = Some(Problem { text: error.to_string(), since });
                self.histories.values_mut().for_each(History::push_gap);
            }
        }
    }

    fn apply_reading(&mut self, mut reading: Reading) {
        let selected = self.selected_id().map(str::to_owned);
        self.problem = None;
        let streams = reading.streams.as_mut().map(std::mem::take).unwrap_or_default();
        self.histories.retain(|id, _| streams.iter().any(|stream| stream.id == *id));
        let readings = (LOSSES_OVER.as_secs_f64() / self.interval.as_secs_f64()).ceil().max(1.0) as usize;
        self.rows = streams
            .into_iter()
            .map(|mut stream| {
                if stream.name.is_empty() {
                    stream.name.clone_from(&stream.id);
                }
                let history = self.histories.entry(stream.id.clone()).or_default();
                history.push(&stream);
                Row { lost_percent: history.lost_percent(readings), stream }
            })
            .collect();
        self.reading = Some(reading);
        self.sort_rows(selected.as_deref());
    }

    /// Takes the viewers of a stream; `None` if it is closed by now.
    pub fn apply_detail(&mut self, id: String, detail: Option<Stream>) {
        self.viewers = detail.and_then(|stream| Some((id, by_loss(stream.viewer_list?))));
    }

    /// Does what a key asks for; `false` to end.
    pub fn apply_action(&mut self, action: Action) -> bool {
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
                self.sort_rows(selected.as_deref());
            }
        }
        true
    }

    /// Sorts, and selects the same stream again, or what is in its place.
    fn sort_rows(&mut self, selected: Option<&str>) {
        // Unknown comes last.
        let down = |value: Option<f64>| value.map_or(f64::INFINITY, |value| -value);
        let p95 = |row: &Row| row.stream.delay_ms.map(|delay| delay.p95);
        let sort = self.sort;
        self.rows.sort_by(|a, b| {
            let by_key = match sort {
                Sort::Name => Ordering::Equal,
                Sort::State => Condition::from_stream(&a.stream).cmp(&Condition::from_stream(&b.stream)),
                Sort::Fps => a.stream.fps.total_cmp(&b.stream.fps),
                Sort::Viewers => b.stream.viewers.cmp(&a.stream.viewers),
                Sort::Lost => down(a.lost_percent).total_cmp(&down(b.lost_percent)),
                Sort::Delay => down(p95(a)).total_cmp(&down(p95(b))),
            };
            let name = |row: &Row| (row.stream.name.to_lowercase(), row.stream.id.clone());
            by_key.then_with(|| name(a).cmp(&name(b)))
        });
        let place = selected.and_then(|id| self.rows.iter().position(|row| row.stream.id == id));
        let last = self.rows.len().checked_sub(1);
        self.selected = last.map(|last| place.or(self.selected).unwrap_or_default().min(last));
    }

    /// The server that is watched.
    pub fn address(&self) -> &Address {
        &self.address
    }

    /// How often it looks.
    pub fn interval(&self) -> Duration {
        self.interval
    }

    /// The last reading, but for its streams; `None` before the first.
    pub fn reading(&self) -> Option<&Reading> {
        self.reading.as_ref()
    }

    /// The streams in the present order, with what the table shows of them.
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

    /// What the streams are ordered by at present.
    pub fn sort(&self) -> Sort {
        self.sort
    }

    /// Whether the help is open.
    pub fn is_help_open(&self) -> bool {
        self.help
    }

    /// Why the last reading is old.
    pub fn problem(&self) -> Option<&Problem> {
        self.problem.as_ref()
    }
}

#[cfg(test)]
mod tests {
    use sightwire_api::Quantiles;
    use sightwire_api::stream::StreamState;

    use super::*;
    use crate::stub;

    fn monitor() -> Monitor {
        Monitor::new("127.0.0.1:8000".parse().unwrap(), Duration::from_secs(1))
    }

    fn reading(streams: Vec<Stream>) -> Reading {
        Reading { streams: Some(streams), ..Default::default() }
    }

    fn called(ids: &[&str]) -> Reading {
        reading(ids.iter().map(|id| Stream { id: (*id).into(), ..Default::default() }).collect())
    }

    fn names(monitor: &Monitor) -> Vec<&str> {
        monitor.rows().iter().map(|row| row.stream.name.as_str()).collect()
    }

    #[test]
    fn the_selection_stays_with_its_stream_when_others_come_and_go() {
        let (mut monitor, now) = (monitor(), Instant::now());
        assert!(monitor.apply_action(Action::Move(1)));
        assert_eq!(monitor.selected_id(), None);
        monitor.apply_answer(Ok(called(&["b", "d"])), now);
        assert_eq!(monitor.selected_id(), Some("b"));
        monitor.apply_action(Action::Move(5));
        monitor.apply_answer(Ok(called(&["a", "c", "d"])), now);
        assert_eq!(monitor.selected_id(), Some("d"));
        monitor.apply_answer(Ok(called(&["a", "c", "e"])), now);
        assert_eq!(monitor.selected_id(), Some("e"), "what took its place");
        monitor.apply_answer(Ok(called(&[])), now);
        assert_eq!((monitor.selected_id(), monitor.selected()), (None, None));
        monitor.apply_action(Action::Last);
        assert_eq!(monitor.selected(), None);
    }

    #[test]
    fn sorting_puts_trouble_first_and_the_unknown_last() {
        let mut monitor = monitor();
        let stream = |id: &str, state, fps, viewers, p95: Option<f64>| Stream {
            id: id.into(),
            state,
            fps,
            viewers,
            delay_ms: p95.map(|p95| Quantiles { p95, ..Default::default() }),
            ..Default::default()
        };
        let streams = vec![
            stream("a", StreamState::Running, 20.0, 1, Some(3.0)),
            stream("b", StreamState::Frozen, 5.0, 9, None),
            stream("c", StreamState::Stalled, 30.0, 2, Some(80.0)),
        ];
        monitor.apply_answer(Ok(reading(streams)), Instant::now());
        let mut orders = Vec::new();
        for _ in 0..6 {
            orders.push((monitor.sort().word(), names(&monitor).concat()));
            assert_eq!(monitor.selected_id(), Some("a"), "the selection goes with its stream");
            monitor.apply_action(Action::Sort);
        }
        let expected = ["abc", "bca", "bac", "bca", "abc", "cab"].map(str::to_owned);
        assert_eq!(orders.iter().map(|(_, order)| order.clone()).collect::<Vec<_>>(), expected);
        assert_eq!(orders[5].0, "delay");
    }

    #[test]
    fn a_problem_keeps_the_last_numbers_and_its_beginning_until_it_is_over() {
        let (mut monitor, start) = (monitor(), Instant::now());
        let stream = Stream { id: "a".into(), fps: 20.0, ..Default::default() };
        monitor.apply_answer(Ok(reading(vec![stream])), start);
        for seconds in [4, 5] {
            monitor.apply_answer(Err(ReadError::Refused), start + Duration::from_secs(seconds));
        }
        assert_eq!(monitor.problem().unwrap().since, start, "the last answer");
        assert_eq!(monitor.rows().len(), 1);
        assert_eq!(monitor.history().unwrap().fps().collect::<Vec<_>>(), [Some(20.0), None, None]);
        monitor.apply_answer(Ok(called(&[])), start + Duration::from_secs(6));
        assert!(monitor.problem().is_none() && monitor.rows().is_empty());
    }

    #[test]
    fn viewers_are_shown_for_the_stream_they_belong_to_only() {
        let mut monitor = monitor();
        monitor.apply_answer(Ok(stub::sample_reading(2)), Instant::now());
        let first = monitor.selected_id().unwrap().to_owned();
        monitor.apply_detail(first.clone(), Some(Stream::default()));
        assert_eq!(monitor.viewers(), None, "the server does not say");
        monitor.apply_detail(first, Some(stub::sample_detail(3)));
        assert_eq!(monitor.viewers().unwrap().len(), 3);
        monitor.apply_action(Action::Move(1));
        assert_eq!(monitor.viewers(), None);
    }

    #[test]
    fn a_stream_without_a_name_is_called_by_its_id() {
        let mut monitor = monitor();
        let mut read = called(&["a", "b"]);
        read.streams.as_mut().unwrap()[1].name = "Door".into();
        monitor.apply_answer(Ok(read), Instant::now());
        assert_eq!(names(&monitor), ["a", "Door"]);
    }

    #[test]
    fn escape_closes_the_help_first() {
        let mut monitor = monitor();
        assert!(monitor.apply_action(Action::Help) && monitor.is_help_open());
        assert!(monitor.apply_action(Action::Back) && !monitor.is_help_open());
        assert!(!monitor.apply_action(Action::Back));
    }
}
