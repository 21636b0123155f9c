-- What watchers know of chains. Networks are their canonical bytes in hex, as in `addresses`.
-- The last blocks that were looked at: where a watcher goes on, and how it finds what a reorganisation took away.
CREATE TABLE blocks (
    network TEXT NOT NULL,
    height INTEGER NOT NULL,
    hash TEXT NOT NULL,
    PRIMARY KEY (network, height)) STRICT, WITHOUT ROWID;
-- Own addresses that nobody was given as a deposit address: accounts' first addresses, change, what was shown.
CREATE TABLE watched (
    sequence INTEGER PRIMARY KEY AUTOINCREMENT,
    wallet BLOB NOT NULL CHECK (length(wallet) = 16),
    network TEXT NOT NULL,
    account INTEGER NOT NULL,
    branch INTEGER NOT NULL,
    number INTEGER NOT NULL,
    address TEXT NOT NULL,
    UNIQUE (network, address)) STRICT;
-- Signed transactions on their way into the chain, by intent.
CREATE TABLE outgoing (
    intent BLOB PRIMARY KEY REFERENCES intents (id),
    network TEXT NOT NULL,
    since INTEGER NOT NULL,
    done INTEGER NOT NULL DEFAULT 0,
    -- A transaction of somebody else that uses up what this one needs.
    conflict TEXT,
    conflict_height INTEGER) STRICT, WITHOUT ROWID;
CREATE INDEX outgoing_open ON outgoing (network) WHERE NOT done;
-- Every form in which an intent was signed; at most one of them can be mined.
CREATE TABLE forms (
    sequence INTEGER PRIMARY KEY AUTOINCREMENT,
    intent BLOB NOT NULL REFERENCES outgoing (intent),
    txid TEXT NOT NULL,
    outcome TEXT NOT NULL,
    plan BLOB NOT NULL,
    summary TEXT,
    certificate BLOB,
    block TEXT,
    height INTEGER,
    good INTEGER NOT NULL DEFAULT 1,
    sent INTEGER NOT NULL DEFAULT 0,
    problem TEXT,
    UNIQUE (intent, txid)) STRICT;
-- What addresses hold on chains that count by account, as last looked at.
CREATE TABLE balances (
    network TEXT NOT NULL,
    address TEXT NOT NULL,
    asset TEXT NOT NULL,
    wallet BLOB NOT NULL CHECK (length(wallet) = 16),
    account INTEGER NOT NULL,
    amount TEXT NOT NULL,
    at INTEGER NOT NULL,
    PRIMARY KEY (network, address, asset)) STRICT, WITHOUT ROWID;
-- Coins of watched addresses have a block, and can be planned with only once it has enough on it. What was handed in
-- counts by the word of who did.
ALTER TABLE coins ADD COLUMN block TEXT;
ALTER TABLE coins ADD COLUMN height INTEGER;
ALTER TABLE coins ADD COLUMN usable INTEGER NOT NULL DEFAULT 1;
CREATE INDEX coins_unusable ON coins (network, height) WHERE NOT usable;
CREATE INDEX coins_height ON coins (network, height) WHERE height IS NOT NULL;
-- 1: the gateway plans it when it is approved.
ALTER TABLE intents ADD COLUMN auto INTEGER NOT NULL DEFAULT 0;
CREATE INDEX deposits_height ON deposits (height) WHERE height IS NOT NULL;
