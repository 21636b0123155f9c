//! What a payer's wallet opens: BIP21 for Bitcoin, EIP-681 for EVM chains, Solana Pay.

use quorate_intent::{Amount, Asset, BitcoinNetwork, Network, SolanaNetwork};

/// What is to be paid.
#[derive(Clone, Copy, Debug)]
pub struct Payment<'a> {
    /// Where.
    pub network: &'a Network,
    /// What.
    pub asset: &'a Asset,
    /// To whom.
    pub address: &'a str,
    /// In minor units.
    pub amount: Amount,
    /// 10^decimals minor units are one; needed where the amount is written in whole units.
    pub decimals: Option<u8>,
    /// What the payer's wallet shows.
    pub label: Option<&'a str>,
}

/// The decimals of a network's own coin.
pub fn native_decimals(network: &Network) -> u8 {
    match network {
        Network::Bitcoin { .. } => 8,
        Network::Evm { .. } => 18,
        Network::Solana { .. } => 9,
    }
}

/// The symbol of a network's own coin, as wallets show it; that of Ethereum for EVM chains that the registry of assets does not
/// name.
pub fn native_symbol(network: &Network) -> &'static str {
    match network {
        Network::Bitcoin { network: BitcoinNetwork::Mainnet } => "BTC",
        Network::Bitcoin { .. } => "tBTC",
        Network::Evm { .. } => "ETH",
        Network::Solana { network: SolanaNetwork::Mainnet } => "SOL",
        Network::Solana { .. } => "tSOL",
    }
}

/// An amount in whole units: no exponent, no trailing zeros.
pub fn decimal(amount: Amount, decimals: u8) -> String {
    let digits = amount.to_string();
    let places = usize::from(decimals);
    if places == 0 {
        return digits;
    }
    let padded = format!("{digits:0>width$}", width = places + 1);
    let (whole, fraction) = padded.split_at(padded.len() - places);
    let fraction = fraction.trim_end_matches('0');
    if fraction.is_empty() { whole.to_owned() } else { format!("{whole}.{fraction}") }
}

/// The URI of a payment. An amount that cannot be written, because the decimals of a token are not known, is left out: the
/// payer types it.
pub fn payment(payment: &Payment<'_>) -> String {
    let Payment { network, asset, address, amount, decimals, label } = payment;
    match (network, asset) {
        (Network::Bitcoin { .. }, _) => {
            let label = label.map(|label| format!("&label={}", escape(label))).unwrap_or_default();
            format!("bitcoin:{address}?amount={}{label}", decimal(*amount, 8))
        }
        (Network::Evm { chain_id }, Asset::Native) => format!("ethereum:{address}@{chain_id}?value={amount}"),
        (Network::Evm { chain_id }, Asset::Token { contract }) => {
            format!("ethereum:{contract}@{chain_id}/transfer?address={address}&uint256={amount}")
        }
        (Network::Solana { .. }, asset) => {
            let decimals = match asset {
                Asset::Native => Some(9),
                Asset::Token { .. } => *decimals,
            };
            let mut query = Vec::new();
            query.extend(decimals.map(|decimals| format!("amount={}", decimal(*amount, decimals))));
            if let Asset::Token { contract } = asset {
                query.push(format!("spl-token={contract}"));
            }
            query.extend(label.map(|label| format!("label={}", escape(label))));
            format!("solana:{address}?{}", query.join("&"))
        }
    }
}

/// Percent-encoding of everything that is not unreserved.
fn escape(text: &str) -> String {
    let mut escaped = String::new();
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || b"-_.~".contains(&byte) {
            escaped.push(byte.into());
        } else {
            escaped.push_str(&format!("%{byte:02X}"));
        }
    }
    escaped
}

#[cfg(test)]
mod tests {
    use super::*;

    const EVM: Network = Network::Evm { chain_id: 10 };
    const BTC: Network = Network::Bitcoin { network: BitcoinNetwork::Mainnet };
    const SOL: Network = Network::Solana { network: SolanaNetwork::Mainnet };

    fn uri(
        network: &Network,
        asset: &Asset,
        amount: u64,
        decimals: Option<u8>,
        label: Option<&str>,
    ) -> String {
        payment(&Payment { network, asset, address: "ADDR", amount: Amount::from(amount), decimals, label })
    }

    #[test]
    fn wallets_of_each_chain_are_spoken_to_in_their_own_form() {
        let token = Asset::Token { contract: "TOKEN".into() };
        assert_eq!(
            uri(&BTC, &Asset::Native, 2_030_000_000, None, Some("Ada & Söhne")),
            "bitcoin:ADDR?amount=20.3&label=Ada%20%26%20S%C3%B6hne"
        );
        assert_eq!(uri(&EVM, &Asset::Native, 2_014, None, Some("x")), "ethereum:ADDR@10?value=2014");
        assert_eq!(uri(&EVM, &token, 5, Some(6), None), "ethereum:TOKEN@10/transfer?address=ADDR&uint256=5");
        assert_eq!(uri(&SOL, &Asset::Native, 1, None, None), "solana:ADDR?amount=0.000000001");
        assert_eq!(
            uri(&SOL, &token, 1_500_000, Some(6), Some("Shop")),
            "solana:ADDR?amount=1.5&spl-token=TOKEN&label=Shop"
        );
        assert_eq!(uri(&SOL, &token, 1, None, None), "solana:ADDR?spl-token=TOKEN");
    }

    #[test]
    fn amounts_are_written_in_full() {
        let text = |amount: &str, decimals| decimal(amount.parse().unwrap(), decimals);
        assert_eq!(text("0", 8), "0");
        assert_eq!(text("1", 8), "0.00000001");
        assert_eq!(text("100000000", 8), "1");
        assert_eq!(text("123456789", 8), "1.23456789");
        assert_eq!(text("7", 0), "7");
        let max = "115792089237316195423570985008687907853269984665640564039457584007913129639935";
        assert_eq!(
            text(max, 18),
            "115792089237316195423570985008687907853269984665640564039457.584007913129639935"
        );
    }
}
