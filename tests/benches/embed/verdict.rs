//! Bars and what was measured.

#[derive(Default)]
pub struct Verdicts(Vec<String>);

#[derive(Clone, Copy)]
pub enum Bar {
    AtMost(f64),
    AtLeast(f64),
}

impl Verdicts {
    pub fn add(&mut self, what: impl Into<String>, bar: Bar, measured: f64) {
        let (holds, sign, limit) = match bar {
            Bar::AtMost(limit) => (measured <= limit, "<=", limit),
            Bar::AtLeast(limit) => (measured >= limit, ">=", limit),
        };
        let verdict = if holds { "ok    " } else { "MISSED" };
        self.0.push(format!("{verdict}  {:<62} {sign} {limit:<7} measured {measured:.4}", what.into()));
    }

    pub fn print(&self) {
        println!("\nbars");
        self.0.iter().for_each(|line| println!("  {line}"));
    }
}
