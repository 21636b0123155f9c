//! Nothing: the package is there for its dependency's source.
#![forbid(unsafe_code)]
