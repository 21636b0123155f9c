//! Signed notes (c2sp.org/signed-note): a text with lines of signatures under it, each by a named key.

use crate::AuditError;
use base64ct::{Base64, Encoding};
use quorate_intent::{PublicKey, Signature};
use sha2::{Digest, Sha256};

/// Largest note, in bytes.
pub const MAX_NOTE: usize = 64 * 1024;
/// Most signatures under a note.
pub const MAX_SIGNATURES: usize = 64;

/// What a key signs, by the type byte of the specification.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum KeyType {
    /// The text itself, by Ed25519.
    Plain,
    /// The text with a time before it: a witness's cosignature (c2sp.org/tlog-cosignature).
    Cosignature,
}

/// A key by which notes are verified. One Ed25519 key may serve both types under one name: no text of one type is a text of
/// the other (`Checkpoint` sees to it).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NoteKey {
    name: String,
    key: PublicKey,
    kind: KeyType,
}

/// One line under a note.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SignatureLine {
    /// The key's name.
    pub name: String,
    /// The key's short identifier.
    pub id: [u8; 4],
    /// The signature as its type lays it out.
    pub bytes: Vec<u8>,
}

/// A text and the signatures under it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Note {
    /// The text, with the newline at its end.
    pub text: String,
    /// The signatures.
    pub signatures: Vec<SignatureLine>,
}

fn wrong(problem: impl Into<String>) -> AuditError {
    AuditError::Note(problem.into())
}

/// Whether a text can be a key's name: not empty, no white space, no plus.
fn check_name(name: &str) -> Result<(), AuditError> {
    let bad = |c: char| c.is_whitespace() || c.is_control() || c == '+';
    if name.is_empty() || name.len() > 255 || name.chars().any(bad) {
        return Err(wrong(format!(
            "{name:.40?} cannot be a key's name: it is empty, too long, or has white space or +"
        )));
    }
    Ok(())
}

impl NoteKey {
    /// A key of a node under its name in notes.
    ///
    /// # Errors
    /// [`AuditError::Note`] when the name is none.
    pub fn new(name: &str, key: PublicKey, kind: KeyType) -> Result<Self, AuditError> {
        check_name(name)?;
        Ok(Self { name: name.to_owned(), key, kind })
    }

    /// Its name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// What it signs.
    pub fn kind(&self) -> KeyType {
        self.kind
    }

    fn type_byte(&self) -> u8 {
        match self.kind {
            KeyType::Plain => 0x01,
            KeyType::Cosignature => 0x04,
        }
    }

    /// The first four bytes of SHA-256(name ‖ newline ‖ type ‖ key).
    pub fn id(&self) -> [u8; 4] {
        let digest = Sha256::new()
            .chain_update(self.name.as_bytes())
            .chain_update([b'\n', self.type_byte()])
            .chain_update(self.key.0)
            .finalize();
        [digest[0], digest[1], digest[2], digest[3]]
    }

    /// The text form: `name+id+base64(type ‖ key)`.
    pub fn vkey(&self) -> String {
        let bytes: Vec<u8> = std::iter::once(self.type_byte()).chain(self.key.0).collect();
        let id = u32::from_be_bytes(self.id());
        format!("{}+{id:08x}+{}", self.name, Base64::encode_string(&bytes))
    }

    /// Reads the text form.
    ///
    /// # Errors
    /// [`AuditError::Note`] that says what is wrong.
    pub fn parse(text: &str) -> Result<Self, AuditError> {
        let mut parts = text.splitn(3, '+');
        let (name, id, data) = (parts.next(), parts.next(), parts.next());
        let (Some(name), Some(id), Some(data)) = (name, id, data) else {
            return Err(wrong("a verifier key is name+id+base64"));
        };
        let bytes = decode(data, 33)?;
        let kind = match bytes.first() {
            Some(0x01) => KeyType::Plain,
            Some(0x04) => KeyType::Cosignature,
            _ => return Err(wrong("a verifier key of a type that this program does not know")),
        };
        let key = bytes[1..].try_into().map_err(|_| wrong("a verifier key must have 32 bytes"))?;
        let found = Self::new(name, PublicKey(key), kind)?;
        if id != format!("{:08x}", u32::from_be_bytes(found.id())) {
            return Err(wrong(format!("the verifier key of {name} has another id than it says")));
        }
        Ok(found)
    }

    /// Whether a line is said to be by this key.
    pub fn made(&self, line: &SignatureLine) -> bool {
        line.name == self.name && line.id == self.id()
    }

    /// Strict Ed25519 verification over the bytes.
    pub(crate) fn verifies(&self, message: &[u8], signature: &[u8; 64]) -> bool {
        self.key.verify_bytes(message, &Signature(*signature))
    }
}

impl Note {
    /// A text without signatures. It must end in a newline and have no other control characters.
    ///
    /// # Errors
    /// [`AuditError::Note`].
    pub fn new(text: impl Into<String>) -> Result<Self, AuditError> {
        let text = text.into();
        if !text.ends_with('\n') || text.len() > MAX_NOTE || text.chars().any(|c| c < ' ' && c != '\n') {
            return Err(wrong(
                "a note's text ends in a newline, is not too long and has no control characters",
            ));
        }
        Ok(Self { text, signatures: Vec::new() })
    }

    /// Adds a signature over the text. `key` must be of type [`KeyType::Plain`] and belong to `secret`.
    pub fn sign(&mut self, key: &NoteKey, secret: &ed25519_dalek::SigningKey) {
        let signature = ed25519_dalek::Signer::sign(secret, self.text.as_bytes());
        self.add(key, signature.to_bytes().to_vec());
    }

    pub(crate) fn add(&mut self, key: &NoteKey, bytes: Vec<u8>) {
        self.signatures.push(SignatureLine { name: key.name.clone(), id: key.id(), bytes });
    }

    /// Whether the key signed the text. A signature in its name that does not verify spoils the note.
    ///
    /// # Errors
    /// [`AuditError::Note`].
    pub fn verify(&self, key: &NoteKey) -> Result<(), AuditError> {
        let mut signed = false;
        for line in self.signatures.iter().filter(|line| key.made(line)) {
            let signature = line.bytes.as_slice().try_into();
            if !signature.is_ok_and(|signature| key.verifies(self.text.as_bytes(), signature)) {
                return Err(wrong(format!("the signature of {} does not verify", key.name)));
            }
            signed = true;
        }
        if signed { Ok(()) } else { Err(wrong(format!("{} did not sign it", key.name))) }
    }

    /// The bytes of the note.
    pub fn encode(&self) -> String {
        let mut text = format!("{}\n", self.text);
        for line in &self.signatures {
            let bytes: Vec<u8> = line.id.iter().chain(&line.bytes).copied().collect();
            text.push_str(&format!("\u{2014} {} {}\n", line.name, Base64::encode_string(&bytes)));
        }
        text
    }

    /// Reads a note, strictly: one spelling for one note.
    ///
    /// # Errors
    /// [`AuditError::Note`] that says what is wrong.
    pub fn parse(text: &str) -> Result<Self, AuditError> {
        if text.len() > MAX_NOTE {
            return Err(wrong(format!("{} bytes, at most {MAX_NOTE} are allowed", text.len())));
        }
        let at = text
            .rfind("\n\n")
            .ok_or_else(|| wrong("an empty line must stand between text and signatures"))?;
        let mut note = Self::new(&text[..=at])?;
        let lines =
            text[at + 2..].strip_suffix('\n').ok_or_else(|| wrong("the last line must end in a newline"))?;
        for line in lines.split('\n') {
            if note.signatures.len() == MAX_SIGNATURES {
                return Err(wrong(format!("more than {MAX_SIGNATURES} signatures")));
            }
            note.signatures.push(SignatureLine::parse(line)?);
        }
        Ok(note)
    }
}

impl SignatureLine {
    fn parse(line: &str) -> Result<Self, AuditError> {
        let parts = line.strip_prefix("\u{2014} ").and_then(|line| line.split_once(' '));
        let (name, data) = parts.ok_or_else(|| wrong("a signature line is a dash, a name and base64"))?;
        check_name(name)?;
        let bytes = decode(data, 4096)?;
        let (id, bytes) = bytes.split_first_chunk::<4>().ok_or_else(|| wrong("a signature is too short"))?;
        Ok(Self { name: name.to_owned(), id: *id, bytes: bytes.to_vec() })
    }
}

/// Canonical base64 of at most so many bytes.
pub(crate) fn decode(text: &str, most: usize) -> Result<Vec<u8>, AuditError> {
    if text.len() > most.div_ceil(3) * 4 {
        return Err(wrong("base64 that is too long"));
    }
    Base64::decode_vec(text).map_err(|_| wrong("not canonical base64"))
}
