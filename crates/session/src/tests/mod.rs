//! Tests of the driver with a protocol of two rounds over the in-memory network. One file for each kind of guard.

mod agreement;
mod echo;
mod evidence;
mod garbage;
mod honest;
mod persist;
mod seal;
mod toy;
mod transport;
