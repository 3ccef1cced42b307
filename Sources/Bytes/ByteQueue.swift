/// A contiguous first-in first-out queue of bytes: what was read from a socket and not parsed yet, or what is still to be written to one.
///
/// It owns its memory, never copies it behind the caller's back, and gives it back when it is empty and asked to `release()`: an idle
/// connection holds nothing. Views of its bytes are spans or buffers that live only as long as a call.
@safe public struct ByteQueue: ~Copyable {
    @usableFromInline var base: UnsafeMutableRawPointer?
    @usableFromInline var start = 0
    @usableFromInline var end = 0
    @usableFromInline var capacity = 0

    public init() { unsafe base = nil }

    deinit { unsafe base?.deallocate() }

    /// How many bytes wait.
    @inlinable public var count: Int { end &- start }
    @inlinable public var isEmpty: Bool { end == start }

    /// The waiting bytes, oldest first.
    @inlinable public var bytes: Span<UInt8> {
        @_lifetime(borrow self)
        borrowing get {
            let start = unsafe UnsafePointer<UInt8>(base?.advanced(by: start).assumingMemoryBound(to: UInt8.self))
            let span = unsafe Span<UInt8>(_unsafeElements: UnsafeBufferPointer(start: start, count: end &- self.start))
            return unsafe _overrideLifetime(span, borrowing: self)
        }
    }

    /// Shows `body` some of the waiting bytes, counted from the oldest. A span that a class's stored property gives cannot be cut where it is
    /// made; this can.
    @inlinable public borrowing func withBytes(_ range: Range<Int>, _ body: (Span<UInt8>) -> Void) {
        body(bytes.extracting(range))
    }

    /// Adds a copy of `bytes` at the end.
    @inlinable public mutating func append(_ bytes: Span<UInt8>) {
        unsafe bytes.withUnsafeBytes { source in
            guard let from = source.baseAddress else { return }
            reserve(source.count)
            unsafe base.unsafelyUnwrapped.advanced(by: end).copyMemory(from: from, byteCount: source.count)
            end &+= source.count
        }
    }

    @inlinable public mutating func append(_ bytes: [UInt8]) { append(bytes.span) }

    /// Adds the bytes of a literal.
    @inlinable public mutating func append(_ text: StaticString) {
        reserve(text.utf8CodeUnitCount)
        unsafe base.unsafelyUnwrapped.advanced(by: end).copyMemory(from: text.utf8Start, byteCount: text.utf8CodeUnitCount)
        end &+= text.utf8CodeUnitCount
    }

    /// Adds the UTF-8 of `text`. A literal is not meant: it goes the shorter way above.
    @_disfavoredOverload @inlinable public mutating func append(_ text: String) {
        append(text.utf8.span)
    }

    @inlinable public mutating func append(_ byte: UInt8) {
        reserve(1)
        unsafe base.unsafelyUnwrapped.storeBytes(of: byte, toByteOffset: end, as: UInt8.self)
        end &+= 1
    }

    /// Adds `value` in decimal.
    @inlinable public mutating func append(decimal value: UInt64) {
        reserve(20)
        var digits = 1
        var rest = value
        while rest >= 10 {
            rest /= 10
            digits &+= 1
        }
        rest = value
        var at = end &+ digits
        repeat {
            at &-= 1
            unsafe base.unsafelyUnwrapped.storeBytes(of: UInt8(truncatingIfNeeded: rest % 10) | 0x30, toByteOffset: at, as: UInt8.self)
            rest /= 10
        } while rest > 0
        end &+= digits
    }

    /// Forgets the oldest `count` bytes.
    @inlinable public mutating func consume(_ count: Int) {
        precondition(count >= 0 && count <= end &- start)
        start &+= count
        if start == end {
            start = 0
            end = 0
        }
    }

    @inlinable public mutating func removeAll() {
        start = 0
        end = 0
    }

    /// Gives the memory back if nothing waits.
    @inlinable public mutating func release() {
        guard start == end, unsafe base != nil else { return }
        unsafe base?.deallocate()
        unsafe base = nil
        capacity = 0
        start = 0
        end = 0
    }

    /// Offers at least `minimum` bytes of room at the end to `body`, which writes into them and returns how many it wrote (0 or less: none).
    @inlinable public mutating func fill(minimum: Int, _ body: (UnsafeMutableRawBufferPointer) -> Int) -> Int {
        reserve(minimum)
        let wrote = unsafe body(UnsafeMutableRawBufferPointer(start: base.unsafelyUnwrapped + end, count: capacity &- end))
        if wrote > 0 { end &+= wrote }
        return wrote
    }

    /// Makes room for `more` bytes behind the waiting ones: by moving them to the front, else by doubling.
    @inlinable public mutating func reserve(_ more: Int) {
        if capacity &- end >= more, unsafe base != nil { return }
        grow(more)
    }

    @usableFromInline mutating func grow(_ more: Int) {
        let waiting = end - start
        if let base = unsafe base, capacity - waiting >= more, start >= capacity / 2 {
            unsafe base.copyMemory(from: base + start, byteCount: waiting)
        } else {
            var wanted = Swift.max(capacity, 512)
            while wanted - waiting < more { wanted *= 2 }
            let fresh = UnsafeMutableRawPointer.allocate(byteCount: wanted, alignment: 16)
            if let base = unsafe base {
                unsafe fresh.copyMemory(from: base + start, byteCount: waiting)
                unsafe base.deallocate()
            }
            unsafe base = fresh
            capacity = wanted
        }
        start = 0
        end = waiting
    }
}
