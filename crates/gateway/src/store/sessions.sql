-- People who are signed in to the console. `token` is a hash of the cookie: who reads this file cannot take a session over.
CREATE TABLE sessions (
    token BLOB PRIMARY KEY CHECK (length(token) = 32),
    member BLOB NOT NULL CHECK (length(member) = 32),
    created INTEGER NOT NULL,
    seen INTEGER NOT NULL) STRICT, WITHOUT ROWID;
CREATE INDEX sessions_member ON sessions (member, created);
-- One-time links that `quorate console` asked for; `token` is a hash as above.
CREATE TABLE sign_in_links (
    token BLOB PRIMARY KEY CHECK (length(token) = 32),
    member BLOB NOT NULL CHECK (length(member) = 32),
    expires INTEGER NOT NULL) STRICT, WITHOUT ROWID;
-- Documents of passkeys whose ids stand in governance, so that a browser needs to bring its credential's id alone; and the
-- highest counter that a sign-in showed.
CREATE TABLE passkeys (
    id BLOB PRIMARY KEY CHECK (length(id) = 32),
    credential BLOB NOT NULL,
    passkey BLOB NOT NULL,
    counter INTEGER NOT NULL DEFAULT 0) STRICT, WITHOUT ROWID;
CREATE INDEX passkeys_credential ON passkeys (credential);
