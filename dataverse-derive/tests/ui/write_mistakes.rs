include!("table.inc");

use dataverse_client::{Edit, Write};

#[derive(Write)]
struct NoTable {
    new_name: Edit<String>,
}

#[derive(Write)]
#[dataverse(entity = Project, colour = "blue")]
struct Mistakes {
    new_name: Option<String>,
    #[dataverse(none = "perhaps")]
    new_budget: Option<i32>,
    #[dataverse(none = "skip")]
    new_parentid: Edit<i32>,
    #[dataverse(colour = "blue")]
    createdby: Edit<String>,
}

#[derive(Write)]
#[dataverse(entity = Project)]
enum NotAStruct {
    A,
}

fn main() {}
