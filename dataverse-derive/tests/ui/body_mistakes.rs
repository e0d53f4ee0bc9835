include!("table.inc");

use dataverse_client::{Changes, New};

#[derive(Entity, Default)]
#[dataverse(table = "new_task", set = "new_tasks", id = "new_taskid")]
pub struct Task {
    pub new_taskid: Option<Id<Task>>,
}

fn main() {
    let task: Id<Task> = Id::generate();
    let _ = Changes::new().set(Project::NEW_PROJECTID, Id::generate());
    let _ = New::new().set(Project::CREATEDBY, "me");
    let _ = New::new().set(Project::NEW_PROJECTID, 5);
    let _ = New::new().bind(Project::NEW_PARENTID, task);
    let _ = New::new().bind(Project::NEW_NAME, task);
}
