mod turns;

use super::*;
use crate::allowance::SILENT;

const WINDOW: usize = 10;
const FPS: u32 = 25;

#[derive(Default, Clone, Debug)]
struct Seen(Vec<u64>);

/// A worker's job: when it ends, and what it is of.
type Busy = (Instant, Instant, JobId, Vec<u64>, Seen);

/// Clients that send `FPS` frames a second to `workers` workers, each of whom needs `cost` a frame.
struct Simulation {
    scheduler: Scheduler<u64, Seen>,
    clients: Vec<ClientId>,
    workers: Vec<Option<Busy>>,
    clock: Instant,
    cost: Duration,
    prediction_cost: Duration,
    /// Every other 300 ms a frame costs this many times more, as when something else takes the cores.
    disturbance: u32,
    /// This many frames arrive at once.
    burst: u32,
    max_frames: usize,
    /// Clients that send nothing.
    absent: std::ops::Range<usize>,
    /// Sends one frame of five.
    slow: Option<usize>,
    sent: Vec<u64>,
    analysed: Vec<u64>,
    /// Per client: arrival of the window's newest frame, and end of the run.
    predictions: Vec<Vec<(Instant, Instant)>>,
    most_pending: usize,
    arrivals: HashMap<(usize, u64), Instant>,
    verdicts: HashMap<&'static str, u64>,
}

impl Simulation {
    fn new(clients: usize, workers: usize, cost: Duration) -> Self {
        let now = Instant::now();
        let mut scheduler = Scheduler::new(Options { workers, frame_cost: cost, ..options(1) });
        let ids = (0..clients).map(|_| scheduler.join(now)).collect();
        Self {
            scheduler,
            clients: ids,
            workers: (0..workers).map(|_| None).collect(),
            clock: now,
            cost,
            prediction_cost: Duration::ZERO,
            disturbance: 1,
            burst: 1,
            max_frames: 1,
            absent: 0..0,
            slow: None,
            sent: vec![0; clients],
            analysed: vec![0; clients],
            predictions: vec![Vec::new(); clients],
            most_pending: 0,
            arrivals: HashMap::new(),
            verdicts: HashMap::new(),
        }
    }

    fn run(&mut self, length: Duration) {
        let start = self.clock;
        let step = Duration::from_micros(250);
        let interval = Duration::from_secs(1) / FPS;
        let count = self.clients.len() as u32;
        let mut next: Vec<Instant> = (0..count).map(|i| start + interval * i / count).collect();
        let mut now = start;
        while now < start + length {
            for (i, next) in next.iter_mut().enumerate() {
                if *next > now {
                    continue;
                }
                let rarely = if self.slow == Some(i) { 5 } else { 1 };
                *next += interval * self.burst * rarely;
                if self.absent.contains(&i) {
                    continue;
                }
                for _ in 0..self.burst {
                    self.sent[i] += 1;
                    self.arrivals.insert((i, self.sent[i]), now);
                    let verdict = match self.scheduler.push(now, self.clients[i], self.sent[i]) {
                        Verdict::Queued => "queued",
                        Verdict::Skipped => "skipped",
                        Verdict::Excess => "excess",
                    };
                    *self.verdicts.entry(verdict).or_default() += 1;
                }
            }
            self.most_pending = self.most_pending.max(self.scheduler.pending());
            for worker in 0..self.workers.len() {
                if let Some((until, ..)) = &self.workers[worker]
                    && *until <= now
                    && let Some((_, since, id, frames, window)) = self.workers[worker].take()
                {
                    self.finish(now, since, id, &frames, window);
                }
                if self.workers[worker].is_none()
                    && let Some(job) = self.scheduler.take_job(self.max_frames)
                {
                    let id = job.id();
                    let disturbed = now.duration_since(start).as_millis() / 300 % 2 == 1;
                    let times = if disturbed { self.disturbance } else { 1 };
                    let until = now + self.cost * times * job.frames.len() as u32 + self.prediction_cost;
                    self.workers[worker] = Some((until, now, id, job.frames, job.window));
                }
            }
            now += step;
        }
        self.clock = now;
    }

    fn finish(&mut self, now: Instant, since: Instant, id: JobId, frames: &[u64], mut window: Seen) {
        let client = self.clients.iter().position(|c| *c == id.client).unwrap();
        window.0.extend(frames);
        self.analysed[client] += frames.len() as u64;
        let excess = window.0.len().saturating_sub(WINDOW);
        window.0.drain(..excess);
        if window.0.len() == WINDOW {
            let consecutive = window.0.windows(2).all(|w| w[1] == w[0] + 1);
            assert!(consecutive, "a window has a gap: {:?}", window.0);
            let arrived = self.arrivals[&(client, window.0[WINDOW - 1])];
            self.predictions[client].push((arrived, now));
        }
        let spent = now.duration_since(since);
        // In the place of the measurement of each part.
        let predicting = (self.prediction_cost > Duration::ZERO).then(|| spent.min(self.prediction_cost));
        let spent = spent.saturating_sub(predicting.unwrap_or_default());
        let undisturbed = Duration::ZERO;
        let outcome = Outcome { window, analysed: frames.len(), spent, undisturbed, predicting, lost: false };
        self.scheduler.finish_job(now, id, outcome);
    }

    fn predictions_per_s(&self, length: Duration) -> f64 {
        self.predictions.iter().map(Vec::len).sum::<usize>() as f64 / length.as_secs_f64()
    }

    fn slowest(&self) -> Duration {
        self.predictions.iter().flatten().map(|(a, b)| b.duration_since(*a)).max().unwrap_or_default()
    }
}

const LENGTH: Duration = Duration::from_secs(40);
/// Two workers at 2 ms a frame: 1,000 frames a second, 40 clients.
const COST: Duration = Duration::from_millis(2);

#[test]
fn below_capacity_every_frame_is_analysed() {
    let mut simulation = Simulation::new(30, 2, COST);
    simulation.run(LENGTH);
    assert_eq!(simulation.verdicts.get("skipped"), None, "{:?}", simulation.verdicts);
    let expected = 30.0 * f64::from(FPS);
    assert!(simulation.predictions_per_s(LENGTH) > 0.97 * expected);
    assert!(simulation.slowest() < Duration::from_millis(40), "{:?}", simulation.slowest());
}

#[test]
fn past_capacity_every_client_gets_the_same_share_and_nothing_grows() {
    for clients in [44, 60, 80, 160] {
        let mut simulation = Simulation::new(clients, 2, COST);
        simulation.run(LENGTH);
        let counts: Vec<usize> = simulation.predictions.iter().map(Vec::len).collect();
        let (least, most) = (*counts.iter().min().unwrap(), *counts.iter().max().unwrap());
        let analysed: u64 = simulation.analysed.iter().sum();
        let used = analysed as f64 / LENGTH.as_secs_f64() / 1000.0;
        println!(
            "{clients} clients: {:.0} predictions/s, {used:.2} of the capacity used, per client {least} to {most}, \
             slowest {:?}, most pending {}",
            simulation.predictions_per_s(LENGTH),
            simulation.slowest(),
            simulation.most_pending,
        );
        // Some have had a turn more than others.
        assert!(
            least as f64 > 0.85 * most as f64 || most - least <= TURN_WINDOWS * WINDOW,
            "{clients} clients: {least} to {most}"
        );
        assert!(used > 0.85, "{clients} clients: {used} of the capacity used");
        assert!(simulation.slowest() < Duration::from_millis(250), "{:?}", simulation.slowest());
        assert!(simulation.most_pending < 2 * clients + 10, "{}", simulation.most_pending);
    }
}

/// Two workers, 1 ms a frame and 20 ms a prediction: 12 clients if three frames share one, 3 if none do.
fn whole_windows(clients: usize) -> Simulation {
    let mut simulation = Simulation::new(clients, 2, Duration::from_millis(1));
    simulation.prediction_cost = Duration::from_millis(20);
    simulation.max_frames = WINDOW;
    simulation.scheduler.options.stride = 3;
    simulation.scheduler.costs = Costs::new(simulation.cost, simulation.prediction_cost);
    simulation
}

#[test]
fn where_a_prediction_is_dear_frames_share_one_instead_of_clients_waiting() {
    for clients in [2, 6, 9] {
        let mut simulation = whole_windows(clients);
        simulation.run(LENGTH);
        assert_eq!(simulation.verdicts.get("skipped"), None, "{clients}: {:?}", simulation.verdicts);
        let share = simulation.predictions_per_s(LENGTH) / clients as f64;
        let least = if clients == 2 { 24.0 } else { 7.5 };
        assert!(share > least, "{clients} clients: {share} predictions/s each");
        assert!(simulation.slowest() < Duration::from_millis(200), "{:?}", simulation.slowest());
    }
}

#[test]
fn past_capacity_whole_windows_are_shared_out_alike() {
    for clients in [14, 24, 48] {
        let mut simulation = whole_windows(clients);
        let length = LENGTH * 2;
        simulation.run(length);
        let counts: Vec<usize> = simulation.predictions.iter().map(Vec::len).collect();
        let (least, most) = (*counts.iter().min().unwrap(), *counts.iter().max().unwrap());
        println!(
            "{clients} clients: {:.0} predictions/s, per client {least} to {most}, slowest {:?}, most pending {}",
            simulation.predictions_per_s(length),
            simulation.slowest(),
            simulation.most_pending,
        );
        // A turn is 17 predictions, of three frames each; some have had two more than others.
        assert!(least as f64 > 0.9 * most as f64 || most - least <= 34, "{clients}: {least} to {most}");
        // Each turn gives at least one prediction, and costs a whole window of frames.
        assert!(simulation.predictions_per_s(length) > 20.0, "{clients}");
        assert!(simulation.slowest() < Duration::from_millis(400), "{:?}", simulation.slowest());
        assert!(simulation.most_pending < 8 * clients, "{}", simulation.most_pending);
    }
}

#[test]
fn shares_stay_the_same_while_the_capacity_comes_and_goes() {
    for clients in [20, 35, 60] {
        let mut simulation = Simulation::new(clients, 2, COST);
        simulation.disturbance = 4;
        simulation.run(LENGTH);
        let counts: Vec<usize> = simulation.predictions.iter().map(Vec::len).collect();
        let (least, most) = (*counts.iter().min().unwrap(), *counts.iter().max().unwrap());
        println!(
            "{clients} disturbed clients: {:.0} predictions/s, per client {least} to {most}, slowest {:?}, \
             most pending {}",
            simulation.predictions_per_s(LENGTH),
            simulation.slowest(),
            simulation.most_pending,
        );
        assert!(least as f64 > 0.75 * most as f64, "{clients} clients: {least} to {most}");
        assert!(simulation.most_pending < WINDOW * clients / 2, "{}", simulation.most_pending);
    }
}

#[test]
fn bursts_lose_nothing_where_there_is_room() {
    for burst in [3, 5, 8] {
        let mut simulation = Simulation::new(2, 2, COST);
        simulation.burst = burst;
        simulation.run(LENGTH);
        let all = 2.0 * f64::from(FPS);
        assert!(
            simulation.predictions_per_s(LENGTH) > 0.95 * all,
            "{}",
            simulation.predictions_per_s(LENGTH)
        );
    }
}

#[test]
fn newcomers_do_not_starve_those_who_were_there_while_one_was_slow() {
    // 30 veterans and one who sends rarely, below capacity; then 30 more come.
    let mut simulation = Simulation::new(61, 2, COST);
    simulation.absent = 31..61;
    simulation.slow = Some(0);
    simulation.run(LENGTH * 2);
    simulation.predictions.iter_mut().for_each(Vec::clear);
    simulation.absent = 0..0;
    simulation.run(LENGTH);
    let share = |range: std::ops::Range<usize>| {
        let count = range.len() as f64;
        simulation.predictions[range].iter().map(Vec::len).sum::<usize>() as f64 / count
    };
    let (veterans, newcomers) = (share(1..31), share(31..61));
    assert!(veterans > 0.7 * newcomers, "veterans {veterans}, newcomers {newcomers}");
}

#[test]
fn a_failed_run_of_the_model_ends_the_run_so_that_no_window_has_a_gap() {
    let now = Instant::now();
    let mut simulation = Simulation::new(1, 1, COST);
    let client = simulation.clients[0];
    let scheduler = &mut simulation.scheduler;
    scheduler.push(now, client, 0);
    let job = scheduler.take_job(1).unwrap();
    let id = job.id();
    scheduler.finish_job(
        now,
        id,
        Outcome {
            window: job.window,
            analysed: 0,
            spent: COST,
            undisturbed: COST,
            predicting: None,
            lost: true,
        },
    );
    assert_eq!(scheduler.running(), 0);
    assert_eq!(scheduler.push(now, client, 1), Verdict::Queued, "the next begins with the next frame");
}

#[test]
fn a_model_too_slow_for_one_client_still_answers_it() {
    let mut simulation = Simulation::new(1, 1, Duration::from_millis(100));
    simulation.run(LENGTH);
    // 10 frames take 1 s.
    let count = simulation.predictions[0].len();
    assert!((30..=41).contains(&count), "{count} predictions in 40 s");
    assert!(simulation.most_pending <= WINDOW);
}

#[test]
fn who_has_left_costs_nothing_more() {
    let now = Instant::now();
    let mut simulation = Simulation::new(2, 1, COST);
    let [a, b] = [simulation.clients[0], simulation.clients[1]];
    let scheduler = &mut simulation.scheduler;
    for frame in 0..3 {
        scheduler.push(now, a, frame);
    }
    scheduler.push(now, b, 100);
    let job = scheduler.take_job(1).unwrap();
    assert_eq!(job.client, a);
    let id = job.id();
    scheduler.leave(a);
    assert_eq!(scheduler.pending(), 1, "only b's frame is left");
    assert_eq!(scheduler.take_job(1).unwrap().client, b);
    assert!(scheduler.take_job(1).is_none());
    let outcome = Outcome {
        window: Seen::default(),
        analysed: 1,
        spent: COST,
        undisturbed: COST,
        predicting: None,
        lost: false,
    };
    assert!(!scheduler.finish_job(now, id, outcome), "nobody wants a's result");
    assert_eq!(scheduler.clients(), 1);
}

#[test]
fn one_client_is_never_with_two_workers() {
    let now = Instant::now();
    let mut simulation = Simulation::new(1, 2, COST);
    let client = simulation.clients[0];
    for frame in 0..4 {
        simulation.scheduler.push(now, client, frame);
    }
    let job = simulation.scheduler.take_job(2).unwrap();
    assert_eq!(job.frames, [0, 1]);
    assert!(simulation.scheduler.take_job(2).is_none());
    let id = job.id();
    simulation.scheduler.finish_job(
        now,
        id,
        Outcome {
            window: job.window,
            analysed: 2,
            spent: COST,
            undisturbed: COST,
            predicting: None,
            lost: false,
        },
    );
    assert_eq!(simulation.scheduler.take_job(2).unwrap().frames, [2, 3]);
}

#[test]
fn who_sends_too_fast_is_answered_but_not_analysed() {
    let start = Instant::now();
    let mut simulation = Simulation::new(1, 2, Duration::from_micros(10));
    let client = simulation.clients[0];
    let mut excess = 0;
    for i in 0..2000 {
        let now = start + Duration::from_millis(5) * i; // 200 a second for 10 s
        excess += u32::from(simulation.scheduler.push(now, client, u64::from(i)) == Verdict::Excess);
        if let Some(job) = simulation.scheduler.take_job(1) {
            let id = job.id();
            simulation.scheduler.finish_job(
                now,
                id,
                Outcome {
                    window: job.window,
                    analysed: 1,
                    spent: COST,
                    undisturbed: COST,
                    predicting: None,
                    lost: false,
                },
            );
        }
    }
    assert!((1300..=1400).contains(&excess), "{excess} of 2000 above 60 a second");
}

#[test]
fn a_broken_frame_leaves_the_window_and_the_run_goes_on() {
    let now = Instant::now();
    let mut simulation = Simulation::new(1, 1, COST);
    let client = simulation.clients[0];
    let scheduler = &mut simulation.scheduler;
    scheduler.push(now, client, 0);
    let job = scheduler.take_job(1).unwrap();
    let id = job.id();
    scheduler.finish_job(
        now,
        id,
        Outcome {
            window: job.window,
            analysed: 0,
            spent: COST,
            undisturbed: COST,
            predicting: None,
            lost: false,
        },
    );
    assert_eq!(scheduler.running(), 1);
    assert_eq!(scheduler.push(now, client, 1), Verdict::Queued);
    assert_eq!(scheduler.take_job(1).unwrap().frames, [1]);
}

fn options(stride: usize) -> Options {
    Options {
        window: WINDOW,
        workers: 1,
        max_lag: 3,
        turn_gap: Duration::from_secs(1),
        turn_wait: Duration::from_secs(15),
        max_fps: 60.0,
        stride,
        frame_cost: Duration::from_millis(1),
        prediction_cost: Duration::ZERO,
    }
}

fn analysed(frames: usize) -> Outcome<Seen> {
    let (window, spent) = (Seen::default(), Duration::from_millis(1));
    Outcome { window, analysed: frames, spent, undisturbed: spent, predicting: None, lost: false }
}

/// A running client that has sent a window, which a worker has, and when its next frame comes.
fn in_service(scheduler: &mut Scheduler<u64, Seen>) -> (ClientId, JobId, Instant) {
    let mut now = Instant::now();
    let id = scheduler.join(now);
    for frame in 0..WINDOW as u64 {
        assert_eq!(scheduler.push(now, id, frame), Verdict::Queued);
        now += Duration::from_secs(1) / FPS;
    }
    let job = scheduler.take_job(WINDOW).expect("frames wait").id();
    (id, job, now)
}

#[test]
fn gauges_are_of_what_is_there_and_nothing_is_left_at_the_end() {
    let now = Instant::now();
    let mut scheduler = Scheduler::<u64, Seen>::new(options(1));
    let [a, b] = [scheduler.join(now), scheduler.join(now)];
    let gauges = |s: &Scheduler<u64, Seen>| [s.clients(), s.running(), s.pending(), s.ready()];
    assert_eq!(gauges(&scheduler), [2, 0, 0, 0]);
    for frame in 0..3 {
        scheduler.push(now, a, frame);
    }
    assert_eq!(gauges(&scheduler), [2, 1, 3, 1]);
    scheduler.take_job(1).unwrap();
    assert_eq!(gauges(&scheduler), [2, 1, 2, 0], "a worker has the client");
    scheduler.push(now, b, 0);
    assert_eq!(gauges(&scheduler), [2, 2, 3, 1]);
    scheduler.clear();
    assert_eq!(gauges(&scheduler), [0; 4]);
    assert!(scheduler.take_job(1).is_none());
}

#[test]
fn a_newcomer_may_send_half_a_second_at_once() {
    let now = Instant::now();
    let mut scheduler = Scheduler::<u64, Seen>::new(options(1));
    let id = scheduler.join(now);
    let taken = (0..200).filter(|&frame| scheduler.push(now, id, frame) != Verdict::Excess).count();
    assert_eq!(taken, 30, "of 60 a second");
}

#[test]
fn frames_that_come_during_a_long_prediction_share_the_next_one() {
    for (stride, queued) in [(3, WINDOW - 1), (1, 4)] {
        let mut scheduler = Scheduler::new(options(stride));
        let (id, _, begin) = in_service(&mut scheduler);
        let verdicts = (0..WINDOW as u32 - 1)
            .map(|index| scheduler.push(begin + Duration::from_secs(1) / FPS * index, id, 0));
        let count = verdicts.filter(|verdict| *verdict == Verdict::Queued).count();
        assert_eq!(count, queued, "stride {stride}");
    }
}

#[test]
fn who_waits_too_long_for_a_worker_begins_anew() {
    let mut scheduler = Scheduler::new(options(3));
    let (id, job, begin) = in_service(&mut scheduler);
    for index in 0..3 {
        assert_eq!(scheduler.push(begin + Duration::from_millis(40) * index, id, 0), Verdict::Queued);
    }
    scheduler.finish_job(begin + Duration::from_millis(120), job, analysed(WINDOW));
    assert_eq!(scheduler.push(begin + Duration::from_millis(290), id, 0), Verdict::Queued);
    assert_eq!(scheduler.push(begin + Duration::from_millis(310), id, 0), Verdict::Skipped);
    assert_eq!((scheduler.running(), scheduler.pending(), scheduler.ready()), (0, 0, 0));
}

#[test]
fn a_run_that_missed_a_frame_ends_though_another_of_its_frames_was_broken() {
    let mut scheduler = Scheduler::new(options(1));
    let (id, job, begin) = in_service(&mut scheduler);
    let frames = (0..6).map(|index| scheduler.push(begin + Duration::from_millis(40) * index, id, 0));
    assert_eq!(frames.last(), Some(Verdict::Skipped));
    let now = begin + Duration::from_millis(240);
    scheduler.finish_job(now, job, analysed(WINDOW - 5));
    let job = scheduler.take_job(WINDOW).expect("the frames before the one that was missed");
    assert_eq!(scheduler.running(), 1);
    scheduler.finish_job(now, job.id(), analysed(0));
    assert_eq!((scheduler.running(), scheduler.pending()), (0, 0));
}

#[test]
fn dear_predictions_lower_the_capacity() {
    let mut scheduler = Scheduler::new(options(1));
    let (_, job, now) = in_service(&mut scheduler);
    let before = scheduler.capacity_fps();
    let spent = Duration::from_millis(1) * WINDOW as u32;
    let outcome = Outcome { spent, predicting: Some(Duration::from_millis(100)), ..analysed(WINDOW) };
    scheduler.finish_job(now, job, outcome);
    // A hundredth of 100 ms on top of 1 ms.
    assert!((scheduler.capacity_fps() - before / 2.0).abs() < 1.0, "{before} {}", scheduler.capacity_fps());
}

#[test]
fn nobody_begins_while_others_wait_for_too_long() {
    // With one prediction a frame 80 ms are too long for the client that was served most, else 160 ms for the one that waits longest.
    for (stride, first, second, newcomer, verdict) in [
        (1, 60, 0, 79, Verdict::Queued),
        (1, 60, 0, 81, Verdict::Skipped),
        (3, 0, 150, 159, Verdict::Queued),
        (3, 0, 150, 161, Verdict::Skipped),
    ] {
        let begin = Instant::now();
        let at = |ms| begin + Duration::from_millis(ms);
        let mut scheduler = Scheduler::<u64, Seen>::new(options(stride));
        let [a, b, c] = [(); 3].map(|()| scheduler.join(begin));
        let mut begins = [(first, a), (second, b)];
        begins.sort_by_key(|(ms, _)| *ms);
        for (ms, id) in begins {
            assert_eq!(scheduler.push(at(ms), id, 0), Verdict::Queued);
        }
        assert_eq!(scheduler.push(at(newcomer), c, 0), verdict, "stride {stride}, after {newcomer} ms");
    }
}

#[test]
fn a_clients_rate_is_that_of_its_frames_and_a_pause_is_no_rate() {
    let mut now = Instant::now();
    let mut scheduler = Scheduler::<u64, Seen>::new(options(1));
    let id = scheduler.join(now);
    let rate = |scheduler: &Scheduler<u64, Seen>| scheduler.clients[&id].fps();
    for _ in 0..60 {
        scheduler.push(now, id, 0);
        now += Duration::from_millis(100);
    }
    assert!((rate(&scheduler) - 10.0).abs() < 0.1, "{}", rate(&scheduler));
    now += Duration::from_secs(10);
    let taken = (0..200).filter(|_| scheduler.push(now, id, 0) != Verdict::Excess).count();
    assert_eq!(taken, 30, "a pause saves up no more than half a second");
    assert!(rate(&scheduler) > 10.0, "it is the burst that counts: {}", rate(&scheduler));
}

#[test]
fn who_has_fallen_silent_is_no_load() {
    let now = Instant::now();
    let mut scheduler = Scheduler::<u64, Seen>::new(options(1));
    let id = scheduler.join(now);
    scheduler.push(now, id, 0);
    let later = |ms| now + Duration::from_millis(ms);
    assert!((scheduler.measure_load(later(10)).fps - FPS as f32).abs() < 0.1);
    assert!((scheduler.measure_load(later(499)).fps - FPS as f32).abs() < 0.1);
    assert!(scheduler.measure_load(later(520)).fps.abs() < 0.1, "after {SILENT:?}");
}
