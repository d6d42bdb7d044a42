//! What a call costs: `base × multiplier(tool) + per_100ms × latency / 100 ms`, in exact integers.
//!
//! Rates are kept in billionths of a unit and the result in millionths, rounded once, half up: the
//! six decimals that an event shows are the six decimals that a bill adds up.

/// Billionths in one unit.
const NANO: f64 = 1e9;
/// Millionths in a multiplier of 1.
const MULTIPLIER_SCALE: f64 = 1e6;
/// A rate beyond a million units a call is a typing error.
const RATE_UNITS_MAX: f64 = 1e6;

/// The rates in force.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CostRates {
    base_nano: u64,
    per_100ms_nano: u64,
}

/// A rate that is negative, no number, or beyond a million units.
#[derive(Clone, Copy, Debug, PartialEq, thiserror::Error)]
#[error("a cost rate must be a number from 0 to 1000000, not {0}")]
pub struct CostInvalid(pub f64);

impl Default for CostRates {
    /// 0.001 a call and 0.0001 for each 100 ms.
    fn default() -> Self {
        Self {
            base_nano: 1_000_000,
            per_100ms_nano: 100_000,
        }
    }
}

impl CostRates {
    /// Rates in units, kept to nine decimals.
    ///
    /// # Errors
    /// [`CostInvalid`] with the first number that is no rate.
    pub fn from_units(base: f64, per_100ms: f64) -> Result<Self, CostInvalid> {
        Ok(Self {
            base_nano: nano(base)?,
            per_100ms_nano: nano(per_100ms)?,
        })
    }

    /// Cost of one call in millionths of a unit. A multiplier that is negative or no number counts
    /// as 0; it is kept to six decimals.
    #[must_use]
    pub fn cost_microunits(&self, multiplier: f64, latency_us: u64) -> u64 {
        // `as` saturates and takes NaN to 0, which is what is wanted of either.
        let multiplier = (multiplier * MULTIPLIER_SCALE).round() as u64;
        // Both terms over one denominator: nano × 1e6 × 1e5, where 1e5 µs are 100 ms.
        let base = (u128::from(self.base_nano) * u128::from(multiplier)).saturating_mul(100_000);
        let time =
            (u128::from(self.per_100ms_nano) * u128::from(latency_us)).saturating_mul(1_000_000);
        let denominator = 1_000_u128 * 1_000_000 * 100_000;
        let micro = base.saturating_add(time).saturating_add(denominator / 2) / denominator;
        u64::try_from(micro).unwrap_or(u64::MAX)
    }
}

fn nano(units: f64) -> Result<u64, CostInvalid> {
    if (0.0..=RATE_UNITS_MAX).contains(&units) {
        Ok((units * NANO).round() as u64)
    } else {
        Err(CostInvalid(units))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(rates: CostRates, multiplier: f64, latency_us: u64, expected_microunits: u64) {
        assert_eq!(
            rates.cost_microunits(multiplier, latency_us),
            expected_microunits
        );
    }

    #[test]
    fn the_formula_of_the_documents() {
        let rates = CostRates::default();
        check(rates, 1.0, 0, 1_000);
        check(rates, 2.0, 0, 2_000);
        check(rates, 1.0, 100_000, 1_100);
        check(rates, 2.0, 250_000, 2_250);
        check(rates, 1.5, 1_234_567, 1_500 + 1_235);
        // Half a millionth rounds up, less does not: nothing is truncated before the sum.
        check(rates, 1.0, 499, 1_000);
        check(rates, 1.0, 500, 1_001);
        check(rates, 0.0, 0, 0);
        check(rates, -1.0, 0, 0);
        check(rates, f64::NAN, 1_000, 1);
        check(rates, 1.0, u64::MAX, 1_000 + u64::MAX / 1_000 + 1);
        let highest = CostRates::from_units(RATE_UNITS_MAX, RATE_UNITS_MAX).unwrap();
        check(highest, f64::INFINITY, u64::MAX, u64::MAX);
    }

    #[test]
    fn rates_below_a_millionth_add_up_within_a_call() {
        let rates = CostRates::from_units(0.000_000_4, 0.000_000_2).unwrap();
        check(rates, 1.0, 0, 0);
        check(rates, 1.0, 100_000, 1);
        check(rates, 10.0, 0, 4);
    }

    #[test]
    fn a_rate_is_checked() {
        for wrong in [-0.1, f64::NAN, f64::INFINITY, 1e6 + 1.0] {
            assert!(CostRates::from_units(wrong, 0.0).is_err());
            assert!(CostRates::from_units(0.0, wrong).is_err());
        }
        assert_eq!(
            CostRates::from_units(0.001, 0.0001),
            Ok(CostRates::default())
        );
    }
}
