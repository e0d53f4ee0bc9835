//! Discovery: another host, the same guard over the token.

use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use dataverse_client::auth::AccessToken;
use dataverse_client::http::{Cloud, Credential, FixedToken, Secret, TokenRequest, VirtualClock};
use dataverse_client::{Discovery, Instances, Operation, Target};
use dataverse_tests::fixture;
use dataverse_tests::script::Script;
use serde_json::Value;

fn discovery(script: &Script) -> Discovery {
    Discovery::builder(Cloud::Public)
        .unwrap()
        .credential(FixedToken::new("secret-token"))
        .transport(script.clone())
        .clock(VirtualClock::default())
        .build()
        .unwrap()
}

fn line(operation: &Instances) -> String {
    let request = operation.request().unwrap();
    let Target::Path(path) = &request.target else {
        panic!("{request:?}")
    };
    format!("{} {path}", request.method)
}

#[tokio::test]
async fn every_documented_request_is_written_and_its_answer_read() {
    let text = std::fs::read(fixture("wire/services/docs-discovery-service.json")).unwrap();
    let examples: Vec<Value> = serde_json::from_slice(&text).unwrap();
    let (mut written, mut read) = (0, 0);
    for example in examples {
        let id = example["id"].as_str().unwrap();
        let operation = match id {
            "discovery-service#1" => Instances::all().select("ApiUrl").select("FriendlyName"),
            "discovery-service#2" => {
                let id = "6bcbf6bf-1f2a-4ab9-9901-2605b314d72d".parse().unwrap();
                let by_id = Instances::by_id(id).select("ApiUrl").select("FriendlyName");
                by_id.select("Id").select("UniqueName")
            }
            "discovery-service#4" => ["FriendlyName", "Region", "State", "Version", "ApiUrl"]
                .into_iter()
                .fold(Instances::by("Region", "NA"), Instances::select),
            _ => panic!("a new example: {id}"),
        };
        let url = example["request"]["url"].as_str().unwrap();
        // Two examples leave the path of the service out.
        let path = url.rsplit_once("/Instances").unwrap().1;
        assert_eq!(line(&operation), format!("GET Instances{path}"), "{id}");
        written += 1;
        let Some(body) = example["response"]["body"].as_str() else {
            assert!(example["quirks"].to_string().contains("response-not-shown"));
            continue;
        };
        let script = Script::new().answer(200, &[], body.to_owned());
        let orgs = discovery(&script).call(operation).await.unwrap();
        let [org] = &orgs[..] else { panic!("{orgs:?}") };
        let url = "https://yourorganization.api.crm.dynamics.com";
        assert_eq!(org.api_url.as_deref(), Some(url));
        assert_eq!(org.friendly_name.as_deref(), Some("Your Organization"));
        assert_eq!((&org.id, &org.unique_name), (&None, &None));
        let sent = &script.sent()[0];
        assert_eq!(
            sent.line,
            "GET https://globaldisco.crm.dynamics.com/api/discovery/v2.0/Instances\
             ?$select=ApiUrl,FriendlyName"
        );
        assert_eq!(sent.header("authorization"), "Bearer secret-token");
        read += 1;
    }
    assert_eq!((written, read), (3, 1));
}

const ORG: &str = r#"{"value":[{"Id":"6bcbf6bf-1f2a-4ab9-9901-2605b314d72d","UniqueName":"unq1",
    "UrlName":"contoso","FriendlyName":"Contoso","State":0,"Version":"9.2.1","Url":
    "https://contoso.crm4.dynamics.com","ApiUrl":"https://contoso.api.crm4.dynamics.com",
    "EnvironmentId":"Default-1","TenantId":"t","Region":"EMEA","IsUserSysAdmin":true,
    "Purpose":null,"Later":{"a":[1.50]}}]}"#;

#[tokio::test]
async fn an_org_is_read_and_what_is_not_known_survives() {
    let script = Script::new().answer(200, &[], ORG);
    let orgs = discovery(&script).instances().await.unwrap();
    let org = &orgs[0];
    assert_eq!(org.state.as_deref(), Some("0"));
    assert_eq!(org.environment_id.as_deref(), Some("Default-1"));
    assert_eq!(org.is_user_sys_admin, Some(true));
    let later = org.row.json("Later").unwrap();
    assert_eq!(later.as_str(), r#"{"a":[1.50]}"#);
    // The answer is a list, whatever was asked for; one that is cut is an error.
    for body in [
        "{}",
        r#"{"value":{}}"#,
        r#"{"value":[],"@odata.nextLink":"x"}"#,
        "",
    ] {
        let script = Script::new().answer(200, &[], body);
        let error = discovery(&script).instances().await.unwrap_err();
        assert!(error.is_decode(), "{body}: {error}");
    }
}

#[test]
fn keys_and_filters_are_encoded() {
    assert_eq!(
        line(&Instances::by("FriendlyName", "O'Brien & Söhne").filter("State eq 0")),
        "GET Instances(FriendlyName='O''Brien%20%26%20S%C3%B6hne')?$filter=State%20eq%200"
    );
    let slash = Instances::by("FriendlyName", "a/b").request();
    assert!(slash.unwrap_err().is_invalid_input());
}

#[tokio::test]
async fn an_org_is_found_by_an_address_in_the_wrong_region() {
    for (address, is_found) in [
        ("https://contoso.crm.dynamics.com", true),
        ("https://CONTOSO.api.crm9.dynamics.com/main.aspx?x=1", true),
        ("https://fabrikam.crm4.dynamics.com", false),
    ] {
        let script = Script::new().answer(200, &[], ORG);
        let found = discovery(&script).find(address).await.unwrap();
        let url = found.and_then(|org| org.api_url);
        let right = "https://contoso.api.crm4.dynamics.com";
        assert_eq!(url.as_deref(), is_found.then_some(right), "{address}");
    }
    let error = discovery(&Script::new()).find("contoso").await.unwrap_err();
    assert!(error.is_invalid_input());
}

/// Remembers what tokens were asked for.
#[derive(Clone, Default)]
struct Asked(Arc<Mutex<Vec<String>>>);

#[async_trait]
impl Credential for Asked {
    async fn token(&self, request: &TokenRequest) -> dataverse_client::Result<AccessToken> {
        self.0.lock().unwrap().push(request.resource.clone());
        Ok(AccessToken::new(Secret::new("t")))
    }
}

#[tokio::test]
async fn the_token_is_for_the_discovery_host_and_retries_are_those_of_every_client() {
    for cloud in Cloud::ALL {
        let asked = Asked::default();
        let script = Script::new()
            .answer(503, &[("retry-after", "2")], "")
            .answer(200, &[], r#"{"value":[]}"#);
        let clock = VirtualClock::default();
        let discovery = Discovery::builder(*cloud)
            .unwrap()
            .credential(asked.clone())
            .transport(script.clone())
            .clock(clock.clone())
            .build()
            .unwrap();
        assert!(discovery.instances().await.unwrap().is_empty());
        let host = cloud.discovery_url();
        assert_eq!(*asked.0.lock().unwrap(), [host, host]);
        assert_eq!(clock.sleeps().len(), 1);
        let url = format!("GET {host}/api/discovery/v2.0/Instances");
        assert_eq!(script.sent()[1].line, url);
    }
    let open = Discovery::builder_at("http://globaldisco.crm.dynamics.com");
    assert!(open.unwrap_err().is_invalid_input());
}
