//! What the server asks of a simulated chain.

use serde_json::Value;

/// Refusals carry the code that the chain's own nodes would give, as far as clients look at it.
#[derive(Debug, PartialEq, Eq)]
pub struct Refusal {
    /// JSON-RPC's or the node's own.
    pub code: i64,
    /// Why.
    pub message: String,
}

/// A parameter is missing or makes no sense.
const INVALID: i64 = -32602;
/// There is no such method here.
const UNKNOWN: i64 = -32601;

/// What a call gives.
pub type Answer = Result<Value, Refusal>;

impl Refusal {
    /// With a code of the chain's own.
    pub fn new(code: i64, message: impl Into<String>) -> Self {
        Self { code, message: message.into() }
    }

    /// Wrong parameters.
    pub fn invalid(problem: impl Into<String>) -> Self {
        Self::new(INVALID, problem)
    }

    /// A method that is not simulated.
    pub fn unknown(method: &str) -> Self {
        let method: String = method.chars().take(40).collect();
        Self::new(UNKNOWN, format!("the simulated chain does not know the method {method:?}"))
    }
}

/// One chain.
pub trait Chain: Send {
    /// A call of its node's interface.
    fn call(&mut self, method: &str, params: &[Value]) -> Answer;

    /// Pays out of the faucet, by a transaction like any other; gives its id.
    fn faucet(&mut self, address: &str, amount: u128) -> Result<String, Refusal>;

    /// Takes a signed transaction into the pool, after all checks; gives its id.
    fn submit(&mut self, raw: &[u8]) -> Result<String, Refusal>;

    /// Whether something waits for a block.
    fn waiting(&self) -> bool;

    /// Makes a block of what waits; gives its raw transactions. `time` is Unix seconds.
    fn mine(&mut self, time: u64) -> Vec<Vec<u8>>;
}

/// A text parameter.
pub fn text(params: &[Value], at: usize) -> Result<&str, Refusal> {
    let found = params.get(at).and_then(Value::as_str);
    found.ok_or_else(|| Refusal::invalid(format!("parameter {at} must be text")))
}

/// A whole number parameter.
pub fn number(params: &[Value], at: usize) -> Result<u64, Refusal> {
    let found = params.get(at).and_then(Value::as_u64);
    found.ok_or_else(|| Refusal::invalid(format!("parameter {at} must be a whole number")))
}
