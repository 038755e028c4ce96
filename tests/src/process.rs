//! A process that ends with the value that stands for it, and with the test run if that is killed.

use std::{
    collections::HashMap,
    ffi::{OsStr, OsString},
    io::{BufRead, BufReader, Read},
    process::{Child, Command, Stdio},
    sync::{Arc, Mutex, atomic::AtomicBool, atomic::Ordering},
    thread::JoinHandle,
    time::{Duration, Instant},
};

/// Longest wait for a process to say that it is ready. A first start compiles components on a busy machine.
pub const START: Duration = Duration::from_secs(120);

/// The process is a child of a shell that waits for the end of its own input. That end comes when the value is dropped, and
/// also when the kernel closes the pipe of a test run that was killed: nothing is ever left behind.
const LIFELINE: &str = r#"
sh -c 'echo $$; exec "$@" 2>&1' sh "$@" </dev/null &
child=$!
exec >/dev/null 2>&1
read -r _
kill -KILL $child
wait $child
"#;

/// A running program and what it has written so far.
#[derive(Debug)]
pub struct Process {
    name: &'static str,
    pid: u32,
    shell: Child,
    output: Arc<Output>,
    reader: Option<JoinHandle<()>>,
    /// Nanoseconds on a core by thread, the ended ones included.
    threads: Mutex<HashMap<OsString, u64>>,
}

#[derive(Debug, Default)]
struct Output {
    lines: Mutex<Vec<String>>,
    ended: AtomicBool,
}

impl Process {
    /// Starts a program. Its environment is that of the tests, without what would configure Trackside, and with `variables`
    /// on top.
    pub fn start<A: AsRef<OsStr>>(
        name: &'static str,
        program: &OsStr,
        arguments: &[A],
        variables: &[(&str, OsString)],
    ) -> Process {
        let mut command = Command::new("sh");
        for (name, _) in std::env::vars_os().filter(|(name, _)| name.as_encoded_bytes().starts_with(b"TRACKSIDE_")) {
            command.env_remove(name);
        }
        let mut shell = command
            .args(["-c", LIFELINE, "sh"])
            .arg(program)
            .args(arguments)
            .envs(variables.iter().map(|(key, value)| (key, value)))
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap_or_else(|error| panic!("cannot start {name}: {error}"));
        let mut out = BufReader::new(shell.stdout.take().expect("its output is a pipe"));
        let mut first = String::new();
        out.read_line(&mut first).expect("the shell writes the process id");
        let pid = first.trim().parse().expect("the first line is the process id");
        let output = Arc::new(Output::default());
        let reader = std::thread::spawn({
            let output = Arc::clone(&output);
            move || output.collect(out)
        });
        Process { name, pid, shell, output, reader: Some(reader), threads: Mutex::default() }
    }

    /// The first line for which `find` gives something. Fails the test if the process ends or stays silent for too long.
    pub async fn wait_for<T>(&self, what: &str, find: impl Fn(&str) -> Option<T>) -> T {
        self.poll(what, || self.output.lines.lock().unwrap().iter().find_map(|line| find(line))).await
    }

    /// What `look` gives once it gives something. Fails the test if the process ends or the wait is too long.
    pub async fn poll<T>(&self, what: &str, look: impl Fn() -> Option<T>) -> T {
        let deadline = Instant::now() + START;
        loop {
            let ended = self.output.ended.load(Ordering::Acquire);
            if let Some(found) = look() {
                return found;
            }
            assert!(!ended, "{} ended before {what}:\n{}", self.name, self.written());
            assert!(Instant::now() < deadline, "{} is without {what} after {START:?}:\n{}", self.name, self.written());
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    }

    /// Sends it a signal, such as `TERM`.
    pub fn signal(&self, name: &str) {
        let sent = Command::new("kill").args([&format!("-{name}"), &self.pid.to_string()]).status();
        assert!(sent.is_ok_and(|status| status.success()), "{} cannot be sent {name}", self.name);
    }

    /// Waits for its end.
    pub async fn ended(&self) {
        let deadline = Instant::now() + START;
        while !self.output.ended.load(Ordering::Acquire) {
            assert!(Instant::now() < deadline, "{} has not ended after {START:?}:\n{}", self.name, self.written());
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    }

    /// Everything it has written.
    pub fn written(&self) -> String {
        self.output.lines.lock().unwrap().join("\n")
    }

    /// Processor time that it has used, in its own code and in the kernel; what threads that have ended used after the look
    /// before is lost.
    pub fn cpu(&self) -> Duration {
        // Nanoseconds on a core, per thread: the totals in /proc/PID/stat count in steps of ten milliseconds.
        let tasks = std::fs::read_dir(format!("/proc/{}/task", self.pid)).expect("the process runs");
        let mut threads = self.threads.lock().unwrap();
        threads.extend(tasks.filter_map(|task| {
            let task = task.ok()?;
            let schedstat = std::fs::read_to_string(task.path().join("schedstat")).ok()?;
            Some((task.file_name(), schedstat.split_whitespace().next()?.parse::<u64>().ok()?))
        }));
        Duration::from_nanos(threads.values().sum())
    }

    /// Memory that it holds now, bytes: pages of its executable that it has read count too.
    pub fn resident(&self) -> u64 {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.pid)).expect("the process runs");
        let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).expect("the kernel tells");
        line.trim().trim_end_matches(" kB").parse::<u64>().expect("a number of kibibytes") << 10
    }
}

impl Output {
    fn collect(&self, out: impl Read) {
        for line in BufReader::new(out).lines() {
            self.lines.lock().unwrap().push(line.unwrap_or_else(|error| format!("<{error}>")));
        }
        self.ended.store(true, Ordering::Release);
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        drop(self.shell.stdin.take());
        // Both have ended already if these fail.
        let _ = self.shell.wait();
        if let Some(reader) = self.reader.take() {
            let _ = reader.join();
        }
        if std::thread::panicking() {
            eprintln!("--- {}\n{}", self.name, self.written());
        }
    }
}
