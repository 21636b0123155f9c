//! What a policy means: the tools of the room `policy` for people who look at a page.

use super::ApiError;
use super::extract::Params;
use crate::gateway::Gateway;
use crate::intents::unknown;
use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use quorate_coordination::api::{
    ClassChangeView, ClassView, PathView, PolicyAnalysis, PolicyDifference, Problem,
};
use quorate_intent::{Amount, Body, Change, IntentError, IntentId};
use quorate_policy::analysis::{self, Amounts, Class, Effect, Path};
use quorate_policy::{Directory, Policy, Prices, Ruling};
use serde::Deserialize;
use std::sync::Arc;
use tokio::sync::Semaphore;

/// Most classes, and most sets of people of one, that are shown.
const MOST: usize = 400;
/// Most classes that are looked at.
const MOST_CLASSES: usize = 20_000;
/// Whose turn it is.
static ONE: Semaphore = Semaphore::const_new(1);

/// Which change to look at.
#[derive(Debug, Deserialize, utoipa::IntoParams)]
#[serde(deny_unknown_fields)]
pub struct Wanted {
    /// An intent that proposes a policy: the difference that it makes is told as well.
    #[param(value_type = Option<String>)]
    intent: Option<IntentId>,
}

/// The policy in force: as a file, who can spend by it, what is to be said against it; and what a proposed one changes. By
/// this gateway's word; `quorate policy who-can-spend` reckons by itself.
#[utoipa::path(get, path = "/v1/policies/analysis", tag = "governance", params(Wanted), security(("device_key" = [])),
    responses((status = 200, body = PolicyAnalysis), (status = "default", body = Problem)))]
pub async fn show(
    State(gateway): State<Arc<Gateway>>,
    Params(wanted): Params<Wanted>,
) -> Result<Json<PolicyAnalysis>, ApiError> {
    let proposed = match wanted.intent {
        Some(id) => Some(proposed(&gateway, &id).await?),
        None => None,
    };
    let ruling = crate::judging::ruling(&gateway)?;
    let policies: Vec<&Policy> = proposed.iter().chain([ruling.policy()]).collect();
    let count = analysis::class_count(&policies, ruling.directory());
    if count > MOST_CLASSES {
        let detail = format!(
            "the policy tells {count} classes of transfers apart, more than the {MOST_CLASSES} that are looked at here; run quorate policy who-can-spend"
        );
        return Err(ApiError::new(StatusCode::UNPROCESSABLE_ENTITY, "too_many_classes", detail));
    }
    // The work goes on when who asked goes away, so it is done one at a time.
    let turn = ONE.acquire().await.map_err(ApiError::internal)?;
    let made = tokio::task::spawn_blocking(move || {
        let _turn = turn;
        analyse(&ruling, proposed.as_ref())
    });
    Ok(Json(made.await.map_err(ApiError::internal)?))
}

async fn proposed(gateway: &Gateway, id: &IntentId) -> Result<Policy, ApiError> {
    let row = gateway.store.intent(id).await?.ok_or_else(|| unknown(id))?;
    let Body::Governance(Change::Policy { policy }) = &row.signed.intent.body else {
        return Err(IntentError::field("intent", "it proposes no policy").into());
    };
    Policy::decode(&policy.0).map_err(|error| IntentError::field("policy", error.to_string()).into())
}

fn analyse(ruling: &Ruling, proposed: Option<&Policy>) -> PolicyAnalysis {
    let (policy, directory) = (ruling.policy(), ruling.directory());
    let report = analysis::who_can_spend(policy, directory, None);
    let classes = report.by_policy.iter().take(MOST);
    let who_can_spend = classes
        .map(|entry| ClassView { class: words(&entry.class, directory), paths: paths(&entry.paths) })
        .collect();
    PolicyAnalysis {
        own: ruling.own().is_some(),
        text: quorate_policy::file::write(policy),
        who_can_spend,
        findings: findings(policy, ruling),
        difference: proposed.map(|proposed| difference(ruling, proposed)),
    }
}

/// A class in words, its amounts with their decimal points.
fn words(class: &Class, directory: &Directory) -> String {
    let wallet = class.wallet.as_deref().unwrap_or("any other wallet");
    let Class { asset, to, amounts: Amounts(from, up), .. } = class;
    let decimals = directory.assets.get(asset).map_or(0, |entry| entry.decimals);
    let show = |amount: &Amount| quorate_view::human(*amount, decimals);
    let all = *from <= Amount::from(1u64);
    let sum = match up {
        Some(up) if all => format!("up to {} {asset}", show(up)),
        Some(up) => format!("{} to {} {asset}", show(from), show(up)),
        None if all => format!("any amount of {asset}"),
        None => format!("{} {asset} or more", show(from)),
    };
    format!("{wallet} pays {sum} to {to}")
}

fn findings(policy: &Policy, ruling: &Ruling) -> Vec<String> {
    let found = analysis::check(policy, ruling.directory(), &Prices::default());
    found.iter().map(ToString::to_string).collect()
}

fn difference(ruling: &Ruling, proposed: &Policy) -> PolicyDifference {
    let difference = analysis::difference(ruling.policy(), proposed, ruling.directory());
    let class = |change: &analysis::Change| ClassChangeView {
        class: words(&change.class, ruling.directory()),
        effect: match change.effect {
            Effect::Wider => "wider",
            Effect::Narrower => "narrower",
            Effect::Other => "other",
        }
        .to_owned(),
        before: paths(&change.before),
        after: paths(&change.after),
    };
    // What lets more happen stands first, so that nothing pushes it off the list.
    let mut changed: Vec<&analysis::Change> = difference.classes.iter().collect();
    changed.sort_by_key(|change| !matches!(change.effect, Effect::Wider));
    let left_out = changed.len().saturating_sub(MOST);
    let classes = changed.into_iter().take(MOST).map(class).collect();
    // Rule by rule in the words of the command line.
    let plain = analysis::Difference { classes: Vec::new(), ..difference.clone() };
    PolicyDifference {
        rules: plain.to_string().lines().map(str::to_owned).collect(),
        classes,
        left_out: u64::try_from(left_out).unwrap_or(u64::MAX),
        text: quorate_policy::file::write(proposed),
        findings: findings(proposed, ruling),
    }
}

fn paths(paths: &[Path]) -> Vec<PathView> {
    let one = |path: &Path| {
        let need = path.need.as_ref();
        let sets = need.map(|need| need.coalitions.sets.as_slice()).unwrap_or_default();
        PathView {
            rule: path.rule.clone(),
            depends: path.depends.iter().map(|what| (*what).to_owned()).collect(),
            denies: need.is_none(),
            approvals: need
                .map(|n| n.approvals.iter().map(ToString::to_string).collect())
                .unwrap_or_default(),
            coalitions: sets.iter().take(MOST).map(|set| set.iter().cloned().collect()).collect(),
            parties: need.map(|n| n.parties.iter().map(ToString::to_string).collect()).unwrap_or_default(),
            delay: need.and_then(|need| need.delay.as_ref()).map(ToString::to_string),
        }
    };
    paths.iter().map(one).collect()
}
