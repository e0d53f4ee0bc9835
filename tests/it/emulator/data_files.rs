//! Files to keep rows in that cannot be used.

use dataverse_emulator::Emulator;

#[test]
fn a_file_that_is_no_database_is_named_and_left_as_it_is() {
    let file = std::path::Path::new(env!("CARGO_TARGET_TMPDIR")).join("no-database.sqlite");
    std::fs::write(&file, "a text of the user").unwrap();
    let error = Emulator::builder().data_file(&file).build().unwrap_err();
    let told = error.to_string();
    assert!(told.contains("no-database.sqlite: "), "{told}");
    assert_eq!(std::fs::read(&file).unwrap(), b"a text of the user");
    let nowhere = Emulator::builder().data_file("/nowhere/org.sqlite");
    let told = nowhere.build().unwrap_err().to_string();
    assert!(told.contains("/nowhere/org.sqlite"), "{told}");
}
