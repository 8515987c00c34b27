//! Replies that wait, for a moment, for the prediction of their own frame.

use std::collections::VecDeque;
use std::sync::{Arc, Weak};
use std::time::{Duration, Instant};

use parking_lot::Mutex;
use sightwire_base::clock;
use tokio::sync::Notify;

use crate::client::{Answer, Reply};

/// Replies of one client that wait at most; one more, and the first do not wait any longer.
const MAX_WAITING: usize = 32;

/// Called once with the reply, or dropped where the client has left.
pub(crate) type SendReply = Box<dyn FnOnce(Reply) + Send>;

/// The replies of one client that wait, in the order of their frames.
#[derive(Default)]
pub(crate) struct Replies {
    waiting: VecDeque<Waiting>,
    /// What a reply that has waited in vain says.
    newest: Option<Answer>,
}

struct Waiting {
    /// When its frame arrived.
    arrived: Instant,
    /// It waits no longer than until then, but for those before it.
    until: Instant,
    send: SendReply,
}

impl Replies {
    pub fn is_empty(&self) -> bool {
        self.waiting.is_empty()
    }

    /// A reply that waits until then, which says `newest` unless something newer comes meanwhile.
    pub fn add_waiting(&mut self, arrived: Instant, until: Instant, newest: Answer, send: SendReply) {
        self.newest = Some(newest);
        self.waiting.push_back(Waiting { arrived, until, send });
        if self.waiting.len() > MAX_WAITING {
            self.send_first();
        }
    }

    /// There is a prediction, of the frame that arrived then: its reply need not wait any more, and none before it.
    pub fn send_predicted(&mut self, arrived: Instant, answer: &Answer, now: Instant) {
        if !self.waiting.is_empty() {
            self.newest = Some(answer.clone());
            self.send_while(|waiting| waiting.arrived <= arrived || waiting.until <= now);
        }
    }

    /// Those that have waited long enough are sent.
    pub fn send_overdue(&mut self, now: Instant) {
        self.send_while(|waiting| waiting.until <= now);
    }

    /// Sends all, however long they may still wait.
    pub fn send_all(&mut self) {
        self.send_while(|_| true);
    }

    /// Nobody is there any more to read them; to be dropped where no lock is held.
    pub fn take_waiting(&mut self) -> impl Sized + use<> {
        self.newest = None;
        std::mem::take(&mut self.waiting)
    }

    fn send_while(&mut self, condition: impl Fn(&Waiting) -> bool) {
        while self.waiting.front().is_some_and(&condition) {
            self.send_first();
        }
    }

    fn send_first(&mut self) {
        if let (Some(waiting), Some(newest)) = (self.waiting.pop_front(), &self.newest) {
            (waiting.send)(Reply::Answer(newest.clone()));
        }
    }
}

/// Whose reply waits until when. All wait for the same time, so the client that came first is the first to be due.
#[derive(Default)]
pub(crate) struct Due {
    /// Taken under a client's lock, and so never held while a client is asked to send.
    all: Mutex<VecDeque<(Instant, Weak<dyn HasOverdue>)>>,
    begun: Notify,
}

/// A client some of whose replies wait.
pub(crate) trait HasOverdue: Send + Sync {
    /// Those that have waited long enough are sent.
    fn send_overdue(&self, now: Instant);
}

impl Due {
    /// A reply of this client waits until then.
    pub fn add_reply(&self, until: Instant, client: Weak<dyn HasOverdue>) {
        let mut all = self.all.lock();
        all.push_back((until, client));
        if all.len() == 1 {
            self.begun.notify_one();
        }
    }

    /// Sends what is overdue, for ever.
    pub async fn send_when_due(&self) {
        loop {
            let next = self.all.lock().front().map(|(until, _)| *until);
            match next {
                None => self.begun.notified().await,
                Some(until) => {
                    tokio::time::sleep_until(until.into()).await;
                    let now = clock::now();
                    for client in self.take_due(now) {
                        client.send_overdue(now);
                    }
                }
            }
        }
    }

    fn take_due(&self, now: Instant) -> Vec<Arc<dyn HasOverdue>> {
        let mut all = self.all.lock();
        let mut due = Vec::new();
        // Threads may have come in another order than their frames: one that is late goes with the one before it.
        while all.front().is_some_and(|(until, _)| *until <= now) {
            due.extend(all.pop_front().and_then(|(_, client)| client.upgrade()));
        }
        due
    }
}

/// When a reply that may wait for this long is sent at the latest, if its result is expected in time.
pub(crate) fn reply_deadline(now: Instant, wait: Duration, result_in: Option<Duration>) -> Option<Instant> {
    result_in.filter(|expected| *expected <= wait).map(|_| now + wait)
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc;

    use super::*;

    fn answer(label: &str) -> Answer {
        Answer { label: label.into(), score: 0.5, prediction: None }
    }

    /// Two replies that wait from 0 and from 5 ms on, for 10 ms each.
    fn two() -> (Replies, mpsc::Receiver<String>, impl Fn(u64) -> Instant) {
        let begin = Instant::now();
        let at = move |ms| begin + Duration::from_millis(ms);
        let (send, sent) = mpsc::channel();
        let mut replies = Replies::default();
        for (name, ms) in [("first", 0), ("second", 5)] {
            let send = send.clone();
            let reply = move |reply: Reply| {
                let Reply::Answer(answer) = reply else { panic!("{reply:?}") };
                send.send(format!("{name}: {}", answer.label)).unwrap();
            };
            replies.add_waiting(at(ms), at(ms + 10), answer("before"), Box::new(reply));
        }
        (replies, sent, at)
    }

    #[test]
    fn each_is_sent_with_the_prediction_of_its_frame() {
        let (mut replies, sent, at) = two();
        replies.send_predicted(at(0), &answer("of the first"), at(4));
        assert_eq!(sent.try_iter().collect::<Vec<_>>(), ["first: of the first"]);
        replies.send_predicted(at(5), &answer("of the second"), at(9));
        assert_eq!(sent.try_iter().collect::<Vec<_>>(), ["second: of the second"]);
        assert!(replies.is_empty());
    }

    #[test]
    fn a_prediction_of_a_later_frame_is_for_those_before_it_too() {
        let (mut replies, sent, at) = two();
        replies.send_predicted(at(5), &answer("of the second"), at(9));
        assert_eq!(sent.try_iter().collect::<Vec<_>>(), ["first: of the second", "second: of the second"]);
    }

    #[test]
    fn who_waits_in_vain_is_sent_the_newest_in_time() {
        let (mut replies, sent, at) = two();
        replies.send_overdue(at(9));
        assert_eq!(sent.try_iter().count(), 0);
        replies.send_overdue(at(10));
        assert_eq!(sent.try_iter().collect::<Vec<_>>(), ["first: before"]);
        replies.send_predicted(at(0), &answer("of the first"), at(12));
        replies.send_overdue(at(15));
        assert_eq!(sent.try_iter().collect::<Vec<_>>(), ["second: of the first"]);
    }

    #[test]
    fn no_more_than_a_few_wait_and_none_of_who_has_left() {
        let (mut replies, sent, at) = two();
        for ms in 0..MAX_WAITING as u64 {
            replies.add_waiting(at(6 + ms), at(16 + ms), answer("before"), Box::new(|_| ()));
        }
        assert_eq!(sent.try_iter().collect::<Vec<_>>(), ["first: before", "second: before"]);
        drop(replies.take_waiting());
        replies.send_all();
        assert!(replies.is_empty() && sent.try_iter().count() == 0);
    }

    struct Told(Mutex<Vec<Instant>>);

    impl HasOverdue for Told {
        fn send_overdue(&self, now: Instant) {
            self.0.lock().push(now);
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_client_is_told_when_a_reply_is_due_unless_it_has_left() {
        let (due, begin) = (Arc::new(Due::default()), clock::now());
        let watch = tokio::spawn({
            let due = due.clone();
            async move { due.send_when_due().await }
        });
        let client = Arc::new(Told(Mutex::default()));
        let weak = Arc::downgrade(&client);
        for ms in [10, 15] {
            due.add_reply(begin + Duration::from_millis(ms), weak.clone());
            due.add_reply(begin + Duration::from_millis(ms), Weak::<Told>::new());
        }
        tokio::time::sleep(Duration::from_secs(1)).await;
        let told: Vec<u128> = client.0.lock().iter().map(|at| at.duration_since(begin).as_millis()).collect();
        assert_eq!(told, [10, 15]);
        due.add_reply(clock::now() + Duration::from_millis(10), weak);
        tokio::time::sleep(Duration::from_secs(1)).await;
        assert_eq!(client.0.lock().len(), 3, "also after a pause");
        watch.abort();
    }

    #[test]
    fn only_what_is_expected_in_time_is_waited_for() {
        let (now, ms) = (Instant::now(), Duration::from_millis);
        assert_eq!(reply_deadline(now, ms(10), Some(ms(4))), Some(now + ms(10)));
        assert_eq!(reply_deadline(now, ms(10), Some(ms(11))), None);
        assert_eq!(reply_deadline(now, ms(10), None), None);
        assert_eq!(reply_deadline(now, ms(0), Some(ms(4))), None);
    }
}
