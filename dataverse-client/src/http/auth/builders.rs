//! What credentials of one kind have in common.

/// For credentials that have an [`Application`](super::entra::Application) here.
macro_rules! signs_in_elsewhere {
    ($credential:ident, $($application:tt).+) => {
        impl $credential {
            /// Signs in at `url` instead of at the org's cloud: `https://login.microsoftonline.us`.
            /// https, loopback excepted.
            #[must_use]
            pub fn authority(mut self, url: impl Into<String>) -> Self {
                self.$($application).+.authority = Some(url.into());
                self
            }
        }
    };
}

/// For credentials that hold an [`Application`](super::entra::Application) and nothing else: it signs
/// in as itself, or acts for a user.
macro_rules! signs_in_as_itself {
    ($credential:ident) => {
        super::builders::signs_in_elsewhere!($credential, 0);

        impl $credential {
            /// Acts for the user whose token this is; see [`OnBehalfOf`](super::OnBehalfOf).
            pub fn on_behalf_of(&self, user_token: super::Secret) -> super::OnBehalfOf {
                super::OnBehalfOf::new(&self.0, user_token)
            }
        }

        #[async_trait::async_trait]
        impl super::Credential for $credential {
            async fn token(
                &self,
                request: &super::TokenRequest,
            ) -> crate::error::Result<super::AccessToken> {
                Ok(self.0.client_credentials(request).await?.access)
            }
        }
    };
}

/// For credentials that hold a [`Session`](super::session::Session), and ask a user when it has no
/// token.
macro_rules! signs_in_a_user {
    ($credential:ident) => {
        super::builders::signs_in_elsewhere!($credential, session.application);

        impl $credential {
            /// Keeps the refresh token in `store`.
            #[must_use]
            pub fn store(mut self, store: impl super::TokenStore) -> Self {
                self.session.store = std::sync::Arc::new(store);
                self
            }
        }

        #[async_trait::async_trait]
        impl super::Credential for $credential {
            async fn token(
                &self,
                request: &super::TokenRequest,
            ) -> crate::error::Result<super::AccessToken> {
                match self.session.resume(request).await? {
                    Some(token) => Ok(token),
                    None => self.ask(request).await,
                }
            }

            async fn sign_out(&self) -> crate::error::Result<()> {
                self.session.sign_out()
            }
        }

        impl std::fmt::Debug for $credential {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.debug_tuple(stringify!($credential))
                    .field(&self.session)
                    .finish()
            }
        }
    };
}

pub(super) use {signs_in_a_user, signs_in_as_itself, signs_in_elsewhere};
