//! Which process is to read a camera: all choose the same, and when one comes or goes only its own cameras move (weighted
//! rendezvous hashing).

use std::cmp::Ordering;

/// The name of the process that is to have it, among those with their weights; `None` where there are none.
pub(crate) fn choose_process<'a>(what: &str, among: impl Iterator<Item = (&'a str, f64)>) -> Option<&'a str> {
    let scored = among.map(|(name, weight)| (process_score(what, name, weight), name));
    // Of two that are equal the same one everywhere.
    let best = scored.max_by(|a, b| a.0.partial_cmp(&b.0).unwrap_or(Ordering::Equal).then(b.1.cmp(a.1)));
    best.map(|(_, name)| name)
}

/// Higher for one who is to have it. Each gets a share that follows its weight.
fn process_score(what: &str, name: &str, weight: f64) -> f64 {
    let share = (hash(what, name) >> 11) as f64 + 0.5;
    -weight.max(f64::MIN_POSITIVE) / (share / (1_u64 << 53) as f64).ln()
}

/// The same in every process and version: FNV-1a, mixed until each bit depends on all.
fn hash(what: &str, name: &str) -> u64 {
    let bytes = what.bytes().chain([0]).chain(name.bytes());
    let mut hash = bytes.fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3)
    });
    for factor in [0xbf58_476d_1ce4_e5b9, 0x94d0_49bb_1331_11eb] {
        hash = (hash ^ (hash >> 30)).wrapping_mul(factor);
    }
    hash ^ (hash >> 31)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shares(weights: &[(&str, f64)]) -> Vec<usize> {
        let mut counts = vec![0; weights.len()];
        for camera in 0..3000 {
            let chosen = choose_process(&format!("camera-{camera}"), weights.iter().copied());
            counts[weights.iter().position(|(name, _)| Some(*name) == chosen).unwrap()] += 1;
        }
        counts
    }

    #[test]
    fn shares_follow_the_weights() {
        for (count, expected) in
            shares(&[("a", 1.0), ("b", 1.0), ("c", 4.0)]).into_iter().zip([500, 500, 2000])
        {
            assert!((expected * 9 / 10..=expected * 11 / 10).contains(&count), "{count} of {expected}");
        }
    }

    #[test]
    fn when_one_goes_only_its_own_move() {
        let (all, rest) = ([("a", 1.0), ("b", 2.0), ("c", 1.0)], [("a", 1.0), ("b", 2.0)]);
        for camera in 0..500 {
            let camera = format!("camera-{camera}");
            let before = choose_process(&camera, all.into_iter());
            if before != Some("c") {
                assert_eq!(choose_process(&camera, rest.into_iter()), before, "{camera}");
            }
        }
    }

    #[test]
    fn the_choice_is_the_same_everywhere_and_stays_so() {
        let names = [("a", 1.0), ("b", 1.0), ("c", 1.0)];
        let chosen =
            ["gate", "yard", "hall", "door"].map(|camera| choose_process(camera, names.into_iter()).unwrap());
        let reversed = ["gate", "yard", "hall", "door"]
            .map(|camera| choose_process(camera, names.into_iter().rev()).unwrap());
        assert_eq!(chosen, reversed);
        assert_eq!(chosen.concat(), "cbbb");
        assert_eq!(choose_process("gate", std::iter::empty()), None);
    }
}
