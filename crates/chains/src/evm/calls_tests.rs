use super::abi::Method;
use crate::testing::{DEVNET, ETHEREUM, REGTEST, Whole};
use crate::{ChainError, Detail, Payload, Plan, RawSignature, Value, attach, build_body, evm};
use alloy_primitives::keccak256;
use quorate_intent::{Amount, Body, Content, ContractCall, Message, WalletId};

const TOKEN: &str = "0xA0b86991c6218b36c1d19D4a2e9Eb0cE3606eB48";
const SPENDER: &str = "0x5aAeb6053F3E94C9b9A09f33669435E7Ef1BeAed";

fn call(method: &str, arguments: &[&str]) -> ContractCall {
    ContractCall {
        wallet: WalletId([1; 16]),
        account: 0,
        network: ETHEREUM,
        contract: TOKEN.to_owned(),
        method: method.to_owned(),
        arguments: arguments.iter().map(ToString::to_string).collect(),
        value: Amount::default(),
        max_fee: 10_000_000.into(),
        memo: String::new(),
    }
}

fn plan() -> Vec<u8> {
    Plan::Evm(evm::Plan { nonce: 7, gas_limit: 100_000, fee: evm::Fee::Legacy { gas_price: 3.into() } })
        .encode()
}

fn built(call: ContractCall) -> Result<crate::Built, ChainError> {
    build_body(&Whole::ecdsa(5).key(), &Body::Call(call), &plan())
}

/// Call data as the ABI's specification gives it (Solidity documentation, "Contract ABI specification", examples).
#[test]
fn call_data_is_that_of_the_specification() {
    let encode = |method: &str, arguments: &[&str]| {
        let arguments: Vec<String> = arguments.iter().map(ToString::to_string).collect();
        hex::encode(Method::parse(method).unwrap().encode(&arguments).unwrap())
    };
    let word = |n: u64| format!("{n:064x}");
    assert_eq!(encode("baz(uint32,bool)", &["69", "true"]), format!("cdcd77c0{}{}", word(69), word(1)));
    let abc = format!("616263{}", "0".repeat(58));
    let def = format!("646566{}", "0".repeat(58));
    assert_eq!(encode("bar(bytes3[2])", &["[0x616263,0x646566]"]), format!("fce353f6{abc}{def}"));
    let dave = format!("64617665{}", "0".repeat(56));
    assert_eq!(
        encode("sam(bytes,bool,uint256[])", &["0x64617665", "true", "[1,2,3]"]),
        format!(
            "a5643bf2{}{}{}{}{dave}{}{}{}{}",
            word(0x60),
            word(1),
            word(0xa0),
            word(4),
            word(3),
            word(1),
            word(2),
            word(3)
        )
    );
    assert_eq!(encode("stop()", &[]), "07da68f5");
}

#[test]
fn a_call_says_what_it_does_and_every_field_counts() {
    let approve = call("approve(address,uint256)", &[SPENDER, "1000"]);
    let base = built(approve.clone()).unwrap();
    let Some(Detail::Call(detail)) = &base.summary.detail else { panic!() };
    assert_eq!((detail.contract.as_str(), hex::encode(detail.selector)), (TOKEN, "095ea7b3".to_owned()));
    assert_eq!(detail.arguments[0].value, Value::Address(SPENDER.into()));
    assert_eq!(detail.arguments[1].value, Value::Number(1000.into()));
    assert_eq!((base.summary.to.as_str(), base.summary.amount), (TOKEN, Amount::default()));
    let wallet = Whole::ecdsa(5);
    attach(&base, &wallet.key(), &wallet.sign_all(&base)).unwrap();
    for other in [
        ContractCall { contract: SPENDER.into(), ..approve.clone() },
        ContractCall { value: 1.into(), ..approve.clone() },
        ContractCall { account: 1, ..approve.clone() },
        call("approve(address,uint256)", &[SPENDER, "1001"]),
        call("approve(address,uint256)", &[TOKEN, "1000"]),
        call("transfer(address,uint256)", &[SPENDER, "1000"]),
    ] {
        let other = built(other).unwrap();
        // Another account is another key over the same bytes.
        assert_ne!(other.to_sign, base.to_sign);
        assert_ne!(other.form, base.form);
    }
}

#[test]
fn calls_that_say_too_little_or_too_much_are_refused_with_the_reason() {
    let says = |call: ContractCall, text: &str| {
        let error = built(call).unwrap_err().to_string();
        assert!(error.contains(text), "{error}");
    };
    for (method, arguments, text) in [
        ("approve(address,uint)", &[SPENDER, "1"][..], "write it as approve(address,uint256)"),
        ("approve(address, uint256)", &[SPENDER, "1"], "approve"),
        ("approve(address,uint256)", &[SPENDER], "takes 2, found 1"),
        ("approve(address,uint256)", &[SPENDER, "1 ether"], "1 ether"),
        ("approve(address,uint256)", &[SPENDER, "0x10"], "0x10"),
        ("approve(address,uint256)", &[SPENDER, "-1"], "is no uint256"),
        ("approve(address,uint8)", &[SPENDER, "256"], "is no uint8"),
        ("f(uint256[0])", &["[]"], ""),
        ("f(nothing)", &["1"], "nothing"),
        ("(address)", &[SPENDER], "must begin with a name"),
        ("f(uint256[][][][][][][][][][])", &["[]"], "nested deeper"),
        // The decoder makes room for the entries of an empty array's type as well.
        ("f(uint256[1024][1024][1024][])", &["[]"], "more than 4096 words"),
        ("f((uint256[64],uint256[64])[64][])", &["[]"], "more than 4096 words"),
        ("f(uint256[4097])", &["[]"], "fixed arrays"),
        // The four bytes of transfer(address,uint256) and of approve(address,uint256).
        ("join_tg_invmru_haha_fd06787(address,bool)", &[SPENDER, "true"], "the selector of transfer("),
        ("sign_szabo_bytecode(bytes16,uint128)", &["0x00", "1"], "the selector of approve("),
    ] {
        says(call(method, arguments), text);
    }
    let approve = || call("approve(address,uint256)", &[SPENDER, "1"]);
    says(ContractCall { max_fee: 299_999.into(), ..approve() }, "the fee may reach 300000");
    says(ContractCall { contract: "0x00".into(), ..approve() }, "40 hex digits");
    says(ContractCall { network: DEVNET, ..approve() }, "EVM chains alone");
    // A miswritten checksum in an argument, and data with bytes that no argument explains.
    says(call("approve(address,uint256)", &[&SPENDER.replace("aAeb", "AAeb"), "1"]), "argument");
    let method = Method::parse("f(uint256)").unwrap();
    let mut data = method.encode(&["1".into()]).unwrap();
    method.decode(&data).unwrap();
    data.push(0);
    assert!(method.decode(&data).is_err());
    data.pop();
    data[0] ^= 1;
    assert!(method.decode(&data).is_err());
}

fn message(content: Content) -> Body {
    Body::Message(Message {
        wallet: WalletId([1; 16]),
        account: 0,
        network: ETHEREUM,
        content,
        memo: String::new(),
    })
}

fn sign(content: Content) -> Result<crate::Built, ChainError> {
    build_body(&Whole::ecdsa(5).key(), &message(content), &[])
}

fn digest(built: &crate::Built) -> String {
    let Payload::EcdsaDigest(digest) = built.to_sign[0].payload else { panic!() };
    hex::encode(digest)
}

#[test]
fn a_text_is_signed_with_its_prefix_and_recovers() {
    let built = sign(Content::Personal { text: "hello world".into() }).unwrap();
    assert_eq!(built.summary.detail, Some(Detail::Text("hello world".into())));
    let whole = keccak256(b"\x19Ethereum Signed Message:\n11hello world");
    assert_eq!(digest(&built), hex::encode(whole));
    let wallet = Whole::ecdsa(5);
    let signatures = wallet.sign_all(&built);
    let signed = attach(&built, &wallet.key(), &signatures).unwrap();
    assert_eq!(signed.raw.len(), 65);
    assert!(matches!(signed.raw[64], 27 | 28));
    let address = alloy_primitives::Signature::from_raw(&signed.raw).unwrap();
    assert_eq!(address.v(), signed.raw[64] == 28);
    let RawSignature::Ecdsa { mut rs, recovery_id } = signatures[0] else { panic!() };
    rs[40] ^= 1;
    assert!(attach(&built, &wallet.key(), &[RawSignature::Ecdsa { rs, recovery_id }]).is_err());
    assert!(build_body(&wallet.key(), &message(Content::Personal { text: "a".into() }), &plan()).is_err());
    let mut elsewhere = message(Content::Personal { text: "a".into() });
    let Body::Message(m) = &mut elsewhere else { panic!() };
    m.network = REGTEST;
    assert!(matches!(build_body(&wallet.key(), &elsewhere, &[]), Err(ChainError::Network { .. })));
}

/// The example of EIP-712 itself, with the digest that it gives.
fn mail() -> serde_json::Value {
    serde_json::json!({
        "types": {
            "EIP712Domain": [
                { "name": "name", "type": "string" },
                { "name": "version", "type": "string" },
                { "name": "chainId", "type": "uint256" },
                { "name": "verifyingContract", "type": "address" }
            ],
            "Person": [{ "name": "name", "type": "string" }, { "name": "wallet", "type": "address" }],
            "Mail": [
                { "name": "from", "type": "Person" },
                { "name": "to", "type": "Person" },
                { "name": "contents", "type": "string" }
            ]
        },
        "primaryType": "Mail",
        "domain": {
            "name": "Ether Mail",
            "version": "1",
            "chainId": 1,
            "verifyingContract": "0xCcCCccccCCCCcCCCCCCcCcCccCcCCCcCcccccccC"
        },
        "message": {
            "from": { "name": "Cow", "wallet": "0xCD2a3d9F938E13CD947Ec05AbC7FE734Df8DD826" },
            "to": { "name": "Bob", "wallet": "0xbBbBBBBbbBBBbbbBbbBbbbbBBbBbbbbBbBbbBBbB" },
            "contents": "Hello, Bob!"
        }
    })
}

fn typed(document: &serde_json::Value) -> Result<crate::Built, ChainError> {
    sign(Content::Typed { json: document.to_string() })
}

#[test]
fn typed_data_has_the_digest_of_the_standard_and_shows_every_field() {
    let built = typed(&mail()).unwrap();
    assert_eq!(digest(&built), "be609aee343fb3c4b28e1df9e632fca64fcfaede20f02e86244efddf30957bd2");
    let Some(Detail::Typed(detail)) = &built.summary.detail else { panic!() };
    assert_eq!(detail.primary, "Mail");
    assert_eq!(detail.domain.len(), 4);
    let names: Vec<&str> = detail.fields.iter().map(|field| field.name.as_str()).collect();
    assert_eq!(names, ["from", "to", "contents"]);
    assert_eq!(detail.fields[2].value, Value::Text("Hello, Bob!".into()));
    let Value::List(from) = &detail.fields[0].value else { panic!() };
    assert_eq!(from[1].value, Value::Address("0xCD2a3d9F938E13CD947Ec05AbC7FE734Df8DD826".into()));
}

#[test]
fn typed_data_that_hides_or_leaves_open_something_is_refused() {
    type Damage = fn(&mut serde_json::Value);
    let cases: [(Damage, &str); 19] = [
        // A tuple around a struct would be unfolded without an end.
        (|d| d["types"]["Person"][0]["type"] = "(Person)".into(), "has the type \"(Person)\""),
        (|d| d["types"]["Person"][0]["type"] = "tuple(Mail,Mail)[]".into(), "has the type"),
        (|d| d["types"]["Person"][0]["type"] = "uint".into(), "in full (uint256, not uint)"),
        (|d| d["types"]["Person"][0]["type"] = "string[-1]".into(), "has the type"),
        (|d| d["types"]["Person"][0]["type"] = "string[1".into(), "has the type"),
        (|d| d["types"]["uint256"] = d["types"]["Person"].clone(), "is a type already"),
        (|d| d["domain"]["chainId"] = 5.into(), "chainId must be 1"),
        (
            |d| drop(d["domain"].as_object_mut().unwrap().remove("chainId")),
            "EIP712Domain must declare exactly",
        ),
        (|d| d["domain"]["owner"] = "me".into(), "no field of EIP-712"),
        (|d| d["message"]["more"] = "x".into(), "would not be signed"),
        (|d| d["message"]["to"]["more"] = "x".into(), "would not be signed"),
        (|d| drop(d["message"].as_object_mut().unwrap().remove("to")), "message"),
        (|d| d["message"]["contents"] = "\u{202e}Hello".into(), "invisible"),
        (|d| d["domain"]["name"] = "\u{202e}Mail".into(), "invisible"),
        (|d| d["primaryType"] = "EIP712Domain".into(), "primaryType"),
        (|d| d["primaryType"] = "Nothing".into(), "primaryType"),
        (|d| d["types"]["Person"][0]["name"] = "na me".into(), "is no name"),
        (|d| d["types"]["Person"][0]["type"] = "Mail".into(), "nested deeper"),
        (
            |d| d["domain"]["verifyingContract"] = "0x0000000000000000000000000000000000000000".into(),
            "zero address",
        ),
    ];
    for (damage, text) in cases {
        let mut document = mail();
        damage(&mut document);
        let error = typed(&document).unwrap_err().to_string();
        assert!(error.contains(text), "{text}: {error}");
    }
    assert!(sign(Content::Typed { json: "ab".repeat(32) }).is_err(), "a bare hash is no document");
}

/// A few lines of types that unfold to 2^40 fields are refused before they are unfolded.
#[test]
fn types_that_unfold_without_bound_are_refused_at_once() {
    let mut document = mail();
    for level in 0..40 {
        let next = format!("T{}", level + 1);
        document["types"][format!("T{level}")] =
            serde_json::json!([{ "name": "a", "type": next }, { "name": "b", "type": next }]);
    }
    document["types"]["T40"] = serde_json::json!([{ "name": "x", "type": "uint256" }]);
    document["primaryType"] = "T0".into();
    assert!(typed(&document).unwrap_err().to_string().contains("types:"));
}
