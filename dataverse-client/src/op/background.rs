//! Custom APIs that run in the background (preview).

use std::fmt;
use std::marker::PhantomData;

use http::header::LOCATION;
use http::{HeaderValue, Method, StatusCode};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::{Answer, Invoke, InvokeNamed, Message, Operation, Replay, Scope};
use crate::error::{Error, Result};
use crate::odata::headers::PREFER;
use crate::odata::page::json_error;
use crate::odata::{Request, Response, Target};
use crate::schema::AnyRow;
use crate::value::json::Reader;

/// Starts an action or function in the background. It must be a custom API.
///
/// Shape: the request of the operation with `Prefer: respond-async`; the answer is 202 and says
/// where to ask for the result.
/// Source: Microsoft Learn, "Background operations (preview)".
#[derive(Debug, Clone)]
pub struct InBackground<O> {
    invocation: O,
    callback: Option<String>,
}

/// A call of an action or function: [`Invoke`] or [`InvokeNamed`].
pub trait Invocation: Operation + sealed::Sealed {}

mod sealed {
    pub trait Sealed {}
    impl<M: super::Message> Sealed for super::Invoke<M> {}
    impl Sealed for super::InvokeNamed {}
}

impl<M: Message> Invocation for Invoke<M> {}
impl Invocation for InvokeNamed {}

impl<M: Message> InBackground<Invoke<M>> {
    /// Starts `message`.
    pub fn new(message: M) -> Self {
        InBackground::of(Invoke::new(message))
    }
}

impl<O: Invocation> InBackground<O> {
    /// Starts what this calls.
    pub fn of(invocation: O) -> Self {
        InBackground {
            invocation,
            callback: None,
        }
    }

    /// The service posts to this URL when it has ended; the URL itself must grant access.
    #[must_use]
    pub fn callback(mut self, url: impl Into<String>) -> Self {
        self.callback = Some(url.into());
        self
    }
}

impl<O: Invocation> Operation for InBackground<O> {
    type Output = BackgroundOperation<O::Output>;

    fn request_in(&self, scope: &Scope<'_>) -> Result<Request> {
        let request = self.invocation.request_in(scope)?;
        let prefer = match &self.callback {
            None => "respond-async".to_owned(),
            Some(url) if url.contains('"') => {
                return Err(Error::input("the URL of a callback holds a quote"));
            }
            Some(url) => format!("respond-async,odata.callback;url=\"{url}\""),
        };
        let prefer = HeaderValue::from_str(&prefer)
            .map_err(|error| Error::input("no URL of a callback").with_source(error))?;
        Ok(request.header(PREFER, prefer))
    }

    fn decode(&self, response: &Response) -> Result<Self::Output> {
        let response = response.success()?;
        if response.status != StatusCode::ACCEPTED {
            return Err(Error::decode(
                "the service did not start the operation in the background, but executed it: it \
                 is no custom API",
            ));
        }
        let id = response
            .headers
            .get("x-ms-dyn-backgroundoperationid")
            .and_then(|id| Uuid::try_parse(id.to_str().ok()?.trim()).ok());
        let link = response.text_of(&LOCATION);
        match (id, link) {
            (Some(id), Some(link)) => Ok(BackgroundOperation {
                id,
                link: link.to_owned(),
                output: PhantomData,
            }),
            _ => Err(Error::decode(
                "the operation runs in the background, but the answer does not tell where to ask \
                 for it",
            )),
        }
    }

    fn replay(&self) -> Replay {
        // A second start would run it twice, whatever it is.
        Replay::IfRefused
    }
}

/// An operation that runs in the background, and what it will answer. It can be stored, and asked
/// for by another process.
#[derive(Serialize, Deserialize)]
#[serde(bound = "")]
pub struct BackgroundOperation<T> {
    id: Uuid,
    link: String,
    #[serde(skip)]
    output: PhantomData<fn() -> T>,
}

impl<T> BackgroundOperation<T> {
    /// Its row in `backgroundoperations`.
    pub fn id(&self) -> Uuid {
        self.id
    }
}

impl<T> Clone for BackgroundOperation<T> {
    fn clone(&self) -> Self {
        BackgroundOperation {
            id: self.id,
            link: self.link.clone(),
            output: PhantomData,
        }
    }
}

impl<T> fmt::Debug for BackgroundOperation<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "BackgroundOperation({})", self.id)
    }
}

/// How far a background operation is.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub enum BackgroundState<T> {
    /// Not yet begun.
    Waiting,
    /// It runs.
    Running,
    /// It is to be canceled.
    Canceling,
    /// It has ended, with this answer.
    Succeeded(T),
    /// It failed, after the service's own repeats.
    Failed {
        /// The service's code; None if the error is the custom API's own.
        code: Option<u32>,
        /// What went wrong.
        message: String,
    },
    /// It was canceled before it began.
    Canceled,
}

impl<T> BackgroundState<T> {
    /// Whether it will not change any more.
    pub fn is_final(&self) -> bool {
        matches!(
            self,
            BackgroundState::Succeeded(_)
                | BackgroundState::Failed { .. }
                | BackgroundState::Canceled
        )
    }
}

/// Asks how far a background operation is. Not more than once a minute, Microsoft recommends.
///
/// Shape: `GET` of the link that its start gave.
/// Source: Microsoft Learn, "Background operations (preview)", section "Poll the status monitor
/// resource".
#[derive(Debug)]
pub struct BackgroundStatus<T>(BackgroundOperation<T>);

impl<T> BackgroundStatus<T> {
    /// Asks for `operation`.
    pub fn of(operation: &BackgroundOperation<T>) -> Self {
        BackgroundStatus(operation.clone())
    }
}

impl<T: Answer + 'static> Operation for BackgroundStatus<T> {
    type Output = BackgroundState<T>;

    fn request_in(&self, _: &Scope<'_>) -> Result<Request> {
        Ok(link(Method::GET, &self.0.link))
    }

    fn decode(&self, response: &Response) -> Result<BackgroundState<T>> {
        let body = &response.success()?.body;
        let mut reader = Reader::from_bytes(body).map_err(json_error)?;
        let members = AnyRow::read(&mut reader).map_err(json_error)?;
        let status: Option<i32> = members.get("backgroundOperationStatusCode")?;
        Ok(match status {
            Some(0) => BackgroundState::Waiting,
            Some(20) => BackgroundState::Running,
            Some(22) => BackgroundState::Canceling,
            Some(30) => BackgroundState::Succeeded(T::read(body)?),
            Some(31) => BackgroundState::Failed {
                code: members
                    .get::<i32>("backgroundOperationErrorCode")?
                    .filter(|code| *code != 0)
                    .map(i32::cast_unsigned),
                message: members
                    .get("backgroundOperationErrorMessage")?
                    .unwrap_or_default(),
            },
            Some(32) => BackgroundState::Canceled,
            other => {
                return Err(Error::decode(format!(
                    "a background operation in an unknown state: {other:?}"
                )));
            }
        })
    }

    fn replay(&self) -> Replay {
        Replay::Safe
    }
}

/// Cancels a background operation that has not begun; one that runs goes on.
///
/// Shape: `DELETE` of the link that its start gave.
/// Errors: it has ended.
#[derive(Debug)]
pub struct CancelBackground(String);

impl CancelBackground {
    /// Cancels `operation`.
    pub fn of<T>(operation: &BackgroundOperation<T>) -> Self {
        CancelBackground(operation.link.clone())
    }
}

impl Operation for CancelBackground {
    type Output = ();

    fn request_in(&self, _: &Scope<'_>) -> Result<Request> {
        Ok(link(Method::DELETE, &self.0))
    }

    fn decode(&self, response: &Response) -> Result<()> {
        response.success().map(drop)
    }

    fn replay(&self) -> Replay {
        Replay::Safe
    }
}

fn link(method: Method, link: &str) -> Request {
    let mut request = Request::new(method, String::new());
    request.target = Target::Link(link.to_owned());
    request
}
