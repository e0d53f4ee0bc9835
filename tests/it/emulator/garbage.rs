//! Queries with a character missing, or cut short: answered, and never a fault of the emulator.

use super::{emulator, get};

#[tokio::test]
async fn broken_queries_are_answered() {
    let emulator = emulator();
    for options in [
        "$expand=Account_Tasks($select=subject;$filter=contains(subject,'a;b')%20and%20prioritycode%20eq%201;$top=2),\
         primarycontactid/$ref,ownerid($select=ownerid),parentaccountid($expand=createdby)",
        "$filter=Account_Tasks/any(t:t/owninguser/fullname%20eq%20@p1)%20or%20not%20Account_Tasks/all(t:t/subject%20ne%20'é')&@p1='x'",
        "$filter=Microsoft.Dynamics.CRM.In(PropertyName='name',PropertyValues=[%22a'b%22,'c''d',5,@p])%20or%20\
         Microsoft.Dynamics.CRM.LastXDays(PropertyName=@p,PropertyValue=12)&@p='createdon'",
        "$apply=filter(name%20eq%20'a')/groupby((primarycontactid/fullname,statecode),aggregate(revenue%20with%20sum%20as%20a,$count%20as%20b))",
        "savedQuery=00000000-0000-0000-00aa-000010003001&$skiptoken=%3Ccookie%20pagenumber=%222%22%20pagingcookie=%22%22/%3E",
    ] {
        for (cut, char) in options.char_indices() {
            let behind = cut + char.len_utf8();
            for broken in [
                options[..cut].to_owned(),
                format!("{}{}", &options[..cut], &options[behind..]),
            ] {
                // A URI holds ASCII only.
                let path = format!("accounts?{}", broken.replace('é', "%C3%A9"));
                let answer = get(&emulator, &path).await;
                assert_ne!(answer.status, 500, "{path}: {}", answer.body);
            }
        }
    }
}
