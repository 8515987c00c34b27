//! From places that have changed to things: specks are dropped, what hangs together or lies close is one.

/// A thing, in places of the copy; edges lie between places.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Blob {
    pub(super) left: usize,
    pub(super) top: usize,
    pub(super) right: usize,
    pub(super) bottom: usize,
    /// Places that have changed.
    pub(super) area: usize,
    /// Sum of their contrasts.
    pub(super) contrast: f32,
}

/// How many of the nine places around and at one must have changed for it to count: specks and lines of one place go,
/// holes of one place close, and edges stay where they are.
const NEIGHBOURS: u8 = 4;
/// Runs of changed places that lie this near in a row are one.
const GAP: usize = 2;
/// Parts that are looked at, the largest.
const MAX_PARTS: usize = 128;
/// Parts are one thing only if that fills this share of its box; else a thing would grow over all that its box touches.
const LEAST_FILLED: f32 = 0.35;

/// Finds them. Keeps its memory.
#[derive(Debug, Default)]
pub(super) struct Blobs {
    changed: Vec<u8>,
    sums: Vec<u8>,
    clean: Vec<u8>,
    runs: Vec<Run>,
    parents: Vec<usize>,
}

#[derive(Clone, Copy, Debug)]
struct Run {
    begin: usize,
    end: usize,
    label: usize,
}

impl Blobs {
    /// What hangs together, the largest first; of noise not even an eighth of `min_area` places does.
    pub(super) fn find_parts(&mut self, contrast: &[f32], width: usize, min_area: usize) -> Vec<Blob> {
        self.changed.clear();
        self.changed.extend(contrast.iter().map(|contrast| u8::from(*contrast > 0.0)));
        self.remove_specks(width);
        let mut parts = self.connect_places(contrast, width);
        parts.retain(|part| part.area * 8 >= min_area);
        parts.sort_by_key(|part| std::cmp::Reverse(part.area));
        parts.truncate(MAX_PARTS);
        parts
    }

    /// 1 for each place that belonged to something in the last picture.
    pub(super) fn places(&self) -> &[u8] {
        &self.clean
    }

    /// `changed` with the specks gone, in `clean`.
    fn remove_specks(&mut self, width: usize) {
        let size = self.changed.len();
        let height = size / width.max(1);
        // Sums over three places in a row, then over three rows.
        self.sums.clear();
        self.sums.extend_from_slice(&self.changed);
        for (sums, row) in self.sums.chunks_exact_mut(width).zip(self.changed.chunks_exact(width)) {
            for (sum, left) in sums[1..].iter_mut().zip(row) {
                *sum += left;
            }
            for (sum, right) in sums.iter_mut().zip(&row[1..]) {
                *sum += right;
            }
        }
        self.clean.clear();
        self.clean.extend_from_slice(&self.sums);
        for y in 0..height {
            let row = &mut self.clean[y * width..(y + 1) * width];
            let above = y.checked_sub(1).map(|y| &self.sums[y * width..(y + 1) * width]);
            let below = (y + 1 < height).then(|| &self.sums[(y + 1) * width..(y + 2) * width]);
            for other in [above, below].into_iter().flatten() {
                for (sum, other) in row.iter_mut().zip(other) {
                    *sum += other;
                }
            }
        }
        for place in &mut self.clean {
            *place = u8::from(*place >= NEIGHBOURS);
        }
    }

    /// What hangs together, corners included.
    fn connect_places(&mut self, contrast: &[f32], width: usize) -> Vec<Blob> {
        let mut blobs: Vec<Blob> = Vec::new();
        self.parents.clear();
        self.runs.clear();
        let mut above = 0..0;
        for (y, row) in self.clean.chunks_exact(width.max(1)).enumerate() {
            let first = self.runs.len();
            let mut x = 0;
            while let Some(offset) = row[x..].iter().position(|place| *place == 1) {
                let begin = x + offset;
                let mut end = begin + 1;
                let mut next = end;
                while next < width && next - end <= GAP {
                    if row[next] == 1 {
                        end = next + 1;
                    }
                    next += 1;
                }
                x = end;
                let label = blobs.len();
                let (mut area, mut sum) = (0, 0.0);
                for place in begin..end {
                    area += usize::from(row[place]);
                    sum += contrast[y * width + place];
                }
                blobs.push(Blob { left: begin, top: y, right: end, bottom: y + 1, area, contrast: sum });
                self.parents.push(label);
                for upper in &self.runs[above.clone()] {
                    if upper.begin <= end && begin <= upper.end {
                        let (a, b) =
                            (find_root(&mut self.parents, upper.label), find_root(&mut self.parents, label));
                        self.parents[a.max(b)] = a.min(b);
                    }
                }
                self.runs.push(Run { begin, end, label });
                if x >= width {
                    break;
                }
            }
            above = first..self.runs.len();
        }
        for label in (0..blobs.len()).rev() {
            let root = find_root(&mut self.parents, label);
            if root != label {
                let part = blobs[label];
                blobs[root].add(&part);
            }
        }
        let mut label = 0;
        blobs.retain(|_| {
            label += 1;
            self.parents[label - 1] == label - 1
        });
        blobs
    }
}

impl Blob {
    fn add(&mut self, other: &Self) {
        self.left = self.left.min(other.left);
        self.top = self.top.min(other.top);
        self.right = self.right.max(other.right);
        self.bottom = self.bottom.max(other.bottom);
        self.area += other.area;
        self.contrast += other.contrast;
    }

    /// Whether both are parts of one thing: nearer to each other than `near` (twice as much upwards and downwards, for
    /// heads and legs).
    fn belongs_to(&self, other: &Self, near: usize) -> bool {
        let across = self.left.max(other.left).saturating_sub(self.right.min(other.right));
        let down = self.top.max(other.top).saturating_sub(self.bottom.min(other.bottom));
        let is_near = (across == 0 && down <= near * 2) || (across <= near && down <= near);
        let mut both = *self;
        both.add(other);
        let size = (both.right - both.left) * (both.bottom - both.top);
        is_near && both.area as f32 >= LEAST_FILLED * size as f32
    }
}

fn find_root(parents: &mut [usize], mut label: usize) -> usize {
    while parents[label] != label {
        parents[label] = parents[parents[label]];
        label = parents[label];
    }
    label
}

/// Makes one thing of parts that belong to each other, until none do, and drops what is smaller than `min_area`.
pub(super) fn merge_blobs(blobs: &mut Vec<Blob>, near: usize, min_area: usize) {
    let mut index = 0;
    while index < blobs.len() {
        let mut other = index + 1;
        let mut grown = false;
        while other < blobs.len() {
            if blobs[index].belongs_to(&blobs[other], near) {
                let part = blobs.swap_remove(other);
                blobs[index].add(&part);
                grown = true;
            } else {
                other += 1;
            }
        }
        // A larger one may be near to one that was looked at before it grew.
        index = if grown { 0 } else { index + 1 };
    }
    blobs.retain(|blob| blob.area >= min_area);
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn find(picture: &[&str], min_area: usize, near: usize) -> Vec<Blob> {
        let contrast: Vec<f32> =
            picture.iter().flat_map(|row| row.bytes().map(|b| if b == b'#' { 2.0 } else { 0.0 })).collect();
        let mut blobs = Blobs::default().find_parts(&contrast, picture[0].len(), min_area);
        merge_blobs(&mut blobs, near, min_area);
        blobs
    }

    fn edges(blob: &Blob) -> [usize; 4] {
        [blob.left, blob.top, blob.right, blob.bottom]
    }

    #[test]
    fn specks_go_and_things_stay_where_they_are() {
        let found = find(
            &[
                "#...........", //
                "......####..",
                "..#...####..",
                "......####..",
                ".#.........#",
            ],
            4,
            0,
        );
        assert_eq!(found.iter().map(edges).collect::<Vec<_>>(), [[6, 1, 10, 4]]);
        assert_eq!(found[0].area, 12);
        assert!((found[0].contrast - 24.0).abs() < 1e-3);
    }

    #[test]
    fn what_hangs_together_around_a_corner_is_one() {
        let found = find(
            &[
                "###......###", //
                "###......###",
                "###......###",
                "############",
                "############",
            ],
            4,
            0,
        );
        assert_eq!(found.iter().map(edges).collect::<Vec<_>>(), [[0, 0, 12, 5]]);
    }

    #[test]
    fn a_thing_in_the_corner_of_another_ones_box_is_its_own() {
        let mut picture = vec!["##############################"; 3];
        picture.extend(["###..........................."; 20]);
        picture.extend(["###.....................######"; 4]);
        assert_eq!(find(&picture, 4, 1).len(), 2);
    }

    #[test]
    fn near_things_are_one_and_far_ones_are_not() {
        let picture = [
            "###....###....", //
            "###....###....",
            "###....###....",
        ];
        assert_eq!(find(&picture, 4, 3).len(), 2);
        assert_eq!(find(&picture, 4, 4).len(), 1);
    }

    proptest! {
        #[test]
        fn every_thing_lies_in_the_picture_and_is_large_enough(
            width in 1..40_usize,
            places in prop::collection::vec(prop::bool::weighted(0.4), 1..1200),
            min_area in 1..30_usize,
            near in 0..5_usize,
        ) {
            let height = places.len() / width;
            prop_assume!(height > 0);
            let contrast: Vec<f32> = places[..width * height].iter().map(|p| if *p { 1.5 } else { 0.0 }).collect();
            let mut found = Blobs::default().find_parts(&contrast, width, min_area);
            merge_blobs(&mut found, near, min_area);
            for (index, blob) in found.iter().enumerate() {
                prop_assert!(blob.left < blob.right && blob.right <= width);
                prop_assert!(blob.top < blob.bottom && blob.bottom <= height);
                prop_assert!(blob.area >= min_area);
                prop_assert!(blob.area <= (blob.right - blob.left) * (blob.bottom - blob.top));
                prop_assert!(found[..index].iter().all(|other| !other.belongs_to(blob, near)));
            }
        }
    }
}
