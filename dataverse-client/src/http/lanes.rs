//! To which web server a request of a bulk write goes, and when. The service counts requests and
//! execution time for each of its servers: who keeps the same accounts sends as much as is allowed
//! and is never refused.
//!
//! Knows neither time nor tasks: the caller says what time it is, and waits.
//! Source: Microsoft Learn, "Service protection API limits".

use std::collections::VecDeque;
use std::time::{Duration, SystemTime};

use http::HeaderMap;
use http::HeaderValue;
use http::header::SET_COOKIE;

use super::limiter::{Told, left};

/// The service looks back so far.
const WINDOW: Duration = Duration::from_secs(300);

/// What a server allows a user within the window, unless it has told of more.
const REQUESTS: f64 = 6000.0;
const SECONDS: f64 = 1200.0;

/// What is left free of a limit: the least, and the most after refusals that were not foreseen.
const MARGIN: f64 = 0.002;
const MAX_MARGIN: f64 = 0.05;

/// Requests at once that a server allows a user: a recommendation of more is not followed.
const AT_ONCE: u32 = 52;

/// Each so many requests, one goes wherever the service likes: there may be another server.
const LOOKS_AFTER: u64 = 16;

/// How long to wait before asking a server that others use up how it is.
const ASKS_AFTER: Duration = Duration::from_secs(10);

/// An org has fewer servers; more names than these are not of servers.
const MAX_LANES: usize = 64;

/// Waits are no shorter: a clock may not see less.
const LEAST_WAIT: Duration = Duration::from_millis(1);

/// The web servers that a bulk write knows, and what it may ask of each.
#[derive(Debug)]
pub(crate) struct Lanes {
    lanes: Vec<Lane>,
    next_id: u64,
    /// Requests on their way to a server that is not known.
    loose: u32,
    /// Seconds that they will take.
    loose_seconds: f64,
    /// Those of them that were sent before any server was known.
    first: u32,
    started: u64,
    /// Requests at once, as the service recommends them.
    recommended: u32,
    margin: f64,
}

/// One web server.
#[derive(Debug)]
struct Lane {
    id: u64,
    /// What leads to it; None if the service gives no cookies.
    cookie: Option<HeaderValue>,
    in_flight: u32,
    /// Seconds that requests on their way will take.
    promised: f64,
    /// When each of the requests ended that are in the window, and how long it took.
    own: VecDeque<(SystemTime, f64)>,
    requests: Account,
    seconds: Account,
    parked: Option<(SystemTime, Duration)>,
    /// It was parked or others use it up: one request asks how it is.
    asks: bool,
    last_answer: SystemTime,
    /// Its cookie leads to another one.
    is_gone: bool,
}

/// One limit of a server.
#[derive(Debug)]
struct Account {
    limit: f64,
    used: f64,
    /// The service has told of it. One that never does has no such limit.
    is_told: bool,
}

/// A request that may be sent. Goes back with [`Lanes::end`], whatever became of it.
#[derive(Debug)]
pub(crate) struct Start {
    lane: Option<u64>,
    is_first: bool,
    /// Leads the request to its server.
    pub(crate) cookie: Option<HeaderValue>,
    seconds: f64,
}

/// How a request was answered.
#[derive(Debug, Clone)]
pub(crate) struct Seen {
    /// The server that answered.
    pub(crate) cookie: Option<HeaderValue>,
    pub(crate) told: Told,
    pub(crate) took: Duration,
}

/// Whether a lane can take a request.
enum Room {
    /// This share of its time is used.
    Free(f64),
    /// After so long.
    In(Duration),
    /// When a request has been answered.
    Later,
}

/// The cookie that leads to the same web server again.
pub(crate) fn affinity(headers: &HeaderMap) -> Option<HeaderValue> {
    let cookies = headers.get_all(SET_COOKIE).iter();
    let pairs = cookies.filter_map(|cookie| cookie.as_bytes().split(|byte| *byte == b';').next());
    let is_affinity = |pair: &&[u8]| {
        pair.starts_with(b"ARRAffinity=") || pair.starts_with(b"ARRAffinitySameSite=")
    };
    // The two hold the same value.
    let pair = pairs.filter(is_affinity).min_by_key(|pair| pair.len())?;
    let mut cookie = HeaderValue::from_bytes(pair.trim_ascii()).ok()?;
    cookie.set_sensitive(true);
    Some(cookie)
}

impl Lanes {
    /// Begins with so many requests at once, until the service has said what it recommends.
    pub(crate) fn new(places: u32) -> Self {
        Lanes {
            lanes: Vec::new(),
            next_id: 0,
            loose: 0,
            loose_seconds: 0.0,
            first: 0,
            started: 0,
            recommended: places,
            margin: MARGIN,
        }
    }

    fn servers(&self) -> u32 {
        let servers = self.lanes.iter().filter(|lane| !lane.is_gone).count();
        servers.max(1) as u32
    }

    /// Requests at once to one server. The recommendation is for all of them.
    fn places_of_one(&self) -> u32 {
        let is_named = self.lanes.iter().any(|lane| lane.cookie.is_some());
        // Each of the first requests may be with a server of its own: the one that answers first is
        // not to get all that is meant for them.
        let servers = match is_named {
            true => self.servers() + self.first,
            false => self.servers(),
        };
        self.share(servers)
    }

    /// What one of so many servers gets.
    fn share(&self, servers: u32) -> u32 {
        self.recommended.div_ceil(servers).clamp(1, AT_ONCE)
    }

    /// Requests at once to all servers.
    pub(crate) fn places(&self) -> usize {
        let servers = self.servers();
        servers as usize * self.share(servers) as usize
    }

    /// A request that will take about so many seconds may be sent, or after a wait; if no wait is
    /// given, after an answer.
    pub(crate) fn start(
        &mut self,
        now: SystemTime,
        seconds: f64,
    ) -> Result<Start, Option<Duration>> {
        let places = self.places_of_one();
        let (mut best, mut wait) = (None::<(usize, f64)>, None::<Duration>);
        // Those whose server is not known may be with any.
        let wanted = (1 + self.loose, seconds + self.loose_seconds);
        for (place, lane) in self.lanes.iter_mut().enumerate() {
            match lane.room(now, wanted, places, self.margin) {
                Room::Free(share) if best.is_none_or(|(_, least)| share < least) => {
                    best = Some((place, share));
                }
                Room::In(length) => wait = Some(wait.map_or(length, |other| other.min(length))),
                Room::Free(_) | Room::Later => {}
            }
        }
        let is_named = self.lanes.iter().any(|lane| lane.cookie.is_some());
        // Where every known server has room, so has the one that the service chooses.
        let looks = is_named
            && best.is_some()
            && wait.is_none()
            && self.started % LOOKS_AFTER == LOOKS_AFTER - 1;
        let nobody = self.lanes.is_empty() && self.loose < places;
        if looks || nobody {
            self.started += 1;
            self.loose += 1;
            self.loose_seconds += seconds;
            self.first += u32::from(nobody);
            return Ok(Start {
                lane: None,
                is_first: nobody,
                cookie: None,
                seconds,
            });
        }
        let lane = best.and_then(|(place, _)| self.lanes.get_mut(place));
        let Some(lane) = lane else {
            return Err(wait.map(|wait| wait.max(LEAST_WAIT)));
        };
        self.started += 1;
        lane.in_flight += 1;
        lane.promised += seconds;
        Ok(Start {
            lane: Some(lane.id),
            is_first: false,
            cookie: lane.cookie.clone(),
            seconds,
        })
    }

    /// A request has ended, and how it was answered if it was.
    pub(crate) fn end(&mut self, now: SystemTime, start: Start, seen: Option<Seen>) {
        self.free(&start);
        let took = seen
            .as_ref()
            .map_or(start.seconds, |seen| seen.took.as_secs_f64());
        let cookie = seen.as_ref().and_then(|seen| seen.cookie.clone());
        if let Some(recommended) = seen.as_ref().and_then(|seen| seen.told.recommended) {
            self.recommended = recommended;
        }
        if seen.is_none() && start.lane.is_none() {
            return;
        }
        if let Some(lane) = self.lane_of(start.lane, cookie, now) {
            lane.enter(now, took, seen.map(|seen| seen.told));
        }
    }

    /// A server has refused a request, and is not to be asked again for so long.
    pub(crate) fn refuse(
        &mut self,
        now: SystemTime,
        start: Start,
        seen: Option<Seen>,
        wait: Duration,
    ) {
        self.free(&start);
        let cookie = seen.as_ref().and_then(|seen| seen.cookie.clone());
        let Some(lane) = self.lane_of(start.lane, cookie, now) else {
            return;
        };
        let was_foreseen = lane.parked_for(now).is_some() || lane.asks;
        let has_accounts = lane.seconds.is_told || lane.requests.is_told;
        lane.park(now, wait);
        if has_accounts && !was_foreseen {
            self.margin = (self.margin * 2.0).min(MAX_MARGIN);
        }
    }

    fn free(&mut self, start: &Start) {
        self.lanes
            .retain(|lane| !lane.is_gone || lane.in_flight > 0);
        let Some(id) = start.lane else {
            self.loose = self.loose.saturating_sub(1);
            self.loose_seconds = match self.loose {
                0 => 0.0,
                _ => (self.loose_seconds - start.seconds).max(0.0),
            };
            self.first = self.first.saturating_sub(u32::from(start.is_first));
            return;
        };
        if let Some(lane) = self.lanes.iter_mut().find(|lane| lane.id == id) {
            lane.in_flight = lane.in_flight.saturating_sub(1);
            lane.promised = match lane.in_flight {
                0 => 0.0,
                _ => (lane.promised - start.seconds).max(0.0),
            };
        }
    }

    /// The lane of the server that answered.
    fn lane_of(
        &mut self,
        asked: Option<u64>,
        cookie: Option<HeaderValue>,
        now: SystemTime,
    ) -> Option<&mut Lane> {
        let name = cookie.clone();
        let asked = asked.and_then(|id| self.lanes.iter().position(|lane| lane.id == id));
        let known = self
            .lanes
            .iter()
            .position(|lane| cookie.is_some() && lane.cookie == cookie);
        let place = match (asked, known) {
            (Some(asked), Some(known)) if asked != known => {
                // The server is gone, and another one stands in for it.
                if let Some(lane) = self.lanes.get_mut(asked) {
                    lane.is_gone = true;
                }
                known
            }
            (_, Some(known)) => known,
            (Some(asked), None) => {
                if let (Some(lane), Some(_)) = (self.lanes.get_mut(asked), &cookie) {
                    lane.cookie = cookie;
                }
                asked
            }
            (None, None) => {
                let nameless = self.lanes.iter().position(|lane| lane.cookie.is_none());
                match nameless {
                    // The first answer that has a name gives it.
                    Some(nameless) => {
                        if let Some(lane) = self.lanes.get_mut(nameless) {
                            lane.cookie = cookie;
                        }
                        nameless
                    }
                    None if self.lanes.len() < MAX_LANES => {
                        self.next_id += 1;
                        self.lanes.push(Lane::new(self.next_id, cookie, now));
                        self.lanes.len() - 1
                    }
                    None => 0,
                }
            }
        };
        let lane = self.lanes.get_mut(place)?;
        if name.is_some() && lane.cookie == name {
            // Its server has just answered.
            lane.is_gone = false;
        }
        Some(lane)
    }
}

impl Lane {
    fn new(id: u64, cookie: Option<HeaderValue>, now: SystemTime) -> Self {
        let account = |limit| Account {
            limit,
            used: 0.0,
            is_told: false,
        };
        Lane {
            id,
            cookie,
            in_flight: 0,
            promised: 0.0,
            own: VecDeque::new(),
            requests: account(REQUESTS),
            seconds: account(SECONDS),
            parked: None,
            asks: false,
            last_answer: now,
            is_gone: false,
        }
    }

    /// What has left the window is no longer used.
    fn forget(&mut self, now: SystemTime) {
        if self.own.back().is_some_and(|(end, _)| *end > now) {
            // The clock was set back: what has passed is not known.
            self.own
                .iter_mut()
                .for_each(|(end, _)| *end = now.min(*end));
        }
        while let Some((end, seconds)) = self.own.front().copied()
            && now.duration_since(end).is_ok_and(|passed| passed >= WINDOW)
        {
            self.own.pop_front();
            self.requests.used = (self.requests.used - 1.0).max(0.0);
            self.seconds.used = (self.seconds.used - seconds).max(0.0);
        }
    }

    fn parked_for(&mut self, now: SystemTime) -> Option<Duration> {
        let (from, length) = self.parked.as_mut()?;
        let left = left(from, *length, now);
        if left.is_none() {
            self.parked = None;
        }
        left
    }

    /// Whether it can take so many requests of so many seconds together.
    fn room(
        &mut self,
        now: SystemTime,
        (count, seconds): (u32, f64),
        places: u32,
        margin: f64,
    ) -> Room {
        if self.is_gone {
            return Room::Later;
        }
        if let Some(left) = self.parked_for(now) {
            return Room::In(left);
        }
        self.forget(now);
        if self.in_flight >= places || (self.asks && self.in_flight > 0) {
            return Room::Later;
        }
        let share = (self.seconds.used + self.promised) / self.seconds.limit;
        let requests = f64::from(self.in_flight + count);
        let requests = self.requests.over(requests, margin);
        let time = self.seconds.over(self.promised + seconds, margin);
        if self.asks || (requests <= 0.0 && time <= 0.0) {
            return Room::Free(share);
        }
        let (mut leaves, mut time_leaves) = (0.0, 0.0);
        for (end, seconds) in &self.own {
            leaves += 1.0;
            time_leaves += seconds;
            if leaves >= requests && time_leaves >= time {
                let passed = now.duration_since(*end).unwrap_or_default();
                return Room::In(WINDOW.saturating_sub(passed));
            }
        }
        if self.in_flight > 0 || count > 1 {
            return Room::Later;
        }
        // Others use it up, and only the service knows for how long.
        let passed = now.duration_since(self.last_answer).unwrap_or_default();
        match ASKS_AFTER.checked_sub(passed) {
            Some(left) if !left.is_zero() => Room::In(left),
            _ => {
                self.asks = true;
                Room::Free(share)
            }
        }
    }

    /// A request ended, which took so many seconds.
    fn enter(&mut self, now: SystemTime, took: f64, told: Option<Told>) {
        self.forget(now);
        self.own.push_back((now, took));
        self.last_answer = now;
        let Some(told) = told else {
            self.requests.used += 1.0;
            self.seconds.used += took;
            return;
        };
        if std::mem::take(&mut self.asks) {
            // Whether or not the service tells what is used, it is no longer used up.
            self.requests.used = self.requests.used.min(self.own.len() as f64 - 1.0);
            let own: f64 = self.own.iter().map(|(_, seconds)| seconds).sum();
            self.seconds.used = self.seconds.used.min(own - took);
        }
        let time = told.remaining_time.map(|left| left.as_secs_f64());
        self.requests
            .enter(1.0, told.remaining_requests.map(f64::from));
        self.seconds.enter(took, time);
    }

    fn park(&mut self, now: SystemTime, wait: Duration) {
        if self.parked_for(now).is_none_or(|left| left < wait) {
            self.parked = Some((now, wait));
        }
        self.asks = true;
        self.last_answer = now;
    }
}

impl Account {
    /// How much more than the limit, less the margin, would be used.
    fn over(&self, wanted: f64, margin: f64) -> f64 {
        if !self.is_told {
            return 0.0;
        }
        self.used + wanted - self.limit * (1.0 - margin)
    }

    fn enter(&mut self, used: f64, left: Option<f64>) {
        match left {
            Some(left) => {
                self.is_told = true;
                self.limit = self.limit.max(left);
                self.used = self.limit - left;
            }
            None => self.used += used,
        }
    }
}

#[cfg(test)]
mod tests;
