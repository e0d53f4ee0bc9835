//! Generating every table of the largest document, files written, against a bare pass over its
//! XML. `cargo bench -p dataverse-benches --bench codegen`.
//!
//! Both sides begin with the unpacked bytes in memory and check that they are UTF-8. Time is wall
//! time; the contenders take turns, and the fastest of their rounds counts. Processor time is that
//! of the program in all rounds, user and system; Linux, as it reads `/proc`.

// A bench that cannot go on says so by panicking.
#![allow(missing_docs, clippy::unwrap_used, clippy::disallowed_methods)]

use std::fs;
use std::hint::black_box;
use std::io::Write;
use std::path::Path;
use std::time::{Duration, Instant};

use dataverse_codegen::{Options, csdl, generate, model, write};
use quick_xml::events::Event;

const ROUNDS: usize = 25;
const DOCUMENT: &str = "synthetic-union-586-entities.csdl.xml.gz";

fn main() {
    // `cargo test --all-targets` calls benches as well.
    if !std::env::args().any(|argument| argument == "--bench") {
        return;
    }
    let document = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("../tests/fixtures/csdl")
        .join(DOCUMENT);
    let document = csdl::text(fs::read(document).unwrap())
        .unwrap()
        .into_bytes();
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("codegen");

    let mut processor = [0.0; 3];
    let mut best = [Duration::MAX; 7];
    let mut note = |at: usize, start: Instant| {
        best[at] = best[at].min(start.elapsed());
    };
    let _ = fs::remove_dir_all(&folder);
    for round in 0..ROUNDS {
        // A first run finds no folder. Those of earlier rounds stay until the end: the disk is slow
        // to give out again what was given back just now.
        let folder = folder.join(round.to_string());
        let bytes = document.clone();
        let before = processor_time();
        let start = Instant::now();
        events(bytes);
        note(0, start);
        processor[0] += processor_time() - before;

        for (whole, of) in [(1, "new files"), (2, "unchanged files")] {
            let bytes = document.clone();
            let before = processor_time();
            let start = Instant::now();
            let text = csdl::text(bytes).unwrap();
            let parsed = csdl::parse(&text).unwrap();
            if whole == 1 {
                note(3, start);
            }
            let step = Instant::now();
            let model = model::build(&parsed);
            if whole == 1 {
                note(4, step);
            }
            let step = Instant::now();
            let generated = generate(&model, &Options::default()).unwrap();
            if whole == 1 {
                note(5, step);
            }
            let step = Instant::now();
            write(&folder, &generated.files).unwrap();
            if whole == 1 {
                note(6, step);
            }
            note(whole, start);
            processor[whole] += processor_time() - before;
            black_box((generated, of));
        }
    }
    let _ = fs::remove_dir_all(&folder);
    let mut out = std::io::stdout().lock();
    writeln!(out, "{DOCUMENT}, {:.1} MB", document.len() as f64 / 1e6).unwrap();
    let names = [
        "quick-xml, all events",
        "generate, new files",
        "generate, unchanged files",
        "  of the first: text and elements",
        "  model",
        "  text of the files",
        "  files written",
    ];
    for (name, time) in names.iter().zip(best) {
        writeln!(
            out,
            "  {name:34} {:7.2} ms {:5.2}x",
            time.as_secs_f64() * 1e3,
            time.as_secs_f64() / best[0].as_secs_f64(),
        )
        .unwrap();
    }
    for (name, seconds) in names.iter().zip(processor) {
        writeln!(
            out,
            "  {name:34} {:7.2} ms of processors {:5.2}x",
            seconds * 1e3 / ROUNDS as f64,
            seconds / processor[0],
        )
        .unwrap();
    }
}

/// Seconds of this program on processors, threads that have ended included.
fn processor_time() -> f64 {
    let stat = fs::read_to_string("/proc/self/stat").unwrap();
    // The name, the second value, may hold blanks; the 14th and 15th are hundredths of a second.
    let values = stat.rsplit_once(") ").unwrap().1.split(' ');
    let ticks = values
        .skip(11)
        .take(2)
        .map(|ticks| ticks.parse::<f64>().unwrap());
    ticks.sum::<f64>() / 100.0
}

/// The bare pass.
fn events(bytes: Vec<u8>) {
    let text = String::from_utf8(bytes).unwrap();
    let mut reader = quick_xml::Reader::from_str(&text);
    let mut count = 0_usize;
    loop {
        match reader.read_event().unwrap() {
            Event::Eof => break,
            event => {
                black_box(&event);
                count += 1;
            }
        }
    }
    black_box(count);
}
