//! Which way is taken of those that work.

use sightwire_models::Provider;
use sightwire_models::manifest::Precision;

use super::record::Outcome;
use crate::Plan;

/// The plain CPU provider comes with every library and holds half the memory, so another one is taken only where it needs
/// less than this part of its time.
const WORTH_A_LIBRARY: f64 = 0.95;
/// Another provider than the plain CPU's is taken only where it saves more than this many ms a run: a small network is no
/// reason to load OpenVINO (56 MB, docs/benchmarks.md).
const WORTH_A_LIBRARY_MS: f64 = 0.1;
/// bf16 is taken where it needs at most this part of the time at f32: less is not worth a difference in the results.
pub const WORTH_A_DIFFERENCE: f64 = 0.9;

/// Which precisions may be taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Allowed {
    /// f32, and nothing less precise.
    F32,
    /// bf16 where it is faster.
    Bf16IfFaster,
    /// bf16 wherever it works: somebody asked for it.
    Bf16,
}

/// Of `ways`, the usual one first, the fastest that is allowed. Ways of which nothing is known are not taken as long as one
/// is known to work; without any such, f32 on the plain CPU is the safest. `None` if all that are allowed failed.
pub(crate) fn choose_plan<'a>(
    ways: &[Plan],
    outcome: impl Fn(&Plan) -> Option<&'a Outcome>,
    allowed: Allowed,
) -> Option<Plan> {
    let works = |way: &&Plan| outcome(way).is_some_and(Outcome::is_usable);
    let time = |way: &Plan| match outcome(way) {
        Some(Outcome::Took(ms)) => Some(*ms),
        _ => None,
    };
    let of = |precision: Precision| ways.iter().filter(move |way| way.precision == precision).filter(works);
    let usual = of(Precision::F32).next().copied();
    let plain = of(Precision::F32).find(|way| way.provider == Provider::Cpu).copied();
    let best = match (usual, plain) {
        // A GPU is taken to leave the cores to others.
        (Some(usual), Some(plain)) if usual.provider != Provider::Cuda => {
            let times = time(&usual).zip(time(&plain));
            let plain_will_do = times.is_some_and(|(usual, plain)| {
                usual >= plain * WORTH_A_LIBRARY || plain - usual <= WORTH_A_LIBRARY_MS
            });
            Some(if plain_will_do { plain } else { usual })
        }
        (usual, _) => usual,
    };
    let half = of(Precision::Bf16).next().copied();
    let taken = match (allowed, best, half) {
        (Allowed::F32, best, _) | (_, best, None) => best,
        (Allowed::Bf16IfFaster, Some(full), _) if full.provider == Provider::Cuda => best,
        (Allowed::Bf16, _, half) | (_, None, half) => half,
        (Allowed::Bf16IfFaster, Some(full), Some(half)) => {
            let times = time(&half).zip(time(&full));
            let faster = times.is_some_and(|(half, full)| half <= full * WORTH_A_DIFFERENCE);
            Some(if faster { half } else { full })
        }
    };
    taken.or_else(|| {
        let untried = ways.iter().filter(|way| way.precision == Precision::F32 && outcome(way).is_none());
        untried.clone().find(|way| way.provider == Provider::Cpu).or(untried.clone().next()).copied()
    })
}

/// Whether there is nothing to be tried any more.
pub(crate) fn is_settled<'a>(ways: &[Plan], outcome: impl Fn(&Plan) -> Option<&'a Outcome>) -> bool {
    let first = ways.first().filter(|way| way.provider == Provider::Cuda);
    if first.is_some_and(|way| outcome(way).is_some_and(Outcome::is_usable)) {
        return true;
    }
    ways.iter().all(|way| outcome(way).is_some_and(|outcome| *outcome != Outcome::Ran))
}

#[cfg(test)]
mod tests {
    use super::*;

    const OPENVINO: Plan = Plan { provider: Provider::OpenVino, precision: Precision::F32 };
    const HALF: Plan = Plan { provider: Provider::OpenVino, precision: Precision::Bf16 };
    const CPU: Plan = Plan { provider: Provider::Cpu, precision: Precision::F32 };
    const CUDA: Plan = Plan { provider: Provider::Cuda, precision: Precision::F32 };

    fn chosen(known: &[(Plan, Outcome)], allowed: Allowed) -> Option<Plan> {
        let outcome = |way: &Plan| known.iter().find(|(plan, _)| plan == way).map(|(_, outcome)| outcome);
        choose_plan(&[OPENVINO, CPU, HALF], outcome, allowed)
    }

    fn took(openvino: f64, cpu: f64, half: f64) -> [(Plan, Outcome); 3] {
        [(OPENVINO, Outcome::Took(openvino)), (CPU, Outcome::Took(cpu)), (HALF, Outcome::Took(half))]
    }

    #[test]
    fn the_fastest_that_is_allowed_is_taken() {
        let faster = Allowed::Bf16IfFaster;
        // Measured on a CPU whose bf16 is slow: PP-OCRv4's finder of lines, wlasl20, yolox-nano.
        assert_eq!(chosen(&took(78.0, 167.0, 114.0), faster), Some(OPENVINO));
        assert_eq!(chosen(&took(5.6, 5.0, 8.6), faster), Some(CPU));
        assert_eq!(chosen(&took(15.5, 12.2, 16.5), Allowed::F32), Some(CPU));
        // And on one whose bf16 is fast.
        assert_eq!(chosen(&took(37.0, 45.0, 15.7), faster), Some(HALF));
        assert_eq!(chosen(&took(37.0, 45.0, 15.7), Allowed::F32), Some(OPENVINO));
        assert_eq!(chosen(&took(15.0, 20.0, 15.7), Allowed::Bf16), Some(HALF), "asked for by name");
    }

    #[test]
    fn a_small_gain_is_worth_neither_a_library_nor_a_difference() {
        assert_eq!(chosen(&took(9.7, 10.0, 9.5), Allowed::Bf16IfFaster), Some(CPU));
        assert_eq!(chosen(&took(9.0, 10.0, 8.5), Allowed::Bf16IfFaster), Some(OPENVINO));
        // The built-in model's head.
        assert_eq!(chosen(&took(0.09, 0.15, 0.09), Allowed::F32), Some(CPU));
        assert_eq!(chosen(&took(0.30, 0.45, 0.30), Allowed::F32), Some(OPENVINO));
    }

    #[test]
    fn what_failed_is_not_taken_and_the_next_is() {
        let died = || Outcome::Died("SIGILL".into());
        let mut known = took(37.0, 45.0, 15.7);
        known[2].1 = died();
        assert_eq!(chosen(&known, Allowed::Bf16IfFaster), Some(OPENVINO));
        assert_eq!(chosen(&known, Allowed::Bf16), Some(OPENVINO));
        known[0].1 = Outcome::Hung(60.0);
        assert_eq!(chosen(&known, Allowed::Bf16), Some(CPU));
        known[1].1 = Outcome::Refused("no".into());
        assert_eq!(chosen(&known, Allowed::Bf16), None);
        // What works and is not allowed is not a way out.
        known[2].1 = Outcome::Took(15.7);
        assert_eq!(chosen(&known, Allowed::F32), None);
        assert_eq!(chosen(&known, Allowed::Bf16IfFaster), Some(HALF));
    }

    #[test]
    fn before_all_is_measured_what_is_known_to_work_is_taken_at_f32() {
        assert_eq!(chosen(&[], Allowed::Bf16IfFaster), Some(CPU), "the safest, where nothing could be tried");
        assert_eq!(chosen(&[(OPENVINO, Outcome::Ran)], Allowed::Bf16IfFaster), Some(OPENVINO));
        let first_died = [(OPENVINO, Outcome::Died("SIGSEGV".into()))];
        assert_eq!(chosen(&first_died, Allowed::F32), Some(CPU), "not known, but not dead");
        let known = [first_died[0].clone(), (CPU, Outcome::Ran)];
        assert_eq!(chosen(&known, Allowed::Bf16IfFaster), Some(CPU));
    }

    #[test]
    fn a_gpu_that_works_is_taken_without_a_race() {
        let known = [(CUDA, Outcome::Took(2.0)), (CPU, Outcome::Took(0.1)), (HALF, Outcome::Took(0.1))];
        let outcome = |way: &Plan| known.iter().find(|(plan, _)| plan == way).map(|(_, outcome)| outcome);
        assert_eq!(choose_plan(&[CUDA, CPU, HALF], outcome, Allowed::Bf16IfFaster), Some(CUDA));
        assert!(is_settled(&[CUDA, CPU], outcome));
        assert!(!is_settled(&[OPENVINO, CPU], outcome));
    }
}
