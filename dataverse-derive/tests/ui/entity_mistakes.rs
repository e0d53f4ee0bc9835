use dataverse_client::{Entity, Id};

#[derive(Entity, Default)]
#[dataverse(table = "new_project", set = "new_projects")]
struct NoId {
    new_name: Option<String>,
}

#[derive(Entity, Default)]
#[dataverse(table = "new_project", set = "new_projects", id = "new_projectid")]
struct NotOptional {
    new_projectid: Option<Id<NotOptional>>,
    new_name: String,
}

#[derive(Entity, Default)]
#[dataverse(table = "new_project", set = "new_projects", id = "new_projectid")]
struct NotALookup {
    new_projectid: Option<Id<NotALookup>>,
    #[dataverse(lookup(nav = "new_AccountId"))]
    new_accountid: Option<String>,
}

fn main() {}
