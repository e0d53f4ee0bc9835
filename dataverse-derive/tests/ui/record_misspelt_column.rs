include!("table.inc");

use dataverse_client::Record;

#[derive(Record)]
#[dataverse(entity = Project)]
struct Card {
    new_nam: String,
    #[dataverse(column = "new_bugdet")]
    budget: Option<i32>,
}

fn main() {}
