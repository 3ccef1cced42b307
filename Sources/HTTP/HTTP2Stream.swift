import Bytes

/// What the session knows of one stream that nghttp2 has open.
struct HTTP2Stream: ~Copyable {
    /// 0: this place is free.
    var id: Int32 = 0
    /// The finished head, until the caller takes it.
    var head = RequestHead()
    var urgency: UInt8 = 3
    /// The caller was told of it.
    var isAnnounced = false
    /// Its head was refused: its body is of no interest.
    var isRefused = false
    var clientEnded = false
    var clientReset = false
    var responseEnded = false
    var isReset = false
    /// Body bytes told to the caller and not consumed yet: they are owed to the connection's window when the stream goes.
    var unconsumed = 0
    var window = HTTP2Window()
    /// Body bytes that nobody wanted any more.
    var dropped = 0

    var isAnswered = false
    /// nghttp2 asked for data when there was none; it must be told when there is.
    var isDeferred = false
    var isFinished = false
    var wasAboveMark = false
    var trailers: Fields?
    var queue = ByteQueue()

    /// Forgets the stream. `keepsMemory`: the place is one of the few whose buffers are worth keeping for the next stream.
    mutating func clear(keepsMemory: Bool) {
        id = 0
        urgency = 3
        isAnnounced = false
        isRefused = false
        clientEnded = false
        clientReset = false
        responseEnded = false
        isReset = false
        unconsumed = 0
        window = HTTP2Window()
        dropped = 0
        isAnswered = false
        isDeferred = false
        isFinished = false
        wasAboveMark = false
        trailers = nil
        queue.removeAll()
        if keepsMemory { return }
        queue.release()
        head = RequestHead()
    }
}

/// The streams of one connection in a growing block of memory, addressed by small integers which nghttp2 keeps as each stream's user data. It
/// owns the block. Places are taken lowest first, so that a connection with one request at a time always uses the same one.
@safe struct HTTP2StreamTable: ~Copyable {
    private var base: UnsafeMutablePointer<HTTP2Stream>
    private(set) var capacity: Int
    private(set) var open = 0
    /// How many of the lowest places keep their buffers between streams.
    private let keeping = 2

    init() {
        capacity = 4
        unsafe base = .allocate(capacity: capacity)
        for i in 0..<capacity { unsafe (base + i).initialize(to: HTTP2Stream()) }
    }

    deinit {
        unsafe base.deinitialize(count: capacity)
        unsafe base.deallocate()
    }

    subscript(index: Int) -> HTTP2Stream {
        _read {
            precondition(index >= 0 && index < capacity)
            yield unsafe base[index]
        }
        _modify {
            precondition(index >= 0 && index < capacity)
            yield unsafe &base[index]
        }
    }

    /// A place for a new stream.
    mutating func take(_ id: Int32) -> Int {
        open += 1
        var index = 0
        while index < capacity, unsafe base[index].id != 0 { index += 1 }
        if index == capacity { grow() }
        unsafe base[index].id = id
        return index
    }

    mutating func free(_ index: Int) {
        guard self[index].id != 0 else { return }
        open -= 1
        self[index].clear(keepsMemory: index < keeping)
    }

    /// Gives back what many streams at once made it grow to, and what they kept. Only where none is open.
    mutating func rest() {
        guard open == 0 else { return }
        self = HTTP2StreamTable()
    }

    private mutating func grow() {
        let wanted = capacity * 2
        let fresh = UnsafeMutablePointer<HTTP2Stream>.allocate(capacity: wanted)
        unsafe fresh.moveInitialize(from: base, count: capacity)
        for i in capacity..<wanted { unsafe (fresh + i).initialize(to: HTTP2Stream()) }
        unsafe base.deallocate()
        unsafe base = fresh
        capacity = wanted
    }
}
