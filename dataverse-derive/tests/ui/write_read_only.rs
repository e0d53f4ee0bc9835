include!("table.inc");

use dataverse_client::{Edit, Write};

#[derive(Write)]
#[dataverse(entity = Project, update)]
struct Filled {
    createdby: Edit<String>,
}

#[derive(Write)]
#[dataverse(entity = Project, update)]
struct WrongTable {
    #[dataverse(lookup)]
    new_parentid: Edit<Id<Other>>,
}

#[derive(Entity, Default)]
#[dataverse(table = "other", set = "others", id = "otherid")]
pub struct Other {
    pub otherid: Option<Id<Other>>,
}

fn main() {}
