//! What can be said beside an operation: who calls, what the service leaves out, where it goes.

use std::borrow::Cow;
use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use http::header::HeaderName;
use http::{HeaderMap, HeaderValue};
use uuid::Uuid;

use super::headers::{PREFER, add_annotations};
use super::url::encode;
use super::{Request, Target};
use crate::error::{Error, Result};

/// Options of a call, or of every call of a client. They change nothing of what is asked.
///
/// ```
/// use dataverse_client::{Bypass, CallOptions};
///
/// let options = CallOptions::new()
///     .bypass(Bypass::Synchronous)
///     .suppress_flows()
///     .tag("nightly import");
/// # let _ = options;
/// ```
///
/// Source: Microsoft Learn, "Use optional parameters", "Bypass custom Dataverse logic",
/// "Impersonate another user using the Web API".
#[derive(Clone, Default)]
#[must_use]
pub struct CallOptions {
    headers: HeaderMap,
    annotations: Vec<Cow<'static, str>>,
    tag: Option<String>,
    session: Option<Session>,
    deadline: Option<Duration>,
    at_most_once: bool,
    /// Told when a request is to be sent.
    mistake: Option<String>,
}

/// Custom logic that a write leaves out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Bypass {
    /// Synchronous plug-ins and real-time workflows.
    Synchronous,
    /// Asynchronous plug-ins and background workflows; flows go on.
    Asynchronous,
    /// Both.
    All,
}

/// Headers that the client itself sets, or that would break the request.
const OWN_HEADERS: &[&str] = &[
    "accept",
    "authorization",
    "callerobjectid",
    "connection",
    "content-encoding",
    "content-length",
    "content-type",
    "cookie",
    "host",
    "if-match",
    "mscrmcallerid",
    "odata-maxversion",
    "odata-version",
    "prefer",
    "transfer-encoding",
    "user-agent",
    "x-http-method",
    "x-http-method-override",
    "x-ms-client-request-id",
];

impl CallOptions {
    /// None yet.
    pub fn new() -> Self {
        CallOptions::default()
    }

    /// Acts for the user with this Microsoft Entra object id: `CallerObjectId`.
    ///
    /// What is allowed is what both may. Errors: `is_forbidden` if the caller lacks
    /// `prvActOnBehalfOfAnotherUser`.
    pub fn caller_object_id(self, user: Uuid) -> Self {
        self.set("callerobjectid", &user.to_string())
    }

    /// Acts for the user with this `systemuserid`: `MSCRMCallerID`.
    pub fn caller_user_id(self, user: impl Into<Uuid>) -> Self {
        self.set("mscrmcallerid", &user.into().to_string())
    }

    /// Leaves custom logic out; needs `prvBypassCustomBusinessLogic`.
    pub fn bypass(self, what: Bypass) -> Self {
        let what = match what {
            Bypass::Synchronous => "CustomSync",
            Bypass::Asynchronous => "CustomAsync",
            Bypass::All => "CustomSync,CustomAsync",
        };
        self.set("mscrm.bypassbusinesslogicexecution", what)
    }

    /// Leaves these plug-in steps out; three at most, unless the org allows more.
    pub fn bypass_steps(self, steps: impl IntoIterator<Item = Uuid>) -> Self {
        let steps: Vec<_> = steps.into_iter().map(|step| step.to_string()).collect();
        self.set(
            "mscrm.bypassbusinesslogicexecutionstepids",
            &steps.join(","),
        )
    }

    /// Leaves synchronous plug-ins out in the older way, which needs `prvBypassCustomPlugins`.
    pub fn bypass_plugins(self) -> Self {
        self.set("mscrm.bypasscustompluginexecution", "true")
    }

    /// Does not trigger Power Automate flows.
    pub fn suppress_flows(self) -> Self {
        self.set("mscrm.suppresscallbackregistrationexpanderjob", "true")
    }

    /// Looks for duplicates by the org's rules, which the Web API does not do by itself.
    ///
    /// Errors: `is_duplicate` if one is found.
    pub fn detect_duplicates(self) -> Self {
        self.set("mscrm.suppressduplicatedetection", "false")
    }

    /// Adds what is created or changed to the unmanaged solution with this unique name.
    pub fn solution(self, unique_name: &str) -> Self {
        self.set("mscrm.solutionuniquename", unique_name)
    }

    /// Keeps labels in other languages when a definition is changed.
    pub fn merge_labels(self) -> Self {
        self.set("mscrm.mergelabels", "true")
    }

    /// Reads definitions and labels as they are, not as a cache had them some 30 seconds ago.
    pub fn consistency_strong(self) -> Self {
        self.set("consistency", "Strong")
    }

    /// Hands `text` to plug-ins as the shared variable `tag`.
    pub fn tag(mut self, text: impl Into<String>) -> Self {
        self.tag = Some(text.into());
        self
    }

    /// Reads its own writes to elastic tables: the calls that share a session see each other's.
    pub fn session(mut self, session: &Session) -> Self {
        self.session = Some(session.clone());
        self
    }

    /// Asks for these annotations, by their terms: `OData.Community.Display.V1.FormattedValue`,
    /// `Microsoft.Dynamics.CRM.*`.
    pub fn annotations<T: Into<Cow<'static, str>>>(
        mut self,
        terms: impl IntoIterator<Item = T>,
    ) -> Self {
        self.annotations.extend(terms.into_iter().map(Into::into));
        self
    }

    /// Asks for everything the service can tell beside the answer, the details of errors included.
    /// Answers grow to several times their size.
    pub fn all_annotations(mut self) -> Self {
        self.annotations.push(Cow::Borrowed("*"));
        self
    }

    /// Asks for details of errors: trace text, help link, the plug-in that failed.
    pub fn error_details(mut self) -> Self {
        self.annotations
            .push(Cow::Borrowed("Microsoft.PowerApps.CDS.*"));
        self
    }

    /// Ends a call after `limit`, whatever it is at: waiting for its turn, for a token, for an
    /// answer. Without a deadline the retry policy says how long a call
    /// waits for a further attempt, and an attempt takes what it takes, up to the policy's
    /// `attempt_timeout`.
    ///
    /// The service sometimes asks for waits of several minutes: a call that may not wait so long is
    /// `is_throttled` at once. Of a stream of pages, each page has the whole time.
    ///
    /// Errors: `is_deadline_passed`; `is_outcome_unknown` tells whether a write may have been
    /// executed.
    pub fn deadline(mut self, limit: Duration) -> Self {
        self.deadline = Some(limit);
        self
    }

    /// Sends nothing again that may have been executed, also what the client would repeat by itself: a
    /// repeated update runs plug-ins a second time, and can overwrite what another wrote between.
    /// What the service certainly refused is sent again as ever.
    ///
    /// Errors: `is_outcome_unknown` where an answer got lost, with
    /// [`row_ids`](crate::Error::row_ids).
    pub fn at_most_once(mut self) -> Self {
        self.at_most_once = true;
        self
    }

    /// A header that has no method here. Those that the client sets itself, and those that would make
    /// another request of it, are refused when the request is to be sent.
    pub fn header(mut self, name: &str, value: &str) -> Self {
        if OWN_HEADERS.contains(&name.to_ascii_lowercase().as_str()) {
            self.mistake = Some(format!(
                "the header `{name}` is the client's own; leave it out, or use the method for it"
            ));
            return self;
        }
        self.set(name, value)
    }

    fn set(mut self, name: &str, value: &str) -> Self {
        match (
            HeaderName::from_bytes(name.as_bytes()),
            HeaderValue::from_str(value),
        ) {
            (Ok(name), Ok(value)) => drop(self.headers.insert(name, value)),
            _ => {
                self.mistake = Some(format!(
                    "the header `{name}` or its value holds characters that no header can carry"
                ));
            }
        }
        self
    }

    /// These, and those of `base` that are not said here.
    pub(crate) fn over(&self, base: &CallOptions) -> CallOptions {
        let mut headers = base.headers.clone();
        for (name, value) in &self.headers {
            headers.insert(name, value.clone());
        }
        let mut annotations = base.annotations.clone();
        annotations.extend(self.annotations.iter().cloned());
        CallOptions {
            headers,
            annotations,
            tag: self.tag.clone().or_else(|| base.tag.clone()),
            session: self.session.clone().or_else(|| base.session.clone()),
            deadline: self.deadline.or(base.deadline),
            at_most_once: self.at_most_once || base.at_most_once,
            mistake: self.mistake.clone().or_else(|| base.mistake.clone()),
        }
    }

    /// Puts the options into a request. What the operation itself says goes first.
    pub(crate) fn apply(&self, request: &mut Request) -> Result<()> {
        if let Some(mistake) = &self.mistake {
            return Err(Error::input(mistake.clone()));
        }
        for (name, value) in &self.headers {
            request.headers.entry(name).or_insert(value.clone());
        }
        for terms in &self.annotations {
            let now = request.headers.get(PREFER);
            let now = now.and_then(|now| now.to_str().ok()).unwrap_or_default();
            if let Ok(value) = HeaderValue::from_str(&add_annotations(now, terms)) {
                request.headers.insert(PREFER, value);
            }
        }
        if let Some(session) = &self.session
            && let Some(token) = session.token()
        {
            request.headers.insert(SESSION_TOKEN, token);
        }
        // A link of the service says all that is to be said.
        if let (Some(tag), Target::Path(path)) = (&self.tag, &mut request.target) {
            path.push(if path.contains('?') { '&' } else { '?' });
            path.push_str("tag=");
            encode(tag, path);
        }
        Ok(())
    }

    /// The deadline.
    pub(crate) fn time_limit(&self) -> Option<Duration> {
        self.deadline
    }

    /// Whether nothing is sent again that may have been executed.
    pub(crate) fn is_at_most_once(&self) -> bool {
        self.at_most_once
    }

    /// For whom calls are made; None if for the caller itself. The service's limits are those of a
    /// user.
    pub(crate) fn user(&self) -> Option<User> {
        let by = |name| self.headers.get(name).cloned();
        let user = User {
            object_id: by("callerobjectid"),
            user_id: by("mscrmcallerid"),
        };
        (user != User::default()).then_some(user)
    }

    /// Takes what an answer says to the session.
    pub(crate) fn note(&self, headers: &HeaderMap) {
        if let Some(session) = &self.session
            && let Some(token) = headers.get("x-ms-session-token")
        {
            session.keep(token.clone());
        }
    }
}

/// A user for whom a client acts.
#[derive(Clone, Default, PartialEq, Eq, Hash)]
pub(crate) struct User {
    object_id: Option<HeaderValue>,
    user_id: Option<HeaderValue>,
}

impl fmt::Debug for CallOptions {
    /// Names the headers, not their values: those name users.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CallOptions")
            .field("headers", &self.headers.keys().collect::<Vec<_>>())
            .field("annotations", &self.annotations)
            .field("tag", &self.tag.is_some())
            .field("session", &self.session.is_some())
            .field("deadline", &self.deadline)
            .field("at_most_once", &self.at_most_once)
            .finish()
    }
}

const SESSION_TOKEN: HeaderName = HeaderName::from_static("mscrm.sessiontoken");

/// A session with elastic tables: what one of its calls wrote, the next one reads.
///
/// Source: Microsoft Learn, "Elastic tables", section on consistency.
#[derive(Clone, Default)]
pub struct Session(Arc<Mutex<Option<HeaderValue>>>);

impl Session {
    /// A session in which nothing was written.
    pub fn new() -> Self {
        Session::default()
    }

    fn token(&self) -> Option<HeaderValue> {
        let token = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        token.clone()
    }

    fn keep(&self, token: HeaderValue) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Some(token);
    }
}

impl fmt::Debug for Session {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Session(has a token: {})", self.token().is_some())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_call_says_more_than_its_client() {
        let client = CallOptions::new().tag("import").caller_user_id(Uuid::nil());
        let call = CallOptions::new().tag("a & b").bypass_plugins();
        let mut request = Request::get("accounts?$select=name");
        call.over(&client).apply(&mut request).unwrap();
        assert_eq!(
            request.target,
            Target::Path("accounts?$select=name&tag=a%20%26%20b".into())
        );
        assert_eq!(
            request.headers["mscrmcallerid"],
            Uuid::nil().to_string().as_str()
        );
        assert_eq!(request.headers["mscrm.bypasscustompluginexecution"], "true");
    }

    #[test]
    fn annotations_join_those_of_the_operation() {
        let mut request = Request::get("accounts").header(
            PREFER,
            HeaderValue::from_static("odata.maxpagesize=5,odata.include-annotations=\"a.b\""),
        );
        let options = CallOptions::new().error_details();
        options.apply(&mut request).unwrap();
        assert_eq!(
            request.headers[PREFER],
            "odata.maxpagesize=5,odata.include-annotations=\"a.b,Microsoft.PowerApps.CDS.*\""
        );
        let mut request = Request::get("accounts");
        options.apply(&mut request).unwrap();
        assert_eq!(
            request.headers[PREFER],
            "odata.include-annotations=\"Microsoft.PowerApps.CDS.*\""
        );
    }

    #[test]
    fn headers_of_the_client_are_its_own() {
        for (name, value) in [
            ("Authorization", "Bearer x"),
            ("MSCRMCallerID", "00000000-0000-0000-0000-000000000000"),
            ("CallerObjectId", "00000000-0000-0000-0000-000000000000"),
            ("X-HTTP-Method-Override", "DELETE"),
            ("Host", "evil.example"),
            ("Cookie", "a=b"),
            ("bad name", "x"),
            ("x", "a\nb"),
        ] {
            let options = CallOptions::new().header(name, value);
            assert!(options.apply(&mut Request::get("accounts")).is_err());
        }
    }
}
