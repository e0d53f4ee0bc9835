//! `$batch`.

use super::{Answer, emulator, get, send};

const ID: &str = "00000000-0000-0000-0000-000000000001";

fn single(request: &str) -> String {
    format!("--b\nContent-Type: application/http\nContent-Transfer-Encoding: binary\n\n{request}\n")
}

fn change_set(members: &[(&str, &str)]) -> String {
    let mut text = String::from("--b\nContent-Type: multipart/mixed; boundary=c\n\n");
    for (id, request) in members {
        text.push_str(&format!(
            "--c\nContent-Type: application/http\nContent-Transfer-Encoding:binary\nContent-ID: {id}\n\n{request}\n"
        ));
    }
    text + "--c--\n"
}

fn create(set: &str, body: &str) -> String {
    format!(
        "POST /api/data/v9.2/{set} HTTP/1.1\nContent-Type: application/json;type=entry\n\n{body}"
    )
}

async fn batch(emulator: &dataverse_emulator::Emulator, parts: &[String], prefer: &str) -> Answer {
    let body = format!("{}--b--\n", parts.concat()).replace('\n', "\r\n");
    let headers = [
        ("content-type", "multipart/mixed; boundary=\"b\""),
        ("prefer", prefer),
    ];
    send(emulator, "POST", "$batch", &headers, &body).await
}

fn statuses(answer: &Answer) -> Vec<&str> {
    answer
        .body
        .lines()
        .filter_map(|line| line.strip_prefix("HTTP/1.1 "))
        .collect()
}

#[tokio::test]
async fn parts_are_answered_in_order() {
    let emulator = emulator();
    let parts = [
        single(&create(
            "accounts",
            &format!(r#"{{"accountid":"{ID}","name":"a"}}"#),
        )),
        single(&format!(
            "GET /api/data/v9.2/accounts({ID})?$select=name HTTP/1.1\nAccept: application/json\n\n"
        )),
    ];
    let answer = batch(&emulator, &parts, "").await;
    assert_eq!(answer.status, 200);
    assert!(
        answer
            .header("content-type")
            .starts_with("multipart/mixed; boundary=batchresponse_")
    );
    assert_eq!(statuses(&answer), ["204 No Content", "200 OK"]);
    assert!(answer.body.contains("\"name\":\"a\""));
    assert!(answer.body.lines().count() > 10);
    assert_eq!(
        answer.body.matches('\n').count(),
        answer.body.matches("\r\n").count()
    );
}

#[tokio::test]
async fn the_first_error_stops_a_batch_and_is_its_status() {
    let emulator = emulator();
    let parts = [
        single(&create("accounts", r#"{"name":"a"}"#)),
        single(&create("accounts", r#"{"nothing":"a"}"#)),
        single(&create("accounts", r#"{"name":"c"}"#)),
    ];
    let answer = batch(&emulator, &parts, "").await;
    assert_eq!(answer.status, 400);
    assert_eq!(statuses(&answer), ["204 No Content", "400 Bad Request"]);
    let answer = batch(&emulator, &parts, "odata.continue-on-error").await;
    assert_eq!(answer.status, 200);
    assert_eq!(
        statuses(&answer),
        ["204 No Content", "400 Bad Request", "204 No Content"]
    );
}

#[tokio::test]
async fn a_change_set_is_kept_whole_or_not_at_all() {
    let emulator = emulator();
    let good = change_set(&[
        ("1", &create("contacts", r#"{"lastname":"Nguyen"}"#)),
        (
            "2",
            &create(
                "accounts",
                r#"{"name":"a","primarycontactid@odata.bind":"$1"}"#,
            ),
        ),
        (
            "3",
            "PATCH $2 HTTP/1.1\nContent-Type: application/json\n\n{\"name\":\"b\"}",
        ),
        (
            "4",
            "PUT $1/firstname HTTP/1.1\nContent-Type: application/json\n\n{\"value\":\"An\"}",
        ),
    ]);
    let answer = batch(&emulator, &[good], "").await;
    assert_eq!(answer.status, 200, "{}", answer.body);
    assert_eq!(statuses(&answer).len(), 4);
    assert!(answer.body.contains("Content-ID: 3\r\n"));
    let row = get(
        &emulator,
        "accounts?$select=name&$filter=primarycontactid/firstname%20eq%20'An'",
    )
    .await;
    assert_eq!(row.json()["value"][0]["name"], "b");

    let bad = change_set(&[
        ("1", &create("contacts", r#"{"lastname":"Gone"}"#)),
        ("2", &create("accounts", r#"{"nothing":1}"#)),
    ]);
    let answer = batch(&emulator, &[bad], "").await;
    assert_eq!(answer.status, 400);
    assert_eq!(statuses(&answer), ["400 Bad Request"]);
    assert!(answer.body.contains("Content-ID: 2\r\n"));
    let gone = get(&emulator, "contacts?$filter=lastname%20eq%20'Gone'").await;
    assert_eq!(gone.json()["value"], serde_json::json!([]));
}

#[tokio::test]
async fn a_reference_to_nothing_is_refused_in_plain_text() {
    let emulator = emulator();
    let set = change_set(&[
        (
            "2",
            &create("accounts", r#"{"primarycontactid@odata.bind":"$1"}"#),
        ),
        ("1", &create("contacts", "{}")),
    ]);
    let answer = batch(&emulator, &[set], "").await;
    assert_eq!(answer.status, 400);
    assert_eq!(
        answer.body,
        "Content-ID Reference: '$1' does not exist in the batch context."
    );
}

#[tokio::test]
async fn malformed_batches_are_refused() {
    let emulator = emulator();
    let whole = format!("{}--b--\n", single(&create("accounts", "{}"))).replace('\n', "\r\n");
    let headers = [("content-type", "multipart/mixed; boundary=b")];
    for body in [whole.replace('\r', ""), whole.trim_end().to_owned()] {
        let answer = send(&emulator, "POST", "$batch", &headers, &body).await;
        assert_eq!(
            (answer.status, answer.error().0.as_str()),
            (400, "0x80048d19")
        );
        assert!(answer.error().1.ends_with("Stream was not readable."));
    }
    for cut in 0..whole.len() {
        let answer = send(&emulator, "POST", "$batch", &headers, &whole[..cut]).await;
        assert_eq!(answer.status, 400, "{cut}");
    }
    let read = change_set(&[("1", "GET /api/data/v9.2/accounts HTTP/1.1\nAccept: x\n\n")]);
    assert_eq!(batch(&emulator, &[read], "").await.status, 400);
    let nested = single(
        "POST /api/data/v9.2/$batch HTTP/1.1\nContent-Type: multipart/mixed; boundary=x\n\n",
    );
    assert_eq!(batch(&emulator, &[nested], "").await.status, 400);
    let many: Vec<_> = (0..1001)
        .map(|_| single(&create("accounts", "{}")))
        .collect();
    assert_eq!(batch(&emulator, &many, "").await.status, 400);
    assert_eq!(
        get(&emulator, "accounts").await.json()["value"],
        serde_json::json!([])
    );
}
