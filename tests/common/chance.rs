//! Chance that comes again: the same numbers for the same seed, so that a failure can be looked at. Shared by test programs.

/// A generator of numbers (xorshift64*).
pub(crate) struct Chance(u64);

impl Chance {
    /// The numbers of `seed`.
    pub(crate) fn new(seed: u64) -> Self {
        Self(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1)
    }

    pub(crate) fn next(&mut self) -> u64 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        self.0.wrapping_mul(0x2545_f491_4f6c_dd1d)
    }

    /// A number below `end`, which is not 0.
    pub(crate) fn below(&mut self, end: usize) -> usize {
        usize::try_from(self.next() >> 16).unwrap() % end
    }
}

/// How many rounds a long test makes: all of them with `AIOPS_LONG=1`, else so many as are made every time.
pub(crate) fn rounds(every_time: usize, all: usize) -> usize {
    if std::env::var_os("AIOPS_LONG").is_some_and(|value| value == "1") { all } else { every_time }
}
