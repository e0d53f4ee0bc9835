include!("table.inc");

use dataverse_client::Record;

#[derive(Record)]
#[dataverse(entity = Project)]
struct Card {
    new_name: i32,
    new_budget: Option<String>,
}

fn main() {}
