//! What is to be decided: an intent as its transaction says it, decoded by the node itself.

use crate::model::{Kind, Trait};
use quorate_intent::{Amount, Asset, Body, Change, Hash, Intent, Network, OrderKind, PublicKey, WalletId};

/// What is to be decided. Every field comes from the intent and from the transaction that the node rebuilt and decoded,
/// never from what the gateway says about it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Subject {
    /// The intent's hash: its own earlier spending does not count against it.
    pub intent: Hash,
    /// What it wants.
    pub kind: Kind,
    /// Who asks.
    pub initiator: PublicKey,
    /// The wallet that signs or is changed.
    pub wallet: Option<WalletId>,
    /// Its account.
    pub account: Option<u32>,
    /// Where.
    pub network: Option<Network>,
    /// What is moved.
    pub asset: Option<Asset>,
    /// Where it goes, without change. A call pays its value, often nothing, to the contract.
    pub outputs: Vec<Output>,
    /// The most that the network's fee can be, in minor units of the network's coin.
    pub fee: Option<Amount>,
    /// What is called.
    pub call: Option<Call>,
}

/// One payment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Output {
    /// The address.
    pub to: String,
    /// Minor units.
    pub amount: Amount,
    /// The wallet of this cluster whose address it is, as the node itself derived it.
    pub own: Option<WalletId>,
}

/// A contract call.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Call {
    /// The contract's address.
    pub contract: String,
    /// The first four bytes; none when the call has no data.
    pub selector: Option<[u8; 4]>,
    /// The method with its types, where an ABI that hashes to the selector is known.
    pub signature: Option<String>,
    /// The decoded arguments; none where they could not be decoded in full.
    pub arguments: Option<Vec<Value>>,
}

/// A decoded argument.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Value {
    /// An unsigned number.
    Number(Amount),
    /// True or false.
    Bool(bool),
    /// An address, and the wallet of this cluster whose address it is, as the node itself derived it.
    Address(String, Option<WalletId>),
    /// Bytes.
    Bytes(Vec<u8>),
    /// Text.
    Text(String),
    /// A tuple or an array.
    List(Vec<Value>),
    /// A type that rules cannot judge, such as a signed number.
    Other,
}

impl Subject {
    /// What the intent alone says; none for a kind that no rule knows. A node that signs puts in what the transaction says:
    /// destinations, fee, and which of them are its own.
    pub fn of_intent(intent: &Intent) -> Option<Self> {
        let mut subject = Self::plain(intent.hash(), Kind::Transfer, intent.initiator);
        match &intent.body {
            Body::Transfer(transfer) => {
                subject.wallet = Some(transfer.wallet);
                subject.account = Some(transfer.account);
                subject.network = Some(transfer.network);
                subject.asset = Some(transfer.asset.clone());
                subject.outputs =
                    vec![Output { to: transfer.to.clone(), amount: transfer.amount, own: None }];
                subject.fee = Some(transfer.max_fee);
            }
            Body::Order(order) => {
                subject.wallet = Some(order.wallet);
                subject.kind = match &order.kind {
                    OrderKind::Generate { .. } => Kind::Wallet,
                    OrderKind::Reshare { .. } | OrderKind::Schedule { .. } => Kind::Reshare,
                    OrderKind::Destroy { .. } => Kind::Destroy,
                    // A dispute is between machines, not about a wallet.
                    OrderKind::Lift { .. } => {
                        subject.wallet = None;
                        Kind::Members
                    }
                    _ => return None,
                };
            }
            Body::Call(call) => {
                subject.kind = Kind::Call;
                subject.wallet = Some(call.wallet);
                subject.account = Some(call.account);
                subject.network = Some(call.network);
                subject.asset = Some(Asset::Native);
                subject.outputs = vec![Output { to: call.contract.clone(), amount: call.value, own: None }];
                subject.fee = Some(call.max_fee);
                // The selector is a hash of the method and the arguments are text here: who rebuilt the call puts both in.
                subject.call = Some(Call {
                    contract: call.contract.clone(),
                    selector: None,
                    signature: Some(call.method.clone()),
                    arguments: None,
                });
            }
            Body::Message(message) => {
                subject.kind = Kind::Message;
                subject.wallet = Some(message.wallet);
                subject.account = Some(message.account);
                subject.network = Some(message.network);
            }
            Body::Governance(change) => subject.kind = kind_of(change)?,
            _ => return None,
        }
        Some(subject)
    }

    /// A subject of which nothing but its kind and who asks is known.
    pub(crate) fn plain(intent: Hash, kind: Kind, initiator: PublicKey) -> Self {
        Self {
            intent,
            kind,
            initiator,
            wallet: None,
            account: None,
            network: None,
            asset: None,
            outputs: Vec::new(),
            fee: None,
            call: None,
        }
    }

    /// Whether it has what its kind must have, and nothing that its kind cannot have. The text says what is wrong.
    pub fn check(&self) -> Result<(), String> {
        let has = [
            ("wallet", self.wallet.is_some(), Trait::Wallet),
            ("account", self.account.is_some(), Trait::Place),
            ("network", self.network.is_some(), Trait::Place),
            ("asset", self.asset.is_some(), Trait::Spending),
            ("output", !self.outputs.is_empty(), Trait::Spending),
            ("fee", self.fee.is_some(), Trait::Spending),
            ("call", self.call.is_some(), Trait::Call),
        ];
        match has.iter().find(|(_, there, what)| *there != self.kind.has(*what)) {
            Some((name, true, _)) => Err(format!("an intent of kind {} cannot have a {name}", self.kind)),
            Some((name, false, _)) => Err(format!("an intent of kind {} needs a {name}", self.kind)),
            None => Ok(()),
        }
    }

    /// All outputs together; none on overflow.
    pub fn amount(&self) -> Option<Amount> {
        let mut amounts = self.outputs.iter().map(|output| output.amount.0);
        amounts.try_fold(Amount::default().0, |sum, amount| sum.checked_add(amount)).map(Amount)
    }
}

/// The kind of a change of governance. Machines are members; settings go with the policy.
fn kind_of(change: &Change) -> Option<Kind> {
    Some(match change {
        Change::Join { .. } | Change::Leave { .. } | Change::Move { .. } | Change::Members { .. } => {
            Kind::Members
        }
        Change::Book { .. } => Kind::AddressBook,
        Change::Assets { .. } => Kind::Assets,
        Change::Policy { .. } | Change::Settings { .. } => Kind::Policy,
        Change::Freeze { .. } => Kind::Freeze,
        Change::Thaw { .. } => Kind::Thaw,
        _ => return None,
    })
}
