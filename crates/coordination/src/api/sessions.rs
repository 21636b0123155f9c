//! Signing in to the console.

use quorate_intent::{Hash, Passkey, PublicKey, Signature};
use serde::{Deserialize, Serialize};

object! {
    /// A link that begins one session of the console.
    pub struct SignInLink {
        /// 64 hex digits, good once.
        pub token: String,
        /// The path to open, the token in its fragment, which browsers send to nobody.
        pub path: String,
        /// Until when, Unix seconds.
        pub expires: u64,
    }
}

object! {
    /// What a passkey signs in with: the hash of both, in a domain of its own (docs/console.md).
    pub struct SignInChallenge {
        /// 32 bytes, hex; good once.
        pub nonce: String,
        /// Hash of the genesis.
        #[cfg_attr(feature = "openapi", schema(value_type = String))]
        pub genesis: Hash,
        /// Until when, Unix seconds.
        pub expires: u64,
    }
}

object! {
    /// A passkey's answer to a challenge.
    #[serde(deny_unknown_fields)]
    pub struct PasskeySignIn {
        /// The nonce of the challenge.
        pub nonce: String,
        /// The credential's id, hex.
        pub credential: String,
        /// The passkey's document, where the browser has it; else the gateway looks it up by the credential.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        #[cfg_attr(feature = "openapi", schema(value_type = Option<Object>))]
        pub passkey: Option<Passkey>,
        /// `authenticatorData`, hex.
        pub authenticator_data: String,
        /// `clientDataJSON`, hex.
        pub client_data: String,
        /// The signature; r and s of 32 bytes each for ES256.
        #[cfg_attr(feature = "openapi", schema(value_type = String))]
        pub signature: Signature,
    }
}

object! {
    /// One of the two ways to sign in.
    #[serde(deny_unknown_fields)]
    pub struct SignIn {
        /// The token of a link.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub link: Option<String>,
        /// A passkey's answer.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub passkey: Option<PasskeySignIn>,
    }
}

object! {
    /// Who is signed in.
    pub struct SessionView {
        /// Their key.
        #[cfg_attr(feature = "openapi", schema(value_type = String))]
        pub key: PublicKey,
        /// Their name in governance.
        pub name: String,
        /// Their groups, and `clients` for a client.
        pub groups: Vec<String>,
        /// Whether they are a client or an administrator.
        pub operates: bool,
        /// When the session ends at the latest, Unix seconds.
        pub expires: u64,
        /// The cluster's name.
        pub cluster: String,
        /// Hash of the genesis.
        #[cfg_attr(feature = "openapi", schema(value_type = String))]
        pub genesis: Hash,
        /// Hash of the governance version in force, which new intents name.
        #[cfg_attr(feature = "openapi", schema(value_type = String))]
        pub governance: Hash,
        /// The passkeys of this person that the gateway knows.
        #[cfg_attr(feature = "openapi", schema(value_type = Vec<Object>))]
        pub passkeys: Vec<Passkey>,
        /// All keys of this person, ids of passkeys among them: so a page can tell whether a passkey of its browser counts.
        #[cfg_attr(feature = "openapi", schema(value_type = Vec<String>))]
        pub keys: Vec<PublicKey>,
        /// Those of them that may ask for transfers by passkey.
        #[cfg_attr(feature = "openapi", schema(value_type = Vec<String>))]
        pub asking: Vec<PublicKey>,
    }
}

object! {
    /// What a passkey is called.
    pub struct PasskeyId {
        /// Its id, which stands in governance where a device key would.
        #[cfg_attr(feature = "openapi", schema(value_type = String))]
        pub id: PublicKey,
        /// What is compared by voice.
        pub fingerprint: String,
    }
}

object! {
    /// A file for `quorate members propose`.
    pub struct MembersFile {
        /// TOML.
        pub text: String,
    }
}
