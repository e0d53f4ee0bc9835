//! Which server gets which request, and when.

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
