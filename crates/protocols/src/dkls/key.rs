//! The key as a presigning run sees it.

use super::{Point, Scalar, Secret};
use crate::{Abort, Ctx};
use alloc::collections::BTreeMap;
use alloc::vec::Vec;
use group::Group;
use quorate_sharing::{Curve, Index, Secp256k1, lagrange};

/// The longest name of an epoch, in bytes.
pub const MAX_EPOCH_BYTES: usize = 128;

/// One party's share of a key, borrowed from where it is kept.
pub struct KeyShareView<'a> {
    /// This party.
    pub index: Index,
    /// x_i
    pub share: &'a Secret,
    /// X_j of every party of the key, this one too.
    pub publics: &'a BTreeMap<Index, Point>,
    /// X
    pub public: Point,
    /// t
    pub threshold: usize,
    /// Hash that names the key.
    pub key_id: [u8; 32],
    /// Names the epoch: the canonical bytes of its attempt (§2.3), at most [`MAX_EPOCH_BYTES`].
    pub epoch: &'a [u8],
}

/// What the rounds carry along of the key and the session.
pub(super) struct Common {
    pub ctx: Ctx,
    /// How many presignatures this run makes.
    pub count: usize,
    pub public: Point,
    pub key_id: [u8; 32],
    pub epoch: Vec<u8>,
    /// λ_j·X_j by position in the set; they sum to X.
    pub weighted: Vec<Point>,
    /// The pair states that this run began with.
    pub pairs: BTreeMap<Index, [u8; 32]>,
}

impl Common {
    /// Checks that the key, the set and the threshold fit together; gives λ_i·x_i beside.
    pub fn new(ctx: &Ctx, key: &KeyShareView<'_>, count: usize) -> Result<(Self, Secret), Abort> {
        let set = ctx.parties();
        if key.index != ctx.me() {
            return Err(Abort::Usage("the share belongs to another party"));
        }
        if key.threshold < 2 || key.threshold != ctx.threshold() || set.len() != key.threshold {
            return Err(Abort::Usage("presigning needs exactly t parties, and t of at least 2"));
        }
        if count == 0 || count > super::MAX_BATCH {
            return Err(Abort::Usage("a batch must hold 1 to 256 presignatures"));
        }
        if key.epoch.len() > MAX_EPOCH_BYTES {
            return Err(Abort::Usage("the epoch's name is longer than 128 bytes"));
        }
        if bool::from(key.public.is_identity()) {
            return Err(Abort::Usage("the public key is the identity"));
        }
        let mut publics = Vec::with_capacity(set.len());
        for j in set.iter() {
            let public =
                key.publics.get(&j).ok_or(Abort::Usage("the key has no public share of a signer"))?;
            publics.push(*public);
        }
        let lambdas = lagrange::coefficients_at::<Secp256k1>(set, &Scalar::ZERO);
        let sums: Vec<_> =
            lambdas.iter().enumerate().map(|(at, lambda)| alloc::vec![(at, *lambda)]).collect();
        let weighted = Secp256k1::lincombs_vartime(&publics, &sums);
        if weighted.iter().sum::<Point>() != key.public {
            return Err(Abort::Usage("the public shares do not belong to the public key"));
        }
        let position = set.iter().position(|i| i == key.index).unwrap_or(usize::MAX);
        let lambda = lambdas.get(position).ok_or(Abort::Usage("the share's party is not in the set"))?;
        let own = Secret::new(*lambda * key.share.expose());
        let common = Self {
            ctx: ctx.clone(),
            count,
            public: key.public,
            key_id: key.key_id,
            epoch: key.epoch.to_vec(),
            weighted,
            pairs: BTreeMap::new(),
        };
        if own.public() != common.weighted[common.position(key.index)] {
            return Err(Abort::Usage("the secret share does not belong to its public share"));
        }
        Ok((common, own))
    }

    /// How many parties sign.
    pub fn parties(&self) -> usize {
        self.ctx.parties().len()
    }

    /// Where a member stands in the ascending set.
    pub fn position(&self, party: Index) -> usize {
        // Only ever asked for members.
        self.ctx.parties().iter().position(|i| i == party).unwrap_or(usize::MAX)
    }

    /// Where this party stands.
    pub fn own(&self) -> usize {
        self.position(self.ctx.me())
    }

    /// The others with their positions.
    pub fn peers(&self) -> Vec<(usize, Index)> {
        self.ctx.parties().iter().enumerate().filter(|(_, j)| *j != self.ctx.me()).collect()
    }
}
