//! Orders of steps, one after the other: all in which tasks are delayed no more than this many times (delay-bounded scheduling, Emmi,
//! Qadeer and Rakamarić, POPL 2011). Without a delay a task goes on until it waits, sleeps or ends, and the next is the next in the
//! round; with one, the next in the round goes first. What goes wrong in some order mostly does in one of few delays.

use std::env;

use shuttle::scheduler::{Schedule, Scheduler, Task, TaskId};
use shuttle::{Config, Runner};

/// Runs a model in every order of this many delays, and of one more with `--full`. It fails where an assertion does, and where somebody
/// waits for ever.
pub fn in_every_order(delays: usize, model: impl Fn() + Send + Sync + 'static) {
    let delays = delays + usize::from(env::var_os("SIGHTWIRE_FULL").is_some());
    let orders = run(delays, model);
    println!("{orders} orders of at most {delays} delays");
    assert!(orders > delays, "nothing was delayed");
}

fn run(most: usize, model: impl Fn() + Send + Sync + 'static) -> usize {
    let mut config = Config::new();
    // Atomics are taken as if all saw them in one order. Those here count, and nobody concludes anything else from them.
    config.silence_warnings = true;
    Runner::new(Orders { most, ..Orders::default() }, config).run(model)
}

#[derive(Debug, Default)]
struct Orders {
    /// Delays in one order.
    most: usize,
    /// Which of the tasks that could go on did, at each step of this order.
    steps: Vec<Step>,
    /// Steps of this order that were taken, and delays among them.
    taken: usize,
    delays: usize,
    begun: bool,
}

#[derive(Debug)]
struct Step {
    /// In the order of the round, no more of them than delays are left for.
    tasks: Vec<TaskId>,
    chosen: usize,
}

impl Scheduler for Orders {
    fn new_execution(&mut self) -> Option<Schedule> {
        if self.begun {
            // The last step at which there is another choice is taken otherwise.
            while self.steps.last().is_some_and(|step| step.chosen + 1 == step.tasks.len()) {
                self.steps.pop();
            }
            self.steps.last_mut()?.chosen += 1;
        }
        (self.begun, self.taken, self.delays) = (true, 0, 0);
        Some(Schedule::new(0))
    }

    fn next_task(&mut self, able: &[&Task], current: Option<TaskId>, yields: bool) -> Option<TaskId> {
        if self.taken == self.steps.len() {
            let mut tasks: Vec<TaskId> = able.iter().map(|task| task.id()).collect();
            let first = tasks
                .iter()
                .position(|task| if yields { Some(*task) > current } else { Some(*task) >= current });
            tasks.rotate_left(first.unwrap_or_default());
            tasks.truncate(1 + self.most - self.delays);
            self.steps.push(Step { tasks, chosen: 0 });
        }
        let step = &self.steps[self.taken];
        let task = step.tasks[step.chosen];
        assert!(able.iter().any(|able| able.id() == task), "the same steps have led elsewhere");
        self.taken += 1;
        self.delays += step.chosen;
        Some(task)
    }

    fn next_u64(&mut self) -> u64 {
        unreachable!("no model draws lots")
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;
    use std::sync::{Arc, Mutex};

    use shuttle::thread;
    use sightwire_interleavings::sync::others_first;

    use super::*;

    /// Orders in which two take two steps each, and how often they were run.
    fn orders(most: usize) -> (BTreeSet<String>, usize) {
        let all = Arc::new(Mutex::new(BTreeSet::new()));
        let seen = all.clone();
        let orders = run(most, move || {
            let order = Arc::new(Mutex::new(String::new()));
            let tasks = ['a', 'b'].map(|name| {
                let order = order.clone();
                thread::spawn(move || {
                    for _ in 0..2 {
                        others_first();
                        order.lock().unwrap().push(name);
                    }
                })
            });
            for task in tasks {
                task.join().unwrap();
            }
            seen.lock().unwrap().insert(order.lock().unwrap().clone());
        });
        let all = all.lock().unwrap().clone();
        (all, orders)
    }

    #[test]
    fn with_each_delay_there_are_more_orders_until_there_are_all() {
        let [none, one, many] = [0, 1, 5].map(orders);
        assert_eq!(none, (BTreeSet::from(["aabb".to_owned()]), 1));
        assert_eq!(Vec::from_iter(one.0), ["aabb", "abba", "bbaa"]);
        assert_eq!(Vec::from_iter(many.0), ["aabb", "abab", "abba", "baab", "baba", "bbaa"]);
        assert!(one.1 < many.1);
    }

    #[test]
    #[should_panic(expected = "deadlock")]
    fn an_order_in_which_somebody_waits_for_ever_fails() {
        run(2, || {
            let locks = Arc::new([(); 2].map(|()| shuttle::sync::Mutex::new(())));
            let takes = |first: usize, second: usize| {
                let locks = locks.clone();
                thread::spawn(move || drop((locks[first].lock().unwrap(), locks[second].lock().unwrap())))
            };
            for task in [takes(0, 1), takes(1, 0)] {
                task.join().unwrap();
            }
        });
    }
}
