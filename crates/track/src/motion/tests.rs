use super::*;

const WIDTH: u32 = 320;
const HEIGHT: u32 = 240;
const FRAME: Duration = Duration::from_millis(100);

/// Numbers that look random and are the same each time (Marsaglia 2003).
struct Random(u32);

impl Random {
    fn next(&mut self) -> f32 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 17;
        self.0 ^= self.0 << 5;
        (self.0 >> 8) as f32 / (1_u32 << 24) as f32
    }
}

/// A camera before a textured wall.
struct World {
    wall: Vec<[f32; 3]>,
    random: Random,
    now: Instant,
    motion: Motion,
    noise: f32,
    width: u32,
    height: u32,
}

impl World {
    fn new(options: MotionOptions) -> Self {
        Self::of_size(options, WIDTH, HEIGHT)
    }

    fn of_size(options: MotionOptions, width: u32, height: u32) -> Self {
        let mut random = Random(7);
        let mut wall = vec![[120.0, 130.0, 125.0]; (width * height) as usize];
        for _ in 0..300 {
            let (x, y) = (random.next() * width as f32, random.next() * height as f32);
            let (w, h) = (4.0 + random.next() * 50.0, 4.0 + random.next() * 40.0);
            let colour = [0, 1, 2].map(|_| 60.0 + 120.0 * random.next());
            for row in y as u32..((y + h) as u32).min(height) {
                for column in x as u32..((x + w) as u32).min(width) {
                    wall[(row * width + column) as usize] = colour;
                }
            }
        }
        let motion = Motion::new(options);
        Self { wall, random, now: Instant::now(), motion, noise: 3.0, width, height }
    }

    /// The wall as `change` makes it look, with noise: (x, y, colour) to colour.
    fn picture(&mut self, change: impl Fn(u32, u32, [f32; 3]) -> [f32; 3]) -> Image {
        let mut image = Image::new(self.width, self.height);
        for (index, pixel) in image.data_mut().chunks_exact_mut(3).enumerate() {
            let (x, y) = (index as u32 % self.width, index as u32 / self.width);
            for (value, colour) in pixel.iter_mut().zip(change(x, y, self.wall[index])) {
                let noise = (self.random.next() + self.random.next() - 1.0) * 2.4 * self.noise;
                *value = (colour + noise).clamp(0.0, 255.0) as u8;
            }
        }
        image
    }

    fn show(&mut self, change: impl Fn(u32, u32, [f32; 3]) -> [f32; 3]) -> Vec<Detection> {
        let image = self.picture(change);
        self.now += FRAME;
        self.motion.update(self.now, &image)
    }

    /// The bare wall for a while.
    fn rest(&mut self, pictures: u32) {
        for index in 0..pictures {
            let found = self.show(|_, _, colour| colour);
            assert!(found.is_empty(), "picture {index}: {found:?}");
        }
    }
}

fn learned() -> World {
    let mut world = World::new(MotionOptions::default());
    world.rest(15);
    assert!(!world.motion.is_learning());
    world
}

/// A thing of 40×30 pixels with a light and a dark half, its upper left corner at x, y.
fn thing(left: u32, top: u32) -> impl Fn(u32, u32, [f32; 3]) -> [f32; 3] {
    move |x, y, wall| {
        if !(left..left + 40).contains(&x) || !(top..top + 30).contains(&y) {
            wall
        } else if y < top + 15 {
            [240.0, 235.0, 245.0]
        } else {
            [20.0, 15.0, 25.0]
        }
    }
}

fn assert_at(found: &[Detection], left: f32, top: f32, tolerance: f32) {
    let [one] = found else { panic!("one thing, not {found:?}") };
    let expected = [left, top, left + 40.0, top + 30.0];
    let edges = [one.rect.left, one.rect.top, one.rect.right, one.rect.bottom];
    assert!(edges.iter().zip(expected).all(|(a, b)| (a - b).abs() <= tolerance), "{edges:?} {expected:?}");
    assert!(one.class == 0 && one.confidence > 0.5 && one.confidence <= 1.0);
}

#[test]
fn a_moving_thing_is_found_at_its_place_and_nothing_where_it_was() {
    let mut world = learned();
    for step in 0..40 {
        let left = 20 + step * 6;
        let found = world.show(thing(left, 100));
        assert_at(&found, left as f32, 100.0, 2.0);
    }
    world.rest(20);
}

#[test]
fn in_a_large_picture_places_are_its_own_pixels() {
    let mut world = World::of_size(MotionOptions::default(), 1000, 640);
    for _ in 0..15 {
        world.show(|_, _, colour| colour);
    }
    // A cell is 4 pixels here.
    let big =
        |left: u32| move |x: u32, y: u32, wall: [f32; 3]| thing(0, 0)(x.wrapping_sub(left) / 4, y / 4, wall);
    for left in [100, 220, 840] {
        let found = world.show(big(left));
        let [one] = found[..] else { panic!("{found:?}") };
        let expected = [left as f32, 0.0, left as f32 + 160.0, 120.0];
        let edges = [one.rect.left, one.rect.top, one.rect.right, one.rect.bottom];
        assert!(edges.iter().zip(expected).all(|(a, b)| (a - b).abs() <= 8.0), "{edges:?} {expected:?}");
    }
}

#[test]
fn noise_alone_is_nothing() {
    for noise in [0.0, 2.0, 8.0] {
        let mut world = World::new(MotionOptions::default());
        world.noise = noise;
        world.rest(80);
    }
}

#[test]
fn two_things_are_two() {
    let mut world = learned();
    for step in 0..10 {
        let (a, b) = (thing(20 + step * 6, 40), thing(240 - step * 6, 150));
        let found = world.show(|x, y, wall| a(x, y, b(x, y, wall)));
        assert_eq!(found.len(), 2, "{found:?}");
    }
}

#[test]
fn light_that_changes_as_a_whole_is_nothing_and_things_are_found_in_it() {
    for (light, steps) in [(0.7, 1), (1.4, 1), (0.5, 20), (1.5, 20)] {
        let mut world = learned();
        let lit = |step: i32, colour: [f32; 3]| {
            let share = (step as f32 / steps as f32).min(1.0);
            colour.map(|value| value * (1.0 + (light - 1.0) * share))
        };
        for step in 0..40 {
            let found = world.show(|_, _, colour| lit(step, colour));
            assert!(found.is_empty(), "{light} in {steps}: {step}: {found:?}");
        }
        let found = world.show(|x, y, colour| thing(100, 100)(x, y, lit(steps, colour)));
        assert_at(&found, 100.0, 100.0, 2.0);
    }
}

#[test]
fn a_lamp_in_one_corner_is_nothing() {
    let mut world = learned();
    for step in 0..40 {
        let found = world.show(|x, y, colour| {
            let far = f32::midpoint(x as f32 / WIDTH as f32, y as f32 / HEIGHT as f32);
            let light = if step < 2 { 1.0 } else { 1.6 - 0.5 * far };
            colour.map(|value| value * light)
        });
        assert!(found.is_empty(), "{step}: {found:?}");
    }
}

#[test]
fn a_shadow_that_moves_is_nothing_unless_shadows_count() {
    let shadow = |left: u32| {
        move |x: u32, y: u32, wall: [f32; 3]| {
            let inside = (left..left + 60).contains(&x) && (80..140).contains(&y);
            if inside { wall.map(|value| value * 0.6) } else { wall }
        }
    };
    let mut world = learned();
    for step in 0..30 {
        let found = world.show(shadow(20 + step * 7));
        assert!(found.is_empty(), "{step}: {found:?}");
    }
    let mut world = World::new(MotionOptions { shadows: false, ..MotionOptions::default() });
    world.rest(15);
    assert_eq!(world.show(shadow(100)).len(), 1);
}

#[test]
fn the_shadow_of_a_thing_does_not_belong_to_it() {
    let mut world = learned();
    for step in 0..20 {
        let left = 40 + step * 8;
        let found = world.show(|x, y, wall| {
            let in_shadow = (left + 20..left + 100).contains(&x) && (125..140).contains(&y);
            let wall = if in_shadow { wall.map(|value| value * 0.6) } else { wall };
            thing(left, 100)(x, y, wall)
        });
        assert_at(&found, left as f32, 100.0, 6.0);
    }
}

#[test]
fn what_comes_to_rest_becomes_background_after_a_time_however_many_pictures_that_is() {
    for frame in [Duration::from_millis(50), Duration::from_millis(400)] {
        let mut world =
            World::new(MotionOptions { absorb: Duration::from_secs(8), ..MotionOptions::default() });
        let start = world.now;
        let mut gone = None;
        while world.now < start + Duration::from_secs(60) && gone.is_none() {
            // Old enough for nothing to be taken in early.
            let since = world.now.saturating_duration_since(start).as_secs_f32() - 20.0;
            let image =
                world.picture(|x, y, wall| if since > 0.0 { thing(60, 60)(x, y, wall) } else { wall });
            world.now += frame;
            let found = world.motion.update(world.now, &image);
            if since > 0.0 && found.is_empty() {
                gone = Some(since);
            }
        }
        let gone = gone.unwrap();
        assert!((7.5..9.5).contains(&gone), "{gone} s at {frame:?}");
        // What was behind it is remembered.
        let image = world.picture(|_, _, wall| wall);
        world.now += frame;
        world.motion.update(world.now, &image);
        world.now += frame;
        assert!(world.motion.update(world.now, &image).is_empty(), "at {frame:?}");
    }
}

#[test]
fn at_the_start_nothing_is_found_and_what_left_since_is_soon_forgotten() {
    let mut world = World::new(MotionOptions::default());
    for index in 0..9 {
        let found = world.show(thing(100 + index * 3, 100));
        assert!(found.is_empty() && world.motion.is_learning());
    }
    let mut left = 0;
    for step in 0..60 {
        left = if world.show(|_, _, wall| wall).is_empty() { left } else { step };
    }
    assert!(left < 40, "the place where it stood was found for {left} pictures");
}

#[test]
fn what_was_taken_for_background_and_leaves_is_not_found_for_long() {
    let mut world = World::new(MotionOptions::default());
    for _ in 0..100 {
        assert!(world.show(thing(100, 100)).is_empty());
    }
    let found: Vec<bool> = (0..30).map(|_| !world.show(|_, _, wall| wall).is_empty()).collect();
    let last = found.iter().rposition(|found| *found).unwrap_or(0);
    assert!(last < 12, "it was found for {last} pictures, 10 a second");
    // A person who comes and stays is found all the time.
    for _ in 0..50 {
        assert_at(&world.show(thing(200, 20)), 200.0, 20.0, 3.0);
    }
}

#[test]
fn a_thing_as_bright_as_the_wall_is_found_by_its_colour() {
    let mut world = World::new(MotionOptions::default());
    world.wall.fill([100.0, 100.0, 100.0]);
    world.rest(15);
    // The same grey by the weights of the three: bluer, and redder.
    for colour in [[160.0, 88.4, 100.0], [100.0, 79.5, 140.0]] {
        let found = world.show(|x, y, wall| {
            let inside = (100..140).contains(&x) && (60..90).contains(&y);
            if inside { colour } else { wall }
        });
        assert_at(&found, 100.0, 60.0, 2.0);
        world.rest(10);
    }
}

#[test]
fn another_picture_altogether_is_learned_anew() {
    let mut world = learned();
    let other = |x: u32, y: u32, _: [f32; 3]| {
        let light = ((x / 9 * 37 + y / 7 * 91) % 200) as f32;
        [light, 200.0 - light, light / 2.0]
    };
    for step in 0..30 {
        let found = world.show(other);
        assert!(found.is_empty(), "{step}: {found:?}");
    }
    let found = world.show(|x, y, wall| thing(200, 20)(x, y, other(x, y, wall)));
    assert_at(&found, 200.0, 20.0, 3.0);
}

#[test]
fn a_gate_is_open_while_it_learns_and_while_something_moves() {
    let mut world = World::new(MotionOptions::for_gate());
    let mut moving = |change: &dyn Fn(u32, u32, [f32; 3]) -> [f32; 3]| {
        let image = world.picture(change);
        world.now += FRAME;
        world.motion.is_moving(world.now, &image)
    };
    assert!(moving(&|_, _, wall| wall));
    for _ in 0..15 {
        moving(&|_, _, wall| wall);
    }
    assert!(!moving(&|_, _, wall| wall));
    assert!(moving(&thing(30, 30)));
    assert!(!moving(&|_, _, wall| wall));
}

#[test]
fn any_sequence_of_pictures_and_times_is_survived() {
    let mut random = Random(3);
    let mut motion = Motion::new(MotionOptions::default());
    let start = Instant::now();
    for _ in 0..300 {
        let side = |random: &mut Random| (random.next() * random.next() * 400.0) as u32;
        let size = if random.next() < 0.9 { (90, 50) } else { (side(&mut random), side(&mut random)) };
        let mut image = Image::new(size.0, size.1);
        let bright = random.next();
        image.data_mut().fill_with(|| (random.next() * bright * 255.0) as u8);
        // Now and then backwards, too.
        let now = start + Duration::from_secs_f32(random.next() * 100.0);
        for found in motion.update(now, &image) {
            let inside = found.rect.clamp_to(size.0, size.1);
            assert!(found.rect == inside && found.rect.area() > 0.0 && found.confidence.is_finite());
        }
    }
}
