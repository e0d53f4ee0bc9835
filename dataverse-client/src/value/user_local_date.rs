//! Dates that the service keeps as times.

use chrono::{DateTime, NaiveDate, NaiveTime, TimeZone, Utc};

use super::{Scalar, Value, ValueError, ValueKind};

/// A date as a user saw it: what columns hold that show a date only but keep a time (behaviour
/// `UserLocal`, format `DateOnly`). The service keeps the midnight of the user who wrote it, in UTC:
/// the 5th of April in Berlin is `2021-04-04T22:00:00Z`. So the day is asked with a time zone.
///
/// ```
/// use chrono::{FixedOffset, NaiveDate};
/// use dataverse_client::value::UserLocalDate;
///
/// let berlin = FixedOffset::east_opt(2 * 3600).unwrap();
/// let day = NaiveDate::from_ymd_opt(2021, 4, 5).unwrap();
/// let due = UserLocalDate::of(day, &berlin).unwrap();
/// assert_eq!(due.instant().to_rfc3339(), "2021-04-04T22:00:00+00:00");
/// assert_eq!(due.date_in(&berlin), day);
/// ```
///
/// Shape: `2021-04-04T22:00:00Z`.
/// Source: Microsoft Learn, "Behavior and format of the date and time column".
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct UserLocalDate(DateTime<Utc>);

impl UserLocalDate {
    /// The day on which this instant is, wherever that is.
    pub const fn at(instant: DateTime<Utc>) -> Self {
        UserLocalDate(instant)
    }

    /// This day of users in `zone`: its midnight, or its first moment where clocks skip midnight.
    /// None if the zone has no such day.
    pub fn of<Z: TimeZone>(date: NaiveDate, zone: &Z) -> Option<Self> {
        let midnight = date.and_time(NaiveTime::MIN);
        let hours = (0..24).map(|hour| midnight + chrono::TimeDelta::hours(hour));
        let mut found = hours.filter_map(|time| zone.from_local_datetime(&time).earliest());
        found.next().map(|time| UserLocalDate(time.to_utc()))
    }

    /// What the service keeps.
    pub const fn instant(self) -> DateTime<Utc> {
        self.0
    }

    /// The day that users in `zone` see.
    pub fn date_in<Z: TimeZone>(self, zone: &Z) -> NaiveDate {
        self.0.with_timezone(zone).date_naive()
    }
}

impl From<DateTime<Utc>> for UserLocalDate {
    fn from(instant: DateTime<Utc>) -> Self {
        UserLocalDate(instant)
    }
}

impl Value for UserLocalDate {
    fn kind() -> ValueKind {
        ValueKind::DateTime
    }

    fn from_scalar(scalar: Scalar<'_>) -> Result<Self, ValueError> {
        DateTime::from_scalar(scalar).map(UserLocalDate)
    }

    fn write_json(&self, out: &mut String) {
        self.0.write_json(out);
    }

    fn write_literal(&self, out: &mut String) {
        self.0.write_literal(out);
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use chrono::FixedOffset;

    use super::*;

    #[test]
    fn the_day_depends_on_the_zone_and_the_instant_does_not() {
        let kept = UserLocalDate::from_scalar(Scalar::Text("2021-04-04T22:00:00Z".into())).unwrap();
        let zone = |hours: i32| FixedOffset::east_opt(hours * 3600).unwrap();
        let day = |day| NaiveDate::from_ymd_opt(2021, 4, day).unwrap();
        assert_eq!(kept.date_in(&Utc), day(4));
        assert_eq!(kept.date_in(&zone(2)), day(5));
        assert_eq!(UserLocalDate::of(day(5), &zone(2)), Some(kept));
        assert_ne!(UserLocalDate::of(day(5), &zone(-5)), Some(kept));
        let mut json = String::new();
        kept.write_json(&mut json);
        assert_eq!(json, "\"2021-04-04T22:00:00Z\"");
        let noon = DateTime::parse_from_rfc3339("2021-04-04T12:00:00+07:00").unwrap();
        let noon = UserLocalDate::from(noon.to_utc());
        assert_eq!(noon.instant().to_rfc3339(), "2021-04-04T05:00:00+00:00");
    }
}
