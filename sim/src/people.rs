//! Who is who: a genesis, and people who sign orders.

use crate::random;
use ed25519_dalek::SigningKey;
use quorate_coordination::WalletRecord;
use quorate_intent::order::Repeat;
use quorate_intent::{
    Approval, Body, Genesis, Group, Hash, Intent, Member, Order, OrderKind, Party, PublicKey, Purpose,
    SignedIntent, Suite, WalletId, approval::Verdict, keys,
};

/// The clock of people and policies, Unix seconds.
pub const NOW: u64 = 1_800_000_000;

/// When orders expire, seconds after they are given.
pub const EXPIRY: u64 = 86_400;

/// The people of one cluster.
pub struct People {
    /// Who is who.
    pub genesis: Genesis,
    /// The coordinator's key.
    pub gateway: SigningKey,
    /// When orders are created, Unix seconds.
    pub today: u64,
    administrator: SigningKey,
    client: SigningKey,
}

/// An order with its approvals.
#[derive(Clone)]
pub struct Approved {
    /// The signed intent.
    pub intent: SignedIntent,
    /// The administrators' approvals.
    pub approvals: Vec<Approval>,
}

impl Approved {
    /// What names the order.
    pub fn hash(&self) -> Hash {
        self.intent.intent.hash()
    }

    /// The order.
    ///
    /// # Panics
    /// When it is another kind of intent.
    pub fn order(&self) -> &Order {
        match &self.intent.intent.body {
            Body::Order(order) => order,
            _ => panic!("not an order"),
        }
    }
}

impl People {
    /// A cluster of these parties.
    pub fn new(seed: u64, parties: &[PublicKey]) -> Self {
        let key = |number| SigningKey::from_bytes(&random::bytes(seed, "people", number));
        let (gateway, administrator, client) = (key(0), key(1), key(2));
        let member = |name: &str, key: &SigningKey| Member { name: name.into(), key: keys::public(key) };
        let party = |(at, key): (usize, &PublicKey)| Party {
            name: format!("party-{at}"),
            key: *key,
            address: format!("127.0.0.1:{}", 1000 + at),
        };
        let genesis = Genesis {
            follows: None,
            governed: None,
            version: quorate_intent::genesis::VERSION,
            name: "sim".into(),
            parties: parties.iter().enumerate().map(party).collect(),
            gateway: keys::public(&gateway),
            approvers: Group { quorum: 1, members: vec![member("approver", &key(3))] },
            administrators: Group { quorum: 1, members: vec![member("administrator", &administrator)] },
            clients: vec![member("client", &client)],
        };
        Self { genesis, gateway, today: NOW, administrator, client }
    }

    /// An approved order.
    pub fn order(&self, wallet: WalletId, number: u64, kind: OrderKind, nonce: u64) -> Approved {
        let mut bytes = [0; 16];
        bytes[..8].copy_from_slice(&nonce.to_be_bytes());
        let intent = Intent {
            version: quorate_intent::intent::VERSION,
            governance: self.genesis.hash(),
            nonce: bytes,
            initiator: keys::public(&self.client),
            created: self.today - 10,
            expires: self.today + EXPIRY,
            body: Body::Order(Order { wallet, number, kind }),
        };
        let approval = Approval::new(intent.hash(), Verdict::Approve, &self.administrator);
        Approved { intent: intent.sign(&self.client), approvals: vec![approval] }
    }

    /// An approved order to share a key anew; its purpose is what it comes to.
    pub fn reshare(
        &self,
        base: &WalletRecord,
        number: u64,
        recipients: Vec<PublicKey>,
        (t, schedule): (u16, Option<Repeat>),
    ) -> Option<Approved> {
        let before = u16::try_from(base.keys().ok()?.threshold()).ok()?;
        let new = recipients.iter().any(|key| !base.parties.contains(key));
        let purpose = if recipients == base.parties && t == before {
            Purpose::Refresh
        } else if !new && recipients.len() < base.parties.len() {
            Purpose::Evict
        } else if new && recipients.len() == base.parties.len() && t == before {
            Purpose::Replace
        } else {
            Purpose::Change
        };
        let kind = OrderKind::Reshare { base: base.hash(), recipients, threshold: t, purpose, schedule };
        Some(self.order(base.wallet, number, kind, number))
    }

    /// An approved order to generate a key.
    pub fn generate(
        &self,
        wallet: WalletId,
        suite: Suite,
        t: usize,
        parties: Vec<PublicKey>,
        nonce: u64,
    ) -> Approved {
        let threshold = u16::try_from(t).unwrap_or(u16::MAX);
        let kind = OrderKind::Generate { suite, threshold, parties, label: "sim".into() };
        self.order(wallet, 1, kind, nonce)
    }
}
