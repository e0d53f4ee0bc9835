use dataverse_client::{Entity, Id};

#[derive(Entity, Default)]
#[dataverse(table = "new_project", set = "new_projects", id = "new_id", colour = "blue")]
pub struct Project {
    pub new_projectid: Option<Id<Project>>,
    #[dataverse(colour = "blue")]
    pub new_name: Option<String>,
}

fn main() {}
