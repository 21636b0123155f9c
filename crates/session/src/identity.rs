//! Who takes part: the identity key of this party, and the list of all participants.

use crate::SessionError;
use ed25519_dalek::SigningKey;
use quorate_intent::{PublicKey, Signature, keys};
use quorate_sharing::{Curve, Index, Indices, Transcript};
use rand_core::CryptoRngCore;
use zeroize::Zeroizing;

/// This party's Ed25519 identity key (RFC 8032). Erased on drop; on the heap, so that moving it leaves no copies.
pub struct Identity(Box<SigningKey>);

impl Identity {
    /// Takes the 32-byte seed. The caller's copy is its own to erase.
    pub fn from_seed(seed: &[u8; 32]) -> Self {
        Self(Box::new(SigningKey::from_bytes(seed)))
    }

    /// A new random key.
    pub fn random(rng: &mut impl CryptoRngCore) -> Self {
        let mut seed = Zeroizing::new([0u8; 32]);
        rng.fill_bytes(seed.as_mut());
        Self::from_seed(&seed)
    }

    /// The public half, by which others know this party.
    pub fn public(&self) -> PublicKey {
        keys::public(&self.0)
    }

    /// Signs a statement that outlives the session, such as `prepared`. Check it with
    /// `key.verify(&statement_digest(domain, digest), &signature)`.
    pub fn sign_statement(&self, domain: &str, digest: &[u8; 32]) -> Signature {
        self.sign(&statement_digest(domain, digest))
    }

    /// Signs a transcript digest that already says what it is.
    pub(crate) fn sign(&self, digest: &[u8; 32]) -> Signature {
        keys::sign(&self.0, digest)
    }
}

/// What a signature under a statement covers. The tag keeps statements and wire messages apart.
pub fn statement_digest(domain: &str, digest: &[u8; 32]) -> [u8; 32] {
    Transcript::new("session/statement").field("domain", domain.as_bytes()).field("digest", digest).digest()
}

/// All participants of one session: index and identity key, ascending by index, both unique.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Participants {
    list: Vec<(Index, PublicKey)>,
    indices: Indices,
}

impl Participants {
    /// Parties with given indices. `C` is the curve on which the indices are evaluation points.
    ///
    /// # Errors
    /// [`SessionError::Config`] for fewer than two, too many, equal or zero indices, equal or unusable keys.
    pub fn new<C: Curve>(mut list: Vec<(Index, PublicKey)>) -> Result<Self, SessionError> {
        list.sort_unstable();
        let indices = Indices::new::<C>(list.iter().map(|(index, _)| index.get()))
            .map_err(|_| SessionError::Config("party indices are not 1 to 64 distinct numbers"))?;
        if list.len() < 2 {
            return Err(SessionError::Config("a session needs at least two participants"));
        }
        if list.iter().any(|(_, key)| key.check("parties").is_err()) {
            return Err(SessionError::Config("an identity key is not an Ed25519 public key"));
        }
        let mut keys: Vec<_> = list.iter().map(|(_, key)| *key).collect();
        keys.sort_unstable();
        if keys.windows(2).any(|pair| pair[0] == pair[1]) {
            return Err(SessionError::Config("an identity key stands twice"));
        }
        Ok(Self { list, indices })
    }

    /// Parties numbered from 1 in ascending order of their keys.
    ///
    /// # Errors
    /// As [`Participants::new`].
    pub fn by_key<C: Curve>(keys: impl IntoIterator<Item = PublicKey>) -> Result<Self, SessionError> {
        let mut keys: Vec<_> = keys.into_iter().collect();
        keys.sort_unstable();
        let numbered = (1u16..).zip(keys).map(|(number, key)| Index::new(number).map(|index| (index, key)));
        let list: Result<Vec<_>, _> = numbered.collect();
        Self::new::<C>(list.map_err(|_| SessionError::Config("a party index must not be zero"))?)
    }

    /// The identity key of an index.
    pub fn key(&self, index: Index) -> Option<PublicKey> {
        self.list.binary_search_by_key(&index, |(i, _)| *i).ok().map(|at| self.list[at].1)
    }

    /// The index of an identity key.
    pub fn index(&self, key: &PublicKey) -> Option<Index> {
        self.list.iter().find(|(_, k)| k == key).map(|(index, _)| *index)
    }

    /// Index and key of each, ascending by index.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = (Index, PublicKey)> + '_ {
        self.list.iter().copied()
    }

    /// How many.
    #[allow(clippy::len_without_is_empty, reason = "never empty")]
    pub fn len(&self) -> usize {
        self.list.len()
    }

    /// The indices alone.
    pub fn indices(&self) -> &Indices {
        &self.indices
    }
}
