//! `QualifyLead`: a lead becomes an account, a contact, an opportunity.

use http::StatusCode;
use serde_json::json;

use crate::catalog::Table;
use crate::fault::Result;
use crate::message::Answer;
use crate::parameter::{existing, missing, object, of_action};
use crate::service::Call;
use crate::value::Stored;
use crate::write::{Members, Written, insert, update};

const QUALIFIED: i64 = 1;
/// The reason that `-1` stands for.
const DEFAULT_REASON: i64 = 3;

/// Columns of a lead, and of the rows that are made of it. Where several fill one, the first that
/// has a value does.
type Mapping = &'static [(&'static str, &'static str)];

const ADDRESS: Mapping = &[
    ("address1_line1", "address1_line1"),
    ("address1_line2", "address1_line2"),
    ("address1_line3", "address1_line3"),
    ("address1_city", "address1_city"),
    ("address1_stateorprovince", "address1_stateorprovince"),
    ("address1_postalcode", "address1_postalcode"),
    ("address1_country", "address1_country"),
    ("description", "description"),
];
const ACCOUNT: Mapping = &[
    ("companyname", "name"),
    ("fullname", "name"),
    ("telephone1", "telephone1"),
    ("fax", "fax"),
    ("websiteurl", "websiteurl"),
    ("numberofemployees", "numberofemployees"),
    ("revenue", "revenue"),
    ("sic", "sic"),
];
const CONTACT: Mapping = &[
    ("firstname", "firstname"),
    ("lastname", "lastname"),
    ("fullname", "fullname"),
    ("jobtitle", "jobtitle"),
    ("emailaddress1", "emailaddress1"),
    ("telephone1", "telephone1"),
    ("mobilephone", "mobilephone"),
    ("fax", "fax"),
    ("websiteurl", "websiteurl"),
];
const OPPORTUNITY: Mapping = &[
    ("subject", "name"),
    ("description", "description"),
    ("budgetamount", "budgetamount"),
    ("estimatedamount", "estimatedvalue"),
    ("estimatedclosedate", "estimatedclosedate"),
];

/// Answers `POST leads(…)/Microsoft.Dynamics.CRM.QualifyLead`.
pub(crate) fn answer(call: &Call<'_>, leads: &Table, lead: &str) -> Result<Answer> {
    let parameters = of_action(call)?;
    let flag = |name: &str| match parameters.get(name).map(|json| json.get()) {
        Some("true") => Ok(true),
        Some("false") => Ok(false),
        _ => Err(missing(name)),
    };
    let wants = (
        flag("CreateAccount")?,
        flag("CreateContact")?,
        flag("CreateOpportunity")?,
    );
    let status: i64 = parameters
        .get("Status")
        .and_then(|json| json.get().parse().ok())
        .ok_or_else(|| missing("Status"))?;
    let given = |name: &str| given(call, &parameters, name);
    let (customer, currency) = (
        given("OpportunityCustomerId")?,
        given("OpportunityCurrencyId")?,
    );
    let campaign = given("SourceCampaignId")?;
    let work = Work { call, leads, lead };
    let mut made: Vec<(&Table, String)> = Vec::new();
    call.store.atomically(|| {
        let mut account = None;
        if wants.0
            && let Some(table) = call.catalog.by_name("account")
        {
            let id = insert(call, table, work.row(table, &[ACCOUNT, ADDRESS])?)?;
            account = Some((table, id.clone()));
            made.push((table, id));
        }
        let mut contact = None;
        if wants.1
            && let Some(table) = call.catalog.by_name("contact")
        {
            let mut row = work.row(table, &[CONTACT, ADDRESS])?;
            point(&mut row, table, "parentcustomerid", account.as_ref());
            let id = insert(call, table, row)?;
            contact = Some((table, id.clone()));
            made.push((table, id));
        }
        if wants.2
            && let Some(table) = call.catalog.by_name("opportunity")
        {
            let mut row = work.row(table, &[OPPORTUNITY])?;
            let own = customer.as_ref().or(account.as_ref()).or(contact.as_ref());
            point(&mut row, table, "customerid", own);
            point(&mut row, table, "parentaccountid", account.as_ref());
            point(&mut row, table, "parentcontactid", contact.as_ref());
            point(&mut row, table, "transactioncurrencyid", currency.as_ref());
            point(&mut row, table, "campaignid", campaign.as_ref());
            made.push((table, insert(call, table, row)?));
        }
        let mut qualified = Written::default();
        let reason = match status {
            -1 => DEFAULT_REASON,
            reason => reason,
        };
        for (column, value) in [("statecode", QUALIFIED), ("statuscode", reason)] {
            if let Some((place, _)) = leads.column_named(column) {
                qualified.set(place, Stored::Integer(value));
            }
        }
        let opportunity = made
            .iter()
            .find(|(table, _)| table.logical_name == "opportunity");
        point(
            &mut qualified,
            leads,
            "qualifyingopportunityid",
            opportunity,
        );
        update(call, leads, lead, qualified)
    })?;
    let rows = made.iter().map(|(table, id)| {
        json!({
            "@odata.type": format!("#Microsoft.Dynamics.CRM.{}", table.logical_name),
            &table.primary_id: id,
        })
    });
    let body = json!({
        "@odata.context": format!("{}$metadata#crmbaseentity", call.root()),
        "value": rows.collect::<Vec<_>>(),
    });
    Ok(Answer::json(StatusCode::OK, body.to_string()))
}

/// The row of a parameter that may be left out.
fn given<'c>(
    call: &Call<'c>,
    parameters: &Members,
    name: &str,
) -> Result<Option<(&'c Table, String)>> {
    match parameters.get(name).map(|json| json.get()) {
        None | Some("null") => Ok(None),
        Some(_) => existing(call, &object(parameters, name)?).map(Some),
    }
}

/// Points a lookup at a row, if the table has it and it may point there.
fn point(written: &mut Written, table: &Table, column: &str, row: Option<&(&Table, String)>) {
    let Some((target, id)) = row else {
        return;
    };
    if let Some((place, found)) = table.column_named(column)
        && let crate::catalog::Kind::Lookup(targets) = &found.kind
        && targets.contains(&target.logical_name)
    {
        written.point(table, place, Some((&target.logical_name, id)));
    }
}

/// The lead of which rows are made.
struct Work<'c> {
    call: &'c Call<'c>,
    leads: &'c Table,
    lead: &'c str,
}

impl Work<'_> {
    /// A row with the values of the lead, which it comes from.
    fn row(&self, table: &Table, mappings: &[Mapping]) -> Result<Written> {
        let mut written = Written::default();
        for (from, to) in mappings.iter().flat_map(|mapping| mapping.iter()) {
            let (Some((from, source)), Some((to, target))) =
                (self.leads.column_named(from), table.column_named(to))
            else {
                continue;
            };
            if written.value(to).is_some() || source.kind != target.kind {
                continue;
            }
            let values = self.call.store.values(self.leads, self.lead, &[from])?;
            let value = values.and_then(|mut values| values.pop());
            if let Some(value) = value.filter(|value| *value != Stored::Null) {
                written.set(to, value);
            }
        }
        let lead = (self.leads, self.lead.to_owned());
        point(&mut written, table, "originatingleadid", Some(&lead));
        Ok(written)
    }
}
