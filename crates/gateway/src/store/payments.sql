-- Addresses that nodes have vouched for and that nobody was given yet. `lane` is the account on Bitcoin, 0 elsewhere.
CREATE TABLE address_stock (
    sequence INTEGER PRIMARY KEY AUTOINCREMENT,
    wallet BLOB NOT NULL CHECK (length(wallet) = 16),
    network TEXT NOT NULL,
    lane INTEGER NOT NULL,
    account INTEGER NOT NULL,
    branch INTEGER NOT NULL,
    number INTEGER NOT NULL,
    address TEXT NOT NULL,
    attestations BLOB NOT NULL) STRICT;
CREATE INDEX address_stock_lane ON address_stock (wallet, network, lane);
CREATE INDEX addresses_wallet ON addresses (wallet);
CREATE INDEX addresses_text ON addresses (address);
-- Who is told of events. `place` is the last event that was looked at for it.
CREATE TABLE webhooks (
    sequence INTEGER PRIMARY KEY AUTOINCREMENT,
    url TEXT NOT NULL,
    description TEXT,
    events TEXT NOT NULL,
    enabled INTEGER NOT NULL,
    allow_private INTEGER NOT NULL,
    created INTEGER NOT NULL,
    place INTEGER NOT NULL) STRICT;
CREATE TABLE deliveries (
    sequence INTEGER PRIMARY KEY AUTOINCREMENT,
    webhook INTEGER NOT NULL REFERENCES webhooks (sequence) ON DELETE CASCADE,
    event INTEGER NOT NULL REFERENCES events (sequence),
    object TEXT NOT NULL,
    attempt INTEGER NOT NULL,
    state TEXT NOT NULL,
    status INTEGER,
    error TEXT,
    at INTEGER NOT NULL,
    next INTEGER,
    UNIQUE (webhook, event)) STRICT;
CREATE INDEX deliveries_pending ON deliveries (webhook, object, sequence) WHERE state = 'pending';
-- What a customer is asked to pay. `options` and `refunds` are JSON; the options' addresses stand in `invoice_addresses`.
CREATE TABLE invoices (
    sequence INTEGER PRIMARY KEY AUTOINCREMENT,
    token TEXT NOT NULL UNIQUE,
    wallet BLOB NOT NULL CHECK (length(wallet) = 16),
    reference TEXT,
    customer TEXT,
    description TEXT,
    options TEXT NOT NULL,
    state TEXT NOT NULL,
    expires INTEGER NOT NULL,
    created INTEGER NOT NULL,
    paid INTEGER,
    cancelled INTEGER,
    refunds TEXT NOT NULL) STRICT;
CREATE INDEX invoices_customer ON invoices (customer) WHERE customer IS NOT NULL;
CREATE INDEX invoices_reference ON invoices (reference) WHERE reference IS NOT NULL;
CREATE INDEX invoices_expiring ON invoices (expires) WHERE state = 'open';
CREATE TABLE invoice_addresses (
    address INTEGER NOT NULL REFERENCES addresses (sequence),
    invoice INTEGER NOT NULL REFERENCES invoices (sequence),
    PRIMARY KEY (address, invoice)) STRICT, WITHOUT ROWID;
CREATE INDEX invoice_addresses_invoice ON invoice_addresses (invoice);
-- Our own transactions that pay a deposit address's fees: they are no payments of invoices.
CREATE TABLE gas_payments (txid TEXT PRIMARY KEY) STRICT, WITHOUT ROWID;
