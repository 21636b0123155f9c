//! What each command does.

mod addresses;
mod api;
mod approvals;
mod audit;
mod backup;
mod bench;
mod calls;
mod certificates;
mod cluster;
mod console;
mod demo;
mod dev;
mod disputes;
mod drill;
mod genesis;
mod governance;
mod governed;
mod init;
mod intents;
mod keys;
mod networks;
mod orders;
mod partials;
mod payments;
mod policy;
mod services;
mod unlock;
mod verify;
mod wallets;

use crate::cli::{Cli, Command};
use anyhow::Result;
use clap::CommandFactory;

/// Runs a command.
pub async fn run(cli: Cli) -> Result<()> {
    let json = cli.json;
    match cli.command {
        Command::Demo(args) => demo::run(args, json).await,
        Command::Dev(line) => dev::run(line, json).await,
        Command::Bench(args) => bench::run(args, json).await,
        Command::Init(args) => init::run(args, json).await,
        Command::Key(command) => keys::run(command, json),
        Command::Genesis(command) => genesis::run(command, json).await,
        Command::Governance(command) => governance::run(command, json).await,
        Command::Policy(command) => policy::run(command, json).await,
        Command::Members(command) => governed::run_members(command, json).await,
        Command::AddressBook(command) => governed::run_book(command, json).await,
        Command::Assets(command) => governed::run_assets(command, json).await,
        Command::Freeze(args) => governed::freeze(args, json).await,
        Command::Thaw(args) => governed::thaw(args, json).await,
        Command::Confirm(command) => governed::confirm(command, json).await,
        Command::Node(args) => services::node(args).await,
        Command::Backup(args) => backup::backup(args, json).await,
        Command::Restore(args) => backup::restore(args, json).await,
        Command::Drill(command) => drill::run(command, json).await,
        Command::Gateway(args) => services::gateway(args).await,
        Command::Wallet(command) => wallets::run(command, json).await,
        Command::Console(args) => console::run(args, json).await,
        Command::Address(line) => addresses::run(line, json).await,
        Command::Invoice(command) => payments::invoice(command, json).await,
        Command::Sweep(args) => payments::sweep(args, json).await,
        Command::Webhook(command) => payments::webhook(command, json).await,
        Command::Events(args) => payments::events(args, json).await,
        Command::Fund(args) => wallets::fund(args, json).await,
        Command::Transfer(args) => intents::transfer(args, json).await,
        Command::Plan(args) => intents::plan(args, json).await,
        Command::ContractCall(args) => calls::call(args, json).await,
        Command::SignMessage(args) => calls::message(args, json).await,
        Command::Inbox(args) => approvals::inbox(args, json).await,
        Command::Show(args) => approvals::show(args, json).await,
        Command::Approve(args) => approvals::approve(args, json).await,
        Command::Reject(args) => approvals::reject(args, json).await,
        Command::Intent(args) => intents::show(args, json).await,
        Command::SigningCall(args) => partials::signing_call(args, json).await,
        Command::Sign(args) => partials::sign(args, json).await,
        Command::Combine(args) => partials::combine(&args, json),
        Command::Submit(args) => partials::submit(args, json).await,
        Command::Networks(args) => networks::networks(args, json).await,
        Command::Balances(args) => networks::balances(args, json).await,
        Command::Deposits(args) => networks::deposits(args, json).await,
        Command::Bump(args) => networks::bump(args, json).await,
        Command::Disputes(args) => disputes::list(args, json).await,
        Command::Blame(args) => disputes::blame(&args, json),
        Command::Certificate(args) => certificates::fetch(args, json).await,
        Command::Verify(args) => certificates::check(&args, json),
        Command::Audit(command) => audit::run(command, json).await,
        Command::VerifySignature(args) => verify::run(&args, json),
        Command::Completions { shell } => {
            clap_complete::generate(shell, &mut Cli::command(), "quorate", &mut std::io::stdout());
            Ok(())
        }
    }
}
