//! Tokens are kept while they last.

use std::collections::HashMap;
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, SystemTime};

use async_trait::async_trait;
use bytes::Bytes;
use http::HeaderValue;
use zeroize::Zeroizing;

use super::{AccessToken, Credential, Secret, TokenRequest};
use crate::error::{Error, Result};

/// A token is replaced this long before its end, or after half its life if that is later.
const REFRESH_AHEAD: Duration = Duration::from_secs(5 * 60);

/// A token is not used so shortly before its end: clocks differ, and requests take time.
const MARGIN: Duration = Duration::from_secs(60);

/// After a refresh that failed while the old token lasts.
const REFRESH_PAUSE: Duration = Duration::from_secs(30);

/// Keeps the tokens of a credential, one per org, and asks for each only once however many tasks
/// want it. Clones share what they keep.
///
/// Every client keeps tokens by itself; share one of these among clients that are made often, or
/// with a [`Discovery`](crate::Discovery):
///
/// ```
/// # use dataverse_client::auth::{FixedToken, TokenCache};
/// # use dataverse_client::Client;
/// # fn f() -> dataverse_client::Result<()> {
/// let tokens = TokenCache::new(FixedToken::new("…"));
/// let one = Client::builder("https://contoso.crm4.dynamics.com")?.credential(tokens.clone());
/// let other = Client::builder("https://fabrikam.crm4.dynamics.com")?.credential(tokens);
/// # Ok(()) }
/// ```
///
/// A token is replaced five minutes before its end, by one task, while the others use the old one;
/// if that fails, the old one is used until a minute before its end. A failure is told to all that
/// waited for it, and not kept.
#[derive(Clone)]
pub struct TokenCache {
    credential: Arc<dyn Credential>,
    /// What every token is asked for with.
    claims: Option<&'static str>,
    cells: Arc<Mutex<HashMap<String, Arc<Cell>>>>,
}

/// What is kept for one org.
#[derive(Default)]
struct Cell {
    kept: Mutex<Kept>,
    /// Held while a token is asked for.
    flight: tokio::sync::Mutex<()>,
}

#[derive(Default)]
struct Kept {
    token: Option<Token>,
    /// What is wanted of a token: by the client, and by the service since it refused one.
    claims: Option<String>,
    /// How often a token was asked for.
    flights: u64,
    /// Why the last flight brought none.
    failure: Option<Error>,
}

struct Token {
    token: AccessToken,
    bearer: HeaderValue,
    refresh_at: SystemTime,
    unusable_at: SystemTime,
}

enum Look {
    /// Good for now.
    Use(AccessToken),
    /// Good for now, but soon at its end.
    Replace(AccessToken),
    /// None; so many were asked for before.
    Ask(u64),
}

impl TokenCache {
    /// Keeps the tokens of `credential`.
    pub fn new(credential: impl Credential) -> Self {
        TokenCache::of(Arc::new(credential))
    }

    pub(crate) fn of(credential: Arc<dyn Credential>) -> Self {
        TokenCache {
            credential,
            claims: None,
            cells: Arc::default(),
        }
    }

    pub(crate) fn with_claims(mut self, claims: Option<&'static str>) -> Self {
        self.claims = claims;
        self
    }

    /// The token that is kept and good for now, as a header, if there is one: without a wait.
    pub(crate) fn kept(&self, request: &TokenRequest) -> Option<(HeaderValue, Secret)> {
        let cell = Arc::clone(lock(&self.cells).get(&request.resource)?);
        let kept = lock(&cell.kept);
        let token = kept.token.as_ref()?;
        let is_good = request.claims.is_none() && request.clock.now() < token.refresh_at;
        is_good.then(|| (token.bearer.clone(), token.token.secret.clone()))
    }

    fn cell(&self, resource: &str) -> Arc<Cell> {
        let mut cells = lock(&self.cells);
        match cells.get(resource) {
            Some(cell) => Arc::clone(cell),
            None => {
                let cell = Cell::default();
                lock(&cell.kept).claims = self.claims.map(str::to_owned);
                Arc::clone(cells.entry(resource.to_owned()).or_insert(Arc::new(cell)))
            }
        }
    }
}

impl Cell {
    fn look(&self, request: &TokenRequest) -> Look {
        let kept = lock(&self.kept);
        let now = request.clock.now();
        let fits = request.claims.is_none() || request.claims == kept.claims;
        match &kept.token {
            Some(token) if fits && now < token.unusable_at => match now < token.refresh_at {
                true => Look::Use(token.token.clone()),
                false => Look::Replace(token.token.clone()),
            },
            _ => Look::Ask(kept.flights),
        }
    }

    /// Asks for a token and keeps it. The caller holds `flight`.
    async fn ask(
        &self,
        credential: &dyn Credential,
        request: &TokenRequest,
    ) -> Result<AccessToken> {
        let claims = match &request.claims {
            Some(claims) => Some(claims.clone()),
            None => lock(&self.kept).claims.clone(),
        };
        let wanted = request.clone().with_claims(claims);
        let got = credential.token(&wanted).await;
        let now = request.clock.now();
        let mut kept = lock(&self.kept);
        kept.flights += 1;
        kept.claims = wanted.claims;
        match &got {
            Ok(token) => {
                kept.failure = None;
                kept.token = Token::kept(token, now);
            }
            Err(error) => {
                kept.failure = Some(error.copy());
                if let Some(token) = &mut kept.token {
                    token.refresh_at = now + REFRESH_PAUSE;
                }
            }
        }
        got
    }
}

impl Token {
    fn kept(token: &AccessToken, now: SystemTime) -> Option<Self> {
        let expires_at = token.expires_at?;
        let life = expires_at.duration_since(now).unwrap_or_default();
        let ahead = now + life.saturating_sub(REFRESH_AHEAD).max(life / 2);
        // An endpoint that wants it replaced at once is not asked before every request.
        let refresh_at = token
            .refresh_at
            .map_or(ahead, |at| at.max(now + REFRESH_PAUSE).min(ahead));
        Some(Token {
            bearer: bearer(&token.secret)?,
            token: token.clone(),
            refresh_at,
            unusable_at: now + life.saturating_sub(MARGIN),
        })
    }
}

#[async_trait]
impl Credential for TokenCache {
    async fn token(&self, request: &TokenRequest) -> Result<AccessToken> {
        let cell = self.cell(&request.resource);
        let before = match cell.look(request) {
            Look::Use(token) => return Ok(token),
            Look::Replace(old) => {
                let Ok(_flight) = cell.flight.try_lock() else {
                    return Ok(old);
                };
                return match cell.look(request) {
                    // Another task was quicker.
                    Look::Use(token) => Ok(token),
                    _ => Ok(cell.ask(&*self.credential, request).await.unwrap_or(old)),
                };
            }
            Look::Ask(before) => before,
        };
        let _flight = cell.flight.lock().await;
        match cell.look(request) {
            Look::Use(token) | Look::Replace(token) => return Ok(token),
            Look::Ask(flights) if flights > before => {
                let kept = lock(&cell.kept);
                let fits = request.claims.is_none() || request.claims == kept.claims;
                if let Some(failure) = kept.failure.as_ref().filter(|_| fits) {
                    return Err(failure.copy());
                }
            }
            Look::Ask(_) => {}
        }
        cell.ask(&*self.credential, request).await
    }

    fn invalidate(&self, refused: &Secret) {
        let cells: Vec<_> = lock(&self.cells).values().cloned().collect();
        for cell in cells {
            let mut kept = lock(&cell.kept);
            // Another task may have a new one already.
            if kept
                .token
                .as_ref()
                .is_some_and(|token| token.token.secret == *refused)
            {
                kept.token = None;
            }
        }
        self.credential.invalidate(refused);
    }

    async fn sign_out(&self) -> Result<()> {
        lock(&self.cells).clear();
        self.credential.sign_out().await
    }
}

impl fmt::Debug for TokenCache {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("TokenCache(…)")
    }
}

/// `Bearer …`, overwritten in memory when its last clone goes; None if the token cannot stand in a
/// header.
pub(crate) fn bearer(token: &Secret) -> Option<HeaderValue> {
    let text = Zeroizing::new(format!("Bearer {}", token.expose()).into_bytes());
    let mut value = HeaderValue::from_maybe_shared(Bytes::from_owner(text)).ok()?;
    value.set_sensitive(true);
    Some(value)
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
