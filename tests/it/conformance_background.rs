//! Client and emulator together: operations in the background.

use std::time::Duration;

use dataverse_client::BackgroundState;
use dataverse_emulator::ActionError;
use dataverse_golden::crm::FormatAddress;
use serde_json::{Value, json};

use crate::org::org;

fn address(city: &str) -> FormatAddress {
    FormatAddress {
        line1: "1 Main Street".to_owned(),
        city: city.to_owned(),
        state_or_province: "WA".to_owned(),
        postal_code: "98007".to_owned(),
        country: "U.S.".to_owned(),
    }
}

#[tokio::test]
async fn an_operation_in_the_background_ends_fails_or_is_cancelled() {
    let (client, emulator, _) = org();
    emulator
        .on_action("FormatAddress", |call| {
            let parameters: Value = serde_json::from_str(call.parameters()).unwrap();
            match parameters["City"].as_str() {
                Some(city) if !city.is_empty() => {
                    let answer = json!({ "Address": format!("in {city}") });
                    Ok(Some(answer.to_string()))
                }
                _ => Err(ActionError::new("no city")),
            }
        })
        .unwrap();
    let minute = Duration::from_secs(60);

    let started = client.invoke(address("Seattle")).in_background();
    let started = started.await.unwrap();
    let waiting = client.background_status(&started).await.unwrap();
    assert!(matches!(waiting, BackgroundState::Waiting));
    let BackgroundState::Succeeded(answer) = client.background_end(&started, minute).await.unwrap()
    else {
        panic!("not succeeded")
    };
    assert_eq!(answer.address.as_deref(), Some("in Seattle"));

    let failing = client.invoke(address("")).in_background().await.unwrap();
    let failed = client.background_end(&failing, minute).await.unwrap();
    assert!(matches!(
        failed,
        BackgroundState::Failed { code: Some(0x8004_0265), message } if message == "no city"
    ));

    let cancelled = client.invoke(address("Reno")).in_background();
    let cancelled = cancelled.await.unwrap();
    client.cancel_background(&cancelled).await.unwrap();
    let end = client.background_end(&cancelled, minute).await.unwrap();
    assert!(matches!(end, BackgroundState::Canceled));
}
