//! A span for each call, with the names that OpenTelemetry has for HTTP clients. Without the feature
//! `tracing` there is nothing here.

use std::time::Duration;

use uuid::Uuid;

use crate::odata::{Request, Response};

/// The span of a call.
#[derive(Debug, Clone)]
pub(super) struct CallSpan(#[cfg(feature = "tracing")] tracing::Span);

#[cfg(feature = "tracing")]
impl CallSpan {
    /// Holds no query, no value of a key and no header: those are data of rows.
    pub(super) fn new(origin: &str, request: &Request, request_id: Uuid) -> Self {
        use tracing::field::Empty;

        let span = tracing::info_span!(
            target: "dataverse_client",
            "dataverse.call",
            otel.name = Empty,
            otel.kind = "client",
            http.request.method = request.method.as_str(),
            http.request.resend_count = Empty,
            http.response.status_code = Empty,
            url.template = Empty,
            server.address = Empty,
            server.port = Empty,
            error.r#type = Empty,
            dataverse.client_request_id = Empty,
        );
        if !span.is_disabled() {
            let template = request.template();
            span.record("otel.name", format!("{} {template}", request.method));
            span.record("url.template", template);
            span.record(
                "dataverse.client_request_id",
                tracing::field::display(request_id),
            );
            if let Ok(uri) = origin.parse::<http::Uri>() {
                span.record("server.address", uri.host());
                let port = match uri.scheme_str() {
                    Some("http") => 80,
                    _ => 443,
                };
                span.record("server.port", uri.port_u16().unwrap_or(port));
            }
        }
        CallSpan(span)
    }

    /// The future, within the span.
    pub(super) fn scope<F: Future>(&self, future: F) -> impl Future<Output = F::Output> {
        tracing::Instrument::instrument(future, self.0.clone())
    }

    pub(super) fn sends_again(&self, attempts: u32, wait: Duration, why: &dyn std::fmt::Debug) {
        tracing::event!(
            target: "dataverse_client",
            parent: &self.0,
            tracing::Level::INFO,
            http.request.resend_count = attempts,
            wait_ms = u64::try_from(wait.as_millis()).unwrap_or(u64::MAX),
            why = ?why,
            "sends again"
        );
    }

    /// `attempts` are all of the call; without an answer, `error` says why.
    pub(super) fn ended(&self, attempts: u32, answer: Option<&Response>, error: &str) {
        if let Some(again) = attempts.checked_sub(1)
            && again > 0
        {
            self.0.record("http.request.resend_count", again);
        }
        match answer {
            Some(answer) => {
                let status = answer.status.as_u16();
                self.0.record("http.response.status_code", status);
                if status >= 400 {
                    self.0.record("error.type", answer.status.as_str());
                }
            }
            None => drop(self.0.record("error.type", error)),
        }
    }
}

#[cfg(not(feature = "tracing"))]
impl CallSpan {
    pub(super) fn new(_: &str, _: &Request, _: Uuid) -> Self {
        CallSpan()
    }

    pub(super) fn scope<F: Future>(&self, future: F) -> F {
        future
    }

    pub(super) fn sends_again(&self, _: u32, _: Duration, _: &dyn std::fmt::Debug) {}

    pub(super) fn ended(&self, _: u32, _: Option<&Response>, _: &str) {}
}
