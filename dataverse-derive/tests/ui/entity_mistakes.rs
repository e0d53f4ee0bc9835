use dataverse_client::{AnyLookup, Entity, Id, Lookup};

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

#[derive(Entity, Default)]
#[dataverse(table = "task", set = "tasks", id = "activityid", key = "subject", key = "")]
struct Lookups {
    activityid: Option<Id<Lookups>>,
    ownerid: Option<Lookup<NoId>>,
    #[dataverse(lookup(nav = "regardingobjectid"))]
    regardingobjectid: Option<AnyLookup<Regarding>>,
    #[dataverse(lookup(navigation = "x"))]
    first: Option<Lookup<NoId>>,
    #[dataverse(lookup(entity = NoId))]
    second: Option<Lookup<NoId>>,
}

enum Regarding {}

#[derive(Entity, Default)]
#[dataverse(table = "task", set = "tasks", id = "activityid")]
struct Generic<T> {
    activityid: Option<T>,
}

fn main() {}
