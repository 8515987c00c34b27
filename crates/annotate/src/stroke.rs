//! Smooth lines whose width and opacity change along the way.

use super::Colour;
use super::colour::blend_pixel;
use sightwire_frame::Image;

/// A corner of a line.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Node {
    /// Pixels from the picture's left edge.
    pub x: f32,
    /// Pixels from the picture's upper edge.
    pub y: f32,
    /// Width of the line here, pixels.
    pub width: f32,
    /// 0 (invisible) to 1.
    pub opacity: f32,
}

/// Draws lines with anti-aliased edges and round ends. Keeps its memory between lines.
#[derive(Debug, Default)]
pub struct Stroker {
    segments: Vec<Segment>,
    /// Segments that reach the row at hand.
    active: Vec<usize>,
    /// How much of each pixel of the row at hand is covered, 0 to 1. All zero between rows.
    cover: Vec<f32>,
}

/// A piece of a line that reaches the picture.
#[derive(Clone, Copy, Debug)]
struct Segment {
    x: f32,
    y: f32,
    dx: f32,
    dy: f32,
    /// 1 / length², 0 for a dot.
    per_length2: f32,
    radius: f32,
    radius_more: f32,
    opacity: f32,
    opacity_more: f32,
    /// The largest radius, and the width of the smooth edge.
    reach: f32,
    first_row: usize,
    last_row: usize,
}

/// Wider lines than this are not drawn wider.
const MOST_WIDTH: f32 = 256.0;

impl Stroker {
    /// A stroker without memory yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// Draws the line through the nodes. Where the line crosses itself it is not darker. A node that is not finite
    /// leaves a gap.
    pub fn stroke(&mut self, image: &mut Image, nodes: impl IntoIterator<Item = Node>, colour: Colour) {
        let (width, height) = (image.width(), image.height());
        if image.is_empty() {
            return;
        }
        self.segments.clear();
        let mut previous: Option<Node> = None;
        for node in nodes {
            let sound = [node.x, node.y, node.width, node.opacity].iter().all(|value| value.is_finite());
            let node = Some(node).filter(|_| sound);
            if let (Some(from), Some(to)) = (previous, node) {
                self.segments.extend(Segment::new(from, to, width, height));
            }
            previous = node;
        }
        self.segments.sort_unstable_by_key(|segment| segment.first_row);
        self.paint(image, colour);
    }

    /// Row by row, so that the scratch memory is one row and pixels that several segments cover are laid once.
    fn paint(&mut self, image: &mut Image, colour: Colour) {
        let Some(mut row) = self.segments.first().map(|segment| segment.first_row) else {
            return;
        };
        let width = image.width() as usize;
        if self.cover.len() < width {
            self.cover.resize(width, 0.0);
        }
        self.active.clear();
        let mut next = 0;
        loop {
            while self.segments.get(next).is_some_and(|segment| segment.first_row <= row) {
                self.active.push(next);
                next += 1;
            }
            let segments = &self.segments;
            self.active.retain(|&index| segments[index].last_row >= row);
            if self.active.is_empty() {
                match self.segments.get(next) {
                    Some(segment) => row = segment.first_row,
                    None => return,
                }
                continue;
            }
            let (mut from, mut to) = (width, 0);
            for &index in &self.active {
                let (first, end) = self.segments[index].cover_row(row, &mut self.cover[..width]);
                (from, to) = (from.min(first), to.max(end));
            }
            if from < to {
                let start = row * width * 3;
                let pixels = image.data_mut()[start + from * 3..start + to * 3].chunks_exact_mut(3);
                for (pixel, cover) in pixels.zip(&mut self.cover[from..to]) {
                    let alpha = (std::mem::take(cover) * 256.0 + 0.5) as u32;
                    if alpha > 0 {
                        blend_pixel(pixel, colour.bgr(), alpha);
                    }
                }
            }
            row += 1;
        }
    }
}

impl Segment {
    /// The part that the picture shows, if any.
    fn new(from: Node, to: Node, width: u32, height: u32) -> Option<Self> {
        if from.opacity <= 0.0 && to.opacity <= 0.0 {
            return None;
        }
        let radii = [from, to].map(|node| node.width.clamp(0.0, MOST_WIDTH) / 2.0);
        let opacities = [from, to].map(|node| node.opacity.clamp(0.0, 1.0));
        let reach = radii[0].max(radii[1]) + 0.5;
        // In f64, where no finite f32 overflows.
        let (x, y) = (f64::from(from.x), f64::from(from.y));
        let (dx, dy) = (f64::from(to.x) - x, f64::from(to.y) - y);
        let (mut start, mut end) = (0.0f64, 1.0f64);
        let margin = f64::from(reach) + 1.0;
        for (from, by, size) in [(x, dx, width), (y, dy, height)] {
            let (low, high) = (-margin - from, f64::from(size) + margin - from);
            if by == 0.0 {
                if low > 0.0 || high < 0.0 {
                    return None;
                }
                continue;
            }
            let (one, two) = (low / by, high / by);
            start = start.max(one.min(two));
            end = end.min(one.max(two));
        }
        if start > end {
            return None;
        }
        let along = |[from, to]: [f32; 2], t: f64| from + (to - from) * t as f32;
        let (x0, y0) = ((x + dx * start) as f32, (y + dy * start) as f32);
        let (dx, dy) = ((dx * (end - start)) as f32, (dy * (end - start)) as f32);
        let (top, bottom) = (y0.min(y0 + dy) - reach, y0.max(y0 + dy) + reach);
        if bottom < 0.0 || top >= height as f32 {
            return None;
        }
        let length2 = dx * dx + dy * dy;
        Some(Self {
            x: x0,
            y: y0,
            dx,
            dy,
            per_length2: if length2 > 1e-12 { 1.0 / length2 } else { 0.0 },
            radius: along(radii, start),
            radius_more: along(radii, end) - along(radii, start),
            opacity: along(opacities, start),
            opacity_more: along(opacities, end) - along(opacities, start),
            reach,
            first_row: top.max(0.0) as usize,
            last_row: (bottom as usize).min(height as usize - 1),
        })
    }

    /// Raises `cover` to what the segment covers of that row; the columns that it may have touched.
    fn cover_row(&self, row: usize, cover: &mut [f32]) -> (usize, usize) {
        let y = row as f32 + 0.5 - self.y;
        // Where on the segment the row can see it: its whole length for one that is level.
        let (mut one, mut two) = (0.0, 1.0);
        if self.dy.abs() > 1e-6 {
            let (low, high) = ((y - self.reach) / self.dy, (y + self.reach) / self.dy);
            one = low.min(high).clamp(0.0, 1.0);
            two = low.max(high).clamp(0.0, 1.0);
        }
        let (one, two) = (self.dx * one, self.dx * two);
        // `as` makes 0 of what is negative.
        let first = ((self.x + one.min(two) - self.reach) as usize).min(cover.len());
        let end = ((self.x + one.max(two) + self.reach + 1.0) as usize).clamp(first, cover.len());
        let from = first as f32 + 0.5 - self.x;
        // Free of branches, so that the compiler takes several pixels at once.
        for (column, cover) in cover[first..end].iter_mut().enumerate() {
            let x = from + column as i32 as f32;
            let t = ((x * self.dx + y * self.dy) * self.per_length2).clamp(0.0, 1.0);
            let (off_x, off_y) = (x - self.dx * t, y - self.dy * t);
            let outside = (off_x * off_x + off_y * off_y).sqrt() - (self.radius + self.radius_more * t);
            let here = (0.5 - outside).clamp(0.0, 1.0) * (self.opacity + self.opacity_more * t);
            *cover = if here > *cover { here } else { *cover };
        }
        (first, end)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn node(x: f32, y: f32, width: f32, opacity: f32) -> Node {
        Node { x, y, width, opacity }
    }

    fn stroked(width: u32, height: u32, nodes: &[Node]) -> Image {
        let mut image = Image::new(width, height);
        Stroker::new().stroke(&mut image, nodes.iter().copied(), Colour::WHITE);
        image
    }

    fn level(image: &Image, x: u32, y: u32) -> u8 {
        image.data()[((y * image.width() + x) * 3) as usize]
    }

    #[test]
    fn a_line_covers_its_pixels_and_its_edge_is_smooth() {
        let image = stroked(20, 20, &[node(0.0, 10.0, 2.0, 1.0), node(20.0, 10.0, 2.0, 1.0)]);
        for x in 0..20 {
            let column = [7, 8, 9, 10, 11, 12].map(|y| level(&image, x, y));
            assert_eq!(column, [0, 0, 255, 255, 0, 0], "column {x}");
        }
        let image = stroked(20, 20, &[node(0.0, 10.5, 2.0, 1.0), node(20.0, 10.5, 2.0, 1.0)]);
        let column = [8, 9, 10, 11, 12].map(|y| level(&image, 10, y));
        assert_eq!(column, [0, 128, 255, 128, 0]);
    }

    #[test]
    fn a_corner_is_not_laid_twice() {
        let nodes = [node(2.0, 10.0, 4.0, 0.5), node(10.0, 10.0, 4.0, 0.5), node(10.0, 2.0, 4.0, 0.5)];
        let image = stroked(20, 20, &nodes);
        assert_eq!(image.data().iter().max(), Some(&128));
    }

    #[test]
    fn it_fades_along_the_way() {
        let image = stroked(100, 9, &[node(0.0, 4.5, 5.0, 1.0), node(100.0, 4.5, 5.0, 0.0)]);
        let levels: Vec<_> = (0..100).map(|x| level(&image, x, 4)).collect();
        assert!(levels.windows(2).all(|w| w[0] >= w[1]), "{levels:?}");
        assert!(levels[0] > 250 && levels[99] < 5);
    }

    #[test]
    fn what_lies_beyond_the_picture_is_the_same_line() {
        // The same diagonal, once with ends far outside.
        let near = stroked(64, 48, &[node(-40.0, -44.0, 3.0, 1.0), node(120.0, 116.0, 3.0, 1.0)]);
        let far =
            stroked(64, 48, &[node(-40_000.0, -40_004.0, 3.0, 1.0), node(40_000.0, 39_996.0, 3.0, 1.0)]);
        let most = near.data().iter().zip(far.data()).map(|(a, b)| a.abs_diff(*b)).max();
        assert!(most < Some(4), "{most:?}");
        assert!(near.data().contains(&255));
    }

    #[test]
    fn a_node_that_is_no_number_leaves_a_gap() {
        let nodes = [node(0.0, 5.0, 2.0, 1.0), node(f32::NAN, 5.0, 2.0, 1.0), node(20.0, 5.0, 2.0, 1.0)];
        assert!(stroked(20, 10, &nodes).data().iter().all(|level| *level == 0));
    }

    fn any_node() -> impl Strategy<Value = Node> {
        let coordinate =
            || prop_oneof![6 => -50.0f32..100.0, 1 => any::<f32>(), 1 => Just(f32::MAX), 1 => Just(-3e38)];
        (coordinate(), coordinate(), prop_oneof![0.0f32..20.0, any::<f32>()], any::<f32>())
            .prop_map(|(x, y, width, opacity)| node(x, y, width, opacity))
    }

    proptest! {
        #[test]
        fn any_line_is_safe_and_the_memory_is_clean_after_it(
            nodes in proptest::collection::vec(any_node(), 0..12), size in (0u32..70, 0u32..50),
        ) {
            let mut stroker = Stroker::new();
            stroker.stroke(&mut Image::new(size.0, size.1), nodes, Colour::WHITE);
            prop_assert!(stroker.cover.iter().all(|cover| *cover == 0.0));
        }
    }
}
