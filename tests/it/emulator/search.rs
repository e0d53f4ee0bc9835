//! Search and discovery, asked with plain HTTP.

use dataverse_emulator::Emulator;
use serde_json::{Value, json};

use super::{Answer, create, emulator, get, post};

async fn org() -> Emulator {
    let emulator = emulator();
    for (name, city, revenue) in [
        ("Contoso Pharmaceuticals", "Rome", 10),
        ("Contoso Ltd.", "Paris", 30),
        ("Fabrikam", "Contoso City", 20),
        ("Scontoso", "Oslo", 40),
    ] {
        let body = json!({"name": name, "address1_city": city, "revenue": revenue});
        create(&emulator, "accounts", &body.to_string()).await;
    }
    let body = r#"{"firstname":"Ann","lastname":"Contoso","fullname":"Ann Contoso"}"#;
    create(&emulator, "contacts", body).await;
    emulator
}

/// What stands in the text of `response`.
fn inner(answer: &Answer) -> Value {
    assert_eq!(answer.status, 200, "{}", answer.body);
    serde_json::from_str(answer.json()["response"].as_str().unwrap()).unwrap()
}

async fn search(emulator: &Emulator, body: Value) -> Value {
    let answer = post(emulator, "searchquery", &body.to_string()).await;
    let context = answer.json()["@odata.context"].to_string();
    assert!(context.ends_with("$metadata#Microsoft.Dynamics.CRM.searchqueryResponse\""));
    inner(&answer)
}

fn names(found: &Value) -> Vec<&str> {
    let hits = found["Value"].as_array().unwrap().iter();
    hits.map(|hit| hit["Attributes"]["name"].as_str().unwrap())
        .collect()
}

/// The parameter that is text with JSON in it.
fn text(json: Value) -> Value {
    Value::from(json.to_string())
}

#[tokio::test]
async fn words_are_found_in_the_primary_names_of_all_tables() {
    let emulator = org().await;
    let found = search(&emulator, json!({"search": "contoso", "count": true})).await;
    assert_eq!(found["Error"], Value::Null);
    assert_eq!((&found["Count"], &found["Facets"]), (&json!(3), &json!({})));
    let hits = found["Value"].as_array().unwrap();
    assert_eq!(hits.len(), 3);
    let first = &hits[0];
    assert_eq!(first["Id"].as_str().unwrap().len(), 36);
    assert_eq!(first["ObjectTypeCode"], 0);
    assert!(first["Score"].as_f64().unwrap() > 0.0);
    let tables: Vec<_> = hits
        .iter()
        .map(|hit| hit["EntityName"].as_str().unwrap())
        .collect();
    assert!(tables.contains(&"account") && tables.contains(&"contact"));
    // Whole words only, unless more may follow.
    let found = search(&emulator, json!({"search": "conto"})).await;
    assert_eq!(
        (found["Value"].as_array().unwrap().len(), &found["Count"]),
        (0, &json!(-1))
    );
    let found = search(&emulator, json!({"search": "conto*"})).await;
    assert_eq!(found["Value"].as_array().unwrap().len(), 3);
}

#[tokio::test]
async fn the_documented_query_is_answered_in_the_documented_shape() {
    let emulator = org().await;
    let path = dataverse_tests::fixture("wire/services/docs-search-query.json");
    let text = std::fs::read_to_string(path).unwrap();
    let examples: Vec<Value> = serde_json::from_str(&text).unwrap();
    let example = &examples[0];
    let body = example["request"]["body"].as_str().unwrap();
    // All rows here are younger than its filter asks for.
    let answer = post(&emulator, "searchquery", body).await;
    let found = inner(&answer);
    let recorded: Value =
        serde_json::from_str(example["response"]["body"].as_str().unwrap()).unwrap();
    let recorded: Value = serde_json::from_str(recorded["response"].as_str().unwrap()).unwrap();
    let keys = |json: &Value| -> Vec<String> {
        let mut keys: Vec<_> = json.as_object().unwrap().keys().cloned().collect();
        keys.sort();
        keys
    };
    assert_eq!(keys(&found), keys(&recorded));
    let hit = &found["Value"][0];
    assert_eq!(keys(hit), keys(&recorded["Value"][0]));
    assert_eq!(found["Count"], 3);
    let account = found["Value"].as_array().unwrap().iter();
    let account = account
        .filter(|hit| hit["Attributes"]["name"] == "Contoso Pharmaceuticals")
        .collect::<Vec<_>>()[0];
    assert_eq!(account["Attributes"]["createdon"], "2026-01-01T00:00:00Z");
    assert_eq!(
        account["Highlights"],
        json!({"name": ["{crmhit}Contoso{/crmhit} Pharmaceuticals"]})
    );
}

#[tokio::test]
async fn tables_columns_filters_and_orders_narrow_a_search() {
    let emulator = org().await;
    let account = |filter: &str| {
        text(
            json!([{"name": "account", "selectColumns": ["name", "revenue"],
            "searchColumns": ["name", "address1_city"], "filter": filter}]),
        )
    };
    let all = account("revenue gt 0");
    let found = search(
        &emulator,
        json!({"search": "contoso", "entities": all, "orderby": "[\"revenue desc\"]"}),
    )
    .await;
    assert_eq!(
        names(&found),
        ["Contoso Ltd.", "Fabrikam", "Contoso Pharmaceuticals"]
    );
    assert_eq!(found["Value"][0]["Attributes"]["revenue"], 30);
    let city = &found["Value"][1]["Highlights"]["address1_city"];
    assert_eq!(*city, json!(["{crmhit}Contoso{/crmhit} City"]));
    let some = json!({"search": "contoso", "entities": account("revenue gt 10"),
        "filter": "revenue lt 30"});
    assert_eq!(names(&search(&emulator, some).await), ["Fabrikam"]);
    // One of the words, or all; pages.
    let any = json!({"search": "contoso paris", "entities": all, "orderby": "[\"name asc\"]",
        "top": 2, "skip": 1, "count": true});
    let found = search(&emulator, any).await;
    assert_eq!(
        (names(&found), &found["Count"]),
        (vec!["Contoso Pharmaceuticals", "Fabrikam"], &json!(3))
    );
    let both = json!({"search": "contoso paris", "entities": all,
        "options": "{\"searchmode\":\"all\"}"});
    assert_eq!(names(&search(&emulator, both).await), ["Contoso Ltd."]);
    // The best first.
    let best = json!({"search": "contoso", "entities": text(json!([{"Name": "account"}]))});
    let found = search(&emulator, best).await;
    assert_eq!(found["Value"][0]["Score"], 0.5);
}

#[tokio::test]
async fn what_is_typed_is_completed() {
    let emulator = org().await;
    let body = json!({"search": "Conto", "top": 2, "entities": text(json!([{"Name": "account"}])),
        "orderby": "[\"name asc\"]", "filter": null, "options": "null", "fuzzy": false});
    let found = inner(&post(&emulator, "searchsuggest", &body.to_string()).await);
    let texts: Vec<_> = found["Value"]
        .as_array()
        .unwrap()
        .iter()
        .map(|s| &s["Text"])
        .collect();
    assert_eq!(
        texts,
        [
            "{crmhit}Conto{/crmhit}so Ltd.",
            "{crmhit}Conto{/crmhit}so Pharmaceuticals"
        ]
    );
    let document = &found["Value"][0]["Document"];
    assert_eq!(document["@search.entityname"], "account");
    assert_eq!(document["name"], "Contoso Ltd.");
    assert_eq!(document["@search.objectid"].as_str().unwrap().len(), 36);
    for (typed, completed) in [
        ("p", "{crmhit}p{/crmhit}harmaceuticals"),
        ("ann con", "ann {crmhit}con{/crmhit}toso"),
        ("xyz", ""),
        ("*", ""),
    ] {
        let body = json!({ "search": typed }).to_string();
        let found = inner(&post(&emulator, "searchautocomplete", &body).await);
        assert_eq!(found["Value"], completed, "{typed}");
    }
}

#[tokio::test]
async fn the_index_tells_what_is_in_it() {
    let emulator = org().await;
    let statistics = inner(&get(&emulator, "searchstatistics").await);
    // Four accounts, a contact; the user and the business unit of the emulator.
    assert_eq!(statistics["value"]["documentcount"], 7);
    assert_eq!(statistics["value"]["storagesizeinmb"], 0);
    let status = inner(&get(&emulator, "searchstatus").await);
    assert_eq!(status["value"]["status"], "provisioned");
    let tables = status["value"]["entitystatusresults"].as_array().unwrap();
    let account = tables
        .iter()
        .find(|t| t["entitylogicalname"] == "account")
        .unwrap();
    assert_eq!(account["primarynamefield"], "name");
    assert!(account["searchableindexedfieldinfomap"]["address1_city"].is_object());
}

#[tokio::test]
async fn what_search_cannot_do_is_refused() {
    let emulator = org().await;
    let long = "a".repeat(101);
    for (operation, body, status) in [
        ("searchquery", json!({"search": ""}), 400),
        ("searchquery", json!({"search": long}), 400),
        ("searchquery", json!({}), 400),
        ("searchquery", json!({"search": "a", "top": 0}), 400),
        ("searchquery", json!({"search": "a", "top": 101}), 400),
        ("searchquery", json!({"search": "a", "top": "x"}), 400),
        (
            "searchquery",
            json!({"search": "a", "entities": [{"Name": "account"}]}),
            400,
        ),
        (
            "searchquery",
            json!({"search": "a", "entities": "[{\"Name\":\"none\"}]"}),
            400,
        ),
        ("searchquery", json!({"search": "a", "entities": "["}), 400),
        (
            "searchquery",
            json!({"search": "a", "filter": "x eq 1"}),
            400,
        ),
        (
            "searchquery",
            json!({"search": "a", "orderby": "[\"name up\"]"}),
            400,
        ),
        ("searchquery", json!({"search": "a b~"}), 501),
        (
            "searchquery",
            json!({"search": "a", "facets": "[\"entityname\"]"}),
            501,
        ),
        ("searchsuggest", json!({"search": "ab"}), 400),
        (
            "searchsuggest",
            json!({"search": "abc", "fuzzy": true}),
            501,
        ),
        ("searchautocomplete", json!({"search": ""}), 400),
    ] {
        let answer = post(&emulator, operation, &body.to_string()).await;
        assert_eq!(answer.status, status, "{operation} {body}: {}", answer.body);
    }
    assert_eq!(get(&emulator, "searchquery").await.status, 404);
    assert_eq!(post(&emulator, "searchstatus", "{}").await.status, 404);
}

#[tokio::test]
async fn discovery_knows_the_org() {
    let emulator = emulator();
    let root = "/api/discovery/v2.0/Instances";
    let found = get(&emulator, root).await;
    let json = found.json();
    let context = format!("{}/api/discovery/v2.0/$metadata#Instances", Emulator::URL);
    assert_eq!(json["@odata.context"], context);
    let org = &json["value"][0];
    assert_eq!(
        (&org["ApiUrl"], &org["UrlName"]),
        (&json!(Emulator::URL), &json!("emulator"))
    );
    let id = org["Id"].as_str().unwrap();
    for (path, count) in [
        (format!("{root}({id})"), 1),
        (format!("{root}(00000000-0000-0000-0000-0000000000ff)"), 0),
        (format!("{root}(UniqueName='emulator')"), 1),
        (format!("{root}(Region='EMEA')"), 0),
        (
            format!("{root}?$filter=State%20eq%200%20and%20Region%20eq%20'NA'"),
            1,
        ),
        (format!("{root}?$filter=State%20eq%201"), 0),
    ] {
        let found = get(&emulator, &path).await.json();
        assert_eq!(found["value"].as_array().unwrap().len(), count, "{path}");
    }
    let path = format!("{root}?$select=ApiUrl,FriendlyName");
    let found = get(&emulator, &path).await.json();
    let row = json!({"ApiUrl": Emulator::URL, "FriendlyName": "Emulator"});
    assert_eq!(found["value"], json!([row]));
    for (path, status) in [
        (format!("{root}?$select=Nothing"), 400),
        (format!("{root}?$filter=State%20gt%200"), 501),
        ("/api/discovery/v2.0/Others".to_owned(), 404),
    ] {
        assert_eq!(get(&emulator, &path).await.status, status, "{path}");
    }
    assert_eq!(post(&emulator, root, "{}").await.status, 405);
}
