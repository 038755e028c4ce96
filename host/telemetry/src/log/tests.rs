use super::*;
use std::io::Write;
use std::sync::Mutex;
use std::sync::mpsc::{Receiver, channel};

/// Collects what is written, in place of standard error.
#[derive(Clone, Default)]
struct Sink(Arc<Mutex<Vec<u8>>>);

impl Write for Sink {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

/// A reader that does not read before it is told to.
struct Stuck(Receiver<()>);

impl Write for Stuck {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        let _ = self.0.recv();
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

fn written(format: Format, act: impl FnOnce()) -> String {
    let sink = Sink::default();
    let (lines, flush) = Lines::start(Arc::new(Metrics::new("1")), sink.clone()).unwrap();
    let layer = tracing_subscriber::fmt::layer().with_writer(lines).event_format(Line(format));
    tracing::subscriber::with_default(tracing_subscriber::registry().with(layer), act);
    drop(flush);
    let bytes = sink.0.lock().unwrap().clone();
    String::from_utf8(bytes).unwrap()
}

#[test]
fn a_line_starts_with_time_level_and_event_and_ends_with_prose() {
    let text = written(Format::Json, || tracing::warn!(count = 3, event = "something", ratio = 0.5, "in \"words\"\n"));
    let line: serde_json::Value = serde_json::from_str(&text).unwrap();
    let keys: Vec<_> = line.as_object().unwrap().keys().map(String::as_str).collect();
    assert_eq!(keys, ["ts", "level", "event", "count", "ratio", "target", "msg"]);
    assert_eq!((&line["level"], &line["count"]), (&"warn".into(), &3.into()));
    assert_eq!(line["msg"], "in \"words\"\n");
    assert_eq!(text.lines().count(), 1);
}

#[test]
fn a_line_for_people_is_one_line_too() {
    let text = written(Format::Text, || tracing::info!(event = "something", name = "a\nb\u{1b}[31m", "in words"));
    let (_, rest) = text.split_once(' ').unwrap();
    assert_eq!(rest, "INFO  something name=\"a\\nb\\u001b[31m\" \"in words\"\n");
}

#[test]
fn what_is_absent_is_left_out_and_what_is_long_is_cut() {
    let long = "\u{e4}".repeat(5000);
    let text = written(Format::Json, || tracing::info!(event = "e", model = long, decision = None::<&str>));
    let line: serde_json::Value = serde_json::from_str(&text).unwrap();
    assert_eq!(line["model"].as_str().unwrap().len(), 1024);
    assert!(line.get("decision").is_none());
}

#[test]
fn lines_that_nobody_reads_are_dropped_and_counted() {
    let (release, stuck) = channel();
    let metrics = Arc::new(Metrics::new("1"));
    let (lines, flush) = Lines::start(Arc::clone(&metrics), Stuck(stuck)).unwrap();
    let mut near = &lines;
    (0..20_000).for_each(|_| near.write_all(&[b'x'; 100]).unwrap());
    drop(release);
    drop(flush);
    let text = metrics.encode();
    let dropped = text.lines().find_map(|line| line.strip_prefix("trackside_log_dropped_total ")).unwrap();
    assert!(dropped.parse::<u64>().unwrap() >= 10_000, "{dropped} lines dropped");
}

#[test]
fn a_filter_is_a_level_or_a_list_by_crate() {
    assert!(targets("info").is_ok());
    assert!(targets("warn,trackside_routing=debug").is_ok());
    assert!(matches!(targets("trackside_routing=loud"), Err(LogError::Filter { .. })));
}

#[test]
fn a_timestamp_is_utc_in_iso_form() {
    let now = timestamp();
    assert!(now.ends_with('Z') && now.len() == 27 && now.as_bytes()[10] == b'T', "{now}");
}
