//! The file that adds a device to a person, for `quorate members propose`: governance takes all devices of a person at once,
//! and who writes them by hand forgets one.

use super::ApiError;
use super::extract::Params;
use crate::gateway::Gateway;
use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use quorate_coordination::api::{MembersFile, Problem};
use quorate_intent::governed::MAX_KEYS;
use quorate_intent::{Group, Member, PublicKey};
use serde::Deserialize;
use std::sync::Arc;

/// Whose device.
#[derive(Debug, Deserialize, utoipa::IntoParams)]
#[serde(deny_unknown_fields)]
pub struct Wanted {
    /// The person's name.
    name: String,
    /// The device key, or a passkey's id.
    #[param(value_type = String)]
    key: PublicKey,
    /// Whether they are to ask for transfers with it too.
    #[serde(default)]
    asks: bool,
}

/// A person's devices in force, and one more.
#[utoipa::path(get, path = "/console/api/members-file", tag = "console", params(Wanted),
    responses((status = 200, body = MembersFile), (status = "default", body = Problem)))]
pub async fn show(
    State(gateway): State<Arc<Gateway>>,
    Params(wanted): Params<Wanted>,
) -> Result<Json<MembersFile>, ApiError> {
    let ruling = crate::judging::ruling(&gateway)?;
    let wrong = |field: &str, detail: String| {
        ApiError::new(StatusCode::UNPROCESSABLE_ENTITY, "invalid_field", detail).field(field)
    };
    if wanted.name.is_empty()
        || wanted.name.len() > 64
        || wanted.name.chars().any(quorate_intent::intent::hidden)
    {
        return Err(wrong("name", "must be a name of 1 to 64 characters".into()));
    }
    let known = ruling.directory().people.get(&wanted.name);
    let mut keys: Vec<PublicKey> = known.map(|keys| keys.iter().copied().collect()).unwrap_or_default();
    if !keys.contains(&wanted.key) {
        keys.push(wanted.key);
    }
    if keys.len() > MAX_KEYS {
        return Err(wrong("name", format!("{} has {MAX_KEYS} devices already", wanted.name)));
    }
    let mut text = format!(
        "# {} gets the device {}.\n# Hand it in: quorate members propose members.toml\n\n[people]\n",
        quoted(&wanted.name),
        wanted.key.fingerprint()
    );
    let keys: Vec<String> = keys.iter().map(|key| quoted(&key.to_string())).collect();
    text += &format!("{} = [{}]\n", quoted(&wanted.name), keys.join(", "));
    // The two rules of the genesis count listed keys alone, one of each person.
    if ruling.own().is_none() {
        let version = ruling.document();
        text += &listed("approvers", &version.approvers, &wanted);
        text += &listed("administrators", &version.administrators, &wanted);
    }
    if wanted.asks {
        text += &clients(&ruling.document().clients, &wanted);
    }
    Ok(Json(MembersFile { text }))
}

/// The list of clients with one more; nothing for who is in it already, all of whose devices may ask by passkey.
fn clients(known: &[Member], wanted: &Wanted) -> String {
    if known.iter().any(|client| client.name == wanted.name) {
        return String::new();
    }
    let line = |name: &str, key: &PublicKey| format!("{} = {}\n", quoted(name), quoted(&key.to_string()));
    let all: String = known.iter().map(|client| line(&client.name, &client.key)).collect();
    format!("\n# Who may ask for transfers.\n[clients]\n{all}{}", line(&wanted.name, &wanted.key))
}

/// A list in which the new device takes the place of the person's old one; nothing where they are not in it.
fn listed(heading: &str, group: &Group, wanted: &Wanted) -> String {
    if !group.members.iter().any(|member| member.name == wanted.name) {
        return String::new();
    }
    let line = |member: &Member| {
        let key = if member.name == wanted.name { wanted.key } else { member.key };
        format!("{} = {}\n", quoted(&member.name), quoted(&key.to_string()))
    };
    let lines: String = group.members.iter().map(line).collect();
    format!(
        "\n# Until the cluster has a policy of its own, one key of each person counts here: the new one from now on.\n\
         [{heading}]\nquorum = {}\n[{heading}.members]\n{lines}",
        group.quorum
    )
}

/// A string of TOML: JSON's escapes are among its own.
fn quoted(text: &str) -> String {
    serde_json::Value::from(text).to_string()
}
