//! Values that people write as text, alone or in a list.

use serde::de::{Deserializer, Error, SeqAccess, Visitor};
use serde::{Serialize, Serializer};
use std::fmt;
use std::marker::PhantomData;
use std::str::FromStr;

/// Serde by `Display` and `FromStr`. Whole numbers may stand without quotes.
macro_rules! as_text {
    ($($type:ty),+) => {$(
        impl serde::Serialize for $type {
            fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.collect_str(self)
            }
        }
        impl<'de> serde::Deserialize<'de> for $type {
            fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                $crate::model::text::one(deserializer)
            }
        }
    )+};
}
pub(crate) use as_text;

/// One value from a text or a whole number.
pub fn one<'de, D: Deserializer<'de>, T: FromStr<Err: fmt::Display>>(deserializer: D) -> Result<T, D::Error> {
    deserializer.deserialize_any(One(PhantomData))
}

struct One<T>(PhantomData<T>);

impl<T: FromStr<Err: fmt::Display>> Visitor<'_> for One<T> {
    type Value = T;
    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a text in quotes or a whole number")
    }
    fn visit_str<E: Error>(self, text: &str) -> Result<T, E> {
        text.parse().map_err(E::custom)
    }
    fn visit_i64<E: Error>(self, number: i64) -> Result<T, E> {
        self.visit_str(&number.to_string())
    }
    fn visit_u64<E: Error>(self, number: u64) -> Result<T, E> {
        self.visit_str(&number.to_string())
    }
}

/// A list of values, or one value without brackets. An empty list is refused: it reads like "nothing", and leaving the
/// line out means "everything".
pub fn list<'de, D: Deserializer<'de>, T: FromStr<Err: fmt::Display>>(
    deserializer: D,
) -> Result<Vec<T>, D::Error> {
    deserializer.deserialize_any(List(PhantomData))
}

struct List<T>(PhantomData<T>);

impl<'de, T: FromStr<Err: fmt::Display>> Visitor<'de> for List<T> {
    type Value = Vec<T>;
    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a text in quotes, a whole number, or a list of them")
    }
    fn visit_str<E: Error>(self, text: &str) -> Result<Vec<T>, E> {
        One(PhantomData).visit_str(text).map(|value| vec![value])
    }
    fn visit_i64<E: Error>(self, number: i64) -> Result<Vec<T>, E> {
        One(PhantomData).visit_i64(number).map(|value| vec![value])
    }
    fn visit_u64<E: Error>(self, number: u64) -> Result<Vec<T>, E> {
        One(PhantomData).visit_u64(number).map(|value| vec![value])
    }
    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Vec<T>, A::Error> {
        let mut list = Vec::new();
        while let Some(Item(value)) = items.next_element()? {
            list.push(value);
        }
        if list.is_empty() {
            return Err(A::Error::custom(
                "an empty list matches nothing; leave the line out to match everything",
            ));
        }
        Ok(list)
    }
}

struct Item<T>(T);

impl<'de, T: FromStr<Err: fmt::Display>> serde::Deserialize<'de> for Item<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        one(deserializer).map(Item)
    }
}

/// The list as texts.
pub fn write<S: Serializer, T: fmt::Display>(list: &[T], serializer: S) -> Result<S::Ok, S::Error> {
    let texts: Vec<String> = list.iter().map(ToString::to_string).collect();
    texts.serialize(serializer)
}
