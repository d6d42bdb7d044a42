//! The gateway as a library: what the binary, the tests, the benches and the fuzz targets share.
pub mod limits;
pub mod meter;
pub mod telemetry;
/// Local double of the lead's module tree; the final `lib.rs` replaces it.
pub mod control {
    pub mod admin;
}
/// Local double of the lead's module tree; the final `lib.rs` replaces it.
pub mod route {
    pub mod landing;
}
/// Local double of the lead's module tree; the final `lib.rs` replaces it.
pub mod worker {
    /// The clock of a worker.
    pub mod clock {
        /// One reading of both clocks.
        #[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
        pub struct Now {
            /// Monotonic nanoseconds since process start.
            pub mono_ns: u64,
            /// Unix milliseconds.
            pub unix_ms: u64,
        }
    }
}
