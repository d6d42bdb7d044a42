//! A core's source of identifiers: event ids, request ids, span ids.
//!
//! No system call and no lock: a generator seeded once from the operating system, and the time that
//! the caller passes. The identifiers are unique, not secret: nothing is granted to who guesses one.

/// Per-core source of identifiers.
#[derive(Debug)]
pub struct Identifiers {
    state: u64,
    /// Millisecond of the last uuid, so that those of one core sort in the order they were made.
    unix_ms: u64,
    /// Counts uuids within that millisecond.
    sequence: u32,
}

impl Identifiers {
    /// A source with 64 bits of the operating system's randomness.
    ///
    /// # Panics
    /// Where the operating system has none to give, which aws-lc-rs treats as fatal as well.
    #[must_use]
    pub fn from_system() -> Self {
        let mut seed = [0; 8];
        aws_lc_rs::rand::fill(&mut seed).expect("the operating system gives randomness");
        Self::from_seed(u64::from_le_bytes(seed))
    }

    /// A source that repeats itself: for tests and benches.
    #[must_use]
    pub const fn from_seed(seed: u64) -> Self {
        Self {
            state: seed,
            unix_ms: 0,
            sequence: 0,
        }
    }

    /// The next 64 bits: SplitMix64 (Steele, Lea, Flood 2014), whose period is 2^64 and which two
    /// different seeds enter at different places.
    pub const fn next_u64(&mut self) -> u64 {
        self.state = self.state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.state;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    /// A uuid v7 (RFC 9562, 5.7): 48 bits of milliseconds, then 26 bits of a counter that
    /// starts at random below 2^16 each millisecond (6.2, method 1), then 48 random bits.
    /// Those of one core sort in the order they were made, also when the clock steps back.
    pub fn uuid_v7(&mut self, unix_ms: u64) -> [u8; 16] {
        let random = self.next_u64();
        if unix_ms > self.unix_ms {
            self.unix_ms = unix_ms;
            self.sequence = (random >> 48) as u32;
        } else {
            self.sequence += 1;
            if self.sequence >= 1 << 26 {
                self.unix_ms += 1;
                self.sequence = 0;
            }
        }
        let mut uuid = [0; 16];
        uuid[..6].copy_from_slice(&self.unix_ms.to_be_bytes()[2..]);
        uuid[6] = 0x70 | (self.sequence >> 22) as u8;
        uuid[7] = (self.sequence >> 14) as u8;
        uuid[8] = 0x80 | ((self.sequence >> 8) & 0x3f) as u8;
        uuid[9] = self.sequence as u8;
        uuid[10..].copy_from_slice(&random.to_be_bytes()[2..]);
        uuid
    }

    /// A span id (W3C Trace Context): eight bytes, not all zero.
    pub const fn span_id(&mut self) -> [u8; 8] {
        loop {
            let id = self.next_u64();
            if id != 0 {
                return id.to_be_bytes();
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn uuids_are_version_7_sorted_and_distinct() {
        let mut identifiers = Identifiers::from_seed(1);
        let mut last = [0; 16];
        // The clock steps back at the third and the sixth.
        for unix_ms in [
            5,
            1_780_000_000_000,
            1_779_999_999_000,
            1_780_000_000_001,
            1_780_000_000_001,
            7,
        ] {
            for _ in 0..1_000 {
                let bytes = identifiers.uuid_v7(unix_ms);
                let uuid = uuid::Uuid::from_bytes(bytes);
                assert_eq!(uuid.get_version_num(), 7);
                assert_eq!(uuid.get_variant(), uuid::Variant::RFC4122);
                assert!(bytes > last, "{uuid} sorts after its predecessor");
                last = bytes;
            }
        }
        let (seconds, _) = uuid::Uuid::from_bytes(last)
            .get_timestamp()
            .unwrap()
            .to_unix();
        assert_eq!(seconds, 1_780_000_000);
    }

    #[test]
    fn a_full_millisecond_moves_to_the_next() {
        let mut identifiers = Identifiers {
            state: 0,
            unix_ms: 10,
            sequence: (1 << 26) - 1,
        };
        let before = identifiers.unix_ms;
        identifiers.uuid_v7(10);
        assert_eq!((identifiers.unix_ms, identifiers.sequence), (before + 1, 0));
    }

    #[test]
    fn cores_do_not_repeat_each_other() {
        let (mut one, mut two) = (Identifiers::from_system(), Identifiers::from_system());
        let ids: std::collections::HashSet<_> = (0..1_000)
            .flat_map(|_| [one.uuid_v7(1), two.uuid_v7(1)])
            .collect();
        assert_eq!(ids.len(), 2_000);
    }
}
