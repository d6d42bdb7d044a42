//! The `Date` header's form: IMF-fixdate (RFC 9110 section 5.6.7).

/// A formatted date, made once a second and copied into every answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Date([u8; 29]);

const DAYS: &[u8; 21] = b"ThuFriSatSunMonTueWed";
const MONTHS: &[u8; 36] = b"JanFebMarAprMayJunJulAugSepOctNovDec";
/// 9999-12-31 23:59:59: the form has four digits for the year.
const UNIX_S_MAX: u64 = 253_402_300_799;

impl Date {
    /// Formats seconds since 1970. A time past the year 9999 is shown as that year's last second.
    #[must_use]
    pub fn from_unix(unix_s: u64) -> Self {
        let unix_s = unix_s.min(UNIX_S_MAX);
        let days = unix_s / 86_400;
        let second_of_day = unix_s % 86_400;
        let (year, month, day) = civil(days);
        let mut text = *b"Thu, 01 Jan 1970 00:00:00 GMT";
        // 1970-01-01 was a Thursday, which is where DAYS begins.
        copy_three(&mut text[0..3], DAYS, days % 7);
        two_digits(&mut text[5..7], day);
        copy_three(&mut text[8..11], MONTHS, month - 1);
        two_digits(&mut text[12..14], year / 100);
        two_digits(&mut text[14..16], year % 100);
        two_digits(&mut text[17..19], second_of_day / 3_600);
        two_digits(&mut text[20..22], second_of_day / 60 % 60);
        two_digits(&mut text[23..25], second_of_day % 60);
        Self(text)
    }

    /// The 29 bytes.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8; 29] {
        &self.0
    }
}

/// Year, month (from 1) and day (from 1) of a day counted from 1970-01-01.
///
/// Counts in eras of 400 years that begin on 1 March, so that the leap day is the last of its year
/// (Howard Hinnant, "chrono-compatible low-level date algorithms").
fn civil(days: u64) -> (u64, u64, u64) {
    const DAYS_FROM_ERA_TO_1970: u64 = 719_468;
    const DAYS_PER_ERA: u64 = 146_097;
    let days = days + DAYS_FROM_ERA_TO_1970;
    let day_of_era = days % DAYS_PER_ERA;
    let year_of_era =
        (day_of_era - day_of_era / 1_460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let month_from_march = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * month_from_march + 2) / 5 + 1;
    let month = if month_from_march < 10 {
        month_from_march + 3
    } else {
        month_from_march - 9
    };
    let year = days / DAYS_PER_ERA * 400 + year_of_era + u64::from(month <= 2);
    (year, month, day)
}

fn two_digits(place: &mut [u8], number: u64) {
    let digit = |number: u64| b"0123456789"[(number % 10) as usize];
    place.copy_from_slice(&[digit(number / 10), digit(number)]);
}

fn copy_three(place: &mut [u8], names: &[u8], index: u64) {
    let start = index as usize * 3;
    place.copy_from_slice(&names[start..start + 3]);
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::{Duration, UNIX_EPOCH};

    #[test]
    fn known_dates() {
        let cases = [
            (0, "Thu, 01 Jan 1970 00:00:00 GMT"),
            (784_111_777, "Sun, 06 Nov 1994 08:49:37 GMT"), // the example of RFC 9110
            (951_782_400, "Tue, 29 Feb 2000 00:00:00 GMT"),
            (4_107_542_400, "Mon, 01 Mar 2100 00:00:00 GMT"),
            (UNIX_S_MAX, "Fri, 31 Dec 9999 23:59:59 GMT"),
            (UNIX_S_MAX + 1, "Fri, 31 Dec 9999 23:59:59 GMT"),
            (u64::MAX, "Fri, 31 Dec 9999 23:59:59 GMT"),
        ];
        for (unix_s, expected) in cases {
            let date = Date::from_unix(unix_s);
            assert_eq!(
                std::str::from_utf8(date.as_bytes()),
                Ok(expected),
                "{unix_s}"
            );
        }
    }

    #[test]
    fn agrees_with_another_calendar() {
        const WEEKDAYS: [&str; 7] = ["Thu", "Fri", "Sat", "Sun", "Mon", "Tue", "Wed"];
        // Every ninth day and a bit, so that all times of day come by, for three hundred years.
        for unix_s in (0..9_467_000_000u64).step_by(86_400 * 9 + 12_345) {
            let time = UNIX_EPOCH + Duration::from_secs(unix_s);
            let reference = humantime::format_rfc3339_seconds(time).to_string();
            let text = String::from_utf8(Date::from_unix(unix_s).as_bytes().to_vec()).unwrap();
            let month = MONTHS
                .chunks(3)
                .position(|name| name == &text.as_bytes()[8..11]);
            let rebuilt = format!(
                "{}-{:02}-{}T{}Z",
                &text[12..16],
                month.unwrap() + 1,
                &text[5..7],
                &text[17..25]
            );
            assert_eq!(rebuilt, reference, "{unix_s}");
            assert_eq!(
                &text[..3],
                WEEKDAYS[(unix_s / 86_400 % 7) as usize],
                "{unix_s}"
            );
        }
    }
}
