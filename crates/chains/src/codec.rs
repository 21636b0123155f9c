//! Capped decoding of lists and byte strings from outside, and their hex form in JSON.
//!
//! A length is compared with its cap before anything is allocated.

use borsh::BorshDeserialize;
use borsh::io::{Error, ErrorKind, Read, Result as IoResult};
use serde::de::{Error as _, SeqAccess, Visitor};
use serde::{Deserialize, Deserializer, Serializer};
use std::fmt;
use std::marker::PhantomData;

/// Longest derivation path.
pub(crate) const MAX_PATH: usize = 8;
/// Largest message that is signed whole: a Solana packet.
pub(crate) const MAX_MESSAGE: usize = 1232;

/// A list of at most `MAX` items from canonical bytes.
pub(crate) fn borsh_list<T: BorshDeserialize, R: Read, const MAX: usize>(reader: &mut R) -> IoResult<Vec<T>> {
    let length = borsh_length(reader, MAX)?;
    (0..length).map(|_| T::deserialize_reader(reader)).collect()
}

/// A byte string of at most `MAX` bytes from canonical bytes.
pub(crate) fn borsh_bytes<R: Read, const MAX: usize>(reader: &mut R) -> IoResult<Vec<u8>> {
    let length = borsh_length(reader, MAX)?;
    let mut bytes = Vec::new();
    // Grows with what really arrives: a short input that promises much costs little.
    reader.take_exact(length, &mut bytes)?;
    Ok(bytes)
}

fn borsh_length<R: Read>(reader: &mut R, max: usize) -> IoResult<usize> {
    let length = u32::deserialize_reader(reader)? as usize;
    if length > max {
        let text = format!("a length of {length}, at most {max} is allowed");
        return Err(Error::new(ErrorKind::InvalidData, text));
    }
    Ok(length)
}

/// Reading in bounded steps.
trait TakeExact: Read {
    fn take_exact(&mut self, length: usize, bytes: &mut Vec<u8>) -> IoResult<()>;
}

impl<R: Read> TakeExact for R {
    fn take_exact(&mut self, length: usize, bytes: &mut Vec<u8>) -> IoResult<()> {
        const STEP: usize = 64 * 1024;
        while bytes.len() < length {
            let start = bytes.len();
            bytes.resize(start + STEP.min(length - start), 0);
            self.read_exact(&mut bytes[start..])?;
        }
        Ok(())
    }
}

/// A derivation path from canonical bytes.
pub(crate) fn borsh_path<R: Read>(reader: &mut R) -> IoResult<Vec<u32>> {
    borsh_list::<u32, R, MAX_PATH>(reader)
}

/// A whole message from canonical bytes.
pub(crate) fn borsh_message<R: Read>(reader: &mut R) -> IoResult<Vec<u8>> {
    borsh_bytes::<R, MAX_MESSAGE>(reader)
}

/// A list of at most `MAX` items from JSON.
pub(crate) fn serde_list<'de, T: Deserialize<'de>, D: Deserializer<'de>, const MAX: usize>(
    deserializer: D,
) -> Result<Vec<T>, D::Error> {
    struct Capped<T, const MAX: usize>(PhantomData<T>);
    impl<'de, T: Deserialize<'de>, const MAX: usize> Visitor<'de> for Capped<T, MAX> {
        type Value = Vec<T>;
        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            write!(f, "a list of at most {MAX} items")
        }
        fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Vec<T>, A::Error> {
            let mut list = Vec::new();
            while let Some(item) = items.next_element()? {
                if list.len() == MAX {
                    return Err(A::Error::custom(format!("more than {MAX} items")));
                }
                list.push(item);
            }
            Ok(list)
        }
    }
    deserializer.deserialize_seq(Capped::<T, MAX>(PhantomData))
}

/// A derivation path from JSON.
pub(crate) fn serde_path<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<u32>, D::Error> {
    serde_list::<u32, D, MAX_PATH>(deserializer)
}

/// Hex text of at most `max` bytes as bytes.
pub(crate) fn from_hex<E: serde::de::Error>(text: &str, max: usize) -> Result<Vec<u8>, E> {
    if text.len() > 2 * max {
        return Err(E::custom(format!("{} hex digits, at most {} are allowed", text.len(), 2 * max)));
    }
    hex::decode(text).map_err(|error| E::custom(format!("must be hex: {error}")))
}

/// A 64-bit amount as a decimal string in JSON.
pub(crate) mod decimal {
    use super::{Deserialize, Deserializer, Serializer};
    use quorate_intent::Amount;
    use serde::de::Error;

    pub(crate) fn serialize<S: Serializer>(amount: &u64, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(amount)
    }

    pub(crate) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<u64, D::Error> {
        <Amount as Deserialize>::deserialize(deserializer)?.to_u64("amount").map_err(D::Error::custom)
    }
}

/// Fixed-length bytes as hex in JSON.
pub(crate) mod hex_array {
    use super::{Deserialize, Deserializer, Serializer};
    use serde::de::Error;

    pub(crate) fn serialize<S: Serializer, const N: usize>(
        bytes: &[u8; N],
        serializer: S,
    ) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&hex::encode(bytes))
    }

    pub(crate) fn deserialize<'de, D: Deserializer<'de>, const N: usize>(
        deserializer: D,
    ) -> Result<[u8; N], D::Error> {
        let text = String::deserialize(deserializer)?;
        let mut bytes = [0; N];
        hex::decode_to_slice(&text, &mut bytes)
            .map_err(|_| D::Error::custom(format!("must be {} hex digits", 2 * N)))?;
        Ok(bytes)
    }
}

/// Bytes of a capped length as hex in JSON.
macro_rules! hex_module {
    ($name:ident, $max:expr) => {
        pub(crate) mod $name {
            use super::*;

            pub(crate) fn serialize<S: Serializer>(bytes: &[u8], serializer: S) -> Result<S::Ok, S::Error> {
                serializer.serialize_str(&hex::encode(bytes))
            }

            pub(crate) fn deserialize<'de, D: Deserializer<'de>>(
                deserializer: D,
            ) -> Result<Vec<u8>, D::Error> {
                from_hex(&<String as Deserialize>::deserialize(deserializer)?, $max)
            }
        }
    };
}

hex_module!(hex_message, MAX_MESSAGE);
hex_module!(hex_vec, crate::plan::MAX_PLAN_BYTES);
hex_module!(hex_previous, crate::bitcoin::MAX_PREVIOUS_BYTES);
