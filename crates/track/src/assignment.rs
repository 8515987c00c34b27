//! Who belongs to whom: the pairs of rows and columns whose costs add up to the least.
//!
//! Shortest augmenting paths for rectangular matrices (Jonker and Volgenant 1987, as simplified by Crouse 2016, "On
//! implementing 2D rectangular assignment algorithms"): the optimum in at most rows² × columns steps. The same input gives
//! the same pairs at all times, ties included.

/// What each pair would cost, rows × columns.
#[derive(Clone, Debug, PartialEq)]
pub struct Costs {
    rows: usize,
    columns: usize,
    /// Row by row, `columns` values in each.
    values: Vec<f32>,
}

impl Costs {
    /// Costs as `cost(row, column)` gives them.
    pub fn new(rows: usize, columns: usize, mut cost: impl FnMut(usize, usize) -> f32) -> Self {
        let mut values = Vec::with_capacity(rows * columns);
        for row in 0..rows {
            for column in 0..columns {
                values.push(cost(row, column));
            }
        }
        Self { rows, columns, values }
    }

    fn row(&self, row: usize) -> &[f32] {
        &self.values[row * self.columns..(row + 1) * self.columns]
    }
}

/// Costs below this count as this, so that sums stay finite.
const LEAST_COST: f32 = -1e6;

/// The pairs (row, column) that make the sum of `cost - limit` least, by row. Only pairs that cost less than `limit` are
/// made, so a row or column stays alone rather than be paired at any price; a cost that is not a number makes no pair.
pub fn assign_pairs(costs: &Costs, limit: f32) -> Vec<(usize, usize)> {
    let gain = |cost: f32| if cost < limit { f64::from(cost.max(LEAST_COST) - limit) } else { 0.0 };
    // Who has no possible partner takes no part: usually nearly all pairs are impossible.
    let rows: Vec<usize> =
        (0..costs.rows).filter(|&row| costs.row(row).iter().any(|&cost| cost < limit)).collect();
    let mut possible = vec![false; costs.columns];
    for &row in &rows {
        for (possible, &cost) in possible.iter_mut().zip(costs.row(row)) {
            *possible |= cost < limit;
        }
    }
    let columns: Vec<usize> = (0..costs.columns).filter(|&column| possible[column]).collect();
    // A path starts from each of the shorter side.
    let turned = rows.len() > columns.len();
    let (short, long) = if turned { (&columns, &rows) } else { (&rows, &columns) };
    let mut gains = Vec::with_capacity(short.len() * long.len());
    for &a in short {
        gains.extend(long.iter().map(|&b| {
            let (row, column) = if turned { (b, a) } else { (a, b) };
            gain(costs.row(row)[column])
        }));
    }
    let mut pairs: Vec<(usize, usize)> = Paths::new(&gains, short.len(), long.len())
        .solve()
        .into_iter()
        .enumerate()
        .filter(|&(a, b)| gains[a * long.len() + b] < 0.0)
        .map(|(a, b)| if turned { (long[b], short[a]) } else { (short[a], long[b]) })
        .collect();
    pairs.sort_unstable();
    pairs
}

const NONE: usize = usize::MAX;

/// The search, over a matrix with no more rows than columns.
struct Paths<'a> {
    costs: &'a [f64],
    rows: usize,
    columns: usize,
    row_price: Vec<f64>,
    column_price: Vec<f64>,
    /// Column of each row, [`NONE`] while it has none, and the other way round.
    column_of: Vec<usize>,
    row_of: Vec<usize>,
    /// Of the path that is being looked for: cost of reaching each column, and from which row.
    reach: Vec<f64>,
    from: Vec<usize>,
}

impl<'a> Paths<'a> {
    fn new(costs: &'a [f64], rows: usize, columns: usize) -> Self {
        Self {
            costs,
            rows,
            columns,
            row_price: vec![0.0; rows],
            column_price: vec![0.0; columns],
            column_of: vec![NONE; rows],
            row_of: vec![NONE; columns],
            reach: vec![0.0; columns],
            from: vec![NONE; columns],
        }
    }

    /// The column of each row.
    fn solve(mut self) -> Vec<usize> {
        let mut open: Vec<usize> = Vec::with_capacity(self.columns);
        let mut passed: Vec<usize> = Vec::with_capacity(self.columns);
        for start in 0..self.rows {
            open.clear();
            open.extend(0..self.columns);
            passed.clear();
            self.reach.fill(f64::INFINITY);
            self.augment(start, &mut open, &mut passed);
        }
        self.column_of
    }

    /// Finds the cheapest path from `start` over `open` columns to one without a row, and turns its pairs round.
    fn augment(&mut self, start: usize, open: &mut Vec<usize>, passed: &mut Vec<usize>) {
        let (mut row, mut cost) = (start, 0.0);
        let end = loop {
            let line = &self.costs[row * self.columns..(row + 1) * self.columns];
            let base = cost - self.row_price[row];
            let (mut nearest, mut least) = (0, f64::INFINITY);
            for (index, &column) in open.iter().enumerate() {
                let reach = base + line[column] - self.column_price[column];
                if reach < self.reach[column] {
                    self.reach[column] = reach;
                    self.from[column] = row;
                }
                let reach = self.reach[column];
                // Of columns that are as near, one that ends the path.
                if reach < least || (reach <= least && self.row_of[column] == NONE) {
                    (nearest, least) = (index, reach);
                }
            }
            cost = least;
            let column = open.swap_remove(nearest);
            if self.row_of[column] == NONE {
                break column;
            }
            passed.push(column);
            row = self.row_of[column];
        };
        self.row_price[start] += cost;
        for &column in passed.iter() {
            let rest = cost - self.reach[column];
            self.row_price[self.row_of[column]] += rest;
            self.column_price[column] -= rest;
        }
        let mut column = end;
        loop {
            let row = self.from[column];
            self.row_of[column] = row;
            std::mem::swap(&mut self.column_of[row], &mut column);
            if row == start {
                break;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn costs(rows: &[&[f32]]) -> Costs {
        Costs::new(rows.len(), rows.first().map_or(0, |row| row.len()), |row, column| rows[row][column])
    }

    #[test]
    fn the_best_sum_wins_over_the_best_pair() {
        // Taking the cheapest pair first, (0, 0), would leave 9 for the other: 10 in all.
        assert_eq!(assign_pairs(&costs(&[&[1.0, 2.0], &[2.0, 9.0]]), 100.0), [(0, 1), (1, 0)]);
    }

    #[test]
    fn rows_and_columns_may_differ_in_number() {
        let wide = costs(&[&[5.0, 1.0, 3.0]]);
        assert_eq!(assign_pairs(&wide, 10.0), [(0, 1)]);
        let tall = costs(&[&[5.0], &[1.0], &[3.0]]);
        assert_eq!(assign_pairs(&tall, 10.0), [(1, 0)]);
        assert_eq!(assign_pairs(&costs(&[]), 10.0), []);
        assert_eq!(assign_pairs(&Costs::new(3, 0, |_, _| 0.0), 10.0), []);
    }

    #[test]
    fn nobody_is_paired_at_or_above_the_limit() {
        assert_eq!(assign_pairs(&costs(&[&[0.8, 0.9], &[0.85, f32::NAN]]), 0.8), []);
        assert_eq!(assign_pairs(&costs(&[&[0.7, 0.9], &[0.85, f32::INFINITY]]), 0.8), [(0, 0)]);
        // Both at 0.79 would be 0.02 below the limit in all, one at 0.1 is 0.7 below: the other two stay alone.
        assert_eq!(assign_pairs(&costs(&[&[0.1, 0.79], &[0.79, 0.9]]), 0.8), [(0, 0)]);
        assert_eq!(assign_pairs(&costs(&[&[f32::NEG_INFINITY, 0.0], &[0.0, 0.1]]), 0.8), [(0, 0), (1, 1)]);
    }

    /// The least sum of `cost - limit`, by trying everything.
    fn least_sum(costs: &Costs, limit: f32, row: usize, taken: u32) -> f64 {
        if row == costs.rows {
            return 0.0;
        }
        let mut least = least_sum(costs, limit, row + 1, taken);
        for (column, &cost) in costs.row(row).iter().enumerate() {
            if taken & (1 << column) == 0 && cost < limit {
                let rest = least_sum(costs, limit, row + 1, taken | (1 << column));
                least = least.min(f64::from(cost - limit) + rest);
            }
        }
        least
    }

    proptest! {
        #![proptest_config(ProptestConfig { cases: 1000, failure_persistence: None, ..ProptestConfig::default() })]

        #[test]
        fn pairs_are_the_optimum_that_trying_everything_finds(
            rows in 0..6_usize,
            columns in 0..6_usize,
            // few different values, so that ties are common
            values in prop::collection::vec(prop_oneof![0..5_i32, 0..1000_i32], 36),
            limit in 0..900_i32,
        ) {
            let costs = Costs::new(rows, columns, |row, column| values[row * 6 + column] as f32);
            let limit = limit as f32;
            let pairs = assign_pairs(&costs, limit);
            prop_assert!(pairs.windows(2).all(|pair| pair[0].0 < pair[1].0));
            let mut taken: Vec<usize> = pairs.iter().map(|&(_, column)| column).collect();
            taken.sort_unstable();
            prop_assert!(taken.windows(2).all(|pair| pair[0] < pair[1]));
            prop_assert!(pairs.iter().all(|&(row, column)| costs.row(row)[column] < limit));
            let sum: f64 = pairs.iter().map(|&(row, column)| f64::from(costs.row(row)[column] - limit)).sum();
            prop_assert!((sum - least_sum(&costs, limit, 0, 0)).abs() < 1e-6);
        }
    }
}
