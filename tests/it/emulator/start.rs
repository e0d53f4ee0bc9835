//! The emulator as other programs start and use it: built-in tables, signing in, `/emulator/…`.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use bytes::Bytes;
use dataverse_client::http::Transport;
use dataverse_emulator::{BuildError, Emulator};
use serde_json::{Value, json};

use super::{get, post, send};

/// Sends without a token.
async fn form(emulator: &Emulator, path: &str, body: &str) -> (u16, Value) {
    let request = http::Request::post(format!("{}{path}", Emulator::URL))
        .header("content-type", "application/x-www-form-urlencoded")
        .body(Bytes::copy_from_slice(body.as_bytes()))
        .unwrap();
    let answer = emulator.send(request).await.unwrap();
    let json = serde_json::from_slice(answer.body()).unwrap();
    (answer.status().as_u16(), json)
}

async fn count(emulator: &Emulator, set: &str) -> usize {
    let answer = get(emulator, set).await;
    assert_eq!(answer.status, 200, "{}", answer.body);
    answer.json()["value"].as_array().unwrap().len()
}

#[tokio::test]
async fn the_built_in_tables_are_there_and_nothing_of_customers() {
    let emulator = Emulator::builder().build().unwrap();
    for set in [
        "accounts",
        "contacts",
        "leads",
        "opportunities",
        "incidents",
        "tasks",
        "emails",
        "phonecalls",
        "activitypointers",
        "activityparties",
        "annotations",
        "systemusers",
        "teams",
        "businessunits",
        "transactioncurrencies",
        "organizations",
        "connections",
        "queues",
        "products",
        "knowledgearticles",
        "roles",
        "solutions",
        "publishers",
        "savedqueries",
        "asyncoperations",
    ] {
        assert_eq!(
            get(&emulator, &format!("{set}?$top=1")).await.status,
            200,
            "{set}"
        );
    }
    assert_eq!(count(&emulator, "accounts").await, 0);
    let document = get(&emulator, "$metadata").await.body;
    for prefix in ["ssg_", "dfa_", "spice_", "csu_", "msdyn_", "ggw_", "new_"] {
        assert!(!document.contains(&format!("\"{prefix}")), "{prefix}");
    }
}

#[tokio::test]
async fn sample_rows_point_at_each_other() {
    let emulator = Emulator::builder().sample_rows().build().unwrap();
    assert_eq!(count(&emulator, "accounts").await, 3);
    let path = "contacts?$select=fullname&$expand=parentcustomerid_account($select=name)";
    let contacts = get(&emulator, path).await.json();
    assert_eq!(
        contacts["value"][0]["parentcustomerid_account"]["name"],
        "Fourth Coffee (sample)"
    );
}

#[tokio::test]
async fn rows_to_begin_with_are_checked() {
    for (json, told) in [
        ("[]", "expected"),
        ("{\"account\": 1}", "expected"),
        ("{\"nothing\": [{}]}", "there is no such table"),
        (
            "{\"account\": [{}, {\"nothing\": 1}]}",
            "row 1 for `account`",
        ),
    ] {
        let error = Emulator::builder().seed(json).build().unwrap_err();
        assert!(matches!(error, BuildError::Seed(_)), "{error}");
        assert!(error.to_string().contains(told), "{json}: {error}");
    }
}

#[tokio::test]
async fn clients_sign_in() {
    let emulator = Emulator::builder().build().unwrap();
    let path = "/my.tenant/oauth2/v2.0/token";
    let body = "grant_type=client_credentials&client_id=a&client_secret=b%2Bc\
                &scope=https%3A%2F%2Forg.example%2F.default";
    let (status, answer) = form(&emulator, path, body).await;
    assert_eq!(status, 200, "{answer}");
    assert_eq!(answer["token_type"], "Bearer");
    assert!(answer["expires_in"].is_u64());
    assert!(answer.get("refresh_token").is_none());
    let token = answer["access_token"].as_str().unwrap();
    let parts: Vec<_> = token.split('.').collect();
    assert_eq!(parts.len(), 3);
    let claims: Value = serde_json::from_slice(&URL_SAFE_NO_PAD.decode(parts[1]).unwrap()).unwrap();
    assert_eq!(claims["tid"], "my.tenant");
    assert!(claims["exp"].as_i64() > claims["iat"].as_i64());

    let (status, answer) = form(
        &emulator,
        "/t/oauth2/token",
        "grant_type=refresh_token&client_id=a&refresh_token=r",
    )
    .await;
    assert_eq!(status, 200);
    assert!(answer["refresh_token"].is_string());

    for (body, error) in [
        ("grant_type=magic&client_id=a", "unsupported_grant_type"),
        ("client_id=a", "invalid_request"),
        ("grant_type=client_credentials", "invalid_request"),
    ] {
        let (status, answer) = form(&emulator, path, body).await;
        assert_eq!((status, answer["error"].as_str().unwrap()), (400, error));
    }
}

#[tokio::test]
async fn the_challenge_leads_to_the_token_endpoint() {
    let emulator = Emulator::builder().build().unwrap();
    let request = http::Request::get(format!("{}/api/data/v9.2/", Emulator::URL))
        .body(Bytes::new())
        .unwrap();
    let answer = emulator.send(request).await.unwrap();
    let challenge = answer.headers()["www-authenticate"].to_str().unwrap();
    let (_, uri) = challenge.split_once("authorization_uri=").unwrap();
    let (uri, resource) = uri.split_once(", resource_id=").unwrap();
    assert_eq!(resource, format!("{}/", Emulator::URL));
    let path = uri
        .strip_prefix(Emulator::URL)
        .unwrap()
        .replace("authorize", "token");
    let body = "grant_type=client_credentials&client_id=a";
    assert_eq!(form(&emulator, &path, body).await.0, 200);
}

#[tokio::test]
async fn rows_are_kept_and_brought_back_by_name() {
    let emulator = Emulator::builder().sample_rows().build().unwrap();
    let change = |path: &'static str, body: Value| {
        let emulator = &emulator;
        async move { post(emulator, path, &body.to_string()).await.status }
    };
    let name = json!({ "name": "one more" });
    assert_eq!(change("accounts", name.clone()).await, 204);
    assert_eq!(
        change("/emulator/snapshot", json!({ "name": "four" })).await,
        204
    );
    assert_eq!(change("accounts", name).await, 204);
    let column = json!({
        "@odata.type": "Microsoft.Dynamics.CRM.StringAttributeMetadata", "SchemaName": "new_X",
    });
    let path = "EntityDefinitions(LogicalName='account')/Attributes";
    assert_eq!(change(path, column).await, 204);
    assert_eq!(count(&emulator, "accounts").await, 5);
    assert_eq!(
        change("/emulator/restore", json!({ "name": "four" })).await,
        204
    );
    assert_eq!(count(&emulator, "accounts").await, 4);
    assert!(!get(&emulator, "$metadata").await.body.contains("new_x"));
    assert_eq!(change("/emulator/reset", Value::Null).await, 204);
    assert_eq!(count(&emulator, "accounts").await, 3);
    assert_eq!(
        change("/emulator/restore", json!({ "name": "four" })).await,
        204
    );
    assert_eq!(count(&emulator, "accounts").await, 4);
    assert_eq!(
        change("/emulator/restore", json!({ "name": "five" })).await,
        404
    );
    assert_eq!(
        change("/emulator/restore", json!({ "nam": "four" })).await,
        400
    );
    assert_eq!(change("/emulator/nothing", json!({})).await, 404);
}

#[tokio::test]
async fn faults_are_ordered_over_http() {
    let emulator = Emulator::builder().build().unwrap();
    let order = json!({
        "kind": "throttled", "retry_after": 7, "times": 1, "method": "GET",
        "path": "/api/data/v9.2/contacts",
    });
    assert_eq!(
        post(&emulator, "/emulator/faults", &order.to_string())
            .await
            .status,
        204
    );
    assert_eq!(get(&emulator, "accounts").await.status, 200);
    let throttled = get(&emulator, "contacts").await;
    assert_eq!(
        (throttled.status, throttled.header("retry-after")),
        (429, "7")
    );
    assert_eq!(get(&emulator, "contacts").await.status, 200);

    let order = json!({ "kind": "status", "status": 503, "times": 2 });
    assert_eq!(
        post(&emulator, "/emulator/faults", &order.to_string())
            .await
            .status,
        204
    );
    assert_eq!(get(&emulator, "accounts").await.status, 503);
    assert_eq!(
        send(&emulator, "DELETE", "/emulator/faults", &[], "")
            .await
            .status,
        204
    );
    assert_eq!(get(&emulator, "accounts").await.status, 200);
    let order = json!({ "kind": "status" });
    assert_eq!(
        post(&emulator, "/emulator/faults", &order.to_string())
            .await
            .status,
        400
    );
}

#[tokio::test]
async fn a_seed_says_who_may_do_what() {
    let reader = "00000000-0000-0000-0000-000000000001";
    let seed = json!({
        "account": [{ "name": "Contoso" }],
        "@security": {
            "roles": [{ "name": "Reader", "privileges": { "account": { "Read": "Organization" } } }],
            "users": [{ "id": reader, "roles": ["Reader"], "tokens": ["anna"] }],
        },
    });
    let emulator = Emulator::builder().seed(seed.to_string()).build().unwrap();
    let anna = [("authorization", "Bearer anna")];
    let read = send(&emulator, "GET", "accounts?$select=name", &anna, "").await;
    assert_eq!(read.json()["value"][0]["name"], "Contoso");
    let refused = send(&emulator, "POST", "accounts", &anna, "{\"name\":\"x\"}").await;
    assert_eq!(
        (refused.status, refused.error().0.as_str()),
        (403, "0x80040220")
    );
    assert!(
        refused.error().1.contains("prvCreateAccount"),
        "{}",
        refused.body
    );
    // Users stay after a reset.
    assert_eq!(post(&emulator, "/emulator/reset", "").await.status, 204);
    let who = send(&emulator, "GET", "WhoAmI", &anna, "").await;
    assert_eq!(who.json()["UserId"], reader);
    let user = get(&emulator, &format!("systemusers({reader})")).await;
    assert_eq!(user.status, 200);

    let unknown = json!({ "@security": { "users": [{ "id": reader, "roles": ["None"] }] } });
    let error = Emulator::builder().seed(unknown.to_string()).build();
    assert!(matches!(error, Err(BuildError::Security(_))));
}

#[tokio::test]
async fn the_document_comes_with_annotations_if_they_are_asked_for() {
    let document = r#"<edmx:Edmx Version="4.0" xmlns:edmx="http://docs.oasis-open.org/odata/ns/edmx">
        <edmx:DataServices><Schema Namespace="Microsoft.Dynamics.CRM"
        xmlns="http://docs.oasis-open.org/odata/ns/edm"><EntityType Name="a"><Key>
        <PropertyRef Name="aid"/></Key><Property Name="aid" Type="Edm.Guid">
        <Annotation Term="Org.OData.Core.V1.Description" String="A > B"/></Property></EntityType>
        <EntityContainer Name="System"><EntitySet Name="as" EntityType="Microsoft.Dynamics.CRM.a"/>
        </EntityContainer></Schema></edmx:DataServices></edmx:Edmx>"#;
    let emulator = Emulator::builder().metadata(document).build().unwrap();
    let plain = get(&emulator, "$metadata").await;
    assert_eq!(plain.header("content-type"), "application/xml");
    assert!(!plain.body.contains("Annotation"), "{}", plain.body);
    assert!(plain.body.contains("Name=\"aid\""));
    let annotated = get(&emulator, "$metadata?annotations=true").await;
    assert_eq!(annotated.body, document);
    let headers = [("prefer", "odata.include-annotations=\"*\"")];
    let preferred = send(&emulator, "GET", "$metadata", &headers, "").await;
    assert_eq!(preferred.body, document);
}
