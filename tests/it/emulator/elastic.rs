//! Elastic tables: partitions, sessions, rows that end, bulk messages that succeed in part.

use std::time::Duration;

use dataverse_client::http::{Clock, VirtualClock};
use dataverse_emulator::{BuildError, Emulator, EmulatorBuilder};
use serde_json::{Value, json};

use super::documented::{assert_as_documented, examples, replay};
use super::{Answer, create, get, post, send};

/// A document with one table, and these columns beside its key.
pub(super) fn table(name: &str, columns: &str) -> EmulatorBuilder {
    let document = format!(
        r#"<edmx:Edmx Version="4.0" xmlns:edmx="http://docs.oasis-open.org/odata/ns/edmx">
        <edmx:DataServices><Schema Namespace="Microsoft.Dynamics.CRM" Alias="mscrm"
        xmlns="http://docs.oasis-open.org/odata/ns/edm"><EntityType Name="{name}">
        <Key><PropertyRef Name="{name}id"/></Key><Property Name="{name}id" Type="Edm.Guid"/>
        <Property Name="createdon" Type="Edm.DateTimeOffset"/>
        <Property Name="modifiedon" Type="Edm.DateTimeOffset"/>
        {columns}</EntityType><EntityContainer Name="System">
        <EntitySet Name="{name}s" EntityType="mscrm.{name}"/></EntityContainer></Schema>
        </edmx:DataServices></edmx:Edmx>"#
    );
    Emulator::builder().metadata(document)
}

/// The table of the documents.
fn sensors() -> EmulatorBuilder {
    table(
        "contoso_sensordata",
        r#"<Property Name="contoso_deviceid" Type="Edm.String"/>
        <Property Name="contoso_sensortype" Type="Edm.String"/>
        <Property Name="contoso_value" Type="Edm.Int32"/>
        <Property Name="contoso_timestamp" Type="Edm.DateTimeOffset"/>
        <Property Name="partitionid" Type="Edm.String"/>
        <Property Name="ttlinseconds" Type="Edm.Int32"/>"#,
    )
    .elastic_table("contoso_sensordata")
}

fn emulator() -> Emulator {
    sensors().build().unwrap()
}

const SET: &str = "contoso_sensordatas";
const TYPE: &str = "Microsoft.Dynamics.CRM.contoso_sensordata";
const FIRST: &str = "00000000-0000-0000-0000-000000000001";
const SECOND: &str = "00000000-0000-0000-0000-000000000002";

fn key(id: &str, partition: &str) -> String {
    format!("{SET}(contoso_sensordataid={id},partitionid='{partition}')")
}

async fn patch(emulator: &Emulator, path: &str, headers: &[(&str, &str)], body: &str) -> u16 {
    let answer = send(emulator, "PATCH", path, headers, body).await;
    assert!(answer.status < 500, "{}", answer.body);
    answer.status
}

#[tokio::test]
async fn the_documented_row_is_created_and_deleted() {
    let examples = examples("docs-use-elastic-tables.json");
    let emulator = emulator();
    let example = &examples["use-elastic-tables#1"];
    let answer = replay(&emulator, example).await;
    assert_as_documented(&answer, example);
    let token = answer.header("x-ms-session-token");
    assert!(
        token.starts_with("240:8#") && token.ends_with("#7=-1"),
        "{token}"
    );
    let row = get(&emulator, SET).await.json()["value"][0].clone();
    assert_eq!(row["partitionid"], "deviceid-001");
    assert_eq!(row["ttlinseconds"], 86400);
    let row = json!({"contoso_sensordataid": "02d82842-f3f4-ed11-8848-000d3a993550",
        "partitionid": "deviceid-001"});
    create(&emulator, SET, &row.to_string()).await;
    let example = &examples["use-elastic-tables#5"];
    let answer = replay(&emulator, example).await;
    assert_as_documented(&answer, example);
    assert_eq!(answer.header("x-ms-session-token"), "");
    assert_eq!(replay(&emulator, example).await.status, 404);
}

#[tokio::test]
async fn a_row_is_found_in_its_partition() {
    let emulator = emulator();
    let row = json!({"contoso_sensordataid": FIRST, "partitionid": "d'1", "contoso_value": 5});
    create(&emulator, SET, &row.to_string()).await;
    let path = format!("{SET}({FIRST})");
    for (path, status) in [
        (path.clone(), 404),
        (format!("{path}?partitionId=d'1"), 200),
        (
            format!("{path}?partitionId='d''1'&$select=contoso_value"),
            200,
        ),
        (
            format!("{path}?$select=contoso_value&partitionId=%22d'1%22"),
            200,
        ),
        (format!("{path}?partitionId=other"), 404),
        (format!("{path}?partitionid=d'1"), 501),
        (key(FIRST, "d''1"), 200),
        (key(FIRST, "other"), 404),
        (format!("{path}/contoso_value?partitionId=d'1"), 200),
    ] {
        assert_eq!(get(&emulator, &path).await.status, status, "{path}");
    }
    // Without a partition of its own a row is in that of its id.
    create(
        &emulator,
        SET,
        &json!({"contoso_sensordataid": SECOND}).to_string(),
    )
    .await;
    let row = get(&emulator, &format!("{SET}({SECOND})")).await.json();
    assert_eq!(row["partitionid"], SECOND);
    let count = async |query: &str| {
        let rows = get(&emulator, &format!("{SET}{query}")).await.json();
        rows["value"].as_array().unwrap().len()
    };
    assert_eq!(count("").await, 2);
    assert_eq!(count("?partitionId=d'1").await, 1);
    assert_eq!(
        count("?partitionId=d'1&$filter=contoso_value%20eq%206%20or%20partitionid%20ne%20'x'")
            .await,
        1
    );
    assert_eq!(count("?partitionId=nowhere").await, 0);
    let delete = async |path: String| send(&emulator, "DELETE", &path, &[], "").await.status;
    assert_eq!(delete(path.clone()).await, 404);
    assert_eq!(delete(format!("{path}?partitionId=d'1")).await, 204);
}

#[tokio::test]
async fn an_upsert_replaces_the_row_and_an_update_does_not() {
    let emulator = emulator();
    let row = json!({"contoso_sensordataid": FIRST, "partitionid": "d",
        "contoso_value": 5, "contoso_sensortype": "Humidity"});
    create(&emulator, SET, &row.to_string()).await;
    let path = key(FIRST, "d");
    let update = patch(
        &emulator,
        &path,
        &[("if-match", "*")],
        r#"{"contoso_value":6}"#,
    );
    assert_eq!(update.await, 204);
    let row = get(&emulator, &path).await.json();
    assert_eq!(
        (&row["contoso_value"], &row["contoso_sensortype"]),
        (&json!(6), &json!("Humidity"))
    );
    let representation = [("prefer", "return=representation")];
    let upsert = patch(&emulator, &path, &representation, r#"{"contoso_value":7}"#);
    assert_eq!(upsert.await, 200);
    let row = get(&emulator, &path).await.json();
    assert_eq!(
        (&row["contoso_value"], &row["contoso_sensortype"]),
        (&json!(7), &Value::Null)
    );
    assert_eq!(row["partitionid"], "d");
    // The body of a change names the partition, the URL does not.
    let path = format!("{SET}({FIRST})");
    let body = r#"{"contoso_value":8,"partitionid":"d"}"#;
    assert_eq!(
        patch(&emulator, &path, &[("if-match", "*")], body).await,
        204
    );
    let without = r#"{"contoso_value":9}"#;
    let elsewhere = format!("{path}?partitionId=d");
    assert_eq!(
        patch(&emulator, &elsewhere, &[("if-match", "*")], without).await,
        404
    );
    let other = send(&emulator, "PATCH", &path, &[], without).await;
    assert_eq!(
        other.status, 501,
        "one id in two partitions: {}",
        other.body
    );
    let new = key(SECOND, "d");
    let created = patch(&emulator, &new, &representation, without).await;
    assert_eq!(created, 201);
}

#[tokio::test]
async fn rows_end_after_their_time() {
    let clock = VirtualClock::default();
    let emulator = sensors().clock(clock.clone()).build().unwrap();
    let row = json!({"contoso_sensordataid": FIRST, "ttlinseconds": 60});
    create(&emulator, SET, &row.to_string()).await;
    create(&emulator, SET, "{}").await;
    let count = async || {
        let rows = get(&emulator, SET).await.json();
        rows["value"].as_array().unwrap().len()
    };
    clock.sleep(Duration::from_secs(59)).await;
    assert_eq!(count().await, 2);
    let path = format!("{SET}({FIRST})");
    patch(
        &emulator,
        &path,
        &[("if-match", "*")],
        r#"{"contoso_value":1}"#,
    )
    .await;
    clock.sleep(Duration::from_secs(59)).await;
    assert_eq!(count().await, 2, "a change lets it live on");
    clock.sleep(Duration::from_secs(1)).await;
    assert_eq!(count().await, 1);
}

#[tokio::test]
async fn bulk_messages_succeed_in_part() {
    let emulator = emulator();
    let bulk = async |message: &str, prefer: &str, targets: Value| -> Answer {
        let path = format!("{SET}/Microsoft.Dynamics.CRM.{message}");
        let body = json!({"Targets": targets}).to_string();
        send(&emulator, "POST", &path, &[("prefer", prefer)], &body).await
    };
    let targets = json!([
        {"@odata.type": TYPE, "contoso_sensordataid": FIRST, "partitionid": "d"},
        {"@odata.type": TYPE, "contoso_sensordataid": FIRST, "partitionid": "d"},
        {"@odata.type": TYPE, "contoso_value": "many"},
        {"@odata.type": TYPE, "contoso_sensordataid": SECOND, "partitionid": "d"},
    ]);
    let all = "odata.include-annotations=\"Microsoft.PowerApps.CDS.ErrorDetails.*\"";
    let answer = bulk("CreateMultiple", all, targets).await;
    assert_eq!(answer.status, 412, "{}", answer.body);
    let error = answer.json()["error"].clone();
    let term = "@Microsoft.PowerApps.CDS.ErrorDetails.Plugin.BulkApiErrorDetails";
    let details: Value = serde_json::from_str(error[term].as_str().unwrap()).unwrap();
    let nobody = "00000000-0000-0000-0000-000000000000";
    let told = |index: u8, id: &str, status: u16| json!({"RequestIndex": index, "Id": id, "StatusCode": status});
    assert_eq!(
        details,
        json!([
            told(0, FIRST, 201),
            told(1, FIRST, 412),
            told(2, nobody, 400),
            told(3, SECOND, 201)
        ])
    );
    // The others are kept.
    assert_eq!(get(&emulator, &key(SECOND, "d")).await.status, 200);

    let missing = "00000000-0000-0000-0000-000000000003";
    let targets = json!([
        {"@odata.type": TYPE, "contoso_sensordataid": missing, "partitionid": "d"},
        {"@odata.type": TYPE, "contoso_sensordataid": FIRST, "partitionid": "d", "contoso_value": 1},
    ]);
    // Details are told only to who asks for them.
    let answer = bulk("UpdateMultiple", "return=minimal", targets.clone()).await;
    assert_eq!(answer.status, 404);
    assert!(
        answer.json()["error"].get(term).is_none(),
        "{}",
        answer.body
    );
    let row = get(&emulator, &key(FIRST, "d")).await.json();
    assert_eq!(row["contoso_value"], 1);

    let answer = bulk("UpsertMultiple", "", targets.clone()).await;
    assert_eq!((answer.status, &*answer.body), (204, ""), "{}", answer.body);
    assert!(answer.header("x-ms-session-token").starts_with("240:"));
    let answer = bulk("DeleteMultiple", "", targets).await;
    assert_eq!(
        (answer.status, answer.header("x-ms-session-token")),
        (204, "")
    );
    let left = get(&emulator, SET).await.json()["value"].clone();
    assert_eq!(left.as_array().unwrap().len(), 1);
    assert_eq!(left[0]["contoso_sensordataid"], SECOND);
}

#[tokio::test]
async fn the_documented_rows_are_deleted_at_once() {
    let emulator = emulator();
    for id in ["6114ca58", "6214ca58", "6314ca58"] {
        let id = format!("{id}-0928-ee11-9965-6045bd5cd155");
        let row = json!({"contoso_sensordataid": id, "partitionid": "Device-ABC-1234"});
        create(&emulator, SET, &row.to_string()).await;
    }
    let example = &examples("docs-deletemultiple.json")["deletemultiple#1"];
    assert_as_documented(&replay(&emulator, example).await, example);
    assert_eq!(get(&emulator, SET).await.json()["value"], json!([]));
}

#[tokio::test]
async fn there_are_no_rows_of_other_tables() {
    let emulator = emulator();
    let answer = get(&emulator, &format!("{SET}?$expand=owninguser")).await;
    assert_eq!((answer.status, &*answer.error().0), (400, "0x80048d0b"));
    let answer = post(&emulator, SET, r#"{"contoso_value":1,"partitionid":null}"#).await;
    assert_eq!(answer.status, 204);
}

#[test]
fn only_a_table_with_partitions_is_elastic() {
    for (table_name, text) in [("sample", "partitionid"), ("nothing", "no such table")] {
        let error = table("sample", "")
            .elastic_table(table_name)
            .build()
            .unwrap_err();
        assert!(matches!(error, BuildError::Table(_)));
        assert!(error.to_string().contains(text), "{error}");
    }
}
