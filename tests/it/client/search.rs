//! Search: JSON inside text, in both directions.

use dataverse_client::{
    Operation, Response, SearchAutocomplete, SearchQuery, SearchStatistics, SearchStatus,
    SearchSuggest, SearchTable, Target,
};
use dataverse_tests::fixture;
use dataverse_tests::script::Script;
use dataverse_tests::tables::Account;
use http::{HeaderMap, StatusCode};
use serde_json::{Value, json};

/// Verb and path, and the body with its inner JSON taken out of the text.
fn sent(operation: &impl Operation) -> (String, Value) {
    let request = operation.request().unwrap();
    let Target::Path(path) = &request.target else {
        panic!("{request:?}")
    };
    let mut body = Value::Null;
    if !request.body.is_empty() {
        body = serde_json::from_slice(&request.body).unwrap();
    }
    (format!("{} {path}", request.method), unpacked(body))
}

/// What the documents write as null, or as the text `null`, is left out.
fn unpacked(mut body: Value) -> Value {
    if let Some(members) = body.as_object_mut() {
        for name in ["entities", "orderby", "facets", "options"] {
            if let Some(value) = members.get_mut(name) {
                *value = serde_json::from_str(value.as_str().unwrap()).unwrap();
            }
        }
        members.retain(|name, value| !(value.is_null() || name == "skip" && *value == 0));
    }
    body
}

fn answer(inner: &str) -> Response {
    let body = json!({"@odata.context": "x", "response": inner}).to_string();
    Response::new(StatusCode::OK, HeaderMap::new(), body.into())
}

/// The one example of a file: request line, body, answer.
fn recorded(file: &str) -> (String, Value, Response) {
    let text = std::fs::read_to_string(fixture("wire/services").join(file)).unwrap();
    let examples: Vec<Value> = serde_json::from_str(&text).unwrap();
    let [example] = &examples[..] else {
        panic!("{file} has {} examples", examples.len())
    };
    assert_eq!(example["quirks"], json!([]));
    let url = example["request"]["url"].as_str().unwrap();
    let path = url.replace("[Organization Uri]/api/data/v9.2/", "");
    let line = format!("{} {path}", example["request"]["method"].as_str().unwrap());
    let body = match example["request"]["body"].as_str() {
        Some(body) if !body.is_empty() => serde_json::from_str(body).unwrap(),
        _ => Value::Null,
    };
    let response = example["response"]["body"].as_str().unwrap().to_owned();
    let response = Response::new(StatusCode::OK, HeaderMap::new(), response.into());
    (line, unpacked(body), response)
}

#[test]
fn the_documented_query_is_written_and_read() {
    let table = |name: &'static str, column: &'static str| {
        SearchTable::named(name)
            .select_named(column)
            .select_named("createdon")
            .search_in_named(column)
            .filter("statecode eq 0")
    };
    let query = SearchQuery::new("Contoso")
        .table(table("account", "name"))
        .table(table("contact", "fullname"))
        .filter("createdon gt 2022-08-15")
        .order_by("createdon desc")
        .with_count()
        .top(7);
    let (line, body, response) = recorded("docs-search-query.json");
    assert_eq!(sent(&query), (line, body));
    let results = query.decode(&response).unwrap();
    assert_eq!(results.count, Some(1));
    assert!(results.facets.is_empty());
    let [hit] = &results.hits[..] else {
        panic!("{results:?}")
    };
    assert_eq!(hit.id.to_string(), "8b35eda1-ef69-ee11-9ae7-000d3a88a4a2");
    assert_eq!(hit.entity_name, "account");
    let attribute = |name: &str| hit.attributes.get::<String>(name).unwrap().unwrap();
    assert_eq!(attribute("name"), "Contoso Pharmaceuticals (sample)");
    let formatted = "createdon@OData.Community.Display.V1.FormattedValue";
    assert_eq!(attribute(formatted), "10/13/2023 5:41 PM");
    assert_eq!(
        hit.highlights["name"],
        ["{crmhit}Contoso{/crmhit} Pharmaceuticals (sample)"]
    );
    assert_eq!(hit.score, 4.95567);
}

#[test]
fn the_documented_suggestions_are_asked_for_and_read() {
    let suggest = SearchSuggest::new("Cont").top(3);
    let (line, mut body, response) = recorded("docs-search-suggest.json");
    // The default, which we do not write.
    assert_eq!(
        body.as_object_mut().unwrap().remove("fuzzy"),
        Some(json!(false))
    );
    assert_eq!(sent(&suggest), (line, body));
    let suggestions = suggest.decode(&response).unwrap();
    assert_eq!(suggestions.len(), 3);
    assert_eq!(suggestions[0].text, "{crmhit}cont{/crmhit}act");
    assert_eq!(suggestions[1].entity_name.as_deref(), Some("contact"));
    let id = suggestions[2].id.unwrap().to_string();
    assert_eq!(id, "cccccccc-2222-3333-4444-dddddddddddd");
    let name: Option<String> = suggestions[2].document.get("fullname").unwrap();
    assert_eq!(name.as_deref(), Some("Nancy Anderson (sample)"));
}

#[test]
fn the_documented_statistics_are_asked_for_and_read() {
    let (line, body, response) = recorded("docs-search-statistics.json");
    assert_eq!(sent(&SearchStatistics), (line, body));
    let storage = SearchStatistics.decode(&response).unwrap();
    assert_eq!(
        (storage.bytes, storage.megabytes, storage.documents),
        (4_539_149, 3, 5_515)
    );
}

#[test]
fn every_option_of_a_query_is_written() {
    let query = SearchQuery::new("say \"hi\" \\ ä")
        .table(
            SearchTable::of::<Account>()
                .select(Account::NAME)
                .search_in(Account::ACCOUNTNUMBER)
                .filter("name eq 'O''Brien \"x\"'"),
        )
        .facet("entityname,count:100")
        .facet("ownerid")
        .order_by("@search.score desc")
        .order_by("modifiedon desc")
        .lucene()
        .all_words()
        .best_effort()
        .option("groupranking", "true")
        .skip(20);
    assert_eq!(
        sent(&query),
        (
            "POST searchquery".to_owned(),
            json!({
                "search": "say \"hi\" \\ ä",
                "entities": [{
                    "Name": "account",
                    "SelectColumns": ["name"],
                    "SearchColumns": ["accountnumber"],
                    "Filter": "name eq 'O''Brien \"x\"'",
                }],
                "orderby": ["@search.score desc", "modifiedon desc"],
                "facets": ["entityname,count:100", "ownerid"],
                "options": {
                    "querytype": "lucene",
                    "searchmode": "all",
                    "besteffortsearchenabled": "true",
                    "groupranking": "true",
                },
                "skip": 20,
            })
        )
    );
    let complete = SearchAutocomplete::new("C").fuzzy().filter("a eq 1");
    assert_eq!(
        sent(&complete),
        (
            "POST searchautocomplete".to_owned(),
            json!({"search": "C", "filter": "a eq 1", "fuzzy": true})
        )
    );
    let suggest = SearchSuggest::new("Con")
        .table(SearchTable::named("account"))
        .filter("a eq 1")
        .order_by("name asc")
        .fuzzy();
    assert_eq!(
        sent(&suggest).1,
        json!({
            "search": "Con", "filter": "a eq 1", "fuzzy": true,
            "entities": [{"Name": "account"}], "orderby": ["name asc"],
        })
    );
}

#[test]
fn lists_and_objects_are_text_on_the_wire() {
    let query = SearchQuery::new("a")
        .table(SearchTable::named("account"))
        .all_words();
    assert_eq!(
        query.request().unwrap().body,
        "{\"search\":\"a\",\"entities\":\"[{\\\"Name\\\":\\\"account\\\"}]\",\
         \"options\":\"{\\\"searchmode\\\":\\\"all\\\"}\"}"
    );
}

#[test]
fn limits_are_checked_before_anything_is_sent() {
    let long = "ä".repeat(100);
    assert!(SearchQuery::new(&long).request().is_ok());
    assert!(SearchQuery::new("a").top(100).request().is_ok());
    for refused in [
        SearchQuery::new("").request(),
        SearchQuery::new(format!("{long}a")).request(),
        SearchQuery::new("a").top(0).request(),
        SearchQuery::new("a").top(101).request(),
        SearchSuggest::new("ab").request(),
        SearchSuggest::new("abc").top(101).request(),
        SearchAutocomplete::new("").request(),
    ] {
        assert!(refused.unwrap_err().is_invalid_input());
    }
}

#[test]
fn facets_are_read() {
    let inner = r#"{"Error":null,"Value":[],"Count":-1,"Facets":{
        "entityname":[{"Type":"Value","Count":2,"Value":"account","OptionalValue":null}],
        "modifiedon":[{"type":"Range","count":1,"from":null,"to":"2020-01-01"}]}}"#;
    let results = SearchQuery::new("a").decode(&answer(inner)).unwrap();
    assert_eq!((results.hits.len(), results.count), (0, None));
    let facet = &results.facets["entityname"][0];
    assert_eq!(facet.count, Some(2));
    assert_eq!(
        facet.value.as_ref().map(|json| json.as_str()),
        Some("\"account\"")
    );
    let facet = &results.facets["modifiedon"][0];
    assert_eq!(facet.from, None);
    assert_eq!(
        facet.to.as_ref().map(|json| json.as_str()),
        Some("\"2020-01-01\"")
    );
}

#[test]
fn completions_and_the_state_of_the_index_are_read() {
    let complete = SearchAutocomplete::new("Con");
    let read = |inner: &str| complete.decode(&answer(inner)).unwrap();
    let inner = r#"{"Error":null,"Value":"{crmhit}contoso{/crmhit}","QueryContext":null}"#;
    assert_eq!(read(inner).as_deref(), Some("{crmhit}contoso{/crmhit}"));
    assert_eq!(read(r#"{"Error":null,"Value":""}"#), None);
    assert_eq!(read(r#"{"Error":null,"Value":null}"#), None);

    assert_eq!(sent(&SearchStatus).0, "GET searchstatus");
    let inner = r#"{"value":{"status":"notprovisioned","lockboxstatus":"Unknown"}}"#;
    let report = SearchStatus.decode(&answer(inner)).unwrap();
    assert!(!report.is_provisioned() && report.tables.is_empty());
    let inner = r#"{"value":{"status":"provisioned","lockboxstatus":"Disabled","cmkstatus":
        "Disabled","entitystatusresults":[{"entitylogicalname":"account","objecttypecode":1,
        "primarynamefield":"name","lastdatasynctimestamp":"73630169!09/12/2022 14:26:14",
        "entitystatus":"EntitySyncComplete","searchableindexedfieldinfomap":
        {"name":{"indexfieldname":"d_0"},"telephone1":{"indexfieldname":"a3z"}}}]}}"#;
    let report = SearchStatus.decode(&answer(inner)).unwrap();
    assert!(report.is_provisioned());
    assert_eq!(report.tables[0].logical_name, "account");
    assert_eq!(
        report.tables[0].status.as_deref(),
        Some("EntitySyncComplete")
    );
    assert_eq!(report.tables[0].columns, ["name", "telephone1"]);
}

#[test]
fn an_error_inside_a_success_is_an_error() {
    let inner = r#"{"Error":{"code":"0x80048d0a","message":"no such field","propertybag":{"a":1}},
        "Value":null}"#;
    let error = SearchQuery::new("a").decode(&answer(inner)).unwrap_err();
    assert_eq!(error.code(), Some(0x8004_8d0a));
    assert!(error.to_string().contains("no such field"), "{error}");
}

#[test]
fn what_is_no_answer_of_search_is_told_and_never_a_panic() {
    let read = |body: &str| {
        let body = body.to_owned().into();
        SearchQuery::new("a").decode(&Response::new(StatusCode::OK, HeaderMap::new(), body))
    };
    for body in [
        "",
        "{}",
        r#"{"response":5}"#,
        r#"{"response":"{"}"#,
        r#"{"response":"{} x"}"#,
    ] {
        assert!(read(body).unwrap_err().is_decode(), "{body}");
    }
    let inner = r#"{"Value":[{"Id":"8b35eda1-ef69-ee11-9ae7-000d3a88a4a2","EntityName":"a",
        "Attributes":{"x":[1]},"Highlights":{"name":["b"]},"Score":1.5}],"Facets":{}}"#;
    for cut in 0..inner.len() {
        let read = SearchQuery::new("a").decode(&answer(&inner[..cut]));
        assert!(read.is_err(), "{cut}");
    }
    assert!(SearchQuery::new("a").decode(&answer(inner)).is_ok());
    assert!(
        SearchStatistics
            .decode(&answer("{}"))
            .unwrap_err()
            .is_decode()
    );
    assert!(
        SearchStatus
            .decode(&answer("{\"value\":5}"))
            .unwrap_err()
            .is_decode()
    );
}

#[tokio::test]
async fn search_that_is_switched_off_is_told_and_throttling_waited_for() {
    let message = "Dataverse Search feature is disabled for this organization.";
    let script = Script::new()
        .answer(429, &[("retry-after", "1")], "")
        .error(400, "0x80048d0b", message);
    let (client, clock) = script.client().unwrap();
    let error = client.search(SearchQuery::new("a")).await.unwrap_err();
    assert!(error.is_search_disabled(), "{error}");
    assert_eq!(error.attempts(), 2);
    assert_eq!(clock.sleeps().len(), 1);
}
