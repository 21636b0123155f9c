//! A few methods of Solana's JSON-RPC over HTTP: enough for a watcher of blocks, a shim and no node.

use crate::{Bank, Request, What, send};
use serde_json::{Value, json};
use solana_address::Address;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::mpsc::{Sender, channel};

/// Largest request, in bytes.
const MAX_REQUEST: usize = 1 << 20;

/// Listens on loopback.
pub fn listen(port: u16, sender: Sender<Request>) -> std::io::Result<()> {
    let listener = TcpListener::bind(("127.0.0.1", port))?;
    std::thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            let sender = sender.clone();
            // A caller that breaks off is no fault of ours.
            std::thread::spawn(move || serve(stream, &sender).ok());
        }
    });
    Ok(())
}

/// One request a connection.
fn serve(stream: TcpStream, sender: &Sender<Request>) -> std::io::Result<()> {
    let mut reader = BufReader::new(stream);
    let mut length = 0;
    loop {
        let mut line = String::new();
        reader.read_line(&mut line)?;
        if line.trim().is_empty() {
            break;
        }
        if let Some((name, value)) = line.split_once(':')
            && name.eq_ignore_ascii_case("content-length")
        {
            length = value.trim().parse().unwrap_or(0);
        }
    }
    let mut body = vec![0; length.min(MAX_REQUEST)];
    reader.read_exact(&mut body)?;
    let call: Value = serde_json::from_slice(&body).unwrap_or_default();
    let (answer, told) = channel();
    let _ = sender.send(Request { what: What::Rpc(call), answer });
    let answer = told.recv().unwrap_or_default().to_string();
    let head = format!(
        "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: {}\r\nconnection: close\r\n\r\n",
        answer.len()
    );
    reader.get_mut().write_all(format!("{head}{answer}").as_bytes())
}

/// One call.
pub fn answer(bank: &mut Bank, call: &Value) -> Value {
    let (id, method) = (&call["id"], call["method"].as_str().unwrap_or_default());
    match result(bank, method, &call["params"]) {
        Ok(result) => json!({ "jsonrpc": "2.0", "id": id, "result": result }),
        Err((code, message)) => {
            json!({ "jsonrpc": "2.0", "id": id, "error": { "code": code, "message": message } })
        }
    }
}

fn result(bank: &mut Bank, method: &str, params: &Value) -> Result<Value, (i64, String)> {
    let last = bank.blocks.len() as u64 - 1;
    let wrong = |problem: String| (-32602, problem);
    let with_slot = |value: Value| json!({ "context": { "slot": last }, "value": value });
    match method {
        "getSlot" => Ok(json!(last)),
        "getBlocks" => {
            let (from, to) = (params[0].as_u64().unwrap_or(0), params[1].as_u64().unwrap_or(last));
            Ok(json!((from..=to.min(last)).collect::<Vec<_>>()))
        }
        "getBlock" => {
            let slot = params[0].as_u64().unwrap_or(u64::MAX);
            let at = usize::try_from(slot).unwrap_or(usize::MAX);
            let block = bank.blocks.get(at).ok_or((-32004, format!("Block not available for slot {slot}")))?;
            let previous = bank.blocks.get(at.wrapping_sub(1)).map_or("none", |block| block.hash.as_str());
            Ok(json!({ "blockhash": block.hash, "previousBlockhash": previous, "parentSlot": slot.saturating_sub(1),
                "blockTime": 1_700_000_000, "transactions": block.transactions }))
        }
        "getLatestBlockhash" => {
            Ok(with_slot(json!({ "blockhash": bank.vm.latest_blockhash().to_string(), "lastValidBlockHeight": last + 150 })))
        }
        "isBlockhashValid" => Ok(with_slot(json!(params[0] == bank.vm.latest_blockhash().to_string()))),
        "getBalance" => {
            let address: Address =
                params[0].as_str().unwrap_or_default().parse().map_err(|_| wrong("no address".into()))?;
            Ok(with_slot(json!(bank.vm.get_balance(&address).unwrap_or(0))))
        }
        "sendTransaction" => {
            let bytes = base64(params[0].as_str().unwrap_or_default()).ok_or_else(|| wrong("no base64".into()))?;
            send(bank, &bytes).map(|done| done["id"].clone()).map_err(|problem| (-32002, problem))
        }
        _ => Err((-32601, format!("this shim has no method {method}"))),
    }
}

/// Decodes base64 with its padding.
fn base64(text: &str) -> Option<Vec<u8>> {
    const DIGITS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let (mut bytes, mut bits, mut count) = (Vec::new(), 0u32, 0);
    for digit in text.trim_end_matches('=').bytes() {
        let value = DIGITS.iter().position(|known| *known == digit)?;
        bits = bits << 6 | u32::try_from(value).ok()?;
        count += 6;
        if count >= 8 {
            count -= 8;
            bytes.push(u8::try_from(bits >> count & 0xff).ok()?);
        }
    }
    Some(bytes)
}
