//! Where to sign in.

use std::sync::Arc;

use dataverse_client::auth::{ClientSecret, Credential, Secret, Tenant, TokenRequest};
use dataverse_client::http::{Cloud, VirtualClock};
use dataverse_tests::script::Script;

use super::TOKEN;

fn secret(tenant: Tenant) -> ClientSecret {
    ClientSecret::new(tenant, "app", Secret::new("very-secret"))
}

fn at(org: &str, script: &Script) -> TokenRequest {
    TokenRequest::new(
        org,
        Arc::new(script.clone()),
        Arc::new(VirtualClock::default()),
    )
}

#[tokio::test]
async fn the_authority_is_that_of_the_org_s_cloud() {
    let discovery = Cloud::ALL
        .iter()
        .map(|cloud| (cloud.discovery_url(), cloud.authority()));
    for (org, authority) in [
        (
            "https://org.crm.dynamics.com",
            "https://login.microsoftonline.com",
        ),
        (
            "https://org.api.crm21.dynamics.com",
            "https://login.microsoftonline.com",
        ),
        (
            "https://org.crm99.dynamics.com",
            "https://login.microsoftonline.com",
        ),
        (
            "https://org.crm9.dynamics.com",
            "https://login.microsoftonline.com",
        ),
        (
            "https://org.crm.microsoftdynamics.us",
            "https://login.microsoftonline.us",
        ),
        (
            "https://org.crm.appsplatform.us",
            "https://login.microsoftonline.us",
        ),
        (
            "https://org.crm.dynamics.cn",
            "https://login.partner.microsoftonline.cn",
        ),
    ]
    .into_iter()
    .chain(discovery)
    {
        let script = Script::new().answer(200, &[], TOKEN);
        secret("t".into()).token(&at(org, &script)).await.unwrap();
        let sent = &script.sent()[0];
        assert_eq!(
            sent.line,
            format!("POST {authority}/t/oauth2/v2.0/token"),
            "{org}"
        );
        let scope = format!(
            "scope={}%2F.default&",
            org.replace(':', "%3A").replace('/', "%2F")
        );
        assert!(sent.body.contains(&scope), "{}", sent.body);
    }
}

#[tokio::test]
async fn what_is_no_place_is_an_error_before_anything_is_sent() {
    let script = Script::new();
    for (org, tenant, authority) in [
        ("https://org.example", "t", None),
        ("https://org.crm4.dynamics.com", "", None),
        ("https://org.crm4.dynamics.com", "t/../u", None),
        ("https://org.crm4.dynamics.com", "..", None),
        ("https://org.crm4.dynamics.com", "t?x", None),
        (
            "https://org.crm4.dynamics.com",
            "t",
            Some("http://login.example"),
        ),
        ("https://org.crm4.dynamics.com", "t", Some("login.example")),
        (
            "https://org.crm4.dynamics.com",
            "t",
            Some("https://login.example/path"),
        ),
        (
            "https://org.crm4.dynamics.com",
            "t",
            Some("https://a:b@login.example"),
        ),
        (
            "https://org.crm4.dynamics.com",
            "t",
            Some("ftp://login.example"),
        ),
        ("http://org.crm4.dynamics.com", "t", None),
    ] {
        let credential = secret(tenant.into());
        let credential = match authority {
            Some(authority) => credential.authority(authority),
            None => credential,
        };
        let error = credential.token(&at(org, &script)).await.unwrap_err();
        assert!(
            error.is_invalid_input(),
            "{org} {tenant} {authority:?}: {error}"
        );
    }
    let nobody = ClientSecret::new("t", " ", Secret::new("s"));
    let error = nobody
        .token(&at("https://org.crm4.dynamics.com", &script))
        .await;
    assert!(error.unwrap_err().is_invalid_input());
    assert!(script.sent().is_empty());
    let script = Script::new().answer(200, &[], TOKEN);
    let local = secret("t".into()).authority("http://127.0.0.1:5000/");
    local
        .token(&at("http://localhost:1234", &script))
        .await
        .unwrap();
    assert_eq!(
        script.sent()[0].line,
        "POST http://127.0.0.1:5000/t/oauth2/v2.0/token"
    );
}

fn challenge(uri: &str, resource: &str) -> Script {
    let header = format!("Bearer authorization_uri={uri}, resource_id={resource}");
    Script::new().answer(401, &[("WWW-Authenticate", &header)], "")
}

#[tokio::test]
async fn the_org_tells_its_tenant() {
    for (org, uri, resource) in [
        (
            "https://org.crm4.dynamics.com",
            "https://login.microsoftonline.com/tenant-1/oauth2/authorize",
            "https://org.crm4.dynamics.com/",
        ),
        (
            "https://org.api.crm4.dynamics.com",
            "https://login.windows.net/tenant-1/oauth2/authorize",
            "https://org.crm4.dynamics.com/",
        ),
        (
            "https://org.crm.dynamics.cn",
            "https://login.chinacloudapi.cn/tenant-1/oauth2/authorize",
            "https://org.crm.dynamics.cn/",
        ),
    ] {
        let script = challenge(uri, resource).answer(200, &[], TOKEN);
        secret(Tenant::of_org())
            .token(&at(org, &script))
            .await
            .unwrap();
        let sent = script.sent();
        assert_eq!(sent[0].line, format!("GET {org}/api/data/v9.2/"));
        assert_eq!(sent[0].header("authorization"), "");
        assert_eq!(sent[0].body, "");
        assert!(
            sent[1].line.ends_with("/tenant-1/oauth2/v2.0/token"),
            "{}",
            sent[1].line
        );
        let host = Cloud::of_host(org.strip_prefix("https://").unwrap()).unwrap();
        assert!(
            sent[1]
                .line
                .starts_with(&format!("POST {}/", host.authority()))
        );
    }
}

#[tokio::test]
async fn a_hostile_challenge_gets_no_secret() {
    let org = "https://org.crm4.dynamics.com";
    let good = "https://login.microsoftonline.com/t/oauth2/authorize";
    for (uri, resource) in [
        ("https://evil.example/t/oauth2/authorize", org),
        (
            "https://login.microsoftonline.com.evil.example/t/oauth2/authorize",
            org,
        ),
        (
            "https://login.microsoftonline.com@evil.example/t/oauth2/authorize",
            org,
        ),
        (
            "https://x@login.microsoftonline.com/t/oauth2/authorize",
            org,
        ),
        ("http://login.microsoftonline.com/t/oauth2/authorize", org),
        (
            "https://login.microsoftonline.com:8443/t/oauth2/authorize",
            org,
        ),
        ("https://login.microsoftonline.com/", org),
        (
            "https://login.microsoftonline.com/common/oauth2/authorize",
            org,
        ),
        ("not-a-url", org),
        (good, "https://fabrikam.crm4.dynamics.com/"),
        (good, "https://org.crm4.dynamics.com.evil.example/"),
        (good, "http://org.crm4.dynamics.com/"),
    ] {
        let script = challenge(uri, resource);
        let error = secret(Tenant::of_org())
            .token(&at(org, &script))
            .await
            .unwrap_err();
        assert!(error.is_credential(), "{uri} {error}");
        assert!(error.to_string().ends_with("; name the tenant"), "{error}");
        assert_eq!(script.sent().len(), 1, "{uri}");
    }
    for script in [
        Script::new().answer(401, &[], ""),
        Script::new().answer(200, &[], "{}"),
        Script::new().answer(404, &[], ""),
        Script::new().answer(401, &[("WWW-Authenticate", "Basic realm=x")], ""),
    ] {
        let error = secret(Tenant::of_org())
            .token(&at(org, &script))
            .await
            .unwrap_err();
        assert!(error.is_credential() && script.sent().len() == 1, "{error}");
    }
}
