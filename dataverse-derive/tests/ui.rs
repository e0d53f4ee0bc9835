//! What a user's mistakes look like. After a change: `TRYBUILD=overwrite cargo test -p
//! dataverse-derive`, then read the difference.

#[test]
fn mistakes_are_errors_at_the_user_s_token() {
    let cases = trybuild::TestCases::new();
    cases.compile_fail("tests/ui/*.rs");
}
