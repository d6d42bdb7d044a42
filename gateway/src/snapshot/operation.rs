//! A REST operation, compiled from a tool's specification: where each argument goes.
