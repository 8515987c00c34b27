//! Tables: cells that stand side by side and below each other, and from where to where the table around each goes.
//!
//! Lines of text in columns stand side by side and below each other, too. What tells them apart is how much of its column each
//! fills: lines of text nearly all of it, cells as much as they need. What has three columns or more is a table if one of them is
//! not filled, or if its rows stand further apart than lines do; of two columns each must have its edge, left or right, as labels and
//! values have.

use std::collections::BTreeMap;

use super::bounds::{Bounds, median};
use super::rows::{CELL, LEVEL};

/// A table has at least this many columns, and rows.
const COLUMNS: usize = 3;
const ROWS: usize = 2;
/// With longer cells than [`CELL`] it has at least this many rows.
const LONG_ROWS: usize = 3;
/// In a table, fewer than one line in this many rows reaches over other columns than its own.
const OVER: usize = 2;
/// A column of text beside another one has at least this share of the width of both.
const COLUMN_SHARE: f32 = 0.3;
/// Labels and values are a table of this many columns and at least this many rows.
const PAIR: usize = 2;
const PAIR_ROWS: usize = 3;
/// The next row of a table is among this many after one, since cells may have several lines.
const NEXT_ROWS: usize = 3;
/// The middles of two rows of a table with cells below each other are at most this many heights of a line apart.
const NEXT_ROW: f32 = 4.0;
/// Cells of a column begin, end or have their middle this close to below each other, in heights.
const ALIGNED: f32 = 0.5;
/// Cells fill less than this share of their column, on average; lines of text fill more.
const FILL: f32 = 0.8;
/// A column beside others of a table may be filled, too, if it is shorter than this many heights: words of one length.
const FULL: f32 = 12.0;
/// Rows of a table in which nothing is known of columns are at least this many heights apart; lines of text are not.
const LOOSE: f32 = 1.5;
/// A longer column is not of cells if lines that fill it stand above or below the table, up to this many heights away: text goes on.
const ROOM: f32 = 4.0;
/// So many of them.
const GOES_ON: usize = 2;
/// They may begin or end this many heights further out: what is in a list is indented.
const INDENT: f32 = 3.0;

/// From where to where the table goes of which a line is a cell; `None` for other lines. Rows are of places in `lines`, from the
/// top, each from the left.
pub(crate) fn table_reaches(lines: &[Bounds], rows: &[Vec<usize>], height: f32) -> Vec<Option<(f32, f32)>> {
    let mut reaches: Vec<Option<(f32, f32)>> = vec![None; lines.len()];
    for (least, least_rows) in [(COLUMNS, ROWS), (PAIR, PAIR_ROWS)] {
        for columns in find_grids(lines, rows, height, least) {
            for table in find_tables(lines, columns, height) {
                // Words of two lines may stand below each other; those of three do not.
                let rows = table.iter().map(|column| column.cells.len()).max().unwrap_or(0);
                let are_short = table.iter().all(|column| column.longest(lines) < CELL * height);
                if table.len() < least || rows < if are_short { least_rows } else { LONG_ROWS } {
                    continue;
                }
                let (left, right) = reach(lines, table.iter().flat_map(|column| &column.cells));
                for cell in table.iter().flat_map(|column| &column.cells) {
                    let (from, to) = reaches[*cell].get_or_insert((left, right));
                    (*from, *to) = (from.min(left), to.max(right));
                }
            }
        }
    }
    reaches
}

/// From where to where these cells reach together.
fn reach<'a>(lines: &[Bounds], cells: impl Iterator<Item = &'a usize>) -> (f32, f32) {
    cells.fold((f32::MAX, f32::MIN), |(left, right), cell| {
        (left.min(lines[*cell].left), right.max(lines[*cell].right))
    })
}

/// Sets that are joined step by step; each is known by its first member.
struct Sets(Vec<usize>);

impl Sets {
    fn new(count: usize) -> Self {
        Self((0..count).collect())
    }

    fn find_root(&mut self, mut index: usize) -> usize {
        while self.0[index] != index {
            self.0[index] = self.0[self.0[index]];
            index = self.0[index];
        }
        index
    }

    fn join(&mut self, one: usize, other: usize) {
        let (one, other) = (self.find_root(one), self.find_root(other));
        self.0[one.max(other)] = one.min(other);
    }
}

/// Lines that stand in rows and columns, at least so many of them side by side in two rows or more: the columns of each such grid.
fn find_grids(lines: &[Bounds], rows: &[Vec<usize>], height: f32, least: usize) -> Vec<Vec<Column>> {
    let (mut grids, mut columns) = (Sets::new(lines.len()), Sets::new(lines.len()));
    let mut is_member = vec![false; lines.len()];
    let mut join = |cells: &[usize], pairs: &[(usize, usize)]| {
        for (above, below) in pairs {
            columns.join(*above, *below);
        }
        for cell in cells {
            grids.join(cells[0], *cell);
            is_member[*cell] = true;
        }
    };
    let is_level = |a: &usize, b: &usize| (lines[*a].middle() - lines[*b].middle()).abs() <= LEVEL * height;
    for (index, row) in rows.iter().enumerate() {
        let is_near =
            |next: &&Vec<usize>| lines[next[0]].middle() - lines[row[0]].middle() <= NEXT_ROW * height;
        for next in rows[index + 1..].iter().take(NEXT_ROWS).take_while(is_near) {
            for run in row.chunk_by(is_level).filter(|run| run.len() >= least) {
                for other in next.chunk_by(is_level).filter(|run| run.len() >= least) {
                    if least == PAIR {
                        for (one, below) in flush_pairs(lines, run, other, height) {
                            let [a, b, c, d] = [one[0], one[1], below[0], below[1]];
                            join(&[a, b, c, d], &[(a, c), (b, d)]);
                        }
                    } else {
                        let pairs = aligned_cells(lines, run, other, height);
                        if pairs.len() >= least {
                            join(&[run, other].concat(), &pairs);
                        }
                    }
                }
            }
        }
    }
    let mut found: BTreeMap<usize, BTreeMap<usize, Column>> = BTreeMap::new();
    for cell in (0..lines.len()).filter(|cell| is_member[*cell]) {
        let (grid, column) = (grids.find_root(cell), columns.find_root(cell));
        found.entry(grid).or_default().entry(column).or_default().cells.push(cell);
    }
    found.into_values().map(|columns| columns.into_values().collect()).collect()
}

/// Which two neighbours of a run stand above which of the other, both with an edge below their own.
fn flush_pairs<'a>(
    lines: &'a [Bounds],
    run: &'a [usize],
    other: &'a [usize],
    height: f32,
) -> impl Iterator<Item = (&'a [usize], &'a [usize])> {
    let is_flush = move |(a, b): (&usize, &usize)| {
        let (a, b) = (&lines[*a], &lines[*b]);
        (a.left - b.left).abs().min((a.right - b.right).abs()) <= ALIGNED * height
    };
    let both = run.windows(PAIR).flat_map(move |pair| other.windows(PAIR).map(move |below| (pair, below)));
    both.filter(move |(pair, below)| pair.iter().zip(*below).all(is_flush))
}

/// Which cells of two runs stand below each other.
fn aligned_cells(lines: &[Bounds], run: &[usize], other: &[usize], height: f32) -> Vec<(usize, usize)> {
    let mut pairs = Vec::new();
    let mut rest = other;
    for cell in run {
        let partner = rest.iter().position(|other| is_aligned(&lines[*cell], &lines[*other], height));
        if let Some(partner) = partner {
            pairs.push((*cell, rest[partner]));
            rest = &rest[partner + 1..];
        }
    }
    pairs
}

/// Whether two lines of different rows begin, end or have their middle below each other.
fn is_aligned(a: &Bounds, b: &Bounds, height: f32) -> bool {
    let middle = |line: &Bounds| f32::midpoint(line.left, line.right);
    [a.left - b.left, a.right - b.right, middle(a) - middle(b)]
        .iter()
        .any(|off| off.abs() <= ALIGNED * height)
}

/// Cells of one table that stand below each other.
#[derive(Default)]
struct Column {
    /// Their places among the lines.
    cells: Vec<usize>,
}

impl Column {
    fn middle(&self, lines: &[Bounds]) -> f32 {
        median(self.cells.iter().map(|cell| f32::midpoint(lines[*cell].left, lines[*cell].right)).collect())
    }

    /// From where to where half of its cells reach at least.
    fn extent(&self, lines: &[Bounds]) -> (f32, f32) {
        let edge =
            |edge: fn(&Bounds) -> f32| median(self.cells.iter().map(|cell| edge(&lines[*cell])).collect());
        (edge(|line| line.left), edge(|line| line.right))
    }

    fn overlaps(&self, other: &Self, lines: &[Bounds]) -> bool {
        let (one, other) = (self.extent(lines), other.extent(lines));
        let shared = one.1.min(other.1) - one.0.max(other.0);
        shared > 0.5 * (one.1 - one.0).min(other.1 - other.0)
    }

    /// Whether lines above or below the table stand in this column and fill it.
    fn goes_on(&self, lines: &[Bounds], around: &[&Bounds], height: f32) -> bool {
        let (left, right) = reach(lines, self.cells.iter());
        let stands_in = |line: &&&Bounds| {
            let beyond = (left - line.left).max(line.right - right);
            let within = line.right.min(right) - line.left.max(left);
            beyond <= INDENT * height && within >= FILL * (right - left)
        };
        around.iter().filter(stands_in).count() >= GOES_ON
    }

    fn longest(&self, lines: &[Bounds]) -> f32 {
        self.cells.iter().map(|cell| lines[*cell].width()).fold(1.0, f32::max)
    }

    /// Whether it is of cells without doubt: short ones, or such as leave room.
    fn is_ragged(&self, lines: &[Bounds], height: f32) -> bool {
        let longest = self.longest(lines);
        let fills: Vec<f32> = self.cells.iter().map(|cell| lines[*cell].width() / longest).collect();
        let mean = fills.iter().sum::<f32>() / fills.len() as f32;
        self.cells.len() > 1 && (longest < CELL * height || mean < FILL)
    }
}

/// The tables of a grid: columns side by side that are of cells, as far as they are.
fn find_tables(lines: &[Bounds], columns: Vec<Column>, height: f32) -> Vec<Vec<Column>> {
    let columns = join_overlapping(lines, columns);
    let is_loose = row_pitch(lines, &columns) >= LOOSE * height;
    let around = lines_around(lines, &columns, height);
    let is_ragged = |column: &Column| column.is_ragged(lines, height);
    let is_short = |column: &Column| column.longest(lines) < FULL * height;
    let is_of_cells = |column: &Column| {
        is_short(column) || (is_loose || is_ragged(column)) && !column.goes_on(lines, &around, height)
    };
    let mut tables: Vec<Vec<Column>> = Vec::new();
    let mut is_open = false;
    for column in columns {
        if !is_of_cells(&column) {
            if let Some(table) = tables.last_mut().filter(|_| is_open) {
                leave_mark(lines, table, &column);
            }
            is_open = false;
            continue;
        }
        // Two long columns side by side are text, unless both leave room.
        let fits =
            |last: &Column| is_short(last) || is_short(&column) || is_ragged(last) && is_ragged(&column);
        match tables.last_mut().filter(|table| is_open && table.last().is_some_and(fits)) {
            Some(table) => table.push(column),
            None => tables.push(vec![column]),
        }
        is_open = true;
    }
    for table in &mut tables {
        // What happens to stand beside one row of the table.
        let is_lone = |column: Option<&Column>| column.is_some_and(|column| column.cells.len() < ROWS);
        while table.len() > COLUMNS && is_lone(table.last()) {
            table.pop();
        }
        while table.len() > COLUMNS && is_lone(table.first()) {
            table.remove(0);
        }
    }
    tables.retain(|table| {
        let most = table.iter().map(|column| column.cells.len()).max().unwrap_or(0);
        // Marks of a list stand beside few of its lines.
        let is_narrow = |column: &Column| is_short(column) && column.cells.len() * 2 >= most;
        (is_loose || table.iter().any(is_ragged))
            && table.iter().any(is_narrow)
            && !reach_over(lines, table)
            && !in_columns(lines, table, &around)
    });
    tables
}

/// Whether lines of one column reach over another one, not just a pair of cells that was found as one: they are pieces of lines of
/// text then, and not cells.
fn reach_over(lines: &[Bounds], table: &[Column]) -> bool {
    let extents: Vec<(f32, f32)> = table.iter().map(|column| column.extent(lines)).collect();
    let reaches_over = |line: &Bounds, (left, right): (f32, f32)| {
        line.right.min(right) - line.left.max(left) > 0.5 * (right - left)
    };
    let mut over = 0;
    for (index, column) in table.iter().enumerate() {
        let others = || extents.iter().enumerate().filter(|(other, _)| *other != index);
        let is_over = |cell: &&usize| others().any(|(_, extent)| reaches_over(&lines[**cell], *extent));
        over += column.cells.iter().filter(is_over).count();
    }
    let most = table.iter().map(|column| column.cells.len()).max().unwrap_or(0);
    over > 0 && over * OVER >= most
}

/// Whether text in two columns goes on above or below: it is of pieces of their lines then.
fn in_columns(lines: &[Bounds], table: &[Column], around: &[&Bounds]) -> bool {
    let (left, right) = reach(lines, table.iter().flat_map(|column| &column.cells));
    let wide = || around.iter().filter(|line| line.width() >= COLUMN_SHARE * (right - left));
    let (mut ends, mut begins): (Vec<f32>, Vec<f32>) = wide().map(|line| (line.right, line.left)).unzip();
    ends.sort_by(f32::total_cmp);
    begins.sort_by(|a, b| b.total_cmp(a));
    // Two that end before two others begin.
    ends.get(GOES_ON - 1).zip(begins.get(GOES_ON - 1)).is_some_and(|(end, begin)| end <= begin)
}

/// The lines above and below a grid, up to [`ROOM`] away.
fn lines_around<'a>(lines: &'a [Bounds], columns: &[Column], height: f32) -> Vec<&'a Bounds> {
    let middles = || columns.iter().flat_map(|column| &column.cells).map(|cell| lines[*cell].middle());
    let (top, bottom) = (middles().fold(f32::MAX, f32::min), middles().fold(f32::MIN, f32::max));
    let is_around = |line: &&Bounds| {
        let distance = (top - line.middle()).max(line.middle() - bottom);
        distance > 0.0 && distance <= ROOM * height
    };
    lines.iter().filter(is_around).collect()
}

/// From one row to the next, px, as it is mostly.
fn row_pitch(lines: &[Bounds], columns: &[Column]) -> f32 {
    let pitches = columns.iter().flat_map(|column| {
        let mut middles: Vec<f32> = column.cells.iter().map(|cell| lines[*cell].middle()).collect();
        middles.sort_by(f32::total_cmp);
        middles.windows(2).map(|pair| pair[1] - pair[0]).collect::<Vec<f32>>()
    });
    median(pitches.collect())
}

/// Takes out the last column where it is of the marks of the text after it, to which it is nearer than to the column before it.
fn leave_mark(lines: &[Bounds], table: &mut Vec<Column>, text: &Column) {
    if let [.., before, mark] = &**table
        && text.extent(lines).0 - mark.extent(lines).1 < mark.extent(lines).0 - before.extent(lines).1
    {
        table.pop();
    }
}

/// Columns from the left; those that stand below each other for the most part are one: a heading need not begin where its column does.
fn join_overlapping(lines: &[Bounds], mut columns: Vec<Column>) -> Vec<Column> {
    columns.sort_by(|a, b| a.middle(lines).total_cmp(&b.middle(lines)));
    let mut joined: Vec<Column> = Vec::new();
    for column in columns {
        match joined.last_mut() {
            Some(before) if before.overlaps(&column, lines) => before.cells.extend(column.cells),
            _ => joined.push(column),
        }
    }
    joined
}
