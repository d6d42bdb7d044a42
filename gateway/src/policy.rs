//! Whether. [`decide`] is the only way to get a [`Permit`], and `upstream::send` takes one by value.
