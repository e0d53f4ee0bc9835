//! Images of new rows.

use dataverse_emulator::Emulator;
use serde_json::json;

use super::{create, get, post, send};

const PIXEL: &str = "R0lGODlhAQABAAAAACw=";

#[tokio::test]
async fn a_new_row_takes_its_primary_image_only() {
    let emulator = Emulator::builder().build().unwrap();
    let image = json!({
        "@odata.type": "Microsoft.Dynamics.CRM.ImageAttributeMetadata", "SchemaName": "new_Photo",
    });
    let columns = "EntityDefinitions(LogicalName='account')/Attributes";
    let made = post(&emulator, columns, &image.to_string()).await;
    assert_eq!(made.status, 204, "{}", made.body);
    let both = json!({ "entityimage": PIXEL, "new_photo": PIXEL }).to_string();
    let refused = post(&emulator, "accounts", &both).await;
    assert_eq!(refused.status, 400);
    assert_eq!(
        refused.error(),
        (
            "0x80090487".to_owned(),
            "Only the primary image column 'entityimage' of 'account' can be set on create, not \
             'new_photo'."
                .to_owned()
        )
    );
    let rows = get(&emulator, "accounts").await.json();
    assert_eq!(rows["value"], json!([]));
    let body = json!({ "entityimage": PIXEL, "new_photo": null }).to_string();
    let row = create(&emulator, "accounts", &body).await;
    let changed = send(&emulator, "PATCH", &row, &[], &both).await;
    assert_eq!(changed.status, 204, "{}", changed.body);
    let read = get(&emulator, &format!("{row}?$select=entityimage,new_photo")).await;
    assert_eq!(read.json()["new_photo"], PIXEL);
}
