//! Futures that are dropped while they wait, at each place where they can be: nothing is done twice,
//! nothing stays locked, the next call works. The table of `docs/reliability.md` says what else holds.

mod calls;
mod definitions;
mod signing_in;
mod streams;
mod transfers;

use std::collections::BTreeSet;
use std::future::{Future, IntoFuture};
use std::path::{Path, PathBuf};
use std::pin::{Pin, pin};
use std::task::{Context, Poll, Waker};

use async_trait::async_trait;
use bytes::Bytes;
use dataverse_client::http::{FixedToken, Transport, TransportError, VirtualClock};
use dataverse_client::{Client, New};
use dataverse_emulator::{CommittedChange, Emulator, EmulatorBuilder};
use dataverse_tests::tables::{Account, AccountCard};

use crate::documents::{ON_PREMISES, document};

/// Waits once.
#[derive(Default)]
struct Pause(bool);

impl Future for Pause {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<()> {
        if self.0 {
            return Poll::Ready(());
        }
        self.0 = true;
        context.waker().wake_by_ref();
        Poll::Pending
    }
}

/// A way on which a request waits before it is executed, and its answer before it is told.
#[derive(Clone)]
struct Way(Emulator);

#[async_trait]
impl Transport for Way {
    async fn send(
        &self,
        request: http::Request<Bytes>,
    ) -> Result<http::Response<Bytes>, TransportError> {
        Pause::default().await;
        let answer = self.0.send(request).await;
        Pause::default().await;
        answer
    }
}

/// An org, and a client for it.
struct World {
    emulator: Emulator,
    client: Client,
}

impl World {
    fn of(emulator: EmulatorBuilder) -> Self {
        let clock = VirtualClock::default();
        let emulator = emulator.clock(clock.clone()).build().unwrap();
        let client = Client::builder(Emulator::URL)
            .unwrap()
            .credential(FixedToken::new("any"))
            .transport(Way(emulator.clone()))
            .clock(clock)
            .build()
            .unwrap();
        World { emulator, client }
    }

    fn new() -> Self {
        World::of(Emulator::builder().document(document(ON_PREMISES)))
    }

    /// Runs `case` with 0 polls before it drops what it is about, with 1, and so on, until it says
    /// that its future came to its end; looks each time whether the client is as before.
    fn drop_everywhere(&self, mut case: impl FnMut(usize) -> bool) {
        for polls in 0.. {
            assert!(polls < 500, "it has no end");
            let is_done = case(polls);
            let limits = self.client.limits();
            let held = (limits.in_flight, limits.waiting);
            assert_eq!(held, (0, 0), "after {polls} polls");
            assert_eq!(self.count("the next call"), 0, "after {polls} polls");
            if is_done {
                assert!(polls > 2, "it never waited");
                break;
            }
        }
        self.nothing_was_made_twice();
    }

    /// Looks at what the emulator did for each id that the client gave a request.
    fn nothing_was_made_twice(&self) {
        let requests = self.emulator.requests();
        let ids = requests.iter().filter_map(|sent| {
            let id = sent.headers.get("x-ms-client-request-id")?;
            id.to_str().ok()
        });
        let mut made = BTreeSet::new();
        for id in ids.collect::<BTreeSet<_>>() {
            for done in self.emulator.committed(id) {
                if done.change == CommittedChange::Created {
                    assert!(
                        made.insert((done.table.clone(), done.id.clone())),
                        "{done:?}"
                    );
                }
            }
        }
    }

    /// How many accounts have this name.
    fn count(&self, name: &str) -> usize {
        let query = self.client.query::<AccountCard>();
        let rows = query.filter(Account::NAME.eq(name)).rows();
        finish(rows.collect()).unwrap().len()
    }

    /// The same number of accounts of this name.
    fn create(&self, name: &str, count: usize) {
        for _ in 0..count {
            finish(self.client.create(account(name))).unwrap();
        }
    }
}

fn account(name: &str) -> New<Account> {
    New::new().set(Account::NAME, name)
}

/// Waits so often, and drops it; what came of it if it had come to its end.
fn poll_times<F: IntoFuture>(future: F, polls: usize) -> Option<F::Output> {
    let mut future = pin!(future.into_future());
    let mut context = Context::from_waker(Waker::noop());
    for _ in 0..polls {
        if let Poll::Ready(output) = future.as_mut().poll(&mut context) {
            return Some(output);
        }
    }
    None
}

/// Waits to the end.
fn finish<F: IntoFuture>(future: F) -> F::Output {
    poll_times(future, 100_000).expect("it has no end")
}

/// Waits for what `begin` gives, which is dropped after each poll that did not end it.
fn finish_by_dropping<T>(mut poll: impl FnMut() -> Option<T>) -> T {
    (0..1000).find_map(|_| poll()).expect("it has no end")
}

/// All files below a folder.
fn files(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        match path.is_dir() {
            true => files(&path, found),
            false => found.push(path),
        }
    }
}

/// The public futures of a source: `Type::function`, and `Type` for what is one itself.
fn public_futures(source: &str) -> BTreeSet<String> {
    let name = |text: &str| -> String {
        let is_part = |c: char| c.is_alphanumeric() || c == '_';
        text.chars().take_while(|c| is_part(*c)).collect()
    };
    let mut found = BTreeSet::new();
    let (mut owner, mut is_trait) = (String::new(), false);
    for line in source.lines() {
        if line.starts_with("#[cfg(test)]") {
            break;
        }
        if let Some(rest) = line.strip_prefix("pub trait ") {
            (owner, is_trait) = (name(rest), true);
        } else if line.starts_with("impl") {
            is_trait = false;
            let (what, rest) = line.split_once(" for ").unwrap_or(("", line));
            // What stands between `impl` and the name: `impl<R: Read> `.
            let rest = match what {
                "" => rest.split_once("> ").map_or(&rest[5..], |(head, rest)| {
                    if head.starts_with("impl<") {
                        rest
                    } else {
                        &line[5..]
                    }
                }),
                _ => rest,
            };
            owner = name(rest);
            let is_future = ["Stream", "IntoFuture"].iter().any(|it| what.ends_with(it));
            if is_future && source.contains(&format!("pub struct {owner}")) {
                found.insert(owner.clone());
            }
        }
        let line = line.trim_start();
        let function = match is_trait {
            true => line.strip_prefix("async fn ").or_else(|| {
                let rest = line.strip_prefix("fn ")?;
                rest.contains("-> Pin<Box<dyn Future").then_some(rest)
            }),
            false => line.strip_prefix("pub async fn "),
        };
        if let Some(function) = function {
            found.insert(format!("{owner}::{}", name(function)));
        }
    }
    found
}

#[test]
fn every_public_future_has_a_row_and_a_test() {
    let base = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut sources = Vec::new();
    files(&base.join("../dataverse-client/src"), &mut sources);
    let found: BTreeSet<String> = sources
        .iter()
        .flat_map(|path| public_futures(&std::fs::read_to_string(path).unwrap()))
        .collect();
    let text = std::fs::read_to_string(base.join("../docs/reliability.md")).unwrap();
    let (_, table) = text.split_once("## Futures that are dropped").unwrap();
    let table = table.split("\n## ").next().unwrap();
    let mut told = BTreeSet::new();
    for line in table.lines().filter_map(|line| line.strip_prefix("| `")) {
        let cells: Vec<_> = line.trim_end_matches(" |").split(" | ").collect();
        let [names, does, test] = cells[..] else {
            panic!("{line}")
        };
        assert!(does.len() > 10, "{line}");
        for name in names
            .split('`')
            .filter(|name| name.starts_with(char::is_uppercase))
        {
            assert!(told.insert(name.to_owned()), "{name} has two rows");
        }
        let (file, name) = test.trim_matches('`').split_once(": ").unwrap();
        let test = std::fs::read_to_string(base.join("it").join(file)).unwrap();
        let function = format!("fn {name}(");
        assert!(test.contains(&format!("#[test]\n{function}")), "{line}");
    }
    assert_eq!(told, found);
}

#[test]
fn a_public_future_is_seen_however_it_is_written() {
    let source = "
pub struct Rows<O>(O);
struct Hidden;
impl<O: Paged> Rows<O> {
    pub async fn collect(mut self) -> Vec<O> {
    async fn private(&self) {}
    pub(crate) async fn inner(&self) {}
}
impl Rows<u8> {
    pub async fn count<T>(
impl<O: Paged> Stream for Rows<O> {
impl Stream for Hidden {
pub trait Clock {
    fn sleep(&self, duration: Duration) -> Pin<Box<dyn Future<Output = ()> + Send>>;
    async fn tick(&self);
}
impl Clock for Rows<u8> {
    async fn tick(&self) {}
";
    let found: Vec<_> = public_futures(source).into_iter().collect();
    let expected = [
        "Clock::sleep",
        "Clock::tick",
        "Rows",
        "Rows::collect",
        "Rows::count",
    ];
    assert_eq!(found, expected);
}
