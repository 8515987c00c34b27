//! Which of the lines that were found are read.

use super::ReadOptions;

/// Which outlines are read, in their order: those that are as high as the options ask, and of more than they allow the
/// largest. `polygons` are in pixels of the picture.
pub(super) fn chosen(polygons: &[[[f32; 2]; 4]], options: &ReadOptions) -> Vec<usize> {
    let size = |[a, b, c, d]: &[[f32; 2]; 4]| {
        let side = |from: &[f32; 2], to: &[f32; 2]| (to[0] - from[0]).hypot(to[1] - from[1]);
        [side(a, b).midpoint(side(d, c)), side(a, d).midpoint(side(b, c))]
    };
    let sizes: Vec<[f32; 2]> = polygons.iter().map(size).collect();
    let is_high = |index: &usize| sizes[*index][0].min(sizes[*index][1]) >= options.min_detection_size;
    let mut chosen: Vec<usize> = (0..polygons.len()).filter(is_high).collect();
    let most = options.max_candidates as usize;
    if chosen.len() > most {
        let area = |index: &usize| sizes[*index][0] * sizes[*index][1];
        chosen.sort_by(|a, b| area(b).total_cmp(&area(a)).then(a.cmp(b)));
        chosen.truncate(most);
        chosen.sort_unstable();
    }
    chosen
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn low_lines_are_not_chosen_and_of_many_the_largest() {
        let outline =
            |x: f32, width: f32, height: f32| [[x, 0.0], [x + width, 0.0], [x + width, height], [x, height]];
        let all = [outline(0.0, 50.0, 10.0), outline(60.0, 9.0, 80.0), outline(80.0, 300.0, 12.0)];
        let chosen = |max_candidates, min_detection_size| {
            chosen(&all, &ReadOptions { max_candidates, min_detection_size, ..ReadOptions::default() })
        };
        assert_eq!(chosen(10, 0.0), [0, 1, 2]);
        assert_eq!(chosen(10, 10.0), [0, 2]);
        assert_eq!(chosen(10, 12.5), [0; 0]);
        assert_eq!(chosen(2, 0.0), [1, 2]);
        assert_eq!(chosen(1, 0.0), [2]);
    }
}
