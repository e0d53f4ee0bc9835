//! Amounts: the currency of a row, and what its amounts are in that of the org.

use std::collections::BTreeMap;

use rusqlite::OptionalExtension;
use rust_decimal::Decimal;

use crate::catalog::{CURRENCY, Kind, Table};
use crate::fault::Result;
use crate::service::Call;
use crate::store::{base, quoted};
use crate::value::Stored;
use crate::write::Written;

/// The table of currencies.
const CURRENCIES: &str = "transactioncurrency";
/// How many digits behind the point an amount in the currency of the org has.
const BASE_DIGITS: u32 = 10;

/// Gives a row with amounts its currency and rate, and each amount its `…_base`. Nothing of that if
/// no currency is known.
pub(crate) fn convert(
    call: &Call<'_>,
    table: &Table,
    id: Option<&str>,
    written: &mut Written,
) -> Result<()> {
    let place = |name: &str| table.column_named(name).map(|(place, _)| place);
    let (Some(currency_place), Some(rate_place)) = (place(CURRENCY), place("exchangerate")) else {
        return Ok(());
    };
    if !matches!(table.columns[currency_place].kind, Kind::Lookup(_)) {
        return Ok(());
    }
    let is_moved = written.value(currency_place).is_some();
    let is_money = |at: usize| table.columns[at].display.is_money;
    // Most bodies hold no amount.
    if !is_moved && !written.values().iter().any(|(at, _)| is_money(*at)) {
        return Ok(());
    }
    let money = table.columns.iter().enumerate();
    let money = money.filter(|(_, column)| column.display.is_money);
    let amounts = money.filter_map(|(at, column)| {
        let in_base = place(&format!("{}_base", column.logical_name))?;
        Some((at, in_base))
    });
    let amounts: Vec<(usize, usize)> = amounts.collect();
    let is_told = |at: usize| matches!(written.value(at), Some(Stored::Text(_)));
    let has_amount = amounts.iter().any(|(at, _)| is_told(*at));

    let mut row = BTreeMap::new();
    if let Some(id) = id {
        let mut places: Vec<usize> = amounts.iter().map(|(at, _)| *at).collect();
        places.push(currency_place);
        let values = call.store.values(table, id, &places)?.unwrap_or_default();
        row.extend(places.into_iter().zip(values));
    }
    let text = |value: Option<&Stored>| match value {
        Some(Stored::Text(text)) => Some(text.clone()),
        _ => None,
    };
    let told = written.value(currency_place);
    let mut currency = text(told.or(row.get(&currency_place)));
    if currency.is_none() && has_amount {
        currency = of_org(call)?;
        if let Some(currency) = &currency {
            written.point(table, currency_place, Some((CURRENCIES, currency)));
        }
    }
    let rate = match &currency {
        Some(currency) => rate(call, currency)?,
        None => None,
    };
    let Some((digits, rate)) = rate else {
        return Ok(());
    };
    written.set(rate_place, digits);
    for (at, in_base) in amounts {
        let told = written.value(at);
        if told.is_none() && !is_moved {
            continue;
        }
        let amount = text(told.or(row.get(&at)));
        let amount = amount.and_then(|amount| amount.parse::<Decimal>().ok());
        let value = amount.and_then(|amount| amount.checked_div(rate));
        written.set(
            in_base,
            match value {
                Some(value) => Stored::Text(format!("{:.*}", BASE_DIGITS as usize, value)),
                None => Stored::Null,
            },
        );
    }
    Ok(())
}

/// The currency of the org, if it has one.
fn of_org(call: &Call<'_>) -> Result<Option<String>> {
    let Some(table) = call.catalog.by_name("organization") else {
        return Ok(None);
    };
    let Some((place, _)) = table.column_named("basecurrencyid") else {
        return Ok(None);
    };
    call.store.make(table)?;
    let sql = format!(
        "SELECT {} FROM {} LIMIT 1",
        quoted(&table.columns[place].logical_name),
        base(&table.logical_name)
    );
    let mut statement = call.store.connection.prepare_cached(&sql)?;
    let found: Option<Option<String>> = statement.query_row([], |row| row.get(0)).optional()?;
    Ok(found.flatten())
}

/// How much of a currency one of the org's is worth: as it is stored, and as a number.
fn rate(call: &Call<'_>, currency: &str) -> Result<Option<(Stored, Decimal)>> {
    let Some(table) = call.catalog.by_name(CURRENCIES) else {
        return Ok(None);
    };
    let Some((place, _)) = table.column_named("exchangerate") else {
        return Ok(None);
    };
    let values = call.store.values(table, currency, &[place])?;
    let Some(Stored::Text(digits)) = values.and_then(|mut values| values.pop()) else {
        return Ok(None);
    };
    let rate = digits.parse::<Decimal>().ok();
    let rate = rate.filter(|rate| !rate.is_zero());
    Ok(rate.map(|rate| (Stored::Text(digits), rate)))
}
