//! A PFX file from anybody.

use dataverse_client::auth::{Certificate, Secret};
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::Index;

use super::check;

const FILES: [&[u8]; 4] = [
    include_bytes!("../../fixtures/pfx/modern.pfx"),
    include_bytes!("../../fixtures/pfx/legacy.pfx"),
    include_bytes!("../../fixtures/pfx/no-password.pfx"),
    include_bytes!("../../fixtures/pfx/nomac.pfx"),
];

/// Reads, and tells of a refusal nothing but that it is one of the input.
fn read(bytes: &[u8], password: &str) {
    if let Err(error) = Certificate::from_pfx(bytes, &Secret::new(password)) {
        assert!(error.is_invalid_input(), "{error}");
    }
}

#[test]
fn any_bytes_are_read_or_refused() {
    check((vec(any::<u8>(), 0..200), ".{0,8}"), |(bytes, password)| {
        read(&bytes, &password);
    });
}

#[test]
fn a_changed_file_is_read_or_refused() {
    let changes = vec((any::<Index>(), any::<u8>()), 1..4);
    // The heads, where it is said how long things are, are changed more often than the rest.
    let heads = vec((0..120_usize, any::<u8>()), 0..4);
    let cut = prop::option::of(any::<Index>());
    check(
        (0..FILES.len(), changes, heads, cut),
        |(file, changes, heads, cut)| {
            let mut bytes = FILES[file].to_vec();
            for (place, byte) in changes {
                *place.get_mut(&mut bytes) = byte;
            }
            for (place, byte) in heads {
                bytes[place] = byte;
            }
            if let Some(cut) = cut {
                bytes.truncate(cut.index(bytes.len()));
            }
            read(&bytes, "Pässwörd 1");
            read(&bytes, "");
        },
    );
}
