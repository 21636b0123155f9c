//! The one transcript: every hash of protocol data in this project is made here (docs/spec §1.2).
//!
//! Each field is written as (label length, label, data length, data) under a domain tag, so that no two different
//! sequences of fields give the same bytes. Nothing else in the protocol rooms may hash (`cargo xtask layers` checks it).

use crate::Curve;
use alloc::vec::Vec;
use sha2::{Digest, Sha256};

/// A running, injective hash of labelled fields.
#[derive(Clone)]
pub struct Transcript(Sha256);

impl Transcript {
    /// Starts a transcript under a domain tag such as `generate/commit`.
    pub fn new(domain: &str) -> Self {
        Self(Sha256::new()).field("quorate/v1", domain.as_bytes())
    }

    /// Appends one labelled field.
    #[must_use]
    pub fn field(mut self, label: &str, data: &[u8]) -> Self {
        self.absorb(label, data);
        self
    }

    /// Appends a number, as eight big-endian bytes.
    #[must_use]
    pub fn number(self, label: &str, number: u64) -> Self {
        self.field(label, &number.to_be_bytes())
    }

    /// Appends a group element.
    #[must_use]
    pub fn point<C: Curve>(self, label: &str, point: &C::Point) -> Self {
        self.field(label, &C::encode_point(point))
    }

    /// Appends a public scalar.
    #[must_use]
    pub fn scalar<C: Curve>(self, label: &str, scalar: &C::Scalar) -> Self {
        self.field(label, &C::encode_scalar(scalar))
    }

    /// Appends a list: its length, then each item as a field of its own.
    #[must_use]
    pub fn list<T: AsRef<[u8]>>(self, label: &str, items: &[T]) -> Self {
        let start = self.number(label, items.len() as u64);
        items.iter().fold(start, |transcript, item| transcript.field(label, item.as_ref()))
    }

    /// Appends one labelled field in place, for loops.
    pub fn absorb(&mut self, label: &str, data: &[u8]) {
        self.0.update((label.len() as u64).to_be_bytes());
        self.0.update(label.as_bytes());
        self.0.update((data.len() as u64).to_be_bytes());
        self.0.update(data);
    }

    /// The 256-bit hash.
    pub fn digest(self) -> [u8; 32] {
        self.0.finalize().into()
    }

    /// As many pseudo-random bytes as asked for: SHA-256(digest ‖ counter), counter from 0.
    pub fn expand(self, length: usize) -> Vec<u8> {
        let root = self.digest();
        let mut out = Vec::with_capacity(length.next_multiple_of(32));
        let mut counter = 0u64;
        while out.len() < length {
            out.extend_from_slice(
                &Sha256::new().chain_update(root).chain_update(counter.to_be_bytes()).finalize(),
            );
            counter += 1;
        }
        out.truncate(length);
        out
    }

    /// A scalar by hash: 64 expanded bytes reduced modulo the order.
    pub fn challenge<C: Curve>(self) -> C::Scalar {
        let mut wide = [0u8; 64];
        wide.copy_from_slice(&self.expand(64));
        C::reduce_wide(&wide)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::string::String;
    use proptest::prelude::*;

    fn run(fields: &[(String, Vec<u8>)]) -> [u8; 32] {
        fields.iter().fold(Transcript::new("t"), |t, (label, data)| t.field(label, data)).digest()
    }

    proptest! {
        /// Different field sequences never collide, not even when their concatenations agree.
        #[test]
        fn injective(data in proptest::collection::vec(any::<u8>(), 2..40), cut in 1usize..39, cut2 in 1usize..39) {
            let (cut, cut2) = (cut % data.len(), cut2 % data.len());
            let split = |at: usize| [
                (String::from("a"), data[..at].to_vec()),
                (String::from("a"), data[at..].to_vec()),
            ];
            prop_assert_eq!(run(&split(cut)) == run(&split(cut2)), cut == cut2);
            prop_assert_ne!(run(&split(cut)), run(&[(String::from("a"), data.clone())]));
        }
    }

    #[test]
    fn label_and_data_do_not_run_into_each_other() {
        let one = Transcript::new("t").field("ab", b"c").digest();
        let two = Transcript::new("t").field("a", b"bc").digest();
        assert_ne!(one, two);
        assert_ne!(
            Transcript::new("t").list("l", &[b"ab".as_slice(), b"c"]).digest(),
            Transcript::new("t").list("l", &[b"a".as_slice(), b"bc"]).digest()
        );
        assert_ne!(
            Transcript::new("t").list("l", &[b"a".as_slice()]).list("l", &[b"b".as_slice()]).digest(),
            Transcript::new("t").list("l", &[b"a".as_slice(), b"b"]).digest()
        );
        // A list says how long it is, so that what follows is not taken for a part of it.
        assert_ne!(
            Transcript::new("t").list("l", &[b"a".as_slice()]).field("l", b"b").digest(),
            Transcript::new("t").list("l", &[b"a".as_slice(), b"b"]).digest()
        );
    }

    /// Pins the encoding: a change here breaks every stored hash.
    #[test]
    fn pinned() {
        let digest = Transcript::new("pin").field("x", b"y").number("n", 7).digest();
        assert_eq!(hex::encode(digest), "7096c30663cd89a320906293c6a2adff7b01d937c499ef885b7cb0fec3f6b600");
        assert_eq!(Transcript::new("pin").expand(70)[..32], Transcript::new("pin").expand(32)[..]);
    }
}
