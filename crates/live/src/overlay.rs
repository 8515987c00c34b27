//! What old viewers draw over a picture: points of bodies and hands, the lines between them, and the axes at a head.
//!
//! The prototype's viewer knows ids, types and colours of `MediaPipe`'s pose, and draws anything else in green.

use sightwire_api::relay::{HeadPoseAxes, HeadPoseAxis, Landmark, PixelPoint};
use sightwire_api::sign::Shoulders;
use sightwire_hands::BONES;
use sightwire_hands::pose::UPPER_BODY;

use crate::bodies::SeenBody;
use crate::hands::Sighted;

/// Type and colour of each joint, in the order of [`UPPER_BODY`].
const JOINTS: [(&str, &str); UPPER_BODY.len()] = [
    ("nose", "green"),
    ("left_eye", "cyan"),
    ("right_eye", "cyan"),
    ("left_shoulder", "red"),
    ("right_shoulder", "red"),
    ("left_elbow", "green"),
    ("right_elbow", "green"),
    ("left_wrist", "green"),
    ("right_wrist", "green"),
];
/// Ids of joints that are joined by lines.
const LINES: [[u16; 2]; 9] =
    [[0, 2], [0, 5], [2, 11], [5, 12], [11, 12], [11, 13], [13, 15], [12, 14], [14, 16]];
/// Places in [`UPPER_BODY`].
const NOSE: usize = 0;
const LEFT_SHOULDER: usize = 3;
const RIGHT_SHOULDER: usize = 4;
/// Ids beyond all of those.
const FIRST_OF_HANDS: u16 = 100;
/// Length of the axis at the nose, in shares of the picture's height: 50 pixels of 360.
const UP: f32 = 50.0 / 360.0;

/// Points, pairs of their ids that are joined by lines, and axes.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Drawn {
    /// Those of a body, and then all hands.
    pub landmarks: Vec<Landmark>,
    /// Of landmarks that are there, both.
    pub connections: Vec<[u16; 2]>,
    /// Where nose and shoulders are seen.
    pub axes: Option<HeadPoseAxes>,
}

/// What was seen of a body and of hands. A body's shoulders come before those that were found beside hands.
pub fn build_overlay(body: Option<&SeenBody>, hands: Option<&Sighted>) -> Drawn {
    let mut drawn = Drawn::default();
    if let Some(SeenBody { pose: Some(pose), width, height, scale }) = body {
        let size = [*width, *height];
        let inside =
            |[x, y]: &[f32; 2]| (0.0..=*width as f32).contains(x) && (0.0..=*height as f32).contains(y);
        let joints = pose.joints.map(|joint| joint.filter(inside));
        for ((joint, id), (kind, colour)) in joints.iter().zip(UPPER_BODY).zip(JOINTS) {
            drawn.landmarks.extend(joint.map(|at| make_landmark(id as u16, kind, colour, at, size)));
        }
        let has = |id: u16| drawn.landmarks.iter().any(|landmark| landmark.id == id);
        drawn.connections.extend(LINES.iter().filter(|[from, to]| has(*from) && has(*to)));
        if let (Some(nose), Some(left), Some(right)) =
            (joints[NOSE], joints[LEFT_SHOULDER], joints[RIGHT_SHOULDER])
        {
            let sent = |[x, y]: [f32; 2]| [x * scale, y * scale];
            drawn.axes = Some(head_axes(sent(nose), sent(left), sent(right), *height as f32 * scale));
        }
    }
    if let Some(sight) = hands.and_then(Sighted::sight) {
        let size = [sight.width, sight.height];
        for (seen, first) in sight.sight.hands.iter().zip((FIRST_OF_HANDS..).step_by(21)) {
            drawn
                .connections
                .extend(BONES.iter().map(|(from, to)| [first + *from as u16, first + *to as u16]));
            let joints = seen.hand.points.iter().zip(first..);
            drawn
                .landmarks
                .extend(joints.map(|([x, y, _], id)| make_landmark(id, "hand", "cyan", [*x, *y], size)));
        }
        if let (None, Some(Shoulders { left, right })) = (body, sight.sight.shoulders) {
            for (place, at) in [(LEFT_SHOULDER, left), (RIGHT_SHOULDER, right)] {
                let (kind, colour) = JOINTS[place];
                drawn.landmarks.push(make_landmark(UPPER_BODY[place] as u16, kind, colour, at, size));
            }
            drawn.connections.push([UPPER_BODY[LEFT_SHOULDER] as u16, UPPER_BODY[RIGHT_SHOULDER] as u16]);
        }
    }
    drawn
}

fn make_landmark(id: u16, kind: &str, colour: &str, at: [f32; 2], size: [u32; 2]) -> Landmark {
    let share = |axis: usize| (f64::from(at[axis]) / f64::from(size[axis].max(1)) * 1e4).round() / 1e4;
    Landmark { color: colour.to_owned(), id, kind: kind.to_owned(), x: share(0), y: share(1) }
}

/// As the prototype has them, whose z axis ends at the left shoulder.
fn head_axes(nose: [f32; 2], left: [f32; 2], right: [f32; 2], height: f32) -> HeadPoseAxes {
    let px = |value: f32| (f64::from(value) * 10.0).round() / 10.0;
    let axis = |[x, y]: [f32; 2], colour: &str| HeadPoseAxis { color: colour.to_owned(), x: px(x), y: px(y) };
    let above = [nose[0], nose[1] - UP * height];
    HeadPoseAxes {
        origin: PixelPoint { x: px(nose[0]), y: px(nose[1]) },
        x_axis: axis(right, "red"),
        y_axis: axis(above, "green"),
        z_axis: axis(left, "blue"),
    }
}

#[cfg(test)]
mod tests {
    use sightwire_hands::pose::Pose;
    use sightwire_hands::region::Region;

    use super::*;

    fn body(joints: [Option<[f32; 2]>; UPPER_BODY.len()]) -> SeenBody {
        let next = Region::whole_picture(640, 360);
        SeenBody {
            pose: Some(Pose { presence: 0.9, joints, shoulders: None, next }),
            width: 640,
            height: 360,
            scale: 1.0,
        }
    }

    #[test]
    fn a_body_is_drawn_as_the_prototype_did() {
        let places = [
            [320.0, 90.0],
            [340.0, 80.0],
            [300.0, 80.0],
            [400.0, 200.0],
            [240.0, 200.0],
            [450.0, 300.0],
            [190.0, 300.0],
            [460.0, 350.0],
            [180.0, 350.0],
        ];
        let Drawn { landmarks, connections, axes } = build_overlay(Some(&body(places.map(Some))), None);
        let ids: Vec<_> = landmarks.iter().map(|mark| (mark.id, &*mark.kind, &*mark.color)).collect();
        let expected = [
            (0, "nose", "green"),
            (2, "left_eye", "cyan"),
            (5, "right_eye", "cyan"),
            (11, "left_shoulder", "red"),
            (12, "right_shoulder", "red"),
            (13, "left_elbow", "green"),
            (14, "right_elbow", "green"),
            (15, "left_wrist", "green"),
            (16, "right_wrist", "green"),
        ];
        assert_eq!(ids, expected);
        assert_eq!((landmarks[0].x, landmarks[0].y, landmarks[3].x), (0.5, 0.25, 0.625));
        assert_eq!(connections, LINES);
        // A frame that was decoded to half of its sides.
        let half = SeenBody { scale: 2.0, ..body(places.map(Some)) };
        let large = build_overlay(Some(&half), None).axes.unwrap();
        assert_eq!((large.origin.x, large.origin.y, large.y_axis.y), (640.0, 180.0, 80.0));
        let axes = axes.unwrap();
        assert_eq!((axes.origin.x, axes.origin.y), (320.0, 90.0));
        assert_eq!((axes.x_axis.x, axes.x_axis.y, &*axes.x_axis.color), (240.0, 200.0, "red"));
        assert_eq!((axes.y_axis.x, axes.y_axis.y, &*axes.y_axis.color), (320.0, 40.0, "green"));
        assert_eq!((axes.z_axis.x, axes.z_axis.y, &*axes.z_axis.color), (400.0, 200.0, "blue"));
    }

    #[test]
    fn what_is_hidden_or_outside_is_not_drawn_nor_any_line_to_it() {
        let mut joints = [None; UPPER_BODY.len()];
        joints[NOSE] = Some([320.0, 90.0]);
        joints[1] = Some([340.0, 80.0]);
        joints[LEFT_SHOULDER] = Some([400.0, 200.0]);
        joints[RIGHT_SHOULDER] = Some([-3.0, 200.0]);
        let Drawn { landmarks, connections, axes } = build_overlay(Some(&body(joints)), None);
        assert_eq!(landmarks.iter().map(|mark| mark.id).collect::<Vec<_>>(), [0, 2, 11]);
        assert_eq!((connections, axes), (vec![[0, 2], [2, 11]], None));
        let nobody = SeenBody { pose: None, width: 640, height: 360, scale: 1.0 };
        assert_eq!(build_overlay(Some(&nobody), None), Drawn::default());
        assert_eq!(build_overlay(None, None), Drawn::default());
    }
}
