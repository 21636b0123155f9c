//! Genesis: who is who at the start. Each operator pins its hash on its own node (docs/spec §1.8).

use crate::governance::Follows;
use crate::governed::Governed;
use crate::{Hash, IntentError, PublicKey};
use borsh::{BorshDeserialize, BorshSerialize};
use quorate_sharing::Transcript;
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;

/// The version of the format of a genesis, and of versions that only changed who the machines are.
pub const VERSION: u16 = 1;
/// The version of the format of later versions that have [`Governed`] as well.
pub const GOVERNED: u16 = 2;
/// Most entries in any list of the genesis.
pub const MAX_ENTRIES: usize = 64;

/// A machine of one operator.
#[derive(Clone, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Party {
    /// Name for people.
    pub name: String,
    /// Identity key: signs its messages and is pinned in TLS.
    pub key: PublicKey,
    /// Where other nodes and the gateway reach it, `host:port`.
    pub address: String,
}

/// A person or service.
#[derive(Clone, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Member {
    /// Name for people.
    pub name: String,
    /// Device key.
    pub key: PublicKey,
}

/// People of whom a number must agree.
#[derive(Clone, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Group {
    /// How many must agree.
    pub quorum: u16,
    /// Who.
    pub members: Vec<Member>,
}

/// The cluster at its start, or after a change of governance.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Genesis {
    /// [`VERSION`], or [`GOVERNED`] where `governed` is there.
    pub version: u16,
    /// Name of the cluster.
    pub name: String,
    /// The nodes.
    pub parties: Vec<Party>,
    /// The gateway's identity key. It is trusted for liveness only.
    pub gateway: PublicKey,
    /// Who approves transfers, and how many of them.
    pub approvers: Group,
    /// Who approves orders and changes of governance, and how many of them.
    pub administrators: Group,
    /// Who may create intents.
    pub clients: Vec<Member>,
    /// What this version follows from; none in the genesis itself. Last, and left out of JSON where there is none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub follows: Option<Follows>,
    /// Policy, people, groups, addresses and assets; none until a change made any. What was encoded without stays as it was.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub governed: Option<Box<Governed>>,
}

/// The fields of [`VERSION`], and behind them those of [`GOVERNED`]: documents of the first have the bytes and the hash that
/// they always had.
impl BorshSerialize for Genesis {
    fn serialize<W: borsh::io::Write>(&self, writer: &mut W) -> borsh::io::Result<()> {
        BorshSerialize::serialize(&self.version, writer)?;
        BorshSerialize::serialize(&self.name, writer)?;
        BorshSerialize::serialize(&self.parties, writer)?;
        BorshSerialize::serialize(&self.gateway, writer)?;
        BorshSerialize::serialize(&self.approvers, writer)?;
        BorshSerialize::serialize(&self.administrators, writer)?;
        BorshSerialize::serialize(&self.clients, writer)?;
        BorshSerialize::serialize(&self.follows, writer)?;
        match &self.governed {
            Some(governed) => BorshSerialize::serialize(governed, writer),
            None => Ok(()),
        }
    }
}

impl BorshDeserialize for Genesis {
    fn deserialize_reader<R: borsh::io::Read>(reader: &mut R) -> borsh::io::Result<Self> {
        let version = u16::deserialize_reader(reader)?;
        Ok(Self {
            version,
            name: String::deserialize_reader(reader)?,
            parties: Vec::deserialize_reader(reader)?,
            gateway: PublicKey::deserialize_reader(reader)?,
            approvers: Group::deserialize_reader(reader)?,
            administrators: Group::deserialize_reader(reader)?,
            clients: Vec::deserialize_reader(reader)?,
            follows: Option::deserialize_reader(reader)?,
            governed: if version < GOVERNED { None } else { Some(Box::deserialize_reader(reader)?) },
        })
    }
}

impl Genesis {
    /// What each operator pins.
    pub fn hash(&self) -> Hash {
        let bytes = borsh::to_vec(self).unwrap_or_default();
        Hash(Transcript::new("genesis").field("genesis", &bytes).digest())
    }

    /// What operators compare by voice.
    pub fn fingerprint(&self) -> String {
        crate::keys::fingerprint(&self.hash().0)
    }

    /// The party with this identity key.
    pub fn party(&self, key: &PublicKey) -> Option<&Party> {
        self.parties.iter().find(|party| party.key == *key)
    }

    /// Checks the form: names, keys, quorums, and that nobody plays two parts that must be separate.
    pub fn check(&self) -> Result<(), IntentError> {
        let expected = if self.governed.is_some() { GOVERNED } else { VERSION };
        if self.version != expected {
            return Err(IntentError::field("version", format!("must be {expected}, found {}", self.version)));
        }
        if self.follows.is_some_and(|follows| follows.number == 0) {
            return Err(IntentError::field(
                "follows",
                "a version that follows another has a number from 1 on",
            ));
        }
        crate::intent::check_text("name", &self.name, 64)?;
        let parties: Vec<_> = self.parties.iter().map(|p| (p.name.as_str(), p.key)).collect();
        check_list("parties", 2, &parties)?;
        for party in &self.parties {
            check_address(&party.address)?;
        }
        self.gateway.check("gateway")?;
        self.approvers.check("approvers")?;
        self.administrators.check("administrators")?;
        let clients: Vec<_> = self.clients.iter().map(|c| (c.name.as_str(), c.key)).collect();
        check_list("clients", 1, &clients)?;
        // An identity key signs protocol messages; used as a device key as well, one break-in would count twice.
        let mut machines: BTreeSet<_> = self.parties.iter().map(|p| p.key).collect();
        if !machines.insert(self.gateway) {
            return Err(IntentError::field("gateway", "must not be one of the parties"));
        }
        for member in self.people() {
            if machines.contains(&member.key) {
                return Err(IntentError::field(
                    "parties",
                    format!("{} uses a machine's identity key", member.name),
                ));
            }
        }
        self.governed.as_ref().map_or(Ok(()), |governed| governed.check(self))
    }

    /// Everybody in the lists of approvers, administrators and clients; who is in two of them comes twice.
    pub fn people(&self) -> impl Iterator<Item = &Member> {
        self.approvers.members.iter().chain(&self.administrators.members).chain(&self.clients)
    }

    /// Whether this key is anybody's who has a part in the cluster.
    pub fn knows(&self, key: &PublicKey) -> bool {
        let governed = self.governed.as_deref();
        self.people().any(|member| member.key == *key)
            || governed.is_some_and(|governed| governed.people.iter().any(|person| person.keys.contains(key)))
    }

    /// Whether all signing is stopped.
    pub fn frozen(&self) -> bool {
        self.governed.as_ref().is_some_and(|governed| governed.frozen)
    }

    /// How far clocks of nodes may be apart, in seconds.
    pub fn clock_skew(&self) -> u64 {
        let set = self.governed.as_ref().and_then(|governed| governed.clock_skew);
        set.map_or(crate::intent::CLOCK_SKEW, u64::from)
    }

    /// How many nodes record a spending before a rule with a window lets a key of threshold `t` sign.
    pub fn record_quorum(&self, t: usize) -> usize {
        self.governed.as_ref().and_then(|governed| governed.record_quorum).map_or(t, usize::from)
    }
}

impl Group {
    fn check(&self, field: &'static str) -> Result<(), IntentError> {
        let members: Vec<_> = self.members.iter().map(|m| (m.name.as_str(), m.key)).collect();
        check_list(field, 1, &members)?;
        if !(1..=self.members.len()).contains(&usize::from(self.quorum)) {
            let problem = format!("quorum must be 1 to {}, found {}", self.members.len(), self.quorum);
            return Err(IntentError::field(field, problem));
        }
        Ok(())
    }
}

/// Names present and unique, keys valid and unique, `least` to [`MAX_ENTRIES`] of them.
fn check_list(field: &'static str, least: usize, entries: &[(&str, PublicKey)]) -> Result<(), IntentError> {
    if !(least..=MAX_ENTRIES).contains(&entries.len()) {
        let problem = format!("must have {least} to {MAX_ENTRIES} entries, found {}", entries.len());
        return Err(IntentError::field(field, problem));
    }
    let (mut names, mut keys) = (BTreeSet::new(), BTreeSet::new());
    for (name, key) in entries {
        if name.is_empty() {
            return Err(IntentError::field(field, "every entry needs a name"));
        }
        crate::intent::check_text(field, name, 64)?;
        key.check(field)?;
        if !names.insert(*name) {
            return Err(IntentError::field(field, format!("the name {name:?} stands twice")));
        }
        if !keys.insert(*key) {
            return Err(IntentError::field(field, format!("the key of {name:?} stands twice")));
        }
    }
    Ok(())
}

fn check_address(address: &str) -> Result<(), IntentError> {
    crate::intent::check_text("address", address, 255)?;
    let port = address.rsplit_once(':').filter(|(host, _)| !host.is_empty()).map(|(_, port)| port);
    match port.and_then(|port| port.parse::<u16>().ok()) {
        Some(port) if port != 0 => Ok(()),
        _ => Err(IntentError::field("address", format!("must be host:port, found {address:?}"))),
    }
}
