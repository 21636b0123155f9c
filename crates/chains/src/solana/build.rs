//! From a transfer and a plan to the message.

use super::{FEE_PER_SIGNATURE, Plan, Unsigned, cluster, destination, wallet};
use crate::built::{Built, Payload, Summary, ToSign, form};
use crate::key::{account_path, ed25519_key};
use crate::{ChainError, Unsigned as AnyUnsigned, WalletKey};
use ::bitcoin::hashes::{Hash as _, sha256};
use quorate_intent::{Amount, Asset, Network, SolanaNetwork, Transfer};
use solana_message::{Address, Hash, Message};
use solana_system_interface::instruction::{SystemInstruction, transfer as system_transfer};

pub(super) fn build(key: &WalletKey, transfer: &Transfer, plan: &Plan) -> Result<Built, ChainError> {
    let network = cluster(&transfer.network)?;
    let path = account_path(transfer.account);
    let from = Address::from(ed25519_key(wallet(key, &transfer.network)?, &path)?);
    if transfer.asset != Asset::Native {
        let asset = transfer.asset.to_string();
        return Err(ChainError::Unsupported { asset, network: transfer.network });
    }
    let to = destination(&transfer.network, &transfer.to)?;
    let lamports = transfer.amount.to_u64("amount")?;
    if lamports == 0 {
        return Err(ChainError::field("amount", "must not be zero"));
    }
    let blockhash = Hash::from(plan.recent_blockhash);
    let instruction = system_transfer(&from, &to, lamports);
    let message = Message::new_with_blockhash(&[instruction], Some(&from), &blockhash);
    let bytes = message.serialize();

    let summary = read(&bytes, network)?;
    for (what, asked, found) in [("sender", from, &summary.from[0]), ("destination", to, &summary.to)] {
        if asked.to_string() != *found {
            return Err(ChainError::Mismatch { what, asked: asked.to_string(), found: found.clone() });
        }
    }
    let digest = sha256::Hash::hash(&bytes);
    let to_sign = vec![ToSign { path: path.to_vec(), payload: Payload::Ed25519(bytes.clone()) }];
    Ok(Built {
        form: form(&transfer.network, &bytes, &to_sign),
        unsigned: AnyUnsigned::Solana(Unsigned { message }),
        to_sign,
        resources: vec![format!("solana:{}:message:{}", name(network), hex::encode(digest.to_byte_array()))],
        summary,
    })
}

/// As the cluster is named in resources and in JSON.
fn name(network: SolanaNetwork) -> &'static str {
    match network {
        SolanaNetwork::Mainnet => "mainnet",
        SolanaNetwork::Testnet => "testnet",
        SolanaNetwork::Devnet => "devnet",
        SolanaNetwork::Localnet => "localnet",
    }
}

/// Reads a message back: exactly one instruction, a transfer by the system program from the one signer.
pub(super) fn read(bytes: &[u8], network: SolanaNetwork) -> Result<Summary, ChainError> {
    let wrong = |problem: &str| ChainError::encoding("Solana message", problem);
    let message: Message = wincode::deserialize_exact(bytes).map_err(|error| wrong(&error.to_string()))?;
    let signatures = message.header.num_required_signatures;
    if signatures != 1 || message.header.num_readonly_signed_accounts != 0 {
        return Err(wrong("it must have exactly one signer, who pays"));
    }
    let [instruction] = message.instructions.as_slice() else {
        return Err(wrong("it must have exactly one instruction"));
    };
    let account = |index: u8| message.account_keys.get(usize::from(index));
    if account(instruction.program_id_index) != Some(&solana_system_interface::program::ID) {
        return Err(wrong("its instruction must be one of the system program"));
    }
    let data: SystemInstruction =
        wincode::deserialize_exact(&instruction.data).map_err(|error| wrong(&error.to_string()))?;
    let SystemInstruction::Transfer { lamports } = data else {
        return Err(wrong("its instruction must be a transfer"));
    };
    let [0, to] = instruction.accounts.as_slice() else {
        return Err(wrong("its transfer must go from the signer to one account"));
    };
    let to = account(*to).ok_or_else(|| wrong("its transfer names an account that is not there"))?;
    let from = account(0).ok_or_else(|| wrong("it has no accounts"))?;
    let fee = Amount::from(FEE_PER_SIGNATURE * u64::from(signatures));
    Ok(Summary {
        network: Network::Solana { network },
        from: vec![from.to_string()],
        to: to.to_string(),
        asset: Asset::Native,
        amount: lamports.into(),
        fee: Some(fee),
        max_fee: fee,
        change: None,
        detail: None,
    })
}
