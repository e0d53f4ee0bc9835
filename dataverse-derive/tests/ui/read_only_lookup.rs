use dataverse_client::{Changes, Edit, Entity, Id, Lookup, New, Write};

#[derive(Entity, Default)]
#[dataverse(table = "new_project", set = "new_projects", id = "new_projectid")]
pub struct Project {
    pub new_projectid: Option<Id<Project>>,
    #[dataverse(lookup(nav = "createdby"), read_only)]
    pub createdby: Option<Lookup<Project>>,
    #[dataverse(lookup(nav = "new_FirstId"), create_only)]
    pub new_firstid: Option<Lookup<Project>>,
}

#[derive(Write)]
#[dataverse(entity = Project, create)]
struct Filled {
    #[dataverse(lookup)]
    createdby: Edit<Id<Project>>,
}

fn main() {
    let project: Id<Project> = Id::generate();
    let _ = New::new().bind(Project::CREATEDBY, project);
    let _ = Changes::new().unbind(Project::CREATEDBY);
    let _ = Changes::new().bind(Project::NEW_FIRSTID, project);
}
