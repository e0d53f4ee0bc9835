//! Numbers, times and GUIDs as text, without the machinery of formatting: a row has many of them.

use chrono::{DateTime, Datelike, NaiveDate, Timelike, Utc};
use rust_decimal::Decimal;
use uuid::Uuid;

/// Digits of the longest number of 64 bits.
const LONGEST: usize = 20;

/// Appends a whole number.
pub(super) fn write_whole(value: i64, out: &mut String) {
    if value < 0 {
        out.push('-');
    }
    write_digits(value.unsigned_abs(), 1, out);
}

/// Appends a decimal with all its digits, if it has no more than 64 bits and is not zero, which
/// may have a sign: false says nothing but that the general way has to write it.
pub(super) fn write_short_decimal(value: &Decimal, out: &mut String) -> bool {
    let (mantissa, scale) = (value.mantissa(), value.scale() as usize);
    let Ok(digits) = u64::try_from(mantissa.unsigned_abs()) else {
        return false;
    };
    if digits == 0 || scale >= LONGEST {
        return false;
    }
    if mantissa < 0 {
        out.push('-');
    }
    write_digits(digits, scale + 1, out);
    if scale > 0 {
        out.insert(out.len() - scale, '.');
    }
    true
}

/// Appends `2024-01-31`; false if the year has not four digits, and the general way has to write
/// it.
pub(super) fn write_date(date: NaiveDate, out: &mut String) -> bool {
    let Ok(year @ 0..=9999) = u64::try_from(date.year()) else {
        return false;
    };
    write_digits(year, 4, out);
    for part in [date.month(), date.day()] {
        out.push('-');
        write_digits(part.into(), 2, out);
    }
    true
}

/// Appends `2024-01-31T23:59:59Z`; false if there are parts of a second, too, or the year has not
/// four digits, and the general way has to write it.
pub(super) fn write_time(time: &DateTime<Utc>, out: &mut String) -> bool {
    if time.nanosecond() != 0 || !write_date(time.date_naive(), out) {
        return false;
    }
    let parts = [
        ('T', time.hour()),
        (':', time.minute()),
        (':', time.second()),
    ];
    for (before, part) in parts {
        out.push(before);
        write_digits(part.into(), 2, out);
    }
    out.push('Z');
    true
}

/// Appends a GUID.
pub(crate) fn write_uuid(id: &Uuid, out: &mut String) {
    let mut buffer = Uuid::encode_buffer();
    out.push_str(id.hyphenated().encode_lower(&mut buffer));
}

/// Appends at least `least` digits.
fn write_digits(mut value: u64, least: usize, out: &mut String) {
    let mut buffer = [b'0'; LONGEST];
    let mut start = LONGEST;
    while value > 0 {
        start -= 1;
        buffer[start] = b'0' + (value % 10) as u8;
        value /= 10;
    }
    let digits = &buffer[start.min(LONGEST - least.min(LONGEST))..];
    // Digits are text.
    out.push_str(std::str::from_utf8(digits).unwrap_or_default());
}

#[cfg(test)]
mod tests {
    use super::*;
    use chrono::SecondsFormat;

    fn text(write: impl FnOnce(&mut String) -> bool) -> Option<String> {
        let mut out = String::from("before");
        let is_written = write(&mut out);
        is_written.then(|| out["before".len()..].to_owned())
    }

    #[test]
    fn whole_numbers_are_written_as_the_general_way_does() {
        for value in [0, 1, -1, 9, 10, 4711, i64::MAX, i64::MIN, i32::MIN.into()] {
            let written = text(|out| {
                write_whole(value, out);
                true
            });
            assert_eq!(written, Some(value.to_string()));
        }
    }

    #[test]
    fn decimals_are_written_as_the_general_way_does() {
        let mut short = 0;
        for mantissa in [1, 5, 10, 123_456_000, u64::MAX.into(), u128::MAX >> 33] {
            for scale in 0..=28 {
                for sign in [1, -1] {
                    let value = Decimal::from_i128_with_scale(sign * mantissa as i128, scale);
                    if let Some(written) = text(|out| write_short_decimal(&value, out)) {
                        assert_eq!(written, value.to_string());
                        short += 1;
                    }
                }
            }
        }
        assert_eq!(short, 5 * 20 * 2);
        let mut zero = Decimal::new(0, 2);
        zero.set_sign_negative(true);
        assert_eq!(text(|out| write_short_decimal(&zero, out)), None);
    }

    #[test]
    fn times_are_written_as_the_general_way_does() {
        for seconds in [0, 951_868_799, 253_402_300_799, -62_167_219_200, -1] {
            let time = DateTime::from_timestamp(seconds, 0).unwrap();
            let written = text(|out| write_time(&time, out)).unwrap();
            assert_eq!(written, time.to_rfc3339_opts(SecondsFormat::AutoSi, true));
            let date = time.date_naive();
            let written = text(|out| write_date(date, out)).unwrap();
            assert_eq!(written, date.to_string());
        }
        for (seconds, nanos) in [(0, 1), (253_402_300_800, 0), (-62_167_219_201, 0)] {
            let time = DateTime::from_timestamp(seconds, nanos).unwrap();
            assert_eq!(text(|out| write_time(&time, out)), None);
        }
    }
}
