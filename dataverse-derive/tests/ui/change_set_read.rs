include!("table.inc");

use dataverse_client::{ChangeSet, Retrieve};

fn main() {
    let mut set = ChangeSet::new();
    set.add(Retrieve::<Project>::new(Id::<Project>::generate()));
}
