import Access

/// The tables of a store's file, as the steps that lead to them. A file's version (`PRAGMA user_version`) is how many of them it has taken.
/// A step that was released is never changed: a new one is added.
struct Schema {
    var steps: [String]

    static let current = Schema(steps: [first, postsOfSessions, accounts, crowds, changes, linkedCookies])
    /// Marks a file as ours (`PRAGMA application_id`): "menw".
    static let applicationID: Int64 = 0x6d65_6e77

    var version: Int64 { Int64(steps.count) }

    /// Brings `database` to this version in one transaction. A file of a newer version, or of another program, is left as it is; one of an older
    /// version too, where `upgrades` is false: a gateway of that version may be at work with it.
    func bringForward(_ database: Database, upgrades: Bool = true) throws(StoreFailure) {
        let found = try inspect(database)  // before anything is written to it
        guard upgrades || found == 0 || found == version else {
            throw StoreFailure(.older, "the store has version \(found), made by an older menwei; \"menwei run\" brings it forward to \(version)")
        }
        try setUp(database)
        try database.transaction(.full) { () throws(StoreFailure) in
            let version = try inspect(database)  // another process may have been faster
            guard version < self.version else { return }
            for step in steps[Int(version)...] { try database.execute(step) }
            try database.execute("PRAGMA application_id=\(Self.applicationID); PRAGMA user_version=\(self.version);")
        }
    }

    @discardableResult
    private func inspect(_ database: Database) throws(StoreFailure) -> Int64 {
        let version = try database.integer("PRAGMA user_version")
        let owner = try database.integer("PRAGMA application_id")
        let isEmpty = try database.integer("SELECT count(*) FROM sqlite_master") == 0
        guard owner == Self.applicationID ? version > 0 : (isEmpty && owner == 0 && version == 0) else {
            throw StoreFailure(.corrupt, "the file is a database of another program")
        }
        guard version <= self.version else {
            throw StoreFailure(.newer, "the store has version \(version), made by a newer menwei; this one knows versions up to \(self.version)")
        }
        return version
    }

    private func setUp(_ database: Database) throws(StoreFailure) {
        let mode = try database.first("PRAGMA journal_mode=WAL") { row throws(StoreFailure) in try row.text(0) }
        guard mode == "wal" else { throw StoreFailure(.unreachable, "the store's file system cannot share memory (no WAL): use a local disk") }
        try database.execute(
            """
            PRAGMA foreign_keys=ON; PRAGMA trusted_schema=OFF; PRAGMA cell_size_check=ON; PRAGMA temp_store=MEMORY;
            PRAGMA cache_size=-4096; PRAGMA journal_size_limit=67108864;
            """)
    }

    /// In the clear is only what must be found without a cookie (README, *Security*). Times are milliseconds since 1970.
    ///
    /// `sessions.ended_at` is null while nobody has ended the session; it may be over all the same (idle, lifetime). The triggers keep the
    /// totals, so that nobody has to count, and tell other processes of endings.
    private static let first = """
        CREATE TABLE sessions (
            id INTEGER PRIMARY KEY, sid TEXT NOT NULL UNIQUE,
            account TEXT NOT NULL, account_key TEXT NOT NULL, connection TEXT NOT NULL, user TEXT NOT NULL, user_key TEXT NOT NULL,
            created INTEGER NOT NULL, last_seen INTEGER NOT NULL, expires INTEGER NOT NULL, checked INTEGER NOT NULL, ended_at INTEGER,
            address TEXT NOT NULL, user_agent TEXT NOT NULL, details BLOB NOT NULL
        ) STRICT;
        CREATE INDEX sessions_account ON sessions (account_key, created) WHERE ended_at IS NULL;
        CREATE INDEX sessions_member ON sessions (connection, user_key) WHERE ended_at IS NULL;
        CREATE INDEX sessions_seen ON sessions (last_seen) WHERE ended_at IS NULL;
        CREATE INDEX sessions_expires ON sessions (expires) WHERE ended_at IS NULL;
        CREATE INDEX sessions_checked ON sessions (checked) WHERE ended_at IS NULL;
        CREATE INDEX sessions_ended ON sessions (ended_at) WHERE ended_at IS NOT NULL;

        CREATE TABLE cookies (
            hash BLOB NOT NULL PRIMARY KEY, session INTEGER NOT NULL REFERENCES sessions (id) ON DELETE CASCADE,
            host TEXT, good_until INTEGER
        ) STRICT;
        CREATE INDEX cookies_session ON cookies (session, host);
        CREATE INDEX cookies_replaced ON cookies (good_until) WHERE good_until IS NOT NULL;

        CREATE TABLE one_time (
            id INTEGER PRIMARY KEY, kind INTEGER NOT NULL, hash BLOB NOT NULL, value BLOB NOT NULL, expires INTEGER NOT NULL,
            UNIQUE (kind, hash)
        ) STRICT;
        CREATE INDEX one_time_kind ON one_time (kind);
        CREATE INDEX one_time_expires ON one_time (expires);

        CREATE TABLE endings (seq INTEGER PRIMARY KEY AUTOINCREMENT, sid TEXT NOT NULL, at INTEGER NOT NULL) STRICT;
        CREATE INDEX endings_at ON endings (at);

        CREATE TABLE totals (what TEXT PRIMARY KEY, count INTEGER NOT NULL, bytes INTEGER NOT NULL) STRICT, WITHOUT ROWID;
        INSERT INTO totals VALUES ('sessions', 0, 0), ('one_time/1', 0, 0), ('one_time/2', 0, 0), ('one_time/3', 0, 0), ('one_time/4', 0, 0),
            ('one_time/5', 0, 0);

        CREATE TRIGGER session_opened AFTER INSERT ON sessions WHEN new.ended_at IS NULL BEGIN
            UPDATE totals SET count = count + 1 WHERE what = 'sessions';
        END;
        CREATE TRIGGER session_ended AFTER UPDATE OF ended_at ON sessions WHEN old.ended_at IS NULL AND new.ended_at IS NOT NULL BEGIN
            UPDATE totals SET count = count - 1 WHERE what = 'sessions';
            INSERT INTO endings (sid, at) VALUES (new.sid, new.ended_at);
        END;
        CREATE TRIGGER session_forgotten AFTER DELETE ON sessions WHEN old.ended_at IS NULL BEGIN
            UPDATE totals SET count = count - 1 WHERE what = 'sessions';
        END;
        CREATE TRIGGER one_time_put AFTER INSERT ON one_time BEGIN
            UPDATE totals SET count = count + 1, bytes = bytes + length(new.value) WHERE what = 'one_time/' || new.kind;
        END;
        CREATE TRIGGER one_time_gone AFTER DELETE ON one_time BEGIN
            UPDATE totals SET count = count - 1, bytes = bytes - length(old.value) WHERE what = 'one_time/' || old.kind;
        END;
        """

    /// Which session a form post is kept for, in the clear since it is counted.
    private static let postsOfSessions = """
        ALTER TABLE one_time ADD COLUMN sid TEXT;
        ALTER TABLE one_time ADD COLUMN size INTEGER NOT NULL DEFAULT 0;
        CREATE INDEX one_time_sid ON one_time (sid) WHERE sid IS NOT NULL;
        """

    /// The account table. In the clear are names, connections and user ids; e-mail addresses and mobile numbers that the administrator gave are
    /// found by a keyed hash; everything else is sealed. `agreed` is what a person agreed to show, and by which nobody is found.
    private static let accounts = """
        CREATE TABLE accounts (
            id INTEGER PRIMARY KEY, name TEXT NOT NULL, key TEXT NOT NULL UNIQUE, details BLOB NOT NULL, email BLOB, mobile BLOB
        ) STRICT;
        CREATE INDEX accounts_email ON accounts (email) WHERE email IS NOT NULL;
        CREATE INDEX accounts_mobile ON accounts (mobile) WHERE mobile IS NOT NULL;

        CREATE TABLE bindings (
            id INTEGER PRIMARY KEY, account INTEGER NOT NULL REFERENCES accounts (id) ON DELETE CASCADE,
            connection TEXT NOT NULL, user TEXT NOT NULL, user_key TEXT NOT NULL,
            details BLOB NOT NULL, email BLOB, mobile BLOB, agreed BLOB, UNIQUE (connection, user_key)
        ) STRICT;
        CREATE INDEX bindings_account ON bindings (account, connection);
        CREATE INDEX bindings_email ON bindings (email) WHERE email IS NOT NULL;
        CREATE INDEX bindings_mobile ON bindings (mobile) WHERE mobile IS NOT NULL;

        CREATE TABLE binding_codes (
            account INTEGER PRIMARY KEY REFERENCES accounts (id) ON DELETE CASCADE, hash BLOB NOT NULL UNIQUE, expires INTEGER NOT NULL
        ) STRICT;
        CREATE TABLE binding_tries (
            connection TEXT NOT NULL, user_key TEXT NOT NULL, count INTEGER NOT NULL, until INTEGER NOT NULL, PRIMARY KEY (connection, user_key)
        ) STRICT, WITHOUT ROWID;
        CREATE TABLE consents_asked (
            connection TEXT NOT NULL, user_key TEXT NOT NULL, until INTEGER NOT NULL, PRIMARY KEY (connection, user_key)
        ) STRICT, WITHOUT ROWID;

        CREATE TABLE account_changes (
            seq INTEGER PRIMARY KEY AUTOINCREMENT, connection TEXT NOT NULL, user TEXT NOT NULL, at INTEGER NOT NULL
        ) STRICT;
        CREATE INDEX account_changes_at ON account_changes (at);
        """

    /// For whom a one-time value was made: where there is no more room, the owner who fills it loses the oldest of theirs.
    private static let crowds = """
        ALTER TABLE one_time RENAME COLUMN sid TO owner;
        DROP INDEX one_time_sid;
        CREATE INDEX one_time_crowd ON one_time (kind, owner, id, size) WHERE owner IS NOT NULL;
        """

    /// Sessions of which something changed, told to the other processes; `teller` is whoever knows already.
    private static let changes = """
        CREATE TABLE changes (seq INTEGER PRIMARY KEY AUTOINCREMENT, sid TEXT NOT NULL, teller INTEGER NOT NULL, at INTEGER NOT NULL) STRICT;
        CREATE INDEX changes_at ON changes (at);
        """

    /// Cookies of the time before have no link (`CookieLink`) and are forgotten: their people log in again. No released version had any.
    private static let linkedCookies = """
        DROP TABLE cookies;
        CREATE TABLE cookies (
            hash BLOB NOT NULL PRIMARY KEY, session INTEGER NOT NULL REFERENCES sessions (id) ON DELETE CASCADE,
            host TEXT, good_until INTEGER, link BLOB NOT NULL
        ) STRICT;
        CREATE INDEX cookies_session ON cookies (session, host);
        CREATE INDEX cookies_replaced ON cookies (good_until) WHERE good_until IS NOT NULL;
        """
}
