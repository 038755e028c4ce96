use super::{Random, rounds};
use crate::kernels::{
    Aligned, Engine,
    dispatch::{Kernel, Task},
    dot::Dot,
    lanes::{Lanes, padded},
    panels::Layout,
    portable::{PortableF32, PortableInt8},
    tile::tiles,
};

#[test]
fn tiles_cover_all_rows_once_and_are_balanced() {
    for rows in 0..200 {
        for highest in 1..=8 {
            let all: Vec<_> = tiles(rows, highest).collect();
            assert_eq!(all.iter().map(|(_, height)| height).sum::<usize>(), rows);
            let mut next = 0;
            for &(first, height) in &all {
                assert_eq!(first, next);
                assert!(height <= highest && height + 1 >= all[0].1, "{all:?}");
                next += height;
            }
        }
    }
}

#[test]
fn panels_cover_all_columns_once() {
    for columns in 1..300 {
        let layout = Layout::of::<PortableF32>(columns, 7);
        let panels: Vec<_> = layout.panels().collect();
        assert_eq!(panels.iter().map(|panel| panel.columns).sum::<usize>(), columns);
        assert_eq!(panels.len() * layout.panel_units(), layout.units());
        assert!(panels.iter().all(|panel| panel.vectors * 4 >= panel.columns && panel.vectors * 4 <= layout.width));
    }
}

#[test]
fn a_column_lies_in_its_panel_at_the_distance_of_the_width() {
    let mut random = Random::new(1);
    for _ in 0..50 {
        let (columns, depth) = (1 + random.below(100), 1 + random.below(20));
        let layout = Layout::of::<PortableInt8>(columns, depth * 4);
        let mut units = vec![0; layout.units()];
        for column in 0..columns {
            let column_units: Vec<u32> = (0..depth).map(|unit| (column * 1000 + unit) as u32).collect();
            layout.set_column(&mut units, column, 0, &column_units);
        }
        for (panel, units) in layout.panels().zip(units.chunks_exact(layout.panel_units())) {
            for column in 0..panel.columns {
                for unit in 0..depth {
                    let expected = ((panel.first_column + column) * 1000 + unit) as u32;
                    assert_eq!(units[unit * layout.width + column], expected);
                }
            }
        }
    }
}

/// Columns of a panel that begin anywhere, in any number.
struct Columns<'a> {
    random: &'a mut Random,
}

impl Kernel for Columns<'_> {
    type Output = ();

    #[inline(always)]
    fn run<D: Dot>(self, dot: D) {
        let (columns, depth) = (1 + self.random.below(100), 1 + self.random.below(70));
        let layout = Layout::of::<D>(columns, depth * D::PER_UNIT);
        let stride = padded(depth);
        let rows: Vec<u32> = (0..columns * stride).map(|unit| unit as u32).collect();
        let mut units = vec![0; layout.units()];
        let mut column = 0;
        while column < columns {
            let count = (1 + self.random.below(2 * D::Lanes::COUNT)).min(D::Lanes::COUNT).min(columns - column);
            let rows = &rows[column * stride..(column + count) * stride];
            layout.set_columns(dot.lanes(), &mut units, column, rows, stride);
            column += count;
        }
        let mut expected = vec![0; layout.units()];
        for (column, row) in rows.chunks_exact(stride).enumerate() {
            layout.set_column(&mut expected, column, 0, row);
        }
        assert_eq!(units, expected, "{columns} columns of {depth}");
    }
}

#[test]
fn columns_side_by_side_lie_where_each_would() {
    let mut random = Random::new(9);
    for _ in 0..rounds(100) {
        for engine in Engine::all_here() {
            engine.run(Task::Attention, Columns { random: &mut random });
        }
    }
}

#[test]
fn memory_starts_on_a_cache_line_and_keeps_what_it_holds() {
    let mut words = Aligned::<u32>::zeroed(5);
    assert!(words.iter().all(|word| *word == 0));
    words.fill(7);
    for length in [100, 3, 17, 0, 40] {
        assert_eq!(words.resize(length).len(), length);
        assert_eq!(words.as_ptr().addr() % 64, 0);
    }
    assert_eq!(words[..5], [7; 5]);
    let floats: Aligned<f32> = [1.0, 2.0].into_iter().collect();
    assert_eq!(floats[..], [1.0, 2.0]);
}
