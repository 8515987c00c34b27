//! What generated clips promise.

#![allow(clippy::unwrap_used, reason = "what a helper cannot do fails its test")]

use sightwire_synth::sample::{Clip, FRAMES, Gesture};

#[test]
fn a_clip_is_the_same_every_time_and_another_with_another_seed() {
    for gesture in Gesture::ALL {
        let clip = Clip::new(gesture, 7, 64, 48);
        assert_eq!(clip.frame(3), Clip::new(gesture, 7, 64, 48).frame(3), "{gesture}");
        assert_ne!(clip.frame(3), Clip::new(gesture, 8, 64, 48).frame(3), "{gesture}");
        assert_ne!(clip.frame(3), clip.frame(4), "{gesture}: a camera's frames are never quite equal");
        assert_eq!((clip.frame(0).width(), clip.frame(0).height()), (64, 48));
    }
}

#[test]
fn every_gesture_is_found_by_its_name() {
    for gesture in Gesture::ALL {
        assert_eq!(gesture.name().parse(), Ok(gesture));
        assert_eq!(gesture.to_string(), gesture.name());
    }
    let error = "shrug".parse::<Gesture>().unwrap_err().to_string();
    assert!(error.contains("shrug") && error.contains("wave"), "{error}");
}

#[test]
fn clips_of_odd_sizes_and_late_frames_are_drawn() {
    for gesture in Gesture::ALL {
        for (width, height) in [(0, 0), (1, 1), (3, 200), (200, 3)] {
            let clip = Clip::new(gesture, 1, width, height);
            for index in [0, FRAMES, 100_000, u32::MAX] {
                assert_eq!(clip.frame(index).data().len(), (width.max(1) * height.max(1) * 3) as usize);
            }
        }
    }
}
