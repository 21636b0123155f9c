//! Across chains.
