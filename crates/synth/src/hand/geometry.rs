//! Vectors and turns in space, and how one thing becomes another.
//!
//! Space is the camera's: x to the right of the picture, y down, z away from the camera. The unit is P, the distance
//! from the wrist to the knuckle of the middle finger.

/// A point or a direction.
pub(super) type Vector = [f32; 3];

pub(super) fn add(a: Vector, b: Vector) -> Vector {
    [a[0] + b[0], a[1] + b[1], a[2] + b[2]]
}

pub(super) fn sub(a: Vector, b: Vector) -> Vector {
    [a[0] - b[0], a[1] - b[1], a[2] - b[2]]
}

pub(super) fn scale(a: Vector, by: f32) -> Vector {
    a.map(|a| a * by)
}

pub(super) fn dot(a: Vector, b: Vector) -> f32 {
    a[0] * b[0] + a[1] * b[1] + a[2] * b[2]
}

pub(super) fn cross(a: Vector, b: Vector) -> Vector {
    [a[1] * b[2] - a[2] * b[1], a[2] * b[0] - a[0] * b[2], a[0] * b[1] - a[1] * b[0]]
}

pub(super) fn length(a: Vector) -> f32 {
    dot(a, a).sqrt()
}

/// The direction of `a`; of nothing, nothing.
pub(super) fn unit(a: Vector) -> Vector {
    scale(a, 1.0 / length(a).max(1e-6))
}

/// A turn in space: the three columns are where the axes go.
#[derive(Debug, Clone, Copy)]
pub(super) struct Turn([Vector; 3]);

impl Turn {
    /// From y towards z: what points up turns towards the camera.
    pub(super) fn about_x(angle: f32) -> Self {
        let (sin, cos) = angle.sin_cos();
        Self([[1.0, 0.0, 0.0], [0.0, cos, sin], [0.0, -sin, cos]])
    }

    /// From z towards x: what points right turns towards the camera.
    pub(super) fn about_y(angle: f32) -> Self {
        let (sin, cos) = angle.sin_cos();
        Self([[cos, 0.0, -sin], [0.0, 1.0, 0.0], [sin, 0.0, cos]])
    }

    /// From x towards y: clockwise on the screen.
    pub(super) fn about_z(angle: f32) -> Self {
        let (sin, cos) = angle.sin_cos();
        Self([[cos, sin, 0.0], [-sin, cos, 0.0], [0.0, 0.0, 1.0]])
    }

    pub(super) fn apply(&self, a: Vector) -> Vector {
        let [x, y, z] = self.0;
        add(add(scale(x, a[0]), scale(y, a[1])), scale(z, a[2]))
    }

    /// This turn, and then `next`.
    pub(super) fn then(&self, next: &Self) -> Self {
        Self(self.0.map(|axis| next.apply(axis)))
    }
}

/// What can be part one thing and part another.
pub(super) trait Mix: Copy {
    /// `self` at 0, `other` at 1.
    fn mix(&self, other: &Self, share: f32) -> Self;
}

impl Mix for f32 {
    fn mix(&self, other: &Self, share: f32) -> Self {
        self + (other - self) * share
    }
}

impl<T: Mix, const N: usize> Mix for [T; N] {
    fn mix(&self, other: &Self, share: f32) -> Self {
        std::array::from_fn(|i| self[i].mix(&other[i], share))
    }
}

/// How far a movement is after this share of its time: the profile of least jerk (Flash, Hogan: The coordination of
/// arm movements, J. Neurosci. 1985), whose fastest moment is 1.875 times as fast as its mean.
pub(super) fn least_jerk(share: f32) -> f32 {
    let s = share.clamp(0.0, 1.0);
    s * s * s * (10.0 + s * (6.0 * s - 15.0))
}

/// Something over time: it rests at each key and moves from key to key with least jerk.
#[derive(Debug, Clone)]
pub(super) struct Keys<T> {
    keys: Vec<(f32, T)>,
}

impl<T: Mix> Keys<T> {
    pub(super) fn new(first: T) -> Self {
        Self { keys: vec![(0.0, first)] }
    }

    /// Where the last key is.
    pub(super) fn last_value(&self) -> T {
        self.keys[self.keys.len() - 1].1
    }

    /// When the last key is.
    pub(super) fn end_time(&self) -> f32 {
        self.keys[self.keys.len() - 1].0
    }

    /// Rests where it is until this time, in seconds.
    pub(super) fn rest_until(&mut self, time: f32) {
        if time > self.end_time() {
            self.keys.push((time, self.last_value()));
        }
    }

    /// Moves to `next` within `seconds`, from the last key on.
    pub(super) fn move_to(&mut self, next: T, seconds: f32) {
        self.keys.push((self.end_time() + seconds.max(1e-3), next));
    }

    pub(super) fn value_at(&self, time: f32) -> T {
        let after = self.keys.partition_point(|key| key.0 <= time);
        match (after.checked_sub(1).map(|before| self.keys[before]), self.keys.get(after)) {
            (Some((from, a)), Some((to, b))) => a.mix(b, least_jerk((time - from) / (to - from))),
            (Some((_, a)), None) => a,
            (None, _) => self.keys[0].1,
        }
    }
}
