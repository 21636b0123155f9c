//! `address`: a wallet's own addresses, and deposit addresses that nodes vouch for.

use super::api::Caller;
use super::partials::write_new;
use crate::cli::{AddressArgs, AddressCommand, AddressLine, CheckAddressArgs};
use crate::exit::Refused;
use crate::{files, keyfile, output};
use anyhow::{Context, Result, anyhow, bail};
use quorate_client::api::{DepositAddress, NewDepositAddress};
use quorate_client::{AddressFilter, Client};
use quorate_coordination::{AddressFile, check_attested};
use quorate_intent::PublicKey;
use quorate_session::statement_digest;
use std::path::Path;

/// Runs `address`.
pub async fn run(line: AddressLine, json: bool) -> Result<()> {
    match (line.command, line.own) {
        (None, Some(args)) => own(args, json).await,
        (None, None) => bail!("name a wallet, or one of new, list, show, check"),
        (Some(AddressCommand::Check(args)), _) => check(args, json).await,
        (Some(AddressCommand::List { wallet, customer, address, api }), _) => {
            let caller = Caller::new(&api).await?;
            let filter = AddressFilter { wallet, customer, address, cursor: None };
            let page = caller.client.deposit_addresses(&filter).await?;
            output::result(json, &page, || {
                let row = |a: &DepositAddress| {
                    let text = |text: &Option<String>| text.clone().unwrap_or_default();
                    vec![
                        a.id.clone(),
                        a.network.to_string(),
                        a.address.clone(),
                        text(&a.label),
                        text(&a.customer),
                    ]
                };
                let heading = ["id", "network", "address", "label", "customer"];
                output::table(&heading, page.items.iter().map(row))
            })
        }
        (Some(AddressCommand::Show { id, api }), _) => {
            let caller = Caller::new(&api).await?;
            let address = caller.client.deposit_address(&id).await?;
            let (certificate, keys) = caller.wallet(&address.wallet).await?;
            let cluster = caller.chain.genesis().hash();
            let nodes = check_attested(&cluster, &certificate.record, &keys, &address);
            let nodes = nodes.map_err(|error| Refused(error.to_string()))?;
            let names = names(&caller, &nodes);
            output::result(json, &address, || describe(&address, &names))
        }
        (Some(AddressCommand::New { wallet, network, account, label, customer, out, api }), _) => {
            let caller = Caller::new(&api).await?;
            let (certificate, keys) = caller.wallet(&wallet).await?;
            let new = NewDepositAddress { network: network.network, account, label, customer };
            let cluster = caller.chain.genesis().hash();
            let whose = (&certificate.record, &keys);
            let address = caller.client.checked_deposit_address(&cluster, whose, &new, None).await?;
            if let Some(out) = out {
                let file = AddressFile::new(address.clone(), &certificate, &caller.chain);
                write_new(&out, serde_json::to_string(&file)?.as_bytes())?;
            }
            let nodes = check_attested(&cluster, &certificate.record, &keys, &address)?;
            let names = names(&caller, &nodes);
            output::result(json, &address, || describe(&address, &names))
        }
    }
}

fn names(caller: &Caller, nodes: &[PublicKey]) -> Vec<String> {
    let name = |key: &PublicKey| caller.chain.party_ever(key).map(|party| party.name.clone());
    nodes.iter().map(|key| name(key).unwrap_or_else(|| key.to_string())).collect()
}

fn describe(address: &DepositAddress, nodes: &[String]) -> String {
    let mut lines = vec![
        address.address.clone(),
        format!("id        {}", address.id),
        format!("wallet    {} on {}", address.wallet, address.network),
        format!("attested  by {}", nodes.join(", ")),
    ];
    let texts = [("label", &address.label), ("customer", &address.customer)];
    lines.extend(texts.iter().filter_map(|(name, text)| Some(format!("{name:<8}  {}", text.as_ref()?))));
    lines.join("\n")
}

/// Checks a file, or what the gateway has for an id, by the genesis.
async fn check(args: CheckAddressArgs, json: bool) -> Result<()> {
    let genesis = files::read_genesis(&args.genesis)?;
    let path = Path::new(&args.file_or_id);
    let file: AddressFile = if path.exists() {
        let value: serde_json::Value = files::read_json(path)?;
        if value.get("certificate").is_some() {
            serde_json::from_value(value).with_context(|| path.display().to_string())?
        } else {
            // What a payment page gives out: the wallet's certificate comes from who made the address.
            let address: DepositAddress =
                serde_json::from_value(value).with_context(|| path.display().to_string())?;
            let key = args.key.ok_or_else(|| {
                anyhow!("--key: the file has no certificate of the wallet; it is fetched with a device key")
            })?;
            let key = keyfile::read(&key, args.key_passphrase_file.as_deref())?;
            let file = Client::new(&args.api, key)?.address_file(&address.id).await?;
            AddressFile { address, ..file }
        }
    } else if args.file_or_id.starts_with("adr_") {
        let key = args.key.ok_or_else(|| anyhow!("--key: an id is fetched with a device key"))?;
        let key = keyfile::read(&key, args.key_passphrase_file.as_deref())?;
        Client::new(&args.api, key)?.address_file(&args.file_or_id).await?
    } else {
        bail!("{}: there is no such file, and it is no id (adr_…)", args.file_or_id)
    };
    if let Some(wallet) = args.wallet.filter(|wallet| *wallet != file.address.wallet) {
        let problem =
            format!("DO NOT PAY: the address is of wallet {}, not of {wallet}", file.address.wallet);
        return Err(Refused(problem).into());
    }
    let nodes = file.check(&genesis, statement_digest).map_err(|error| Refused(error.to_string()))?;
    let told = serde_json::json!({ "address": file.address.address, "network": file.address.network,
        "wallet": file.address.wallet, "attested_by": nodes });
    output::result(json, &told, || {
        format!("{}\n\ngenuine: derived here from the wallet's certificate", describe(&file.address, &nodes))
    })
    .context("output")
}

/// Runs `address`: derived here from the certificate; the gateway's own answer must be the same.
async fn own(args: AddressArgs, json: bool) -> Result<()> {
    let caller = Caller::new(&args.api).await?;
    let (_, keys) = caller.wallet(&args.wallet).await?;
    let path = [args.account, 0, args.index];
    let network = args.network.network;
    let own = quorate_chains::address(&keys.wallet_key(), &network, &path)?;
    let told = caller.client.address(&args.wallet, &network, args.account, args.index).await?;
    if told != own {
        let problem =
            format!("the gateway shows {told}, but the wallet's certificate gives {own}; do not use it");
        return Err(Refused(problem).into());
    }
    output::result(json, &serde_json::json!({ "address": own, "path": path }), || own.clone())
}
