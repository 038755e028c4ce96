//! Memory for weights, in the large pages of the system where it has them: a pass walks through all weights, and with pages
//! of 4 KiB looks up thousands of addresses on its way. For MiniLM that is 3 to 11 % of a pass.

use super::buffer::Line;
use std::{
    alloc::{Layout, alloc, dealloc, handle_alloc_error},
    fmt,
    ptr::NonNull,
    slice,
    sync::Arc,
};

/// The size of a large page, and so where a region starts.
const PAGE: usize = 2 << 20;

/// Bytes of a region. What is never touched takes no memory. Larger than what the system's allocator would ever keep for
/// itself when it is freed.
const REGION: usize = if cfg!(miri) { PAGE } else { 64 << 20 };

/// Hands out parts of regions, one behind the other. A region is freed with the last of its parts.
#[derive(Debug, Default)]
pub(crate) struct Slab {
    current: Option<(Arc<Region>, usize)>,
}

struct Region {
    start: NonNull<Line>,
    layout: Layout,
}

/// Lines of a region that nobody else has.
#[derive(Debug)]
pub(super) struct Part {
    region: Arc<Region>,
    first: usize,
    count: usize,
}

impl Slab {
    /// Zeroed lines.
    pub(super) fn take(&mut self, count: usize) -> Part {
        let fits = |(region, used): &(Arc<Region>, usize)| region.lines() - used >= count;
        let (region, used) =
            self.current.take().filter(fits).unwrap_or_else(|| (Arc::new(Region::of_at_least(count)), 0));
        // SAFETY: the lines lie within the region, and no part was given out that reaches so far.
        unsafe { region.start.add(used).write_bytes(0, count) };
        self.current = Some((Arc::clone(&region), used + count));
        Part { region, first: used, count }
    }
}

impl Region {
    fn of_at_least(lines: usize) -> Self {
        let bytes = lines.saturating_mul(size_of::<Line>()).max(REGION);
        let Ok(layout) = Layout::from_size_align(bytes, PAGE).map(|layout| layout.pad_to_align()) else {
            handle_alloc_error(Layout::new::<Line>());
        };
        // SAFETY: the layout is not empty.
        let start = unsafe { alloc(layout) };
        let Some(start) = NonNull::new(start.cast()) else { handle_alloc_error(layout) };
        advise(start, layout.size());
        Self { start, layout }
    }

    fn lines(&self) -> usize {
        self.layout.size() / size_of::<Line>()
    }
}

/// A wish that the system may refuse: then pages are small, and nothing else changes.
#[cfg(all(target_os = "linux", not(miri)))]
fn advise(start: NonNull<Line>, bytes: usize) {
    use rustix::mm::{Advice, madvise};
    // SAFETY: this advice changes the size of pages and nothing that can be read in them.
    let _ = unsafe { madvise(start.as_ptr().cast(), bytes, Advice::LinuxHugepage) };
}

#[cfg(not(all(target_os = "linux", not(miri))))]
fn advise(_: NonNull<Line>, _: usize) {}

impl Drop for Region {
    fn drop(&mut self) {
        // SAFETY: allocated with this layout, and no part is left.
        unsafe { dealloc(self.start.as_ptr().cast(), self.layout) };
    }
}

// SAFETY: a region owns its memory, which is reached through parts alone, and those follow the rules of slices.
unsafe impl Send for Region {}
// SAFETY: as above.
unsafe impl Sync for Region {}

impl fmt::Debug for Region {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} bytes", self.layout.size())
    }
}

impl std::ops::Deref for Part {
    type Target = [Line];

    fn deref(&self) -> &[Line] {
        // SAFETY: these lines were zeroed when they were taken, and no other part has them.
        unsafe { slice::from_raw_parts(self.region.start.add(self.first).as_ptr(), self.count) }
    }
}

impl std::ops::DerefMut for Part {
    fn deref_mut(&mut self) -> &mut [Line] {
        // SAFETY: as in `deref`; the borrow of `self` is exclusive.
        unsafe { slice::from_raw_parts_mut(self.region.start.add(self.first).as_ptr(), self.count) }
    }
}

#[cfg(test)]
mod tests {
    use super::{super::Aligned, *};

    #[test]
    fn parts_are_zeroed_apart_and_outlive_the_slab() {
        let mut slab = Slab::default();
        let sizes = [1, 100_000, 15, 17, 0, 600_000, 3];
        let mut parts: Vec<Aligned<u32>> = sizes.iter().map(|size| Aligned::zeroed_in(&mut slab, *size)).collect();
        drop(slab);
        for (index, part) in parts.iter_mut().enumerate() {
            assert!(part.as_ptr().cast::<Line>().is_aligned() && part.iter().all(|word| *word == 0));
            part.fill(index as u32 + 1);
        }
        for (index, (part, size)) in parts.iter().zip(sizes).enumerate() {
            assert!(part.len() == size && part.iter().all(|word| *word == index as u32 + 1));
        }
    }
}
