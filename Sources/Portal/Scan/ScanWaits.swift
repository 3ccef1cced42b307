public import Access
internal import Bytes
internal import Crypto
public import EventLoop
internal import Proxy

/// One worker's browsers that show a QR code and wait for the phone, each with an event stream. What the phone said comes through the store: at once
/// where this process put it there, within a second where another did. It outlives a configuration; the streams do not.
public final class ScanWaits {
    private struct Waiter {
        var stream: OwnStream
        var scan: Scan
        /// Of the client's address as much as counts as one.
        var address: [UInt8]
    }

    /// Streams of one worker from one address. An office may share one.
    static let perAddress = 64
    /// Streams of one worker.
    static let total = 1024
    /// Streams for one code: more than one only where the browser lost one and asked again; the oldest goes first.
    static let perCode = 2
    /// 1 s
    private static let beat: UInt64 = 1_000_000_000
    /// A line that means nothing goes out every so many beats: whether a browser is still there shows only when something is written to it.
    private static let beatsPerLine = 10

    private let store: any SessionStore
    private let loop: EventLoop
    /// By where the answer will lie.
    private var waiters: [Digest256: [Waiter]] = [:]
    private var count = 0
    private var byAddress: [[UInt8]: Int] = [:]
    /// Answers that the store is being asked for, and those of them that were heard of meanwhile.
    private var asking: Set<Digest256> = []
    private var again: Set<Digest256> = []
    private var beats = 0
    private var timer: LoopTimer?
    private var isBeating = false

    public init(_ store: any SessionStore, on loop: EventLoop) {
        self.store = store
        self.loop = loop
        timer = LoopTimer { [weak self] in self?.tick() }
        let bound = LoopBound(Weak(self))
        let mailbox = loop.mailbox
        store.subscribe { notice in
            guard case .put(.scan, let key) = notice else { return }
            mailbox.post { bound.value.waits?.look(key) }
        }
    }

    private final class Weak {
        weak var waits: ScanWaits?
        init(_ waits: ScanWaits) { self.waits = waits }
    }

    /// Whether there is room for one more from that address.
    func hasRoom(for client: String) -> Bool { count < Self.total && byAddress[AddressBudget.key(client), default: 0] < Self.perAddress }

    /// What makes an answer the stream that waits for the answer at `key`.
    func waiting(for scan: Scan, at key: Digest256, client: String) -> @Sendable (OwnStream) -> Void {
        let bound = LoopBound(self)
        return { stream in bound.value.add(Waiter(stream: stream, scan: scan, address: AddressBudget.key(client)), key) }
    }

    private func add(_ waiter: Waiter, _ key: Digest256) {
        if let known = waiters[key], known.count >= Self.perCode { known[0].stream.end() }
        let stream = waiter.stream
        waiters[key, default: []].append(waiter)
        byAddress[waiter.address, default: 0] += 1
        count += 1
        stream.onEnd = { [weak self] in self?.remove(stream, key) }
        stream.send(ScanEvent.comment)
        // The answer may have come between the look at it and now.
        look(key)
        if !isBeating, let timer {
            isBeating = true
            loop.schedule(timer, after: Self.beat)
        }
    }

    private func remove(_ stream: OwnStream, _ key: Digest256) {
        guard let index = waiters[key]?.firstIndex(where: { $0.stream === stream }), let waiter = waiters[key]?.remove(at: index) else { return }
        if waiters[key]?.isEmpty == true { waiters[key] = nil }
        count -= 1
        byAddress[waiter.address, default: 1] -= 1
        if byAddress[waiter.address] == 0 { byAddress[waiter.address] = nil }
    }

    private func tick() {
        isBeating = !waiters.isEmpty
        guard isBeating, let timer else { return }
        loop.schedule(timer, after: Self.beat)
        beats += 1
        if beats % Self.beatsPerLine == 0 {
            for waiter in waiters.values.flatMap({ $0 }) { waiter.stream.send(ScanEvent.comment) }
        }
        for key in Array(waiters.keys) { look(key) }
    }

    /// Asks the store whether the answer is there, and tells whoever waits for it. A store in trouble is asked again with the next beat.
    private func look(_ key: Digest256) {
        if waiters[key] == nil { return }
        guard asking.insert(key).inserted else {
            again.insert(key)
            return
        }
        loop.spawn { [self] in
            var answer: Scan.Answer?, isKnown = true
            do { answer = try await store.peek(.scan, key, now: loop.wall).map { Scan.Answer($0) } } catch { isKnown = false }
            asking.remove(key)
            if again.remove(key) != nil { return look(key) }
            if isKnown { tell(answer, key) }
        }
    }

    private func tell(_ answer: Scan.Answer?, _ key: Digest256) {
        for waiter in waiters[key] ?? [] {
            guard let event = ScanEvent(waiter.scan.stage(answer, now: loop.wall)) else { continue }
            waiter.stream.send(event.line)
            waiter.stream.end()
        }
    }
}

/// What the asking browser is told.
enum ScanEvent: String {
    case approved, refused, expired

    /// Nil while there is nothing to tell.
    init?(_ stage: Scan.Stage) {
        switch stage {
        case .waiting: return nil
        case .approved: self = .approved
        case .refused: self = .refused
        case .expired: self = .expired
        }
    }

    /// As an event stream has it (HTML standard, *Server-sent events*). Browsers pass on only events with data.
    var line: [UInt8] { Array("event: \(rawValue)\ndata: \(rawValue)\n\n".utf8) }

    /// A line that means nothing.
    static let comment = Array(":\n\n".utf8)
}
