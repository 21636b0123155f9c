//! PSBT.
