use super::*;

/// A breaker, and the time as it sees it.
struct Bench {
    breaker: Breaker,
    now: Instant,
}

impl Bench {
    fn new() -> Bench {
        let now = Instant::now();
        Bench { breaker: Breaker::new(now), now }
    }

    fn wait(&mut self, millis: u64) {
        self.now += Duration::from_millis(millis);
    }

    fn call(&self, verdict: Verdict) -> Option<Change> {
        self.breaker.admit(self.now).expect("the call is admitted").settle(verdict, || self.now)
    }

    fn calls(&self, verdict: Verdict, count: u64) {
        (0..count).for_each(|_| assert_eq!(self.call(verdict), None));
    }

    fn is_refused(&self) -> bool {
        self.breaker.admit(self.now).is_none()
    }

    fn trip(&self) {
        self.calls(Verdict::Failed, LEAST_FAILURES - 1);
        assert_eq!(self.call(Verdict::Failed), Some(Change::Opened { pause: Duration::from_secs(5) }));
    }
}

#[test]
fn a_component_that_answers_leaves_no_trace() {
    let bench = Bench::new();
    bench.calls(Verdict::Answered, 100_000);
    bench.calls(Verdict::Unclear, 100);
    assert_eq!(bench.breaker.word.load(Ordering::Relaxed), 0);
}

#[test]
fn the_twentieth_failure_in_a_row_opens_it() {
    let bench = Bench::new();
    bench.trip();
    assert!(bench.is_refused());
    assert_eq!((bench.breaker.position(), bench.breaker.failures(), bench.breaker.opened()), (Position::Open, 20, 1));
}

#[test]
fn fewer_than_half_never_open_it() {
    let bench = Bench::new();
    for _ in 0..5_000 {
        bench.calls(Verdict::Failed, 1);
        bench.calls(Verdict::Answered, 2);
    }
    assert_eq!((bench.breaker.position(), bench.breaker.failures()), (Position::Closed, 5_000));
}

#[test]
fn half_of_many_open_it() {
    let bench = Bench::new();
    bench.calls(Verdict::Failed, 1);
    bench.calls(Verdict::Answered, 1_000);
    let opened = (0..1_100).find_map(|_| bench.call(Verdict::Failed));
    assert_eq!(opened, Some(Change::Opened { pause: Duration::from_secs(5) }));
    assert!((990..=1_010).contains(&bench.breaker.failures()), "{}", bench.breaker.failures());
}

#[test]
fn old_failures_are_forgotten() {
    let mut bench = Bench::new();
    bench.calls(Verdict::Failed, LEAST_FAILURES - 1);
    bench.wait(WINDOW_MS);
    bench.calls(Verdict::Failed, LEAST_FAILURES - 1);
    bench.wait(WINDOW_MS);
    // One window without failures, and it is calm again.
    bench.calls(Verdict::Answered, 2);
    bench.wait(WINDOW_MS);
    bench.calls(Verdict::Answered, 1);
    assert_eq!(bench.breaker.word.load(Ordering::Relaxed), 0);
}

#[test]
fn what_is_nobodys_fault_does_not_count() {
    let bench = Bench::new();
    bench.calls(Verdict::Failed, LEAST_FAILURES - 1);
    bench.calls(Verdict::Unclear, 1_000);
    assert!(bench.call(Verdict::Failed).is_some(), "the share of failures is still all");
}

#[test]
fn one_call_at_a_time_tries_and_an_answer_closes_it() {
    let mut bench = Bench::new();
    bench.trip();
    bench.wait(FIRST_PAUSE_MS - 1);
    assert!(bench.is_refused());
    bench.wait(1);
    let trial = bench.breaker.admit(bench.now).expect("a trial");
    assert!(trial.is_trial() && bench.is_refused(), "a second one is not let in");
    assert_eq!(bench.breaker.position(), Position::HalfOpen);
    assert_eq!(trial.settle(Verdict::Answered, || bench.now), Some(Change::Closed));
    bench.calls(Verdict::Answered, 10);
    bench.trip();
}

#[test]
fn each_failed_trial_doubles_the_pause_up_to_a_minute() {
    let mut bench = Bench::new();
    bench.trip();
    let mut last = 5;
    for pause in [10, 20, 40, 60, 60, 60, 60, 60, 60, 60, 60] {
        bench.wait(last * 1_000);
        assert_eq!(bench.call(Verdict::Failed), Some(Change::Opened { pause: Duration::from_secs(pause) }));
        assert!(bench.is_refused());
        last = pause;
    }
    bench.wait(60_000);
    assert_eq!(bench.call(Verdict::Answered), Some(Change::Closed));
    assert_eq!(bench.breaker.opened(), 12);
}

#[test]
fn a_trial_that_tells_nothing_is_followed_by_another() {
    let mut bench = Bench::new();
    bench.trip();
    bench.wait(FIRST_PAUSE_MS);
    drop(bench.breaker.admit(bench.now).expect("a trial"));
    assert_eq!(bench.call(Verdict::Unclear), None);
    assert_eq!(bench.breaker.position(), Position::Open);
    assert_eq!(bench.call(Verdict::Answered), Some(Change::Closed));
}

#[test]
fn calls_that_were_under_way_when_it_opened_change_nothing() {
    let mut bench = Bench::new();
    let late: Vec<_> = (0..3).filter_map(|_| bench.breaker.admit(bench.now)).collect();
    bench.trip();
    for (pass, verdict) in late.into_iter().zip([Verdict::Failed, Verdict::Answered, Verdict::Unclear]) {
        assert_eq!(pass.settle(verdict, || bench.now), None);
    }
    assert!(bench.is_refused());
    bench.wait(FIRST_PAUSE_MS);
    let (old, new) = (bench.now, bench.now + Duration::from_secs(1));
    drop(bench.breaker.admit(old));
    assert!(bench.breaker.admit(new).is_some_and(|pass| pass.is_trial()));
}

#[test]
fn words_and_states_say_the_same() {
    for state in [
        State::Calm,
        State::Watched { since: 0, calls: 1, failures: 1 },
        State::Watched { since: TIME, calls: MOST_COUNTED, failures: MOST_COUNTED },
        State::Open { until: 17, trials: 0 },
        State::Trial { since: TIME, trials: MOST_TRIALS },
    ] {
        assert_eq!(State::of(state.word()), state);
    }
    let many = State::Watched { since: 5, calls: MOST_COUNTED + 1, failures: 40 };
    assert_eq!(State::of(many.word()), State::Watched { since: 5, calls: MOST_COUNTED / 2 + 1, failures: 20 });
}

#[test]
fn threads_at_once_open_it_once() {
    let bench = Bench::new();
    let opened = std::thread::scope(|scope| {
        let threads: Vec<_> = (0..8)
            .map(|_| {
                scope.spawn(|| {
                    let calls = std::iter::repeat_with(|| bench.breaker.admit(bench.now)).take(100).flatten();
                    calls.filter_map(|pass| pass.settle(Verdict::Failed, || bench.now)).count()
                })
            })
            .collect();
        threads.into_iter().map(|thread| thread.join().expect("it ends")).sum::<usize>()
    });
    assert_eq!((opened, bench.breaker.opened()), (1, 1));
}
