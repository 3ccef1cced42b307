import Access
import Bytes

/// What other processes did to the sessions in the file, and what this one tells them. SQLite's `data_version` says at the price of one read of shared
/// memory whether anybody else wrote at all.
struct ForeignNews {
    /// Who we are to the others.
    private let teller = Int64.random(in: 1...Statement.numbers.upperBound)
    private var dataVersion: Int64
    private var lastEnding: Int64
    private var lastChange: Int64
    /// What this process ended, and has told itself, since `lastEnding`.
    private var own: Set<String> = []
    /// Beyond this, own endings may be told twice, which does no harm.
    private static let ownLimit = 10_000

    init(_ database: Database) throws(StoreFailure) {
        dataVersion = try database.integer("PRAGMA data_version")
        lastEnding = try database.integer("SELECT coalesce(max(seq), 0) FROM endings")
        lastChange = try database.integer("SELECT coalesce(max(seq), 0) FROM changes")
    }

    /// Endings are written down by a trigger; this is for what need not be told to ourselves.
    mutating func noteOwn(_ sids: [String]) {
        if own.count + sids.count > Self.ownLimit { own = [] }
        if sids.count <= Self.ownLimit { own.formUnion(sids) }
    }

    /// Writes down, in the transaction that changes them, that there is something new about sessions.
    func tellChanged(_ sids: [String], _ database: Database, now: WallTime) throws(StoreFailure) {
        for sid in sids {
            try database.run("INSERT INTO changes (sid, teller, at) VALUES (?, ?, ?)", [.text(sid), .integer(teller), .time(now)])
        }
    }

    /// What others did since the last call.
    mutating func poll(_ database: Database) throws(StoreFailure) -> (endings: [SessionEnding], changed: [String]) {
        let version = try database.integer("PRAGMA data_version")
        guard version != dataVersion else { return ([], []) }
        var (ending, change) = (lastEnding, lastChange)
        var endings: [SessionEnding] = []
        // Sessions are forgotten together with their endings, but not in one transaction.
        let ended = """
            SELECT e.seq, e.sid, coalesce(s.account, ''), coalesce(s.connection, '') FROM endings e LEFT JOIN sessions s ON s.sid = e.sid
            WHERE e.seq > ? ORDER BY e.seq
            """
        try database.each(ended, [.integer(lastEnding)]) { row throws(StoreFailure) in
            ending = try row.integer(0)
            let found = SessionEnding(sid: try row.text(1), account: try row.text(2), connection: try row.text(3))
            if !own.contains(found.sid) { endings.append(found) }
        }
        var changed: Set<String> = []
        try database.each("SELECT seq, sid, teller FROM changes WHERE seq > ? ORDER BY seq", [.integer(lastChange)]) { row throws(StoreFailure) in
            change = try row.integer(0)
            if try row.integer(2) != teller { changed.insert(try row.text(1)) }
        }
        (dataVersion, lastEnding, lastChange, own) = (version, ending, change, [])
        return (endings, Array(changed))
    }
}
