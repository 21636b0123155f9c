//! One party: a disk that outlives crashes, and what a running process holds in memory alone (docs/spec §1.9).

use crate::random;
use crate::run::Run;
use quorate_coordination::Certificate;
use quorate_intent::{Hash, PublicKey, WalletId};
use quorate_protocols::Message;
use quorate_protocols::dkls::{PairAccess, Presignature};
use quorate_protocols::frost::{Bip340, Ed25519Schnorr, Nonces};
use quorate_protocols::key::{KeyShare, PublicShares};
use quorate_protocols::ot::PairState;
use quorate_session::{Identity, PersistRecord};
use quorate_sharing::toy::{Toy13, Toy199};
use quorate_sharing::{Curve, Ed25519, Index, Secp256k1, SecretScalar};
use quorate_vault::{Attempt, Disk, Fault, Head, Snapshot, Vault};
use rand_chacha::ChaCha20Rng;
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use zeroize::Zeroizing;

/// One machine of one operator.
pub struct Node {
    /// Its place in [`crate::World::nodes`].
    pub at: usize,
    /// Its identity key.
    pub identity: Arc<Identity>,
    /// What outlives its process.
    pub disk: Disk,
    /// Whether it follows the protocols. A dishonest party's process never crashes by itself.
    pub honest: bool,
    /// Whether an older copy was put in place of its disk, or the machine is gone: it need not hold its shares any more.
    pub lost: bool,
    /// Whether it takes no news: a dishonest party that wants to know nothing of what came after its disk.
    pub deaf: bool,
    /// The running process, if there is one.
    pub up: Option<Up>,
    /// Counts processes, so that nothing meant for an earlier one reaches this.
    pub life: u64,
    /// The last head of the log that the vault has acknowledged.
    pub acknowledged: Option<Head>,
    /// Its randomness.
    pub rng: ChaCha20Rng,
    /// What its disk held when it last began a ceremony; for planted defects alone.
    pub copy: Option<Snapshot>,
    /// Sealed shares that an activation was to erase, with key and attempt, until they are seen to be gone.
    pub erasing: Vec<(WalletId, Vec<u8>, Vec<u8>)>,
    /// A fault so many writes and syncs after the start that follows the one before it.
    pub again: Option<(u64, Fault)>,
    seed: [u8; 32],
}

/// A running process.
pub struct Up {
    /// The open vault.
    pub vault: Vault,
    /// Under which peers see what is in memory alone.
    pub boot: [u8; 16],
    /// Its sessions by ceremony id.
    pub runs: BTreeMap<[u8; 32], Live>,
    /// Messages for ceremonies that have not begun here.
    pub early: BTreeMap<[u8; 32], Vec<(PublicKey, Vec<u8>)>>,
    /// Pair states by party.
    pub pairs: BTreeMap<usize, Slot>,
    /// Nonces and presignatures by their public names.
    pub stock: BTreeMap<Vec<u8>, Item>,
    /// Open keys.
    pub keys: BTreeMap<WalletId, OpenKey>,
    /// Keys whose certificate is here and for which nothing is signed.
    pub gone: BTreeMap<WalletId, Gone>,
}

/// One session and what it is for.
pub struct Live {
    /// The session.
    pub run: Box<dyn Run>,
    /// Which ceremony, for the log.
    pub name: &'static str,
    /// What its records become.
    pub keep: Keep,
    /// What its result becomes.
    pub then: Then,
    /// Whether the result has come out.
    pub ended: bool,
    /// Records on their way to the disk.
    pub records: BTreeMap<u64, PersistRecord>,
    /// The statement that a stored record lets this party sign; its next broadcast carries the signature.
    pub prepared: Option<(WalletId, Vec<u8>)>,
}

/// What a session's records become in the vault.
#[derive(Clone)]
pub enum Keep {
    /// It has none.
    Nothing,
    /// Those of a ceremony that makes an epoch.
    Epoch {
        /// The key.
        wallet: WalletId,
        /// The order's number.
        number: u64,
        /// The order.
        order: Hash,
        /// The epoch that it starts from; none for a generation.
        base: Option<Attempt>,
    },
}

/// Why a party signs nothing for a key whose certificate it holds; as `node::wallets` has it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Gone {
    /// The key is destroyed.
    Destroyed(Attempt),
    /// The key went to other parties.
    Left(Attempt),
    /// It is a party of that epoch, and its disk is from before it (§2.4).
    Stale(Attempt),
    /// Its certificate is being stored.
    Changing,
}

/// What becomes of a session's result.
#[derive(Clone)]
pub enum Then {
    /// A certificate that is activated.
    Activate(Box<crate::people::Approved>),
    /// A pair state with this party.
    Pair(usize),
    /// Presignatures for the stock, if these pairs are still sound.
    Stock(Pairs),
}

/// One signature's worth.
pub enum Item {
    /// For BIP340.
    Bip340(Nonces<Bip340>),
    /// For Ed25519.
    Ed25519(Nonces<Ed25519Schnorr>),
    /// For ECDSA.
    Ecdsa(Box<Presignature>),
}

/// A pair state behind its lock.
pub type Slot = Arc<Mutex<PairState>>;

/// Locks a pair state.
pub fn lock(slot: &Slot) -> MutexGuard<'_, PairState> {
    slot.lock().unwrap_or_else(PoisonError::into_inner)
}

/// The pair states of one run by index, as [`PairAccess`] hands them out.
#[derive(Clone, Default)]
pub struct Pairs(pub BTreeMap<Index, Slot>);

impl Pairs {
    /// Whether none of them is poisoned.
    pub fn sound(&self) -> bool {
        self.0.values().all(|slot| !lock(slot).is_poisoned())
    }

    /// Names of all states, for hello.
    pub fn ids(&self) -> BTreeMap<Index, [u8; 32]> {
        self.0.iter().map(|(index, slot)| (*index, lock(slot).id)).collect()
    }
}

impl PairAccess for Pairs {
    type Pair = PairState;

    fn with<T>(&mut self, peer: Index, action: impl FnOnce(&mut PairState) -> T) -> Option<T> {
        let slot = self.0.get(&peer)?;
        Some(action(&mut lock(slot)))
    }
}

/// In which group a key lives.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Group {
    /// Order 13.
    Toy13,
    /// Order 199.
    Toy199,
    /// secp256k1.
    Secp256k1,
    /// Ed25519.
    Ed25519,
}

/// A share in any group.
pub enum Share {
    /// Order 13.
    Toy13(KeyShare<Toy13>),
    /// Order 199.
    Toy199(KeyShare<Toy199>),
    /// secp256k1.
    Secp256k1(Arc<KeyShare<Secp256k1>>),
    /// Ed25519.
    Ed25519(Arc<KeyShare<Ed25519>>),
}

/// An active epoch of a key at one party.
pub struct OpenKey {
    /// The certificate.
    pub certificate: Certificate,
    /// The share.
    pub share: Share,
}

fn open<C: Curve>(public: &[u8], index: Index, secret: &[u8]) -> Result<KeyShare<C>, String> {
    let public = PublicShares::<C>::decode(public, ()).map_err(|error| error.to_string())?;
    let secret = SecretScalar::decode(secret).map_err(|error| error.to_string())?;
    KeyShare::new(index, secret, public).map_err(|error| error.to_string())
}

impl Share {
    /// Opens a stored share; the error says what does not fit.
    ///
    /// # Errors
    /// When the bytes are not the share of this index.
    pub fn open(group: Group, public: &[u8], index: Index, secret: &[u8]) -> Result<Self, String> {
        Ok(match group {
            Group::Toy13 => Self::Toy13(open(public, index, secret)?),
            Group::Toy199 => Self::Toy199(open(public, index, secret)?),
            Group::Secp256k1 => Self::Secp256k1(Arc::new(open(public, index, secret)?)),
            Group::Ed25519 => Self::Ed25519(Arc::new(open(public, index, secret)?)),
        })
    }

    /// The share's index and encoded secret.
    pub fn secret(&self) -> (Index, Zeroizing<Vec<u8>>) {
        match self {
            Self::Toy13(share) => (share.index(), share.secret().encode()),
            Self::Toy199(share) => (share.index(), share.secret().encode()),
            Self::Secp256k1(share) => (share.index(), share.secret().encode()),
            Self::Ed25519(share) => (share.index(), share.secret().encode()),
        }
    }
}

impl Node {
    /// A machine with an empty disk.
    pub fn new(seed: u64, at: usize, identity: Arc<Identity>, identity_seed: [u8; 32]) -> Self {
        Self {
            at,
            identity,
            disk: Disk::default(),
            honest: true,
            lost: false,
            deaf: false,
            up: None,
            life: 0,
            acknowledged: None,
            rng: random::stream(seed, "party", at as u64),
            copy: None,
            erasing: Vec::new(),
            again: None,
            seed: identity_seed,
        }
    }

    /// Its identity key.
    pub fn key(&self) -> PublicKey {
        self.identity.public()
    }

    /// The seed of its identity key, and the key that unlocks its vault.
    pub fn secrets(&self) -> (Zeroizing<[u8; 32]>, Zeroizing<[u8; 32]>) {
        (Zeroizing::new(self.seed), Zeroizing::new([7; 32]))
    }
}
