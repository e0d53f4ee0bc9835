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
mod tests {
    use super::*;

    const T: SystemTime = SystemTime::UNIX_EPOCH;

    fn at(seconds: u64) -> SystemTime {
        T + Duration::from_secs(seconds)
    }

    fn seen(server: &'static str, left: Option<u64>) -> Option<Seen> {
        Some(Seen {
            cookie: (!server.is_empty()).then(|| HeaderValue::from_static(server)),
            told: Told {
                recommended: Some(4),
                remaining_requests: None,
                remaining_time: left.map(Duration::from_secs),
            },
            took: Duration::from_secs(10),
        })
    }

    /// Lanes that have had one answer of each server.
    fn lanes(servers: &[&'static str], left: Option<u64>) -> Lanes {
        let mut lanes = Lanes::new(8);
        let starts: Vec<_> = servers
            .iter()
            .map(|_| lanes.start(at(0), 10.0).unwrap())
            .collect();
        for (server, start) in servers.iter().zip(starts) {
            lanes.end(at(10), start, seen(server, left));
        }
        lanes
    }

    #[test]
    fn the_affinity_cookie_is_found_among_others() {
        let of = |cookies: &[&'static str]| {
            let mut headers = HeaderMap::new();
            for cookie in cookies {
                headers.append(SET_COOKIE, HeaderValue::from_static(cookie));
            }
            affinity(&headers)
        };
        assert_eq!(of(&[]), None);
        assert_eq!(of(&["a=b", "XARRAffinity=1", ""]), None);
        let both = [
            "ARRAffinitySameSite=x;Path=/",
            "ARRAffinity=x;Path=/;Secure",
        ];
        assert_eq!(of(&both).unwrap(), "ARRAffinity=x");
        assert_eq!(of(&both[..1]).unwrap(), "ARRAffinitySameSite=x");
        assert!(!format!("{:?}", of(&both)).contains("ARR"));
    }

    #[test]
    fn the_recommended_number_is_shared_among_the_servers() {
        let mut lanes = Lanes::new(8);
        let first: Vec<_> = (0..8).map(|_| lanes.start(at(0), 1.0).unwrap()).collect();
        assert_eq!(lanes.start(at(0), 1.0).unwrap_err(), None);
        for (place, start) in first.into_iter().enumerate() {
            assert!(start.cookie.is_none());
            lanes.end(at(1), start, seen(["a", "b"][place % 2], None));
        }
        assert_eq!(lanes.places(), 4);
        let next: Vec<_> = (0..4).map(|_| lanes.start(at(2), 1.0).unwrap()).collect();
        let to = |server: &str| {
            let to_it = next
                .iter()
                .filter(|start| start.cookie.as_ref().unwrap() == server);
            to_it.count()
        };
        assert_eq!((to("a"), to("b")), (2, 2));
        assert_eq!(lanes.start(at(2), 1.0).unwrap_err(), None);
    }

    #[test]
    fn the_first_server_that_answers_is_not_given_all() {
        let mut lanes = Lanes::new(8);
        let mut first: Vec<_> = (0..8).map(|_| lanes.start(at(0), 1.0).unwrap()).collect();
        let told = Told {
            recommended: Some(24),
            ..Told::default()
        };
        let mut answer = |lanes: &mut Lanes, server| {
            let seen = seen(server, None).map(|seen| Seen { told, ..seen });
            lanes.end(at(1), first.pop().unwrap(), seen);
        };
        let room = |lanes: &mut Lanes| {
            let starts = std::iter::from_fn(|| lanes.start(at(1), 1.0).ok());
            starts.count()
        };
        answer(&mut lanes, "a");
        assert_eq!(room(&mut lanes), 3, "its part, if each went elsewhere");
        assert_eq!(lanes.places(), 24);
        answer(&mut lanes, "b");
        assert_eq!(room(&mut lanes), 3);
        (0..6).for_each(|_| answer(&mut lanes, "b"));
        assert_eq!(room(&mut lanes), 18 + 2, "two look for other servers");
    }

    #[test]
    fn a_full_account_is_free_when_ones_own_use_leaves_the_window() {
        let mut lanes = lanes(&["a"], Some(1190));
        let mut starts = Vec::new();
        // 1,200 seconds, less 0.2 % and the 10 that were used.
        for _ in 0..3 {
            starts.push(lanes.start(at(20), 390.0).unwrap());
        }
        assert_eq!(
            lanes.start(at(20), 20.0).unwrap_err(),
            Some(Duration::from_secs(290))
        );
        // The answers say more than what was guessed.
        for start in starts {
            lanes.end(at(30), start, seen("a", Some(1160)));
        }
        assert!(lanes.start(at(30), 390.0).is_ok());
        // A service that says nothing has no such limits.
        let mut silent = self::lanes(&["a"], None);
        assert!(silent.start(at(20), 100_000.0).is_ok());
    }

    #[test]
    fn who_is_kept_out_by_others_asks_now_and_then() {
        let mut lanes = Lanes::new(8);
        let start = lanes.start(at(0), 10.0).unwrap();
        lanes.end(at(0), start, seen("a", Some(0)));
        // One's own ten seconds leave after 300, which are not enough.
        assert_eq!(
            lanes.start(at(2), 20.0).unwrap_err(),
            Some(Duration::from_secs(8))
        );
        let asking = lanes.start(at(10), 20.0).unwrap();
        assert_eq!(
            lanes.start(at(10), 20.0).unwrap_err(),
            None,
            "one is enough"
        );
        lanes.end(at(11), asking, seen("a", Some(1200)));
        assert!(lanes.start(at(11), 20.0).is_ok());
    }

    #[test]
    fn a_server_that_refuses_is_parked_alone() {
        let mut lanes = lanes(&["a", "b"], Some(1200));
        let [one, other] = [(); 2].map(|()| lanes.start(at(10), 1.0).unwrap());
        let parked = one.cookie.clone();
        let margin = lanes.margin;
        lanes.refuse(at(11), one, seen("", None), Duration::from_secs(60));
        assert!(lanes.margin > margin, "it was not foreseen");
        let free = other.cookie.clone();
        assert_ne!(free, parked);
        let again = lanes.start(at(12), 1.0).unwrap();
        assert_eq!(again.cookie, free);
        // Both places of the other one are taken.
        assert_eq!(
            lanes.start(at(12), 1.0).unwrap_err(),
            Some(Duration::from_secs(59))
        );
        // Then one request asks, and its answer opens the lane.
        let asking = lanes.start(at(71), 1.0).unwrap();
        assert_eq!(asking.cookie, parked);
        assert_eq!(lanes.start(at(71), 1.0).unwrap_err(), None);
        lanes.end(at(72), asking, seen("", Some(1200)));
        assert_eq!(lanes.start(at(72), 1.0).unwrap().cookie, parked);
    }

    #[test]
    fn a_cookie_that_leads_elsewhere_is_forgotten() {
        let mut lanes = lanes(&["a", "b"], None);
        let [one, other] = [(); 2].map(|()| lanes.start(at(10), 1.0).unwrap());
        let (from, to) = (one.cookie.clone().unwrap(), other.cookie.clone().unwrap());
        let to = if to == "a" { "a" } else { "b" };
        lanes.end(at(11), one, seen(to, None));
        for _ in 0..2 {
            assert_ne!(lanes.start(at(12), 1.0).unwrap().cookie.unwrap(), from);
        }
        lanes.end(at(12), other, None);
        // A server that is not known yet takes the place of the one it answers for.
        let start = lanes.start(at(13), 1.0).unwrap();
        lanes.end(at(13), start, seen("c", None));
        assert_eq!(lanes.start(at(14), 1.0).unwrap().cookie.unwrap(), "c");
    }

    #[test]
    fn a_service_that_does_not_heed_its_cookies_is_asked_on() {
        let mut lanes = Lanes::new(8);
        let mut starts = VecDeque::new();
        for turn in 0..1000_usize {
            while let Ok(start) = lanes.start(at(turn as u64), 1.0) {
                starts.push_back(start);
            }
            let start = starts.pop_front().expect("nobody waits for nothing");
            let server = ["a", "b", "c"][turn * turn / 7 % 3];
            lanes.end(at(turn as u64), start, seen(server, None));
        }
    }

    #[test]
    fn no_more_are_recommended_than_are_allowed() {
        let mut lanes = Lanes::new(8);
        let start = lanes.start(at(0), 1.0).unwrap();
        let told = Told {
            recommended: Some(u32::MAX),
            ..Told::default()
        };
        let seen = seen("a", None).map(|seen| Seen { told, ..seen });
        lanes.end(at(1), start, seen);
        assert_eq!(lanes.places(), 52);
    }

    #[test]
    fn a_clock_that_is_set_back_blocks_nothing_for_longer() {
        let mut lanes = Lanes::new(8);
        let start = lanes.start(at(10_000), 10.0).unwrap();
        lanes.end(at(10_000), start, seen("a", Some(0)));
        lanes.refuse(
            at(10_000),
            lanes_start(),
            seen("a", None),
            Duration::from_secs(5),
        );
        assert_eq!(
            lanes.start(at(10), 10.0).unwrap_err(),
            Some(Duration::from_secs(5))
        );
        assert!(lanes.start(at(15), 10.0).is_ok());
    }

    fn lanes_start() -> Start {
        Start {
            lane: None,
            is_first: false,
            cookie: None,
            seconds: 10.0,
        }
    }
}
