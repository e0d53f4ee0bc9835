include!("table.inc");

use dataverse_client::Record;

#[derive(Record)]
struct NoTable {
    new_name: String,
}

#[derive(Record)]
#[dataverse(entity = Project, colour = "blue")]
struct Unknown {
    #[dataverse(colum = "new_name")]
    name: String,
    #[dataverse(column = "new name")]
    other: String,
}

#[derive(Record)]
#[dataverse(entity = Project)]
struct Twice {
    new_name: String,
    #[dataverse(column = "new_name")]
    again: String,
}

#[derive(Record)]
#[dataverse(entity = Project)]
enum NotAStruct {
    A,
}

#[derive(Record)]
#[dataverse(entity = Project)]
struct Borrowed<'a> {
    new_name: &'a str,
}

#[derive(Record)]
#[dataverse(entity = Project)]
struct Tuple(String);

fn main() {}
