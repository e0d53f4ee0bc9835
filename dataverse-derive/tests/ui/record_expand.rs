include!("table.inc");

use dataverse_client::Record;
use dataverse_client::schema::{Many, Navigation, One};

const PARENT: Navigation<Project, One<Project>> = Navigation::new("new_ParentId");
const CHILDREN: Navigation<Project, Many<Project>> = Navigation::new("new_Children");
const OF_OTHER: Navigation<Other, Many<Project>> = Navigation::new("new_Projects");

#[derive(Entity, Default)]
#[dataverse(table = "other", set = "others", id = "otherid")]
pub struct Other {
    pub otherid: Option<Id<Other>>,
}

#[derive(Record)]
#[dataverse(entity = Project)]
struct Card {
    new_name: String,
}

#[derive(Record)]
#[dataverse(entity = Other)]
struct OtherCard {
    otherid: Id<Other>,
}

#[derive(Record)]
#[dataverse(entity = Project)]
struct Mistakes {
    #[dataverse(expand = PARENT)]
    parent: Vec<Card>,
    #[dataverse(expand = CHILDREN)]
    children: Vec<OtherCard>,
    #[dataverse(expand = OF_OTHER)]
    projects: Vec<Card>,
}

#[derive(Record)]
#[dataverse(entity = Project)]
struct TwoSources {
    #[dataverse(skip, column = "new_name")]
    name: String,
}

fn main() {}
