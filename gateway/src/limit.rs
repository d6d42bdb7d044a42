//! How often. [`admit`] is the only way to get an [`Admission`].

pub mod bucket;
