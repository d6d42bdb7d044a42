//! Measurements and what they need: the demo API of the quickstart, the fast upstream, the comparison.

pub mod demo;
