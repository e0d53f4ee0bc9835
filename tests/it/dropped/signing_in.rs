//! Signing in, and the seams that a program may fill itself.

use std::sync::Arc;
use std::time::Duration;

use dataverse_client::Client;
use dataverse_client::auth::{
    ClientSecret, Credential, FileStore, RefreshToken, Secret, TokenCache, TokenRequest, TokenStore,
};
use dataverse_client::http::{Clock, ReqwestTransport, SystemClock, Transport, VirtualClock};
use dataverse_emulator::Emulator;
use dataverse_golden::crm::operations::WhoAmI;

use super::{Way, World, finish, poll_times};

fn request(world: &World) -> TokenRequest {
    TokenRequest::new(
        Emulator::URL,
        Arc::new(Way(world.emulator.clone())),
        Arc::new(VirtualClock::default()),
    )
}

fn secret() -> ClientSecret {
    ClientSecret::new("contoso.example", "app", Secret::new("s")).authority(Emulator::URL)
}

#[test]
fn a_sign_in_that_was_dropped_holds_nobody_up() {
    let world = World::new();
    let request = request(&world);
    world.drop_everywhere(|polls| {
        let cache = TokenCache::new(secret());
        let done = poll_times(cache.token(&request), polls).map(Result::unwrap);
        let token = finish(cache.token(&request)).unwrap();
        assert!(done.as_ref().is_none_or(|done| *done == token));
        // The one that is kept needs no wait.
        assert_eq!(
            poll_times(cache.token(&request), 1).unwrap().unwrap(),
            token
        );
        done.is_some()
    });
}

#[test]
fn a_sign_out_leaves_no_token() {
    let world = World::new();
    let client = Client::builder(Emulator::URL)
        .unwrap()
        .credential(secret())
        .transport(Way(world.emulator.clone()))
        .clock(VirtualClock::default())
        .build()
        .unwrap();
    finish(client.invoke(WhoAmI)).unwrap();
    // Without a wait in it: it is begun and ended by one poll.
    assert!(poll_times(client.sign_out(), 0).is_none());
    finish(client.invoke(WhoAmI)).unwrap();
    poll_times(client.sign_out(), 1).unwrap().unwrap();
    let tokens = |world: &World| {
        let all = world.emulator.requests();
        all.iter()
            .filter(|sent| sent.target.ends_with("/token"))
            .count()
    };
    assert_eq!(tokens(&world), 1);
    finish(client.invoke(WhoAmI)).unwrap();
    assert_eq!(tokens(&world), 2);
    // What a store holds goes in the same poll.
    let file = std::path::Path::new(env!("CARGO_TARGET_TMPDIR")).join("dropped-sign-out");
    let _ = std::fs::remove_file(&file);
    FileStore::new(&file).save(&Secret::new("refresh")).unwrap();
    let kept = RefreshToken::new("t", "app", FileStore::new(&file));
    poll_times(kept.sign_out(), 1).unwrap().unwrap();
    assert!(!file.exists());
}

#[test]
fn a_request_that_was_dropped_spoils_no_other() {
    let mut runtime = tokio::runtime::Builder::new_current_thread();
    runtime.enable_all().build().unwrap().block_on(async {
        let world = World::new();
        let listening = world.emulator.listen(0).await.unwrap();
        let transport = ReqwestTransport::new().unwrap();
        let uri = format!("{}/api/data/v9.2/WhoAmI", listening.url());
        let send = || {
            let request = http::Request::get(&uri).header("authorization", "Bearer any");
            transport.send(request.body(bytes::Bytes::new()).unwrap())
        };
        for waits in 0..20 {
            let mut dropped = send();
            for _ in 0..waits {
                tokio::select! {
                    biased;
                    _ = &mut dropped => break,
                    () = tokio::task::yield_now() => {}
                }
            }
            drop(dropped);
            assert_eq!(send().await.unwrap().status(), 200, "{waits}");
        }
    });
}

#[test]
fn a_wait_that_was_dropped_is_over() {
    // On the machine's clock, for a day: dropped, it keeps nobody.
    let mut runtime = tokio::runtime::Builder::new_current_thread();
    runtime.enable_all().build().unwrap().block_on(async {
        let day = Duration::from_secs(24 * 3600);
        let mut sleep = SystemClock.sleep(day);
        let mut alarm = SystemClock.alarm(day);
        assert!(poll_times(&mut sleep, 3).is_none() && poll_times(&mut alarm, 3).is_none());
        drop((sleep, alarm));
    });
}
