//! Spans of time that condition operators name. Days are those of UTC, weeks begin on Sunday, a
//! fiscal year is a calendar year, and its periods are quarters: the defaults of an org.

use chrono::{DateTime, Datelike, Days, Months, NaiveDate, NaiveTime, TimeDelta, Utc};

/// From a time to another one, either of them open.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Span {
    /// Included.
    pub(crate) from: Option<DateTime<Utc>>,
    pub(crate) to: Option<DateTime<Utc>>,
    pub(crate) includes_end: bool,
}

/// A length of calendar time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Unit {
    Minutes,
    Hours,
    Days(u64),
    Months(u32),
}

/// How many values an operator takes; None if it names no span.
pub(crate) fn arguments(operator: &str) -> Option<usize> {
    Some(match operator {
        "on" | "on-or-before" | "on-or-after" | "in-fiscal-year" => 1,
        "in-fiscal-period-and-year"
        | "in-or-before-fiscal-period-and-year"
        | "in-or-after-fiscal-period-and-year" => 2,
        "yesterday" | "today" | "tomorrow" | "last-seven-days" | "next-seven-days" => 0,
        _ => match operator.split_once("-x-") {
            Some(("last" | "next", "hours")) => 1,
            Some(("last" | "next", unit)) => whole_unit(unit).map(|_| 1)?,
            Some(("olderthan", unit)) => unit_of(unit).map(|_| 1)?,
            Some(_) => return None,
            None => {
                let (which, unit) = operator.split_once('-')?;
                let is_named = matches!(which, "last" | "this" | "next");
                (is_named && current(unit).is_some()).then_some(0)?
            }
        },
    })
}

/// A whole day, or what is before or behind it.
pub(crate) fn on(operator: &str, day: &str) -> Option<Span> {
    let day: NaiveDate = day.get(..10)?.parse().ok()?;
    let next = day.checked_add_days(Days::new(1))?;
    Some(match operator {
        "on" => between(day, next),
        "on-or-before" => Span {
            from: None,
            ..between(day, next)
        },
        "on-or-after" => Span {
            to: None,
            ..between(day, next)
        },
        _ => return None,
    })
}

/// The span of an operator, seen from `now`; None for numbers that lead out of the calendar.
pub(crate) fn named(operator: &str, numbers: &[i64], now: DateTime<Utc>) -> Option<Span> {
    let today = now.date_naive();
    let since = |from: NaiveDate| Span {
        from: Some(midnight(from)),
        to: Some(now),
        includes_end: true,
    };
    let until = |to: NaiveDate| Span {
        from: Some(now),
        to: Some(midnight(to)),
        includes_end: false,
    };
    let tomorrow = today.checked_add_days(Days::new(1))?;
    match (operator, numbers) {
        ("today", []) => Some(between(today, tomorrow)),
        ("yesterday", []) => Some(between(moved(today, Unit::Days(1), -1)?, today)),
        ("tomorrow", []) => Some(between(tomorrow, moved(today, Unit::Days(1), 2)?)),
        ("last-seven-days", []) => Some(since(moved(today, Unit::Days(1), -7)?)),
        ("next-seven-days", []) => Some(until(moved(today, Unit::Days(1), 8)?)),
        ("in-fiscal-year", [year]) => period(*year, 1, 12),
        ("in-fiscal-period-and-year", [quarter, year]) => period(*year, *quarter, 3),
        ("in-or-before-fiscal-period-and-year", [quarter, year]) => Some(Span {
            from: None,
            ..period(*year, *quarter, 3)?
        }),
        ("in-or-after-fiscal-period-and-year", [quarter, year]) => Some(Span {
            to: None,
            ..period(*year, *quarter, 3)?
        }),
        (_, [count]) => {
            let (which, unit) = operator.split_once("-x-")?;
            match (which, unit) {
                ("olderthan", unit) => Some(Span {
                    from: None,
                    to: Some(moved_time(now, unit_of(unit)?, count.checked_neg()?)?),
                    includes_end: false,
                }),
                ("last", "hours") => Some(Span {
                    from: Some(moved_time(now, Unit::Hours, count.checked_neg()?)?),
                    to: Some(now),
                    includes_end: true,
                }),
                ("next", "hours") => Some(Span {
                    from: Some(now),
                    to: Some(moved_time(now, Unit::Hours, *count)?),
                    includes_end: true,
                }),
                ("last", unit) if unit.starts_with("fiscal") => {
                    let (begin, unit) = current_of(unit.trim_end_matches('s'), today)?;
                    Some(since(moved(begin, unit, count.checked_neg()?)?))
                }
                ("next", unit) if unit.starts_with("fiscal") => {
                    let (begin, unit) = current_of(unit.trim_end_matches('s'), today)?;
                    Some(until(moved(begin, unit, count.checked_add(1)?)?))
                }
                ("last", unit) => Some(since(moved(
                    today,
                    whole_unit(unit)?,
                    count.checked_neg()?,
                )?)),
                ("next", unit) => Some(until(moved(tomorrow, whole_unit(unit)?, *count)?)),
                _ => None,
            }
        }
        (_, []) => {
            let (which, unit) = operator.split_once('-')?;
            let (begin, unit) = current_of(unit, today)?;
            let step = match which {
                "last" => -1,
                "this" => 0,
                "next" => 1,
                _ => return None,
            };
            let from = moved(begin, unit, step)?;
            Some(between(from, moved(from, unit, 1)?))
        }
        _ => None,
    }
}

/// Units of a span that begins or ends at a day.
fn whole_unit(name: &str) -> Option<Unit> {
    Some(match name {
        "days" => Unit::Days(1),
        "weeks" => Unit::Days(7),
        "months" => Unit::Months(1),
        "years" | "fiscal-years" => Unit::Months(12),
        "fiscal-periods" => Unit::Months(3),
        _ => return None,
    })
}

fn unit_of(name: &str) -> Option<Unit> {
    match name {
        "minutes" => Some(Unit::Minutes),
        "hours" => Some(Unit::Hours),
        name if name.starts_with("fiscal") => None,
        name => whole_unit(name),
    }
}

/// The length of a named part of the calendar.
fn current(name: &str) -> Option<Unit> {
    Some(match name {
        "week" => Unit::Days(7),
        "month" => Unit::Months(1),
        "year" | "fiscal-year" => Unit::Months(12),
        "fiscal-period" => Unit::Months(3),
        _ => return None,
    })
}

/// The part of the calendar that a day is in: its first day and its length.
fn current_of(name: &str, day: NaiveDate) -> Option<(NaiveDate, Unit)> {
    let unit = current(name)?;
    let begin = match unit {
        Unit::Months(months) => {
            let month = day.month0() / months * months + 1;
            NaiveDate::from_ymd_opt(day.year(), month, 1)?
        }
        _ => day.checked_sub_days(Days::new(day.weekday().num_days_from_sunday().into()))?,
    };
    Some((begin, unit))
}

/// `months` long, the number `number` of its year.
fn period(year: i64, number: i64, months: u32) -> Option<Span> {
    let number = u32::try_from(number).ok()?;
    let month = number.checked_sub(1)?.checked_mul(months)?.checked_add(1)?;
    let from = NaiveDate::from_ymd_opt(i32::try_from(year).ok()?, month, 1)?;
    Some(between(from, from.checked_add_months(Months::new(months))?))
}

fn moved(day: NaiveDate, unit: Unit, count: i64) -> Option<NaiveDate> {
    let size = count.unsigned_abs();
    match (unit, count < 0) {
        (Unit::Days(days), true) => day.checked_sub_days(Days::new(size.checked_mul(days)?)),
        (Unit::Days(days), false) => day.checked_add_days(Days::new(size.checked_mul(days)?)),
        (Unit::Months(months), is_back) => {
            let months = Months::new(u32::try_from(size).ok()?.checked_mul(months)?);
            match is_back {
                true => day.checked_sub_months(months),
                false => day.checked_add_months(months),
            }
        }
        (Unit::Hours | Unit::Minutes, _) => None,
    }
}

fn moved_time(time: DateTime<Utc>, unit: Unit, count: i64) -> Option<DateTime<Utc>> {
    match unit {
        Unit::Minutes => time.checked_add_signed(TimeDelta::try_minutes(count)?),
        Unit::Hours => time.checked_add_signed(TimeDelta::try_hours(count)?),
        unit => {
            let day = moved(time.date_naive(), unit, count)?;
            Some(day.and_time(time.time()).and_utc())
        }
    }
}

fn between(from: NaiveDate, to: NaiveDate) -> Span {
    Span {
        from: Some(midnight(from)),
        to: Some(midnight(to)),
        includes_end: false,
    }
}

fn midnight(day: NaiveDate) -> DateTime<Utc> {
    day.and_time(NaiveTime::MIN).and_utc()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn span(operator: &str, numbers: &[i64]) -> (String, String) {
        // A Wednesday.
        let now = "2024-02-28T15:30:00Z".parse().unwrap();
        assert_eq!(arguments(operator), Some(numbers.len()), "{operator}");
        let span = named(operator, numbers, now).unwrap();
        let text = |time: Option<DateTime<Utc>>| {
            time.map_or("-".to_owned(), |time| {
                time.format("%Y-%m-%d %H:%M")
                    .to_string()
                    .replace(" 00:00", "")
            })
        };
        (text(span.from), text(span.to))
    }

    #[test]
    fn operators_name_spans() {
        for (operator, numbers, from, to) in [
            ("today", &[][..], "2024-02-28", "2024-02-29"),
            ("yesterday", &[], "2024-02-27", "2024-02-28"),
            ("tomorrow", &[], "2024-02-29", "2024-03-01"),
            ("this-week", &[], "2024-02-25", "2024-03-03"),
            ("last-week", &[], "2024-02-18", "2024-02-25"),
            ("next-month", &[], "2024-03-01", "2024-04-01"),
            ("last-year", &[], "2023-01-01", "2024-01-01"),
            ("this-fiscal-period", &[], "2024-01-01", "2024-04-01"),
            ("next-fiscal-year", &[], "2025-01-01", "2026-01-01"),
            ("last-seven-days", &[], "2024-02-21", "2024-02-28 15:30"),
            ("next-seven-days", &[], "2024-02-28 15:30", "2024-03-07"),
            ("last-x-hours", &[2], "2024-02-28 13:30", "2024-02-28 15:30"),
            ("next-x-days", &[1], "2024-02-28 15:30", "2024-03-01"),
            ("last-x-weeks", &[1], "2024-02-21", "2024-02-28 15:30"),
            ("last-x-months", &[1], "2024-01-28", "2024-02-28 15:30"),
            (
                "last-x-fiscal-periods",
                &[1],
                "2023-10-01",
                "2024-02-28 15:30",
            ),
            (
                "next-x-fiscal-years",
                &[1],
                "2024-02-28 15:30",
                "2026-01-01",
            ),
            ("olderthan-x-minutes", &[31], "-", "2024-02-28 14:59"),
            ("olderthan-x-years", &[1], "-", "2023-02-28 15:30"),
            ("in-fiscal-year", &[2023], "2023-01-01", "2024-01-01"),
            (
                "in-fiscal-period-and-year",
                &[4, 2023],
                "2023-10-01",
                "2024-01-01",
            ),
            (
                "in-or-after-fiscal-period-and-year",
                &[2, 2023],
                "2023-04-01",
                "-",
            ),
        ] {
            let expected = (from.to_owned(), to.to_owned());
            assert_eq!(span(operator, numbers), expected, "{operator}");
        }
        for operator in [
            "",
            "this-day",
            "last-x-seconds",
            "older-x-days",
            "olderthan-x-fiscal-years",
            "next",
        ] {
            assert_eq!(arguments(operator), None, "{operator}");
        }
    }

    #[test]
    fn numbers_out_of_the_calendar_are_none() {
        let now = "2024-02-28T15:30:00Z".parse().unwrap();
        for operator in [
            "last-x-years",
            "next-x-hours",
            "olderthan-x-days",
            "in-fiscal-year",
        ] {
            assert_eq!(named(operator, &[i64::MAX], now), None, "{operator}");
        }
        assert_eq!(named("in-fiscal-period-and-year", &[5, 2024], now), None);
    }
}
