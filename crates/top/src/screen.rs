//! The terminal: taken, drawn on, and given back however the monitor ends. One thread reads the server, one the keys, one
//! waits for signals; this one draws.

use std::sync::mpsc::{self, Receiver, RecvTimeoutError, Sender};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::Context as _;
use ratatui::DefaultTerminal;
use ratatui::crossterm::event::{self, Event, KeyCode, KeyEvent, KeyEventKind, KeyModifiers};
use sightwire_api::stream::Stream;

use super::client::{Client, ReadError, Reading};
use super::monitor::{Action, Monitor};
use super::view::{self, Scroll};

/// Streams that Page Up and Page Down pass.
const PAGE: isize = 10;

enum Message {
    Answer(Box<Result<Reading, ReadError>>),
    Detail(String, Box<Option<Stream>>),
    Input(Event),
    /// A signal, or no terminal any more.
    Stop,
    /// A part of the monitor ended by itself.
    Broken(&'static str),
}

/// Until the user quits.
pub fn run_screen(client: Client, interval: Duration) -> anyhow::Result<()> {
    let mut monitor = Monitor::new(client.address().clone(), interval);
    let (sender, messages) = mpsc::channel();
    let (select, selections) = mpsc::channel();
    // Before the terminal is taken: a signal in between would leave it taken.
    watch_signals(sender.clone())?;
    let mut terminal = ratatui::try_init().context("cannot draw on this terminal")?;
    spawn_part("reading the server", sender.clone(), move |sender| {
        read_server(&client, interval, &selections, sender);
    });
    spawn_part("reading keys", sender, read_keys);
    let done = draw_until_quit(&mut terminal, &mut monitor, &messages, &select);
    // Puts the cursor back before the screen goes.
    drop(terminal);
    ratatui::restore();
    done
}

fn draw_until_quit(
    terminal: &mut DefaultTerminal,
    monitor: &mut Monitor,
    messages: &Receiver<Message>,
    select: &Sender<Option<String>>,
) -> anyhow::Result<()> {
    let mut scroll = Scroll::default();
    let mut selected = None;
    loop {
        terminal
            .draw(|frame| view::draw_monitor(frame, monitor, &mut scroll, Instant::now()))
            .context("cannot draw on this terminal")?;
        let first = messages.recv().context("all parts of the monitor ended")?;
        // All that came meanwhile is drawn at once.
        for message in std::iter::once(first).chain(messages.try_iter()) {
            match message {
                Message::Answer(answer) => monitor.apply_answer(*answer, Instant::now()),
                Message::Detail(id, detail) => monitor.apply_detail(id, *detail),
                Message::Input(Event::Key(key)) if is_redraw(key) => {
                    terminal.clear().context("cannot draw on this terminal")?;
                }
                Message::Input(Event::Key(key)) => {
                    if key_action(key).is_some_and(|action| !monitor.apply_action(action)) {
                        return Ok(());
                    }
                }
                Message::Input(_) => {}
                Message::Stop => return Ok(()),
                Message::Broken(what) => anyhow::bail!("{what} failed"),
            }
        }
        if monitor.selected_id() != selected.as_deref() {
            selected = monitor.selected_id().map(str::to_owned);
            // If nobody takes it, `Broken` is on its way.
            let _ = select.send(selected.clone());
        }
    }
}

/// Runs a part of the monitor; if it ends without being asked to, the monitor does.
fn spawn_part(
    what: &'static str,
    sender: Sender<Message>,
    run: impl FnOnce(&Sender<Message>) + Send + 'static,
) {
    struct Ended(&'static str, Sender<Message>);
    impl Drop for Ended {
        fn drop(&mut self) {
            let _ = self.1.send(Message::Broken(self.0));
        }
    }
    thread::spawn(move || {
        let ended = Ended(what, sender);
        run(&ended.1);
    });
}

/// Reads the server every interval, and a stream's viewers when it is selected as well.
fn read_server(
    client: &Client,
    interval: Duration,
    selections: &Receiver<Option<String>>,
    sender: &Sender<Message>,
) {
    let mut selected: Option<String> = None;
    let mut next = Instant::now();
    loop {
        let now = Instant::now();
        let due = now >= next;
        if due {
            // On time again after an answer that took longer than the interval.
            next = (next + interval).max(now);
            let answer = client.read();
            let failed = answer.is_err();
            if sender.send(Message::Answer(answer.into())).is_err() {
                return;
            }
            if failed {
                next = next.max(Instant::now() + interval.min(Duration::from_secs(1)));
            }
        }
        if let Some(id) = &selected
            && let Ok(detail) = client.read_stream(id)
            && sender.send(Message::Detail(id.clone(), detail.into())).is_err()
        {
            return;
        }
        match selections.recv_timeout(next.saturating_duration_since(Instant::now())) {
            Ok(newest) => selected = selections.try_iter().last().unwrap_or(newest),
            Err(RecvTimeoutError::Timeout) => {}
            Err(RecvTimeoutError::Disconnected) => return,
        }
    }
}

fn read_keys(sender: &Sender<Message>) {
    while let Ok(event) = event::read() {
        if sender.send(Message::Input(event)).is_err() {
            return;
        }
    }
    // The terminal was closed.
    let _ = sender.send(Message::Stop);
}

fn watch_signals(sender: Sender<Message>) -> anyhow::Result<()> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let (ready, is_ready) = mpsc::channel();
    thread::spawn(move || {
        let any = runtime.block_on(async {
            use tokio::signal::unix::{SignalKind, signal};
            let all = (
                signal(SignalKind::terminate()),
                signal(SignalKind::hangup()),
                signal(SignalKind::interrupt()),
            );
            let (Ok(mut terminate), Ok(mut hangup), Ok(mut interrupt)) = all else { return false };
            let _ = ready.send(());
            tokio::select! {
                _ = terminate.recv() => {}
                _ = hangup.recv() => {}
                _ = interrupt.recv() => {}
            }
            true
        });
        if any {
            let _ = sender.send(Message::Stop);
        }
    });
    is_ready.recv().context("cannot wait for signals")
}

fn key_action(key: KeyEvent) -> Option<Action> {
    if key.kind == KeyEventKind::Release {
        return None;
    }
    if key.modifiers.contains(KeyModifiers::CONTROL) {
        return (key.code == KeyCode::Char('c')).then_some(Action::Quit);
    }
    Some(match key.code {
        KeyCode::Char('q') => Action::Quit,
        KeyCode::Esc => Action::Back,
        KeyCode::Down | KeyCode::Char('j') => Action::Move(1),
        KeyCode::Up | KeyCode::Char('k') => Action::Move(-1),
        KeyCode::PageDown => Action::Move(PAGE),
        KeyCode::PageUp => Action::Move(-PAGE),
        KeyCode::Home => Action::First,
        KeyCode::End => Action::Last,
        KeyCode::Char('s') => Action::Sort,
        KeyCode::Char('?' | 'h') => Action::Help,
        _ => return None,
    })
}

/// Ctrl-L, as everywhere: something else wrote on the screen.
fn is_redraw(key: KeyEvent) -> bool {
    key.code == KeyCode::Char('l') && key.modifiers.contains(KeyModifiers::CONTROL)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::stub;

    #[test]
    fn keys_do_what_the_help_says() {
        let key = |code, modifiers| key_action(KeyEvent::new(code, modifiers));
        let none = KeyModifiers::NONE;
        assert_eq!(key(KeyCode::Char('q'), none), Some(Action::Quit));
        assert_eq!(key(KeyCode::Char('c'), KeyModifiers::CONTROL), Some(Action::Quit));
        assert_eq!(key(KeyCode::Char('c'), none), None);
        assert_eq!(key(KeyCode::Char('s'), KeyModifiers::CONTROL), None);
        assert_eq!(key(KeyCode::Esc, none), Some(Action::Back));
        assert_eq!(key(KeyCode::Down, none), Some(Action::Move(1)));
        assert_eq!(key(KeyCode::PageUp, none), Some(Action::Move(-PAGE)));
        // A terminal with another layout sends Shift along.
        assert_eq!(key(KeyCode::Char('?'), KeyModifiers::SHIFT), Some(Action::Help));
    }

    #[test]
    fn a_selection_is_read_at_once_and_the_newest_one_only() {
        let address = stub::serve_answers(|path| match path {
            "/api/v1/status" => (200, stub::to_json(&stub::sample_status())),
            "/api/v1/streams" => (200, r#"{"streams":[]}"#.into()),
            path => (200, stub::to_json(&Stream { id: path.into(), ..Default::default() })),
        });
        let client = Client::new(address.parse().unwrap(), None).unwrap();
        let ((sender, messages), (select, selections)) = (mpsc::channel(), mpsc::channel());
        select.send(Some("a".into())).unwrap();
        select.send(Some("b".into())).unwrap();
        // An interval that never ends: the second answer is for the selection.
        let reading =
            thread::spawn(move || read_server(&client, Duration::from_secs(86_400), &selections, &sender));
        assert!(matches!(messages.recv(), Ok(Message::Answer(answer)) if answer.is_ok()));
        let Ok(Message::Detail(id, detail)) = messages.recv() else { panic!("no detail") };
        assert_eq!((id.as_str(), detail.unwrap().id.as_str()), ("b", "/api/v1/streams/b"));
        drop(select);
        reading.join().unwrap();
        assert!(messages.recv().is_err());
    }
}
