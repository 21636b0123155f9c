//! Published vectors: BIP84 and BIP86 addresses, BIP143 and BIP341 digests, destinations of every type.

use crate::bitcoin::build::digest;
use crate::testing::{ETHEREUM, MAINNET, REGTEST, Whole};
use crate::{
    ChainError, Payload, ToSign, WalletKey, address, check_destination, public_key, verify_signature,
};
use ::bitcoin::sighash::SighashCache;
use ::bitcoin::{Amount, ScriptBuf, Transaction, TxOut, base58, consensus};
use quorate_intent::{BitcoinNetwork, Network};
use quorate_protocols::derive::ExtendedKey;
use quorate_sharing::{Curve, Secp256k1};

/// The key of an extended public key in base58.
fn xpub(text: &str) -> ExtendedKey<Secp256k1> {
    let bytes = base58::decode_check(text).unwrap();
    ExtendedKey {
        key: Secp256k1::decode_point(&bytes[45..]).unwrap(),
        chain_code: bytes[13..45].try_into().unwrap(),
    }
}

fn bytes<const N: usize>(hex: &str) -> [u8; N] {
    hex::decode(hex).unwrap().try_into().unwrap()
}

#[test]
fn bip84_and_bip86_addresses() {
    let bip84 = WalletKey::Ecdsa(xpub(
        "zpub6rFR7y4Q2AijBEqTUquhVz398htDFrtymD9xYYfG1m4wAcvPhXNfE3EfH1r1ADqtfSdVCToUG868RvUUkgDKf31mGDtKsAYz2oz2AGutZYs",
    ));
    let at = |key: &WalletKey, path: &[u32]| address(key, &MAINNET, path).unwrap();
    assert_eq!(at(&bip84, &[0, 0]), "bc1qcr8te4kr609gcawutmrza0j4xv80jy8z306fyu");
    assert_eq!(at(&bip84, &[0, 1]), "bc1qnjg0jd8228aq7egyzacy8cys3knf9xvrerkf9g");
    assert_eq!(at(&bip84, &[1, 0]), "bc1q8c6fshw2dlwun7ekn9qwf37cu2rn755upcp6el");
    let bip86 = WalletKey::Bip340(xpub(
        "xpub6BgBgsespWvERF3LHQu6CnqdvfEvtMcQjYrcRzx53QJjSxarj2afYWcLteoGVky7D3UKDP9QyrLprQ3VCECoY49yfdDEHGCtMMj92pReUsQ",
    ));
    assert_eq!(at(&bip86, &[0, 0]), "bc1p5cyxnuxmeuwuvkwfem96lqzszd02n6xdcjrs20cac6yqjjwudpxqkedrcr");
    assert_eq!(at(&bip86, &[0, 1]), "bc1p4qhjn9zdvkux4e44uhx8tc55attvtyu358kutcqkudyccelu0was9fqzwh");
    assert_eq!(at(&bip86, &[1, 0]), "bc1p3qkhfews2uk44qtvauqyr2ttdsw7svhkl9nkm9s9c3x4ax5h60wqwruhk7");
}

/// BIP341, wallet test vectors, scriptPubKey 0: no script tree.
#[test]
fn bip341_output_key() {
    let internal = "02d6889cb081036e0faefa3a35157ad71086b123b2b144b649798b494c300a961d";
    let key = Secp256k1::decode_point(&hex::decode(internal).unwrap()).unwrap();
    // The same x with odd y gives the same output: x-only normalisation comes before the tweak.
    for key in [key, -key] {
        let key = WalletKey::Bip340(ExtendedKey { key, chain_code: [0; 32] });
        let entry = ToSign { path: vec![], payload: Payload::TaprootKeySpend([0; 32]) };
        assert_eq!(
            hex::encode(public_key(&key, &entry).unwrap()),
            "53a1f6e454df1aa2776a2814a721372d6258050de330b3c6d10ee8f4e0dda343"
        );
        assert_eq!(
            address(&key, &MAINNET, &[]).unwrap(),
            "bc1p2wsldez5mud2yam29q22wgfh9439spgduvct83k3pm50fcxa5dps59h4z5"
        );
    }
}

/// BIP143, "Native P2WPKH": the second input.
#[test]
fn bip143_digest() {
    let tx: Transaction = consensus::deserialize(
        &hex::decode(
            "0100000002fff7f7881a8099afa6940d42d1e7f6362bec38171ea3edf433541db4e4ad969f0000000000eeffffffef51e1b804\
             cc89d182d279655c3aa89e815b1b309fe287d9b2b55d57b90ec68a0100000000ffffffff02202cb206000000001976a9148280\
             b37df378db99f66f85c95a783a76ac7a6d5988ac9093510d000000001976a9143bde42dbee7e4dbe6a21b2d50ce2f0167faa81\
             5988ac11000000",
        )
        .unwrap(),
    )
    .unwrap();
    let script_pubkey = ScriptBuf::from_hex("00141d0f172a0ecb48aee1be1f2687d2963ae33f71a1").unwrap();
    let spent = vec![TxOut { value: Amount::from_sat(600_000_000), script_pubkey }; 2];
    let payload = digest(&mut SighashCache::new(&tx), false, &spent, 1).unwrap();
    let expected = bytes("c37af31116d1b27caf68aae9e3ac82f1477929014d5b917657d0eb49478cb670");
    assert_eq!(payload, Payload::EcdsaDigest(expected));
}

/// BIP341, wallet test vectors, keyPathSpending, input 4 (SIGHASH_DEFAULT), with its published signature.
#[test]
fn bip341_digest() {
    let tx: Transaction = consensus::deserialize(
        &hex::decode(
            "02000000097de20cbff686da83a54981d2b9bab3586f4ca7e48f57f5b55963115f3b334e9c010000000000000000d7b7cab57b\
             1393ace2d064f4d4a2cb8af6def61273e127517d44759b6dafdd990000000000fffffffff8e1f583384333689228c5d28eac13\
             366be082dc57441760d957275419a418420000000000fffffffff0689180aa63b30cb162a73c6d2a38b7eeda2a83ece74310fd\
             a0843ad604853b0100000000feffffffaa5202bdf6d8ccd2ee0f0202afbbb7461d9264a25e5bfd3c5a52ee1239e0ba6c000000\
             0000feffffff956149bdc66faa968eb2be2d2faa29718acbfe3941215893a2a3446d32acd050000000000000000000e664b977\
             3b88c09c32cb70a2a3e4da0ced63b7ba3b22f848531bbb1d5d5f4c94010000000000000000e9aa6b8e6c9de67619e6a3924ae2\
             5696bb7b694bb677a632a74ef7eadfd4eabf0000000000ffffffffa778eb6a263dc090464cd125c466b5a99667720b1c110468\
             831d058aa1b82af10100000000ffffffff0200ca9a3b000000001976a91406afd46bcdfd22ef94ac122aa11f241244a37ecc88\
             ac807840cb0000000020ac9a87f5594be208f8532db38cff670c450ed2fea8fcdefcc9a663f78bab962b0065cd1d",
        )
        .unwrap(),
    )
    .unwrap();
    let spent: Vec<TxOut> = [
        ("512053a1f6e454df1aa2776a2814a721372d6258050de330b3c6d10ee8f4e0dda343", 420_000_000),
        ("5120147c9c57132f6e7ecddba9800bb0c4449251c92a1e60371ee77557b6620f3ea3", 462_000_000),
        ("76a914751e76e8199196d454941c45d1b3a323f1433bd688ac", 294_000_000),
        ("5120e4d810fd50586274face62b8a807eb9719cef49c04177cc6b76a9a4251d5450e", 504_000_000),
        ("512091b64d5324723a985170e4dc5a0f84c041804f2cd12660fa5dec09fc21783605", 630_000_000),
        ("00147dd65592d0ab2fe0d0257d571abf032cd9db93dc", 378_000_000),
        ("512075169f4001aa68f15bbed28b218df1d0a62cbbcf1188c6665110c293c907b831", 672_000_000),
        ("5120712447206d7a5238acc7ff53fbe94a3b64539ad291c7cdbc490b7577e4b17df5", 546_000_000),
        ("512077e30a5522dd9f894c3f8b8bd4c4b2cf82ca7da8a3ea6a239655c39c050ab220", 588_000_000),
    ]
    .into_iter()
    .map(|(script, value)| TxOut {
        value: Amount::from_sat(value),
        script_pubkey: ScriptBuf::from_hex(script).unwrap(),
    })
    .collect();
    let payload = digest(&mut SighashCache::new(&tx), true, &spent, 4).unwrap();
    let expected = bytes("4f900a0bae3f1446fd48490c2958b5a023228f01661cda3496a11da502a7f7ef");
    assert_eq!(payload, Payload::TaprootKeySpend(expected));
    let signature = crate::RawSignature::Schnorr(bytes(
        "b4010dd48a617db09926f729e79c33ae0b4e94b79f04a1ae93ede6315eb3669de185a17d2b0ac9ee09fd4c64b678a0b61a0a86fa888a27\
         3c8511be83bfd6810f",
    ));
    verify_signature(&spent[4].script_pubkey.as_bytes()[2..], &payload, &signature).unwrap();
    assert!(verify_signature(&spent[3].script_pubkey.as_bytes()[2..], &payload, &signature).is_err());
}

#[test]
fn destinations() {
    // BIP173, BIP350, and the genesis block's address.
    for good in [
        "bc1qw508d6qejxtdg4y5r3zarvary0c5xw7kv8f3t4",
        "BC1QW508D6QEJXTDG4Y5R3ZARVARY0C5XW7KV8F3T4",
        "bc1qrp33g0q5c5txsp9arysrx4k6zdkfs4nce4xj0gdcccefvpysxf3qccfmv3",
        "bc1p0xlxvlhemja6c4dqv22uapctqupfhlxm9h8z3k2e72q4k9hcz7vqzk5jj0",
        "1A1zP1eP5QGefi2DMPTfTL5SLmv7DivfNa",
        "3P14159f73E4gFr7JterCCQh9QjiTjiZrG",
    ] {
        check_destination(&MAINNET, good).unwrap();
        assert!(matches!(check_destination(&REGTEST, good), Err(ChainError::Address { .. })), "{good}");
        assert!(check_destination(&ETHEREUM, good).is_err());
    }
    for bad in [
        "",
        "bc1qw508d6qejxtdg4y5r3zarvary0c5xw7kv8f3t5",   // checksum
        "bc1qW508d6qejxtdg4y5r3zarvary0c5xw7kv8f3t4",   // mixed case
        "1A1zP1eP5QGefi2DMPTfTL5SLmv7DivfNb",           // checksum
        "tb1qw508d6qejxtdg4y5r3zarvary0c5xw7kxpjzsx",   // testnet
        "bcrt1qw508d6qejxtdg4y5r3zarvary0c5xw7kygt080", // regtest
        "mipcBbFg9gMiCh81Kj8tqqdgoZub1ZJRfn",           // testnet
        "bc1zw508d6qejxtdg4y5r3zarvaryvaxxpcs",         // version 2: no rules yet
        "bc1sw50qgdz25j",                               // version 16
        "bc1p0xlxvlhemja6c4dqv22uapctqupfhlxm9h8z3k2e72q4k9hcz7vqh2y7hd", // bech32, must be bech32m
        "0x7E5F4552091A69125d5DfCb7b8C2659029395Bdf",
    ] {
        assert!(matches!(check_destination(&MAINNET, bad), Err(ChainError::Address { .. })), "{bad}");
    }
}

#[test]
fn suites_and_networks_must_fit() {
    let solana = Whole::ed25519(5).key();
    assert!(matches!(address(&solana, &MAINNET, &[0, 0, 0]), Err(ChainError::Suite { .. })));
    assert!(matches!(address(&Whole::bip340(5).key(), &ETHEREUM, &[0, 0, 0]), Err(ChainError::Suite { .. })));
    assert!(matches!(address(&Whole::ecdsa(5).key(), &MAINNET, &[1 << 31]), Err(ChainError::Derive(_))));
    let signet = Network::Bitcoin { network: BitcoinNetwork::Signet };
    let key = Whole::ecdsa(5).key();
    assert!(address(&key, &signet, &[0, 0, 0]).unwrap().starts_with("tb1q"));
    assert!(address(&key, &REGTEST, &[0, 0, 0]).unwrap().starts_with("bcrt1q"));
}
