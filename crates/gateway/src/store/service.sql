-- Addresses that were given out to be paid to. `network` is the canonical bytes of it in hex.
CREATE TABLE addresses (
    sequence INTEGER PRIMARY KEY AUTOINCREMENT,
    wallet BLOB NOT NULL CHECK (length(wallet) = 16),
    network TEXT NOT NULL,
    account INTEGER NOT NULL,
    branch INTEGER NOT NULL,
    number INTEGER NOT NULL,
    address TEXT NOT NULL,
    label TEXT,
    customer TEXT,
    attestations BLOB NOT NULL,
    created INTEGER NOT NULL,
    UNIQUE (network, address),
    UNIQUE (wallet, network, account, branch, number)) STRICT;
CREATE INDEX addresses_customer ON addresses (customer) WHERE customer IS NOT NULL;
-- Payments to them. One row for each output, log entry or instruction, whatever becomes of its block.
CREATE TABLE deposits (
    sequence INTEGER PRIMARY KEY AUTOINCREMENT,
    address INTEGER NOT NULL REFERENCES addresses (sequence),
    asset TEXT NOT NULL,
    amount TEXT NOT NULL,
    txid TEXT NOT NULL,
    place INTEGER NOT NULL,
    block TEXT,
    height INTEGER,
    confirmations INTEGER NOT NULL,
    required INTEGER NOT NULL,
    state TEXT NOT NULL,
    seen INTEGER NOT NULL,
    credited INTEGER,
    UNIQUE (txid, place, address)) STRICT;
CREATE INDEX deposits_address ON deposits (address);
CREATE INDEX deposits_open ON deposits (state) WHERE state <> 'credited';
-- What happened, in order: webhooks and the stream of events read from here.
CREATE TABLE events (
    sequence INTEGER PRIMARY KEY AUTOINCREMENT,
    kind TEXT NOT NULL,
    object TEXT NOT NULL,
    data TEXT NOT NULL,
    at INTEGER NOT NULL) STRICT;
CREATE INDEX events_object ON events (object);
