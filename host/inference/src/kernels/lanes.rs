//! Vectors of `f32`, and the element-wise arithmetic of an encoder on them.

/// No instruction set here has wider vectors, and the width of each divides this one.
const WIDEST: usize = 16;

/// The length of a row in memory: what follows its `numbers` numbers, up to whole vectors, is zero in every buffer.
pub(crate) fn padded(numbers: usize) -> usize {
    numbers.next_multiple_of(WIDEST)
}

/// The `f32` vectors of an instruction set. A value of an implementor is the proof that the machine has it, which is
/// what makes the methods safe.
///
/// Every method of every implementor is `inline(always)`, as is every function over it: the instructions may only be
/// used within a function that enables them, and there is one for each set, in `dispatch`.
pub(super) trait Lanes: Copy {
    type Vector: Copy;
    const COUNT: usize;

    fn splat(self, value: f32) -> Self::Vector;
    /// Takes the first [`COUNT`](Self::COUNT) numbers. There must be as many.
    fn load(self, from: &[f32]) -> Self::Vector;
    /// Writes the first [`COUNT`](Self::COUNT) numbers. There must be room for as many.
    fn store(self, vector: Self::Vector, to: &mut [f32]);
    fn add(self, a: Self::Vector, b: Self::Vector) -> Self::Vector;
    fn subtract(self, a: Self::Vector, b: Self::Vector) -> Self::Vector;
    fn multiply(self, a: Self::Vector, b: Self::Vector) -> Self::Vector;
    /// `a * b + c`.
    fn multiply_add(self, a: Self::Vector, b: Self::Vector, c: Self::Vector) -> Self::Vector;
    fn minimum(self, a: Self::Vector, b: Self::Vector) -> Self::Vector;
    fn maximum(self, a: Self::Vector, b: Self::Vector) -> Self::Vector;
    /// Times two to the power of a whole number that comes from [`split`](Self::split).
    fn add_to_exponent(self, a: Self::Vector, power: Self::Vector) -> Self::Vector;
    fn sum(self, vector: Self::Vector) -> f32;
    fn lowest(self, vector: Self::Vector) -> f32;
    fn highest(self, vector: Self::Vector) -> f32;

    /// A number's distance from the nearest whole number, and that in the form that
    /// [`add_to_exponent`](Self::add_to_exponent) takes.
    #[inline(always)]
    fn split(self, power: Self::Vector) -> (Self::Vector, Self::Vector) {
        let shifted = self.add(power, self.splat(TO_WHOLE));
        (self.subtract(power, self.subtract(shifted, self.splat(TO_WHOLE))), shifted)
    }

    /// Asks for a cache line ahead of its use. Any address is fine.
    #[inline(always)]
    fn prefetch(self, _address: *const u32) {}

    /// Turns a square of [`COUNT`](Self::COUNT) by as many units over. Its rows lie `stride` units apart, and will lie `width`
    /// apart. There must be as many.
    #[inline(always)]
    fn transpose(self, from: &[u32], stride: usize, to: &mut [u32], width: usize) {
        for (column, from) in from.chunks(stride).take(Self::COUNT).enumerate() {
            for (to, unit) in to.iter_mut().skip(column).step_by(width).zip(from).take(Self::COUNT) {
                *to = *unit;
            }
        }
    }

    /// The first `count` numbers, and zeros.
    #[inline(always)]
    fn first(self, vector: Self::Vector, count: usize) -> Self::Vector {
        if count >= Self::COUNT {
            return vector;
        }
        let mut all = [0.0; WIDEST];
        self.store(vector, &mut all);
        all.iter_mut().skip(count).for_each(|number| *number = 0.0);
        self.load(&all)
    }

    /// Loads a whole vector or, at the end of a row, what is left and zeros.
    #[inline(always)]
    fn read(self, from: &[f32]) -> Self::Vector {
        if from.len() >= Self::COUNT {
            return self.load(from);
        }
        let mut padded = [0.0; WIDEST];
        padded.iter_mut().zip(from).for_each(|(to, from)| *to = *from);
        self.load(&padded)
    }

    /// Stores a whole vector or, at the end of a row, as much as there is room for.
    #[inline(always)]
    fn write(self, vector: Self::Vector, to: &mut [f32]) {
        if to.len() >= Self::COUNT {
            return self.store(vector, to);
        }
        let mut padded = [0.0; WIDEST];
        self.store(vector, &mut padded);
        to.iter_mut().zip(padded).for_each(|(to, from)| *to = from);
    }
}

/// Added to a number of at most 2^22, it leaves the nearest whole number in the lowest bits: nine of them are enough to add to
/// an exponent.
const TO_WHOLE: f32 = 12_582_912.0;

/// 2^f for f in -0.5..=0.5, highest power first: a minimax fit with a relative error of 7e-8.
const POWER_OF_TWO: [f32; 6] = [0.001_330_854_7, 0.009_676_7, 0.055_505_946, 0.240_220_96, 0.693_147_06, 1.000_000_1];

/// The same with a relative error of 7.5e-5: a fraction of what rounding to bf16 costs.
const ROUGH_POWER_OF_TWO: [f32; 4] = [0.055_171_67, 0.242_611_13, 0.693_260_97, 0.999_928_06];

/// Two to the power of a number in -126..=127; the caller sees to the range.
#[inline(always)]
pub(super) fn power_of_two<L: Lanes>(lanes: L, power: L::Vector) -> L::Vector {
    raise_two(lanes, power, &POWER_OF_TWO)
}

/// The same of a number in -125..=127, for results of which only the first nine bits are kept.
#[inline(always)]
pub(super) fn rough_power_of_two<L: Lanes>(lanes: L, power: L::Vector) -> L::Vector {
    raise_two(lanes, power, &ROUGH_POWER_OF_TWO)
}

#[inline(always)]
fn raise_two<L: Lanes>(lanes: L, power: L::Vector, fractions: &[f32]) -> L::Vector {
    let (fraction, whole) = lanes.split(power);
    lanes.add_to_exponent(polynomial(lanes, fraction, fractions), whole)
}

/// From here on the normal distribution's share is one, or zero, as far as GELU's error is concerned.
const GELU_EDGE: f32 = 4.4;

/// P in `share(c) = 0.5 + c * P(c * c)` of the normal distribution, highest power first: a minimax fit of GELU itself on
/// -4.4..=4.4, moved by a few units of the last place so that the edges come out as 0 and 1 in `f32` too.
const NORMAL_SHARE: [f32; 9] = [
    3.569_401_7e-11,
    -3.754_044_6e-9,
    1.740_852_9e-7,
    -4.724_892_3e-6,
    8.429_343e-5,
    -1.054_996e-3,
    9.643_042e-3,
    -6.607_644e-2,
    3.987_612_4e-1,
];

/// The value times the normal distribution's share below it, with an error under 5e-5.
#[inline(always)]
pub(super) fn gelu<L: Lanes>(lanes: L, value: L::Vector) -> L::Vector {
    let cut = lanes.maximum(lanes.minimum(value, lanes.splat(GELU_EDGE)), lanes.splat(-GELU_EDGE));
    let slope = polynomial(lanes, lanes.multiply(cut, cut), &NORMAL_SHARE);
    lanes.multiply(value, lanes.multiply_add(cut, slope, lanes.splat(0.5)))
}

/// The coefficients start with that of the highest power.
#[inline(always)]
fn polynomial<L: Lanes>(lanes: L, x: L::Vector, coefficients: &[f32]) -> L::Vector {
    let mut sum = lanes.splat(coefficients.first().copied().unwrap_or_default());
    for &coefficient in coefficients.iter().skip(1) {
        sum = lanes.multiply_add(sum, x, lanes.splat(coefficient));
    }
    sum
}
