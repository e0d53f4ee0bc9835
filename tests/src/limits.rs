//! A model of the service's limits in virtual time: what is done in some time, and what is refused.
//!
//! Each web server counts for itself what ended or came in the last 300 seconds: 6,000 requests and
//! 1,200 seconds of execution; and no more than 52 requests run at once. Whoever is over a limit
//! when a request comes is blocked until it is free again. A request of some rows takes a fixed time
//! and a time for each row, and longer when more run than the server has places for; it answers what
//! is left of the limits and how many requests it recommends.
//!
//! Assumed: how long a block is (that more requests lengthen it is left out, which is kind to those
//! who send them), how much slower a full server is, and that what other programs use stays the same.

use std::collections::VecDeque;
use std::future::Future;
use std::pin::{Pin, pin};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Wake, Waker};
use std::time::{Duration, SystemTime};

use async_trait::async_trait;
use bytes::Bytes;
use dataverse_client::http::{Clock, FixedToken, Transport, TransportError};
use dataverse_client::{AnyTable, BulkMethod, BulkRow, Changes, Client, Id, Result};
use http::header::{COOKIE, RETRY_AFTER, SET_COOKIE};

use crate::clock::ManualClock;

const WINDOW: f64 = 300.0;
const REQUESTS: f64 = 6000.0;
const SECONDS: f64 = 1200.0;
const AT_ONCE: usize = 52;

/// A service, and who else uses it.
#[derive(Debug, Clone, Copy)]
pub struct Scenario {
    /// What it is called.
    pub name: &'static str,
    /// Web servers.
    pub servers: usize,
    /// Requests that one of them runs at once without getting slower.
    pub places: usize,
    /// Seconds of a request beside its rows.
    pub fixed: f64,
    /// Seconds of a row.
    pub each: f64,
    /// Seconds on the way there and back.
    pub trip: f64,
    /// The share of the limits that other programs of the same user take.
    pub others: f64,
    /// How long it is watched, in seconds.
    pub time: f64,
}

/// What was done.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct Done {
    /// Rows that were written.
    pub rows: u64,
    /// Requests.
    pub sent: u64,
    /// Requests that were refused.
    pub refused: u64,
    /// Rows that could have been written.
    pub optimum: f64,
}

impl Done {
    /// The part of what could be done that was done.
    pub fn share(&self) -> f64 {
        self.rows as f64 / self.optimum
    }

    /// The part of the requests that was for nothing.
    pub fn wasted(&self) -> f64 {
        self.refused as f64 / (self.sent as f64).max(1.0)
    }
}

/// How a bulk write of so many rows went; times in seconds.
#[derive(Debug, Clone, Copy)]
pub struct Job {
    /// What was done.
    pub done: Done,
    /// From its beginning to its end.
    pub took: f64,
    /// From when a place was free for which there was no request any more, to its end.
    pub idle: f64,
    /// From when the first server had done its last request, to its end.
    pub apart: f64,
}

impl Scenario {
    /// The scenarios that the client is measured by.
    pub const ALL: [Scenario; 5] = [
        Scenario::ONE,
        Scenario {
            name: "three servers",
            servers: 3,
            ..Scenario::ONE
        },
        Scenario {
            name: "plug-ins of 40 ms",
            each: 0.04,
            ..Scenario::ONE
        },
        Scenario {
            name: "small server",
            places: 5,
            ..Scenario::ONE
        },
        Scenario {
            name: "others use 30 %",
            others: 0.3,
            ..Scenario::ONE
        },
    ];

    /// One server, of an hour.
    pub const ONE: Scenario = Scenario {
        name: "one server, 8 ms a row",
        servers: 1,
        places: 10,
        fixed: 0.04,
        each: 0.008,
        trip: 0.06,
        others: 0.0,
        time: 3600.0,
    };

    /// A bulk write of the client, in its time.
    ///
    /// Errors: the job stops before.
    pub fn bulk_write(&self) -> Result<Done> {
        Ok(self.write(1..=u128::MAX)?.done())
    }

    /// A bulk write of so many rows, to its end.
    ///
    /// Errors: the job stops before.
    pub fn job(&self, rows: u64) -> Result<Job> {
        let service = self.write(1..=u128::from(rows))?;
        let ended = service.now();
        let state = service.state();
        let of_servers = state
            .servers
            .iter()
            .filter_map(|server| server.ended.back());
        let first = of_servers.map(|(ended, _)| *ended).fold(ended, f64::min);
        Ok(Job {
            done: state.done,
            took: ended,
            idle: ended - state.full_until,
            apart: ended - first,
        })
    }

    fn write(&self, rows: std::ops::RangeInclusive<u128>) -> Result<Service> {
        let clock = ManualClock::new();
        let service = Service::new(*self, clock.clone());
        let client = Client::builder("https://org.crm.dynamics.com")?
            .credential(FixedToken::new("any"))
            .transport(service.clone())
            .clock(clock.clone())
            .build()?;
        let rows = rows.map(|n| {
            let id = Id::<AnyTable>::new(uuid_of(n));
            BulkRow::update(id, Changes::new().set_named("name", "a"))
        });
        let table = dataverse_client::schema::TableName::new("accounts")
            .logical_name("account")
            .primary_id("accountid");
        let mut job = client
            .table(table)
            .bulk_write()
            .method(BulkMethod::Multiple)
            .rows(rows)?;
        let end = clock.now() + Duration::from_secs_f64(self.time);
        let all = async {
            while let Some(outcome) = job.try_next().await.transpose() {
                outcome?.result?;
            }
            Ok(())
        };
        match drive(&clock, end, all) {
            Some(Err(error)) => Err(error),
            Some(Ok(())) | None => Ok(service),
        }
    }

    /// So many workers that send packs of so many rows, and wait as long as they are told, in its
    /// time.
    pub fn workers(&self, workers: usize, rows: usize) -> Done {
        let clock = ManualClock::new();
        let service = Service::new(*self, clock.clone());
        let end = clock.now() + Duration::from_secs_f64(self.time);
        let work = || async {
            loop {
                let request = http::Request::new(Bytes::from(vec![b'{'; rows + 1]));
                let Ok(answer) = service.send(request).await else {
                    return;
                };
                let wait = answer.headers().get(RETRY_AFTER);
                let wait = wait.and_then(|wait| wait.to_str().ok()?.parse().ok());
                if let Some(wait) = wait {
                    clock.sleep(Duration::from_secs(wait)).await;
                }
            }
        };
        let mut work: Vec<Pin<Box<dyn Future<Output = ()> + '_>>> =
            (0..workers).map(|_| Box::pin(work()) as _).collect();
        let all = std::future::poll_fn(|context| {
            for work in &mut work {
                let _ = work.as_mut().poll(context);
            }
            Poll::<()>::Pending
        });
        drive(&clock, end, all);
        service.done()
    }

    /// Rows, if each limit is used to the full in each window.
    fn optimum(&self) -> f64 {
        let each = self.each + self.fixed / 1000.0;
        let allowed = SECONDS * (self.time / WINDOW).ceil() * (1.0 - self.others);
        let possible = self.places as f64 * self.time;
        self.servers as f64 * allowed.min(possible) / each
    }
}

fn uuid_of(n: u128) -> uuid::Uuid {
    uuid::Uuid::from_u128(n)
}

/// Polls until the end of the future, or of the time.
pub fn drive<F: Future>(clock: &ManualClock, end: SystemTime, future: F) -> Option<F::Output> {
    struct Woken(AtomicBool);
    impl Wake for Woken {
        fn wake(self: Arc<Self>) {
            self.0.store(true, Ordering::Relaxed);
        }
    }
    let woken = Arc::new(Woken(AtomicBool::new(true)));
    let waker = Waker::from(Arc::clone(&woken));
    let mut future = pin!(future);
    loop {
        while woken.0.swap(false, Ordering::Relaxed) {
            if let Poll::Ready(output) = future.as_mut().poll(&mut Context::from_waker(&waker)) {
                return Some(output);
            }
        }
        if !clock.advance_to_next() || clock.now() > end {
            return None;
        }
    }
}

/// The service. Clones share it.
#[derive(Debug, Clone)]
struct Service {
    scenario: Scenario,
    clock: ManualClock,
    began: SystemTime,
    state: Arc<Mutex<State>>,
}

#[derive(Debug)]
struct State {
    servers: Vec<Server>,
    done: Done,
    chance: u64,
    /// Requests that the client waits for.
    on_way: usize,
    /// When they were fewer than there are places, for the last time.
    full_until: f64,
}

#[derive(Debug, Default)]
struct Server {
    running: usize,
    /// When requests came, and when they ended with how many seconds.
    came: VecDeque<f64>,
    ended: VecDeque<(f64, f64)>,
    seconds: f64,
    blocked_until: f64,
}

impl State {
    /// From 0 to 1, the same in every run.
    fn chance(&mut self) -> f64 {
        self.chance = self
            .chance
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        (self.chance >> 40) as f64 / (1_u64 << 24) as f64
    }
}

impl Server {
    fn forget(&mut self, now: f64) {
        while self.came.front().is_some_and(|came| now - came >= WINDOW) {
            self.came.pop_front();
        }
        while let Some((end, seconds)) = self.ended.front().copied()
            && now - end >= WINDOW
        {
            self.ended.pop_front();
            self.seconds -= seconds;
        }
    }

    /// Until when a request that comes now is refused.
    fn refuses(&mut self, now: f64, others: f64) -> Option<f64> {
        self.forget(now);
        if now < self.blocked_until {
            return Some(self.blocked_until);
        }
        let mut seconds = self.seconds + SECONDS * others;
        let mut until = None;
        for (end, took) in &self.ended {
            if seconds < SECONDS {
                break;
            }
            seconds -= took;
            until = Some(end + WINDOW);
        }
        if self.came.len() as f64 + REQUESTS * others >= REQUESTS {
            until = self.came.front().map(|came| came + WINDOW);
        }
        let until = until.map(|until| until.max(now + 5.0));
        if let Some(until) = until {
            self.blocked_until = until;
        }
        until
    }
}

impl Service {
    fn new(scenario: Scenario, clock: ManualClock) -> Self {
        let servers = (0..scenario.servers).map(|_| Server::default()).collect();
        Service {
            began: clock.now(),
            scenario,
            clock,
            state: Arc::new(Mutex::new(State {
                servers,
                done: Done {
                    optimum: scenario.optimum(),
                    ..Done::default()
                },
                chance: 1,
                on_way: 0,
                full_until: 0.0,
            })),
        }
    }

    fn done(&self) -> Done {
        self.state().done
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn now(&self) -> f64 {
        let now = self.clock.now().duration_since(self.began);
        now.unwrap_or_default().as_secs_f64()
    }

    /// The client has the answer to a request.
    fn answered(&self) {
        let now = self.now();
        let mut state = self.state();
        if state.on_way >= self.scenario.places * self.scenario.servers {
            state.full_until = now;
        }
        state.on_way -= 1;
    }

    async fn wait(&self, seconds: f64) {
        self.clock.sleep(Duration::from_secs_f64(seconds)).await;
    }

    /// The server that the cookie leads to; any other if it leads to none.
    fn server(&self, request: &http::Request<Bytes>) -> usize {
        let cookie = request.headers().get(COOKIE);
        let cookie = cookie.and_then(|cookie| cookie.to_str().ok()?.strip_prefix("ARRAffinity=s"));
        let count = self.scenario.servers;
        let named = cookie.and_then(|number| number.parse().ok());
        named.unwrap_or_else(|| (self.state().chance() * count as f64) as usize % count)
    }

    /// Seconds that the request runs, or the wait and the code it is refused with.
    fn begin(&self, server: usize, rows: usize) -> Result<f64, (f64, &'static str)> {
        let now = self.now();
        let mut state = self.state();
        state.done.sent += 1;
        let noise = 0.9 + 0.2 * state.chance();
        let others = self.scenario.others;
        let server = &mut state.servers[server];
        let refusal = match server.refuses(now, others) {
            Some(until) => Some((until - now, "0x80072321")),
            None if server.running >= AT_ONCE => Some((5.0, "0x80072326")),
            None => None,
        };
        if let Some(refusal) = refusal {
            state.done.refused += 1;
            return Err(refusal);
        }
        server.came.push_back(now);
        server.running += 1;
        let crowd = (server.running as f64 / self.scenario.places as f64).max(1.0);
        Ok((self.scenario.fixed + self.scenario.each * rows as f64) * noise * crowd)
    }

    fn end(&self, server: usize, seconds: f64, rows: usize) -> (f64, f64) {
        let now = self.now();
        let mut state = self.state();
        state.done.rows += rows as u64;
        let others = self.scenario.others;
        let server = &mut state.servers[server];
        server.running -= 1;
        server.ended.push_back((now, seconds));
        server.seconds += seconds;
        server.forget(now);
        (
            (REQUESTS * (1.0 - others) - server.came.len() as f64).max(0.0),
            (SECONDS * (1.0 - others) - server.seconds).max(0.0),
        )
    }
}

#[async_trait]
impl Transport for Service {
    async fn send(
        &self,
        request: http::Request<Bytes>,
    ) -> Result<http::Response<Bytes>, TransportError> {
        let rows = request.body().iter().filter(|byte| **byte == b'{').count();
        let rows = rows.saturating_sub(1);
        let server = self.server(&request);
        self.state().on_way += 1;
        self.wait(self.scenario.trip / 2.0).await;
        let answer =
            http::Response::builder().header(SET_COOKIE, format!("ARRAffinity=s{server};Path=/"));
        let recommended = self.scenario.places * self.scenario.servers;
        let answer = answer.header("x-ms-dop-hint", recommended);
        let answer = match self.begin(server, rows) {
            Ok(seconds) => {
                self.wait(seconds).await;
                let (requests, left) = self.end(server, seconds, rows);
                answer
                    .status(204)
                    .header(
                        "x-ms-ratelimit-burst-remaining-xrm-requests",
                        requests as u64,
                    )
                    .header(
                        "x-ms-ratelimit-time-remaining-xrm-requests",
                        format!("{left:.2}"),
                    )
                    .body(Bytes::new())
            }
            Err((wait, code)) => answer
                .status(429)
                .header(RETRY_AFTER, wait.ceil() as u64)
                .body(Bytes::from(format!(
                    r#"{{"error":{{"code":"{code}","message":"later"}}}}"#
                ))),
        };
        self.wait(self.scenario.trip / 2.0).await;
        self.answered();
        answer.map_err(|error| TransportError::new(dataverse_client::http::Reached::NotSent, error))
    }
}
