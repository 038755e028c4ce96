//! The confidence under which no answer is better than the likeliest one.

/// The likeliest label of a row, and whether it should be given.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Judged {
    /// 0 to 1.
    pub(crate) confidence: f64,
    pub(crate) expected: Expected,
}

/// What a row expects of its likeliest label.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Expected {
    /// It is the right one.
    Given,
    /// Another would be right.
    Other,
    /// None is right.
    Nothing,
}

/// What a threshold is chosen for.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Goal {
    /// The mean of both shares of right behaviour is greatest.
    Balanced,
    /// At most this share of the rows that expect nothing gets an answer, and otherwise as many as possible do.
    FalseAlarms(f64),
}

/// How a threshold does.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Outcome {
    pub(crate) threshold: f64,
    /// Of the rows that expect a label, how many get it.
    pub(crate) right: f64,
    /// Of the rows that expect nothing, how many get an answer.
    pub(crate) false_alarms: f64,
}

impl Outcome {
    /// What a threshold does to the rows.
    pub(crate) fn of(threshold: f64, rows: &[Judged]) -> Self {
        let share = |expects_nothing: bool, counts: Expected| {
            let rows = || rows.iter().filter(|row| (row.expected == Expected::Nothing) == expects_nothing);
            let found = rows().filter(|row| row.expected == counts && row.confidence >= threshold).count();
            found as f64 / rows().count().max(1) as f64
        };
        Self { threshold, right: share(false, Expected::Given), false_alarms: share(true, Expected::Nothing) }
    }

    /// The mean share of right behaviour towards both kinds of rows.
    pub(crate) fn balanced(&self) -> f64 {
        f64::midpoint(self.right, 1.0 - self.false_alarms)
    }
}

/// The best threshold for the goal, of those with four decimals between the confidences; of equally good ones the lowest.
pub(crate) fn choose(rows: &[Judged], goal: Goal) -> Outcome {
    let mut confidences: Vec<f64> = rows.iter().map(|row| row.confidence).collect();
    confidences.sort_unstable_by(f64::total_cmp);
    confidences.dedup();
    let between =
        confidences.iter().zip(confidences.iter().skip(1)).map(|(low, high)| rounded(f64::midpoint(*low, *high)));
    let mut best = Outcome::of(0.0, rows);
    for threshold in between.chain([1.0]) {
        let outcome = Outcome::of(threshold, rows);
        let better = match goal {
            Goal::Balanced => outcome.balanced() > best.balanced(),
            // Both shares fall as the threshold rises: the first that is low enough is the best.
            Goal::FalseAlarms(most) => best.false_alarms > most,
        };
        if better {
            best = outcome;
        }
    }
    best
}

fn rounded(threshold: f64) -> f64 {
    (threshold * 1e4).round() / 1e4
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rows(rows: &[(f64, Expected)]) -> Vec<Judged> {
        rows.iter().map(|&(confidence, expected)| Judged { confidence, expected }).collect()
    }

    #[test]
    fn answers_and_silence_count_the_same() {
        let rows = rows(&[
            (0.9, Expected::Given),
            (0.8, Expected::Other),
            (0.7, Expected::Given),
            (0.6, Expected::Nothing),
            (0.5, Expected::Given),
            (0.3, Expected::Nothing),
            (0.2, Expected::Nothing),
        ]);
        let best = choose(&rows, Goal::Balanced);
        assert_eq!(best, Outcome { threshold: 0.65, right: 0.5, false_alarms: 0.0 });
        assert!(best.balanced() > Outcome::of(0.4, &rows).balanced());
    }

    #[test]
    fn false_alarms_stay_under_their_share() {
        let rows =
            rows(&[(0.9, Expected::Given), (0.8, Expected::Nothing), (0.6, Expected::Given), (0.4, Expected::Nothing)]);
        assert_eq!(choose(&rows, Goal::FalseAlarms(1.0)).threshold, 0.0);
        assert_eq!(choose(&rows, Goal::FalseAlarms(0.5)), Outcome { threshold: 0.5, right: 1.0, false_alarms: 0.5 });
        assert_eq!(choose(&rows, Goal::FalseAlarms(0.0)).threshold, 0.85);
    }

    #[test]
    fn rows_that_cannot_be_told_apart_are_all_refused_or_all_answered() {
        let same = rows(&[(0.5, Expected::Given), (0.5, Expected::Nothing)]);
        assert_eq!(choose(&same, Goal::FalseAlarms(0.1)).threshold, 1.0);
        assert_eq!(choose(&same, Goal::Balanced).threshold, 0.0);
        assert_eq!(choose(&[], Goal::Balanced), Outcome { threshold: 0.0, right: 0.0, false_alarms: 0.0 });
    }
}
