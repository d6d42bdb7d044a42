//! Tools that the gateway itself brings: through the same stages as any other, but answered here.

pub mod catalog;
pub mod usage;

#[cfg(test)]
mod tests;
