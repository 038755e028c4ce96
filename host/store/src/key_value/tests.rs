use super::*;
use crate::entries::ENTRY_BYTES;
use std::thread;

/// A store, and the hand of its clock.
struct Timed {
    store: KeyValue,
    elapsed_ms: Arc<AtomicU64>,
}

impl Timed {
    fn new(limits: Limits) -> Self {
        let elapsed_ms = Arc::new(AtomicU64::new(0));
        let (start, hand) = (Instant::now(), Arc::clone(&elapsed_ms));
        let clock = move || start + Duration::from_millis(hand.load(Relaxed));
        Self { store: KeyValue::with_clock(limits, clock), elapsed_ms }
    }

    fn pass(&self, ms: u64) {
        self.elapsed_ms.fetch_add(ms, Relaxed);
    }
}

fn ms(ms: u64) -> Option<Duration> {
    Some(Duration::from_millis(ms))
}

fn text(namespace: &Namespace, key: &str) -> Option<String> {
    namespace.get(key).unwrap().map(|value| String::from_utf8(value.to_vec()).unwrap())
}

/// Limits that hold so many entries of a one-byte key and a one-byte value.
fn room_for(store: usize, namespace: usize) -> Limits {
    Limits { store_bytes: store * (ENTRY_BYTES + 2), namespace_bytes: namespace * (ENTRY_BYTES + 2) }
}

#[test]
fn owners_do_not_see_each_other() {
    let store = KeyValue::new(Limits::default());
    let (a, b) = (store.namespace("a"), store.namespace("b"));
    a.put("key", b"of a", None).unwrap();
    assert_eq!(text(&b, "key"), None);
    b.put("key", b"of b", None).unwrap();
    assert_eq!(text(&store.namespace("a"), "key").as_deref(), Some("of a"));
    assert_eq!(text(&b, "key").as_deref(), Some("of b"));
}

#[test]
fn values_expire() {
    enum Step {
        Put(&'static str, Option<Duration>),
        Add(i64, Option<Duration>, i64),
        Swap(Option<&'static str>, Option<Duration>, bool),
        Pass(u64),
        Get(Option<&'static str>),
    }
    use Step::{Add, Get, Pass, Put, Swap};
    let cases: [(&str, &[Step]); 9] = [
        ("without a time it stays", &[Put("v", None), Pass(1 << 40), Get(Some("v"))]),
        ("one that ends after the clock's range stays", &[Put("v", Some(Duration::MAX)), Pass(1), Get(Some("v"))]),
        ("it is there until its time", &[Put("v", ms(10)), Pass(9), Get(Some("v")), Pass(1), Get(None)]),
        ("a time of nothing is over at once", &[Put("v", ms(0)), Get(None)]),
        ("a put sets a new time", &[Put("v", ms(10)), Pass(9), Put("w", ms(10)), Pass(9), Get(Some("w"))]),
        ("a put can take the time away", &[Put("v", ms(10)), Put("w", None), Pass(99), Get(Some("w"))]),
        ("an addition keeps the first time", &[Add(1, ms(10), 1), Pass(9), Add(1, ms(10), 2), Pass(1), Get(None)]),
        ("a counter begins again", &[Add(5, ms(10), 5), Pass(10), Add(1, ms(10), 1), Pass(9), Get(Some("1"))]),
        (
            "an expired value is absent to a swap",
            &[Put("v", ms(10)), Pass(10), Swap(Some("v"), None, false), Swap(None, ms(5), true), Pass(5), Get(None)],
        ),
    ];
    for (name, steps) in cases {
        let timed = Timed::new(Limits::default());
        let space = timed.store.namespace("owner");
        for step in steps {
            match step {
                Put(value, ttl) => space.put("k", value.as_bytes(), *ttl).unwrap(),
                Add(by, ttl, sum) => assert_eq!(space.add("k", *by, *ttl), Ok(*sum), "{name}"),
                Swap(expected, ttl, done) => {
                    assert_eq!(space.swap("k", expected.map(str::as_bytes), b"s", *ttl), Ok(*done), "{name}");
                }
                Pass(ms) => timed.pass(*ms),
                Get(expected) => assert_eq!(text(&space, "k").as_deref(), *expected, "{name}"),
            }
        }
    }
}

#[test]
fn counters_are_decimal_text() {
    let space = KeyValue::new(Limits::default()).namespace("owner");
    for (before, by, result) in [
        (None, 0, Ok(0)),
        (None, -3, Ok(-3)),
        (Some("41"), 1, Ok(42)),
        (Some("-9223372036854775807"), -1, Ok(i64::MIN)),
        (Some("9223372036854775807"), 1, Err(StoreError::CounterOverflow)),
        (Some("-9223372036854775808"), -1, Err(StoreError::CounterOverflow)),
        (Some("9223372036854775808"), -1, Err(StoreError::NotACounter)),
        (Some(""), 1, Err(StoreError::NotACounter)),
        (Some("1.0"), 1, Err(StoreError::NotACounter)),
        (Some("text"), 1, Err(StoreError::NotACounter)),
    ] {
        let key = format!("{before:?} {by}");
        if let Some(before) = before {
            space.put(&key, before.as_bytes(), None).unwrap();
        }
        assert_eq!(space.add(&key, by, None), result, "{key}");
        let after = result.ok().map(|sum| sum.to_string());
        assert_eq!(text(&space, &key), after.or(before.map(str::to_owned)), "{key}");
    }
    space.put("bytes", &[0xff], None).unwrap();
    assert_eq!(space.add("bytes", 1, None), Err(StoreError::NotACounter));
}

#[test]
fn swap_writes_only_over_what_was_read() {
    let space = KeyValue::new(Limits::default()).namespace("owner");
    for (expected, value, done, after) in [
        (Some("a"), "b", false, None),
        (None, "a", true, Some("a")),
        (None, "b", false, Some("a")),
        (Some(""), "b", false, Some("a")),
        (Some("a"), "", true, Some("")),
        (Some(""), "c", true, Some("c")),
    ] {
        assert_eq!(space.swap("k", expected.map(str::as_bytes), value.as_bytes(), None), Ok(done));
        assert_eq!(text(&space, "k").as_deref(), after);
    }
}

#[test]
fn sizes_are_bounded() {
    let space = KeyValue::new(Limits::default()).namespace("owner");
    let (key, value) = ("k".repeat(MAX_KEY_BYTES), vec![0; MAX_VALUE_BYTES]);
    space.put(&key, &value, None).unwrap();
    assert_eq!(space.get(&key).unwrap().unwrap().len(), MAX_VALUE_BYTES);

    let key = "k".repeat(MAX_KEY_BYTES + 1);
    let refused = StoreError::KeyTooLong { bytes: MAX_KEY_BYTES + 1, limit: MAX_KEY_BYTES };
    assert_eq!(space.get(&key), Err(refused));
    assert_eq!(space.put(&key, b"", None), Err(refused));
    assert_eq!(space.add(&key, 1, None), Err(refused));
    assert_eq!(space.swap(&key, None, b"", None), Err(refused));

    let value = vec![0; MAX_VALUE_BYTES + 1];
    let refused = StoreError::ValueTooLong { bytes: MAX_VALUE_BYTES + 1, limit: MAX_VALUE_BYTES };
    assert_eq!(space.put("k", &value, None), Err(refused));
    assert_eq!(space.swap("k", None, &value, None), Err(refused));

    let small = KeyValue::new(Limits { namespace_bytes: ENTRY_BYTES + 2, ..Limits::default() }).namespace("owner");
    small.put("k", b"v", None).unwrap();
    let refused = StoreError::NamespaceTooSmall { bytes: ENTRY_BYTES + 3, limit: ENTRY_BYTES + 2 };
    assert_eq!(small.put("k", b"vv", None), Err(refused));
    assert_eq!(text(&small, "k").as_deref(), Some("v"), "a refused write changes nothing");
}

#[test]
fn a_full_namespace_drops_expired_values_then_the_oldest() {
    let timed = Timed::new(room_for(100, 3));
    let space = timed.store.namespace("owner");
    space.put("a", b"1", None).unwrap();
    space.put("b", b"1", ms(10)).unwrap();
    space.put("c", b"1", None).unwrap();
    space.put("a", b"2", None).unwrap();
    timed.pass(10);
    let left = |keys: &str| keys.chars().filter(|key| text(&space, &key.to_string()).is_some()).collect::<String>();

    space.put("d", b"1", None).unwrap();
    assert_eq!((left("abcd").as_str(), timed.store.usage().evicted), ("acd", 0), "the expired one went");
    space.put("e", b"1", None).unwrap();
    assert_eq!((left("acde").as_str(), timed.store.usage().evicted), ("ade", 1), "a was written after c");
    assert_eq!(timed.store.usage().bytes, 3 * (ENTRY_BYTES + 2));
}

#[test]
fn a_full_store_takes_from_the_expired_and_the_largest() {
    let timed = Timed::new(room_for(6, 5));
    let [flood, quiet, gone] = ["flood", "quiet", "gone"].map(|owner| timed.store.namespace(owner));
    quiet.put("q", b"1", None).unwrap();
    gone.put("g", b"1", ms(10)).unwrap();
    for key in ["a", "b", "c", "d"] {
        flood.put(key, b"1", None).unwrap();
    }
    timed.pass(10);
    flood.put("e", b"1", None).unwrap();
    assert_eq!(timed.store.usage(), Usage { bytes: 6 * (ENTRY_BYTES + 2), evicted: 0 });

    quiet.put("r", b"1", None).unwrap();
    assert_eq!(timed.store.usage(), Usage { bytes: 6 * (ENTRY_BYTES + 2), evicted: 1 });
    assert_eq!(text(&flood, "a"), None);
    for (space, key) in [(&flood, "b"), (&flood, "e"), (&quiet, "q"), (&quiet, "r")] {
        assert!(text(space, key).is_some(), "{key}");
    }
}

#[test]
fn additions_and_swaps_of_many_threads_are_all_counted() {
    const ROUNDS: i64 = 2_000;
    let store = KeyValue::new(Limits::default());
    thread::scope(|scope| {
        for _ in 0..8 {
            let space = store.namespace("owner");
            scope.spawn(move || {
                for _ in 0..ROUNDS {
                    space.add("added", 1, None).unwrap();
                    loop {
                        let before = space.get("swapped").unwrap();
                        let next = before.as_deref().map_or(0, |value| parse_counter(value).unwrap()) + 1;
                        if space.swap("swapped", before.as_deref(), next.to_string().as_bytes(), None).unwrap() {
                            break;
                        }
                    }
                }
            });
        }
    });
    let space = store.namespace("owner");
    assert_eq!(space.add("added", 0, None), Ok(8 * ROUNDS));
    assert_eq!(space.add("swapped", 0, None), Ok(8 * ROUNDS));
}

#[test]
fn bounds_and_totals_hold_under_many_threads() {
    let limits = Limits { store_bytes: 200_000, namespace_bytes: 80_000 };
    let store = KeyValue::new(limits);
    let owners = ["a", "b", "c", "d"];
    thread::scope(|scope| {
        for (seed, owner) in owners.iter().chain(&owners).enumerate() {
            let space = store.namespace(owner);
            scope.spawn(move || {
                for round in 0..3_000 {
                    let key = format!("{}", (round * 7 + seed * 13) % 500);
                    let ttl = (round % 3 == 0).then_some(Duration::from_micros(50));
                    space.put(&key, &vec![0; round * 31 % 2_000], ttl).unwrap();
                    assert!(lock(&space.entries).bytes() <= limits.namespace_bytes);
                }
            });
        }
    });
    let sum: usize = owners.iter().map(|owner| lock(&store.namespace(owner).entries).bytes()).sum();
    assert_eq!(store.usage().bytes, sum);
    assert!(sum <= limits.store_bytes, "{sum}");
    assert!(store.usage().evicted > 0);
}

#[test]
fn removed_entries_leave_nothing_behind() {
    let timed = Timed::new(Limits::default());
    let space = timed.store.namespace("owner");
    for key in 0..100 {
        space.put(&key.to_string(), b"v", ms(key % 7)).unwrap();
        space.put(&key.to_string(), b"w", ms(key % 5 + 1)).unwrap();
    }
    timed.pass(10);
    lock(&space.entries).remove_expired((timed.store.0.clock)());
    assert!(lock(&space.entries).is_empty());
}
