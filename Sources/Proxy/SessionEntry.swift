import Access
import Bytes
import Crypto

/// What a worker knows of one live cookie: its session, when it was last used here, what identifies it to each site, and which exchanges are
/// under way with it.
final class SessionEntry {
    private(set) var record: SessionRecord
    /// The record's member, as rules see them.
    private(set) var subject: Subject
    let key: SessionCache.Key
    private unowned let cache: SessionCache
    /// The last use that this worker knows of.
    private(set) var lastSeen: WallTime
    /// The absolute end: later than the record's where the person logged in again meanwhile.
    private(set) var expires: WallTime
    /// When the directory vouched for the member last, as far as this worker knows.
    private(set) var checked: WallTime
    /// Where it stands among those with exchanges under way; -1: not among them.
    var busyIndex = -1
    var isDirty = false
    /// It is not in the cache any more: ended, or to be looked up again.
    var isStale = false
    /// The store knows something else of it, and nobody has looked yet what that means for the exchanges under way.
    var isChanged = false
    /// A limit of its passed; what is under way with it may end by itself.
    private(set) var isExpired = false
    /// By site index: the identity headers, ready to be copied into a request, as `identityMaker` made them.
    var identities: [(site: Int, block: IdentityBlock)] = []
    var identityMaker: UInt64 = 0
    private var first: Exchange?

    init(_ record: SessionRecord, key: SessionCache.Key, in cache: SessionCache) {
        self.record = record
        subject = Subject(record.member, authTime: record.authTime)
        self.key = key
        self.cache = cache
        lastSeen = record.lastSeen
        expires = record.expires
        checked = record.checked
    }

    func isLive(at now: WallTime, idle: Duration) -> Bool {
        now < expires && now.milliseconds &- lastSeen.milliseconds < idle.milliseconds
    }

    /// What the store knows of the same session by now.
    func learn(_ record: SessionRecord) {
        lastSeen = min(max(lastSeen, record.lastSeen), cache.now)
        expires = record.expires
        checked = min(record.checked, cache.now)
        if record.member == self.record.member, record.authTime == self.record.authTime { return }
        // Until when the cookie is good the store says only to who shows it.
        let goodUntil = self.record.cookieGoodUntil
        self.record = record
        self.record.cookieGoodUntil = goodUntil
        subject = Subject(record.member, authTime: record.authTime)
        identities.removeAll()
    }

    /// The directory says something else of the member: whatever the rules refuse by now ends, as with the session.
    /// - Parameters:
    ///   - record: what the store knows of it; nil: it is over.
    ///   - isLast: no other change is known of.
    func review(_ record: SessionRecord?, isLast: Bool) {
        if isLast { isChanged = false }
        guard let record else { return }
        learn(record)
        for exchange in exchanges where !exchange.server.handler.wouldPass(exchange) { exchange.sessionEnded() }
    }

    /// The clock was set back: what is noted for later than now counts from now, or it would stand still until then.
    func bringBack(to now: WallTime) {
        lastSeen = min(lastSeen, now)
        checked = min(checked, now)
    }

    /// Counts as activity. Written to the store in batches.
    func touch(_ now: WallTime) {
        // A second more or less does not matter to limits of minutes.
        if now.milliseconds &- lastSeen.milliseconds < 1000 && isDirty { return }
        lastSeen = now
        if !isDirty {
            isDirty = true
            cache.noteDirty(self)
        }
    }

    var hasExchanges: Bool { first != nil }

    func add(_ exchange: Exchange) {
        if first == nil { cache.noteBusy(self) }
        exchange.nextOfSession = first
        unsafe exchange.previousOfSession = nil
        unsafe first?.previousOfSession = exchange
        first = exchange
    }

    func remove(_ exchange: Exchange) {
        let next = exchange.nextOfSession
        if let previous = unsafe exchange.previousOfSession {
            previous.nextOfSession = next
        } else if first === exchange {
            first = next
        } else {
            return
        }
        unsafe next?.previousOfSession = exchange.previousOfSession
        exchange.nextOfSession = nil
        unsafe exchange.previousOfSession = nil
        if first == nil {
            cache.noteIdle(self)
            if isStale { cache.forgetStale(self) }
        }
    }

    /// The session is over: everything under way with it ends.
    func end() {
        isStale = true
        for exchange in exchanges { exchange.sessionEnded() }
    }

    /// A limit of the session passed: streams end.
    func expire() {
        isStale = true
        isExpired = true
        for exchange in exchanges { exchange.sessionExpired() }
    }

    /// Streams end that were let in at hours which are over.
    func reviewHours() {
        var next = first
        while let exchange = next {
            next = exchange.nextOfSession
            if exchange.trace.isTimed, !exchange.server.handler.wouldPass(exchange) { exchange.sessionExpired() }
        }
    }

    /// Those under way, as a list of its own: they leave while they are told.
    private var exchanges: [Exchange] {
        var exchanges: [Exchange] = []
        var next = first
        while let exchange = next {
            exchanges.append(exchange)
            next = exchange.nextOfSession
        }
        return exchanges
    }
}
