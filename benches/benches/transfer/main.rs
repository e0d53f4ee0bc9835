//! What moving many rows costs: pages read typed, and rows written in `$batch` and `CreateMultiple`:
//! `cargo bench -p dataverse-benches --bench transfer`.
//!
//! Each contender is a process of its own with one thread (this program again), so that its
//! processor time and peak memory are its alone; so is the server, which gives prepared bytes over a
//! loopback socket. Contenders take turns, and the lowest time of their rounds is told. An argument
//! measures the contenders only in whose names it stands.

// A bench that cannot go on says so by panicking.
#![allow(missing_docs, clippy::unwrap_used)]

#[allow(dead_code, reason = "shared with the bench of decoding")]
#[path = "../decode/page.rs"]
mod page;
mod read;
mod serde_hyper;
mod server;
#[allow(dead_code, reason = "shared with the bench of decoding")]
#[path = "../decode/with_serde.rs"]
mod with_serde;
mod write;

use std::io::{BufRead, BufReader, Write};
use std::process::{Command, Stdio};

const ROUNDS: usize = 9;

/// What a contender needed.
#[derive(Clone, Copy)]
struct Cost {
    /// Nanoseconds of processors.
    time: u64,
    /// Peak memory above what was there before the first request, in bytes.
    memory: u64,
}

/// Contenders that do the same; the last is the bare one.
struct Race {
    title: &'static str,
    rows: usize,
    contenders: &'static [&'static str],
}

const RACES: [Race; 4] = [
    Race {
        title: "20 pages of 5,000 rows, 26 columns",
        rows: read::PAGES * page::ROWS,
        contenders: &["read-rows", "read-prefetched", "read-pages", "read-reqwest"],
    },
    Race {
        title: "CreateMultiple of 1,000 rows",
        rows: write::REQUESTS * write::ROWS,
        contenders: &[
            "multiple-typed",
            "multiple-serde",
            "multiple-built",
            "multiple-plain",
            "multiple-joined",
            "multiple-hyper",
        ],
    },
    Race {
        title: "$batch of 1,000 creates",
        rows: write::REQUESTS * write::ROWS,
        contenders: &[
            "batch-typed",
            "batch-serde",
            "batch-built",
            "batch-plain",
            "batch-joined",
            "batch-hyper",
        ],
    },
    Race {
        title: "bulk write",
        rows: write::REQUESTS * write::ROWS,
        contenders: &["bulk-multiple", "bulk-batch", "batch-hyper"],
    },
];

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    match arguments[..] {
        ["serve"] => server::run(),
        ["contend", name, url] => contend(name, url),
        // `cargo test --all-targets` calls benches as well.
        _ if arguments.contains(&"--bench") => {
            measure(arguments.into_iter().find(|word| *word != "--bench"));
        }
        _ => {}
    }
}

fn contend(name: &str, url: &str) {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap();
    let cost = match name.split_once('-').unwrap() {
        ("read", how) => runtime.block_on(read::run(how, url)),
        (what, how) => runtime.block_on(write::run(what, how, url)),
    };
    let mut output = std::io::stdout();
    writeln!(output, "{} {}", cost.time, cost.memory).unwrap();
}

fn measure(wanted: Option<&str>) {
    let program = std::env::current_exe().unwrap();
    let mut server = Command::new(&program)
        .arg("serve")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut url = String::new();
    let stdout = server.stdout.take().unwrap();
    BufReader::new(stdout).read_line(&mut url).unwrap();
    for race in RACES {
        let names = race.contenders.iter().copied();
        let names: Vec<_> = names
            .filter(|name| wanted.is_none_or(|wanted| name.contains(wanted)))
            .collect();
        let mut best: Vec<Option<Cost>> = vec![None; names.len()];
        for _ in 0..ROUNDS {
            for (name, best) in names.iter().zip(&mut best) {
                let output = Command::new(&program)
                    .args(["contend", name, url.trim()])
                    .stderr(Stdio::inherit())
                    .output()
                    .unwrap();
                let text = String::from_utf8(output.stdout).unwrap();
                let (time, memory) = text.trim().split_once(' ').unwrap();
                let (time, memory) = (time.parse().unwrap(), memory.parse().unwrap());
                *best = Some(best.map_or(Cost { time, memory }, |best| Cost {
                    time: best.time.min(time),
                    memory: best.memory.max(memory),
                }));
            }
        }
        report(&race, &names, &best);
    }
    drop(server.stdin.take());
    server.wait().unwrap();
}

fn report(race: &Race, names: &[&str], best: &[Option<Cost>]) {
    let mut out = std::io::stdout().lock();
    let Some(Some(bare)) = best.last() else {
        return;
    };
    writeln!(out, "\n{}", race.title).unwrap();
    for (name, cost) in names.iter().zip(best) {
        let cost = cost.unwrap();
        writeln!(
            out,
            "  {name:26} {:6.3} µs a row  {:5.2}x  {:6.1} MB",
            cost.time as f64 / 1e3 / race.rows as f64,
            cost.time as f64 / bare.time as f64,
            cost.memory as f64 / 1e6,
        )
        .unwrap();
    }
}

/// Begins to measure; the function that it gives ends it.
fn start() -> impl FnOnce() -> Cost {
    let memory = status_of("VmRSS:");
    let time = processor_time();
    move || Cost {
        time: processor_time() - time,
        memory: status_of("VmHWM:").saturating_sub(memory),
    }
}

/// Nanoseconds that all threads of this process have run, in the program and in the system.
fn processor_time() -> u64 {
    // The system adds up when a thread gives way.
    std::thread::yield_now();
    let threads = std::fs::read_dir("/proc/self/task").unwrap();
    let time_of = |thread: std::fs::DirEntry| {
        let text = std::fs::read_to_string(thread.path().join("schedstat")).unwrap();
        text.split(' ').next().unwrap().parse::<u64>().unwrap()
    };
    threads.map(|thread| time_of(thread.unwrap())).sum()
}

/// A number of bytes from what the system tells of this process.
fn status_of(member: &str) -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix(member));
    let kilobytes = line.unwrap().trim().trim_end_matches(" kB");
    kilobytes.parse::<u64>().unwrap() * 1024
}
