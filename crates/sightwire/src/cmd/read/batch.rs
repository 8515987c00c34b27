//! Several pictures at once: a bounded number in flight, and results in the order of the pictures where that is wanted.

use std::collections::BTreeMap;
use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::mpsc;
use std::thread;

use parking_lot::Mutex;

use super::interrupt::Stop;
use super::outputs::{Rendered, Renderer};
use super::reader::{Failure, TextReader};
use sightwire_jobs::inputs::{Input, Unreadable};

/// Results that may wait for an earlier one, for each picture in flight: a slow one among small ones does not idle the rest.
const AHEAD: usize = 8;

/// A picture that is done with.
pub struct Picture<I, T> {
    pub input: I,
    pub result: Result<T, Failure>,
}

/// Reads all `inputs`; `each` is called on this thread, and its error ends the run.
pub fn run_batch(
    reader: &TextReader,
    inputs: impl Iterator<Item = Result<Input, Unreadable>>,
    jobs: usize,
    stop: &Stop,
    ordered: bool,
    render: Renderer,
    each: impl FnMut(Picture<Input, Rendered>) -> io::Result<()>,
) -> io::Result<()> {
    let inputs = inputs.map(|found| {
        found.map_err(|Unreadable { name, reason }| {
            let input = Input { place: name.clone().into(), name, path: None, modified: None };
            Box::new(Picture { input, result: Err(Failure::Unreadable(reason)) })
        })
    });
    process_inputs(inputs, jobs, stop, ordered, |input| render.read_and_render(reader, input), each)
}

/// As [`run`], whatever a picture is and whatever is done with it; one that has failed already takes its turn, too.
pub fn process_inputs<I: Send, T: Send>(
    mut inputs: impl Iterator<Item = Result<I, Box<Picture<I, T>>>>,
    jobs: usize,
    stop: &Stop,
    ordered: bool,
    read: impl Fn(&I) -> Result<T, Failure> + Sync,
    mut each: impl FnMut(Picture<I, T>) -> io::Result<()>,
) -> io::Result<()> {
    let (hand_out, wanted) = mpsc::sync_channel::<(usize, I)>(jobs);
    let (hand_in, results) = mpsc::sync_channel::<(usize, Picture<I, T>)>(jobs);
    let wanted = Mutex::new(wanted);
    let (read, wanted) = (&read, &wanted);
    thread::scope(move |scope| {
        for number in 0..jobs {
            let hand_in = hand_in.clone();
            thread::Builder::new().name(format!("read-{number}")).spawn_scoped(scope, move || {
                // The lock is held while waiting: the thread that has it takes the next.
                while let Ok((order, input)) = { wanted.lock().recv() } {
                    // A bug costs one picture, and not a thread that the others wait for.
                    let result = catch_unwind(AssertUnwindSafe(|| read(&input)))
                        .unwrap_or_else(|_| Err(Failure::Panicked));
                    if hand_in.send((order, Picture { input, result })).is_err() {
                        return;
                    }
                }
            })?;
        }
        let (mut next, mut done, mut in_flight, mut exhausted) = (0, 0, 0, false);
        let mut waiting = BTreeMap::new();
        loop {
            while !exhausted && !stop.is_asked_for() && in_flight < jobs && next - done < AHEAD * jobs {
                match inputs.next() {
                    Some(Ok(input)) => {
                        hand_out.send((next, input)).map_err(|_| threads_ended())?;
                        in_flight += 1;
                    }
                    Some(Err(failed)) => {
                        waiting.insert(next, *failed);
                    }
                    None => {
                        exhausted = true;
                        break;
                    }
                }
                next += 1;
            }
            let before = done;
            while let Some((&order, _)) =
                waiting.first_key_value().filter(|(order, _)| !ordered || **order == done)
            {
                if let Some(picture) = waiting.remove(&order) {
                    each(picture)?;
                }
                done += 1;
            }
            if done > before {
                continue;
            }
            if in_flight == 0 {
                return Ok(());
            }
            let (order, picture) = results.recv().map_err(|_| threads_ended())?;
            in_flight -= 1;
            waiting.insert(order, picture);
        }
    })
}

/// The threads end after their channels do, unless they panic.
fn threads_ended() -> io::Error {
    io::Error::other("the threads that read have ended")
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};
    use std::time::Duration;

    use super::*;
    use sightwire_jobs::inputs::InputError;

    fn input(number: usize) -> Result<usize, Box<Picture<usize, ()>>> {
        if number % 10 == 7 {
            let result = Err(Failure::Unreadable(InputError::Missing));
            return Err(Box::new(Picture { input: number, result }));
        }
        Ok(number)
    }

    #[test]
    fn results_come_in_the_order_of_the_pictures() {
        let some_are_slow = |input: &usize| {
            if input.is_multiple_of(10) {
                thread::sleep(Duration::from_millis(3));
            }
            Ok(())
        };
        let mut seen = Vec::new();
        process_inputs((0..200).map(input), 4, &Stop::default(), true, some_are_slow, |picture| {
            assert_eq!(picture.result.is_err(), picture.input % 10 == 7);
            seen.push(picture.input);
            Ok(())
        })
        .unwrap();
        assert_eq!(seen, (0..200).collect::<Vec<_>>());
    }

    #[test]
    fn a_slow_picture_holds_up_a_bounded_number() {
        let (taken, released) = (AtomicUsize::new(0), AtomicUsize::new(0));
        let inputs = (0..1000).map(|number| {
            taken.fetch_add(1, Ordering::Relaxed);
            let held = taken.load(Ordering::Relaxed) - released.load(Ordering::Relaxed);
            assert!(held <= AHEAD * 3 + 1, "{held} are held");
            input(number)
        });
        let first_is_slow = |input: &usize| {
            if *input == 0 {
                thread::sleep(Duration::from_millis(50));
            }
            Ok(())
        };
        process_inputs(inputs, 3, &Stop::default(), true, first_is_slow, |_| {
            released.fetch_add(1, Ordering::Relaxed);
            Ok(())
        })
        .unwrap();
        assert_eq!(released.into_inner(), 1000);
    }

    #[test]
    fn stopping_writes_what_is_in_flight_and_begins_nothing_more() {
        let stop = Stop::default();
        let mut seen = Vec::new();
        process_inputs(
            (0..).map(input),
            3,
            &stop,
            true,
            |_| Ok(()),
            |picture| {
                seen.push(picture.input);
                if seen.len() == 20 {
                    stop.request_stop();
                }
                Ok(())
            },
        )
        .unwrap();
        assert!((20..20 + AHEAD * 3).contains(&seen.len()), "{}", seen.len());
        assert!(seen.is_sorted());
    }

    #[test]
    fn nobody_reads_on_when_results_cannot_be_written() {
        let error = process_inputs(
            (0..).map(input),
            2,
            &Stop::default(),
            false,
            |_| Ok(()),
            |_| Err(io::ErrorKind::BrokenPipe.into()),
        );
        assert_eq!(error.unwrap_err().kind(), io::ErrorKind::BrokenPipe);
    }
}
