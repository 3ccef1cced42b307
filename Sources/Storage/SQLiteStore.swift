public import Access
import Bytes
public import Crypto

/// Sessions in a SQLite file (`sqlite:PATH`): they survive the process, however it ends.
///
/// One thread of its own does all the work, in the order in which it is asked for; no worker ever waits for a disk. The file is in WAL mode.
/// What a killed process had answered is kept in any case; logins, entries and endings are also on the disk before they are answered
/// (`synchronous=FULL`), so that not even a power cut brings back a session that ended. Activity and one-time values are not worth that wait.
///
/// The file is for its owner alone (0600) and its folder must exist. Beside cookie hashes it holds in the clear only what must be found
/// without them; the rest is sealed. A session that this store's key does not open counts as unknown, and `trouble` is told.
///
/// Other processes may use the same file: `poll` notices within one call what they ended or changed.
public actor SQLiteStore: SessionStore {
    private nonisolated let thread: StorageThread
    public nonisolated var unownedExecutor: UnownedSerialExecutor { unsafe thread.asUnownedSerialExecutor() }

    nonisolated let subscribers = Subscribers()
    nonisolated let sealing: SealingKey
    private let file: StoreFile
    private let bounds: OneTimeBounds
    private let trouble: @Sendable (StoreFailure) -> Void
    private var open: Database?
    var limits: SessionLimits
    var news: ForeignNews
    /// The last write failed for want of room or permission: a probe tries it in earnest.
    private var isWriteSuspect = false
    private var troubleTold: WallTime?

    /// Opens the file at `path`, makes it where there is none, and brings an older one forward. `trouble` hears, at most once a minute, of
    /// sessions that cannot be unsealed. Throws `.newer` for a newer version's file, `.corrupt` for what is no store at all.
    /// - Parameter upgrades: false: throws `.older` for an older version's file.
    public init(
        path: String, sealing: SealingKey, limits: SessionLimits, bounds: OneTimeBounds = OneTimeBounds(), upgrades: Bool = true,
        trouble: @escaping @Sendable (StoreFailure) -> Void = { _ in }
    ) throws(StoreFailure) {
        try self.init(path: path, sealing: sealing, limits: limits, bounds: bounds, schema: .current, upgrades: upgrades, trouble: trouble)
    }

    init(
        path: String, sealing: SealingKey, limits: SessionLimits, bounds: OneTimeBounds, schema: Schema, upgrades: Bool = true,
        trouble: @escaping @Sendable (StoreFailure) -> Void
    ) throws(StoreFailure) {
        thread = try StorageThread()
        file = try StoreFile(path: path)
        let database = try Database(path: path)
        try schema.bringForward(database, upgrades: upgrades)
        news = try ForeignNews(database)
        open = database
        self.sealing = sealing
        self.limits = limits
        self.bounds = bounds
        self.trouble = trouble
        try thread.start()
    }

    deinit { thread.stop() }

    public func setLimits(_ limits: SessionLimits) async { self.limits = limits }

    public nonisolated func subscribe(_ sink: @escaping @Sendable (StoreNotice) -> Void) { subscribers.add(sink) }

    /// Lets go of the file; calls that come later fail. The thread ends with the last reference to the store.
    public func close() { open = nil }

    /// Answers if the store can be read, and says whether it can be written. After a write that failed it writes in earnest, else it only takes
    /// the lock.
    public func probe() throws(StoreFailure) -> Bool {
        let database = try self.database()
        _ = try database.integer("SELECT count FROM totals WHERE what = 'sessions'")
        do throws(StoreFailure) {
            try database.transaction(.normal) { () throws(StoreFailure) in
                if isWriteSuspect { try database.run("UPDATE totals SET bytes = bytes + 1 WHERE what = 'sessions'") }
            }
            isWriteSuspect = false
            return true
        } catch {
            switch error.code {
            case .full, .readOnly, .busy: return false
            case .unreachable, .corrupt, .newer, .older: throw error
            }
        }
    }

    // MARK: - For the other files of this store

    /// The database, if the store is open and the file still there.
    func database() throws(StoreFailure) -> Database {
        guard let open else { throw StoreRules.closed }
        try file.check()
        return open
    }

    /// Reads what belongs together.
    func read<T>(_ body: (Database) throws(StoreFailure) -> T) throws(StoreFailure) -> T {
        let database = try self.database()
        return try database.snapshot { () throws(StoreFailure) in try body(database) }
    }

    /// All of `body` or nothing; subscribers hear of it when it is done.
    func write<T>(
        _ durability: Database.Durability, _ body: (Database, inout [StoreNotice]) throws(StoreFailure) -> T
    ) throws(StoreFailure) -> T {
        let database = try self.database()
        var notices: [StoreNotice] = []
        do throws(StoreFailure) {
            let result = try database.transaction(durability) { () throws(StoreFailure) in try body(database, &notices) }
            for case .ended(let sids) in notices { news.noteOwn(sids) }
            subscribers.tell(notices)
            return result
        } catch {
            if error.code == .full || error.code == .readOnly { isWriteSuspect = true }
            throw error
        }
    }

    func oneTime(_ database: Database) -> OneTimeTable { OneTimeTable(database: database, sealing: sealing, bounds: bounds) }

    /// The session with all that is known of it; nil (and a word to the administrator) where the key does not fit.
    func complete(_ row: SessionRow, _ sessions: SessionTable, now: WallTime) throws(StoreFailure) -> SessionRecord? {
        guard var record = SealedDetails.open(row.details, into: row.record, with: sealing) else {
            tellTrouble(now: now)
            return nil
        }
        record.hosts = try sessions.hosts(of: row.id)
        return record
    }

    func tellTrouble(now: WallTime) {
        if let told = troubleTold, now < told.advanced(by: .seconds(60)), told <= now { return }
        troubleTold = now
        trouble(StoreFailure(.corrupt, "the store holds what was sealed with another key, or was changed; it counts as unknown"))
    }
}
