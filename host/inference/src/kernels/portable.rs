//! Four lanes in plain Rust: for machines without an instruction set of ours, and for the checks that cannot run one.

use super::{
    dispatch::Kernel,
    dot::{Codes, Dot},
    lanes::Lanes,
};

const COUNT: usize = 4;

#[derive(Clone, Copy)]
pub(super) struct Portable;

macro_rules! each {
    ($($name:ident($($argument:ident),+) = $result:expr;)+) => {$(
        #[inline(always)]
        fn $name(self, $($argument: [f32; COUNT]),+) -> [f32; COUNT] {
            let mut result = [0.0; COUNT];
            for (lane, result) in result.iter_mut().enumerate() {
                $(let $argument = $argument.get(lane).copied().unwrap_or_default();)+
                *result = $result;
            }
            result
        }
    )+};
}

impl Lanes for Portable {
    type Vector = [f32; COUNT];
    const COUNT: usize = COUNT;

    each! {
        add(a, b) = a + b;
        subtract(a, b) = a - b;
        multiply(a, b) = a * b;
        multiply_add(a, b, c) = a * b + c;
        minimum(a, b) = a.min(b);
        maximum(a, b) = a.max(b);
        add_to_exponent(a, power) = f32::from_bits(a.to_bits().wrapping_add(power.to_bits() << 23));
    }

    #[inline(always)]
    fn splat(self, value: f32) -> [f32; COUNT] {
        [value; COUNT]
    }

    #[inline(always)]
    fn load(self, from: &[f32]) -> [f32; COUNT] {
        from.first_chunk().copied().unwrap_or_default()
    }

    #[inline(always)]
    fn store(self, vector: [f32; COUNT], to: &mut [f32]) {
        to.iter_mut().zip(vector).for_each(|(to, from)| *to = from);
    }

    #[inline(always)]
    fn sum(self, vector: [f32; COUNT]) -> f32 {
        vector.iter().sum()
    }

    #[inline(always)]
    fn lowest(self, vector: [f32; COUNT]) -> f32 {
        vector.iter().copied().fold(f32::INFINITY, f32::min)
    }

    #[inline(always)]
    fn highest(self, vector: [f32; COUNT]) -> f32 {
        vector.iter().copied().fold(f32::NEG_INFINITY, f32::max)
    }
}

#[derive(Clone, Copy)]
pub(super) struct PortableF32;

impl Dot for PortableF32 {
    type Lanes = Portable;
    type Operand = [f32; COUNT];
    type Sum = [f32; COUNT];
    const PER_UNIT: usize = 1;
    const CODES: Option<Codes> = None;
    const ROWS: usize = 2;
    const VECTORS: usize = 4;

    fn run<K: Kernel>(self, kernel: K) -> K::Output {
        kernel.run(self)
    }

    #[inline(always)]
    fn lanes(self) -> Portable {
        Portable
    }

    #[inline(always)]
    fn zero(self) -> [f32; COUNT] {
        [0.0; COUNT]
    }

    #[inline(always)]
    fn splat(self, unit: u32) -> [f32; COUNT] {
        [f32::from_bits(unit); COUNT]
    }

    #[inline(always)]
    unsafe fn load(self, from: *const u32) -> [f32; COUNT] {
        // SAFETY: the caller vouches for as many units, and any unit is an `f32`.
        unsafe { from.cast::<[f32; COUNT]>().read_unaligned() }
    }

    #[inline(always)]
    fn dot(self, sum: [f32; COUNT], row: [f32; COUNT], panel: [f32; COUNT]) -> [f32; COUNT] {
        Portable.multiply_add(row, panel, sum)
    }

    #[inline(always)]
    fn floats(self, sum: [f32; COUNT]) -> [f32; COUNT] {
        sum
    }

    #[inline(always)]
    fn encode(self, values: [f32; COUNT], to: &mut [u32]) {
        to.iter_mut().zip(values).for_each(|(to, value)| *to = value.to_bits());
    }
}

#[derive(Clone, Copy)]
pub(super) struct PortableInt8;

impl Dot for PortableInt8 {
    type Lanes = Portable;
    type Operand = [u32; COUNT];
    type Sum = [i32; COUNT];
    const PER_UNIT: usize = 4;
    const CODES: Option<Codes> = Some(Codes::BYTES);
    const ROWS: usize = 2;
    const VECTORS: usize = 4;

    fn run<K: Kernel>(self, kernel: K) -> K::Output {
        kernel.run(self)
    }

    #[inline(always)]
    fn lanes(self) -> Portable {
        Portable
    }

    #[inline(always)]
    fn zero(self) -> [i32; COUNT] {
        [0; COUNT]
    }

    #[inline(always)]
    fn splat(self, unit: u32) -> [u32; COUNT] {
        [unit; COUNT]
    }

    #[inline(always)]
    unsafe fn load(self, from: *const u32) -> [u32; COUNT] {
        // SAFETY: the caller vouches for as many units.
        unsafe { from.cast::<[u32; COUNT]>().read_unaligned() }
    }

    #[inline(always)]
    fn dot(self, mut sum: [i32; COUNT], row: [u32; COUNT], panel: [u32; COUNT]) -> [i32; COUNT] {
        for ((sum, row), panel) in sum.iter_mut().zip(row).zip(panel) {
            for (code, weight) in row.to_le_bytes().into_iter().zip(panel.to_le_bytes()) {
                *sum += i32::from(code) * i32::from(weight as i8);
            }
        }
        sum
    }

    #[inline(always)]
    fn floats(self, sum: [i32; COUNT]) -> [f32; COUNT] {
        sum.map(|sum| sum as f32)
    }

    #[inline(always)]
    fn encode(self, values: [f32; COUNT], to: &mut [u32]) {
        if let Some(to) = to.first_mut() {
            *to = u32::from_le_bytes(values.map(|value| value.round_ties_even() as u8));
        }
    }
}
