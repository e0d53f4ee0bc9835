//! Spans of calls: what they hold, and what they must not.

use std::collections::BTreeMap;
use std::fmt::Debug;
use std::sync::{Arc, Mutex};

use dataverse_client::http::Reached;
use dataverse_client::{Changes, Id, Query};
use dataverse_tests::script::Script;
use dataverse_tests::tables::{Account, AccountCard};
use tracing::field::{Field, Visit};
use tracing::span::{Attributes, Id as SpanId, Record};
use tracing::{Event, Metadata, Subscriber};

type Fields = BTreeMap<String, String>;

/// Keeps the fields of spans and events of the client.
#[derive(Clone, Default)]
struct Kept(Arc<Mutex<(Vec<Fields>, Vec<Fields>)>>);

struct Keep<'a>(&'a mut Fields);

impl Visit for Keep<'_> {
    fn record_debug(&mut self, field: &Field, value: &dyn Debug) {
        self.0.insert(field.name().to_owned(), format!("{value:?}"));
    }

    fn record_str(&mut self, field: &Field, value: &str) {
        self.0.insert(field.name().to_owned(), value.to_owned());
    }
}

impl Subscriber for Kept {
    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        metadata.target() == "dataverse_client"
    }

    fn new_span(&self, span: &Attributes<'_>) -> SpanId {
        let mut fields = Fields::new();
        span.record(&mut Keep(&mut fields));
        let mut kept = self.0.lock().unwrap();
        kept.0.push(fields);
        SpanId::from_u64(kept.0.len() as u64)
    }

    fn record(&self, span: &SpanId, values: &Record<'_>) {
        let mut kept = self.0.lock().unwrap();
        let place = span.into_u64() as usize - 1;
        values.record(&mut Keep(&mut kept.0[place]));
    }

    fn record_follows_from(&self, _: &SpanId, _: &SpanId) {}

    fn event(&self, event: &Event<'_>) {
        let mut fields = Fields::new();
        event.record(&mut Keep(&mut fields));
        self.0.lock().unwrap().1.push(fields);
    }

    fn enter(&self, _: &SpanId) {}

    fn exit(&self, _: &SpanId) {}
}

#[tokio::test]
async fn a_call_is_a_span_with_the_names_of_opentelemetry_and_without_values() {
    let kept = Kept::default();
    let _guard = tracing::subscriber::set_default(kept.clone());
    let script = Script::new()
        .failure(Reached::Unknown)
        .no_content()
        .answer(200, &[], r#"{"value":[]}"#)
        .error(404, "0x80040217", "private: Does Not Exist")
        .failure(Reached::Unknown);
    let (client, _) = script.client().unwrap();
    let changes = Changes::new().set(Account::NAME, "private");
    let id = Id::<Account>::generate();
    client.update(id, changes).await.unwrap();
    let query = Query::<AccountCard>::new().filter(Account::NAME.eq("private"));
    client.call(query).await.unwrap();
    let key = Account::ACCOUNTNUMBER.key("private");
    client.retrieve::<AccountCard>(key).await.unwrap_err();
    let create = dataverse_client::New::new().set(Account::NAME, "private");
    let create = client.create(create).server_assigned_id();
    create.await.unwrap_err();

    let (spans, events) = kept.0.lock().unwrap().clone();
    assert_eq!(spans.len(), 4);
    let shown = |fields: &Fields, names: &[&str]| -> Vec<String> {
        let text = |name: &&str| fields.get(*name).cloned().unwrap_or_default();
        names.iter().map(text).collect()
    };
    let names = [
        "otel.name",
        "otel.kind",
        "http.request.method",
        "url.template",
        "server.address",
        "server.port",
        "http.response.status_code",
        "http.request.resend_count",
        "error.type",
    ];
    let host = "org.crm.dynamics.com";
    let of_row = "accounts({key})";
    assert_eq!(
        shown(&spans[0], &names),
        [
            "PATCH accounts({key})",
            "client",
            "PATCH",
            of_row,
            host,
            "443",
            "204",
            "1",
            ""
        ]
    );
    assert_eq!(
        shown(&spans[1], &names),
        [
            "GET accounts",
            "client",
            "GET",
            "accounts",
            host,
            "443",
            "200",
            "",
            ""
        ]
    );
    assert_eq!(
        shown(&spans[2], &names),
        [
            "GET accounts({key})",
            "client",
            "GET",
            of_row,
            host,
            "443",
            "404",
            "",
            "404"
        ]
    );
    assert_eq!(
        shown(&spans[3], &names),
        [
            "POST accounts",
            "client",
            "POST",
            "accounts",
            host,
            "443",
            "",
            "",
            "transport"
        ]
    );
    assert_eq!(
        spans[0]["dataverse.client_request_id"],
        script.sent()[0].header("x-ms-client-request-id")
    );
    assert_eq!(events.len(), 1);
    assert_eq!(events[0]["message"], "sends again");
    assert_eq!(events[0]["why"], "Doubt { retry_after: None }");
    let all = format!("{spans:?} {events:?}");
    for secret in ["private", "secret-token", "$", &id.to_string()] {
        assert!(!all.contains(secret), "{secret}: {all}");
    }
}
