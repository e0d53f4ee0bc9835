//! Signing in, over scripts: exact forms, and every answer that is documented.

mod cache;
mod refused;
