//! Turns, far past capacity.

use super::*;

/// After a minute, when all have had some turns, on until each has this many predictions on average.
fn on_until(simulation: &mut Simulation, predictions: usize) -> Duration {
    simulation.run(Duration::from_secs(60));
    simulation.predictions.iter_mut().for_each(Vec::clear);
    let begin = simulation.clock;
    let all = predictions * simulation.clients.len();
    while simulation.predictions.iter().map(Vec::len).sum::<usize>() < all {
        simulation.run(Duration::from_millis(200));
    }
    simulation.clock.duration_since(begin)
}

/// The longest time that a client was without a prediction.
fn longest_wait(simulation: &Simulation) -> Duration {
    let gaps = simulation.predictions.iter().flat_map(|all| all.windows(2).map(|two| two[1].1 - two[0].1));
    gaps.max().unwrap_or_default()
}

#[test]
fn far_past_capacity_most_frames_of_a_turn_give_a_prediction_and_all_get_as_many() {
    // A turn has six windows, but for 320 clients, where 280 wait and would wait for longer than 15 s.
    for (times, of_a_turn, least, within) in [(2, 51, 0.8, 0.05), (4, 51, 0.8, 0.1), (8, 43, 0.75, 0.12)] {
        let clients = 40 * times;
        let mut simulation = Simulation::new(clients, 2, COST);
        let length = on_until(&mut simulation, 10 * of_a_turn);
        let (rate, longest) = (simulation.predictions_per_s(length), longest_wait(&simulation));
        let counts = || simulation.predictions.iter().map(Vec::len);
        let (min, max) = (counts().min().unwrap_or_default(), counts().max().unwrap_or_default());
        println!(
            "{clients} clients: {rate:.0} predictions/s, {min} to {max} each, longest without {longest:?}"
        );
        assert!(rate > least * 1000.0, "{clients} clients: {rate} predictions/s");
        let share = |count: usize| (count as f64 / (10 * of_a_turn) as f64 - 1.0).abs();
        assert!(share(min).max(share(max)) < within, "{clients} clients: {min} to {max} in ten rounds");
        assert!(longest < Duration::from_secs(17), "{clients} clients: {longest:?}");
    }
}

#[test]
fn turns_are_shorter_where_others_would_wait_too_long() {
    for (max_wait, least, most) in [(15, 0.75, 17.0), (6, 0.5, 7.5), (4, 0.25, 5.5)] {
        let mut simulation = Simulation::new(320, 2, COST);
        simulation.scheduler.options.turn_wait = Duration::from_secs(max_wait);
        let length = on_until(&mut simulation, 100);
        let (rate, longest) = (simulation.predictions_per_s(length), longest_wait(&simulation));
        println!("at most {max_wait} s: {rate:.0} predictions/s, longest without {longest:?}");
        assert!(rate > least * 1000.0, "{rate} predictions/s");
        assert!(longest.as_secs_f32() < most, "{longest:?}");
    }
}

#[test]
fn a_turn_that_was_cut_short_is_no_turn() {
    let mut simulation = Simulation::new(3, 1, COST);
    let [a, b, c] = [simulation.clients[0], simulation.clients[1], simulation.clients[2]];
    let scheduler = &mut simulation.scheduler;
    let begin = simulation.clock;
    let at = |ms| begin + Duration::from_millis(ms);
    // b and c begin to wait after a did.
    scheduler.push(at(0), a, 0);
    for id in [b, c] {
        scheduler.clients.get_mut(&id).unwrap().phase = Phase::Waiting { since: at(5), patient_since: at(5) };
    }
    scheduler.end_run(at(10), a);
    let since = |scheduler: &Scheduler<u64, Seen>, id| match scheduler.clients[&id].phase {
        Phase::Waiting { since, .. } => since,
        Phase::Running { .. } => panic!("it runs"),
    };
    assert!(since(scheduler, a) < since(scheduler, b), "it goes before who came meanwhile");
    assert_eq!(scheduler.longest_wait(at(20)), Duration::from_millis(20), "of those that send");
}

#[test]
fn who_is_cut_short_again_and_again_gives_way_in_the_end() {
    let mut simulation = Simulation::new(2, 1, COST);
    let [greedy, _] = [simulation.clients[0], simulation.clients[1]];
    let scheduler = &mut simulation.scheduler;
    let (begin, mut runs) = (simulation.clock, 0);
    let cut = |scheduler: &mut Scheduler<u64, Seen>, at: Instant| {
        scheduler.clients.get_mut(&greedy).unwrap().phase =
            Phase::Running { waited_since: begin, accepted: 30, analysed: 30, missed: false };
        scheduler.end_run(at, greedy);
        matches!(scheduler.clients[&greedy].phase, Phase::Waiting { since, .. } if since == begin)
    };
    while cut(scheduler, begin + Duration::from_secs(1)) {
        runs += 1;
        assert!(runs < 10, "it is first in line for ever");
    }
    assert_eq!(runs, 1, "30 frames are less than half a turn, 60 are not");
}
