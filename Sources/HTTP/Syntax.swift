/// RFC 9110 section 5.6.2: `tchar`. Two words of bits instead of a table in memory.
@inline(__always) func isToken(_ byte: UInt8) -> Bool {
    if byte >= 128 { return false }
    let low: UInt64 = 0x03FF_6CFA_0000_0000  // ! # $ % & ' * + - . 0–9
    let high: UInt64 = 0x57FF_FFFF_C7FF_FFFE  // A–Z ^ _ ` a–z | ~
    return (byte < 64 ? low >> UInt64(byte) : high >> UInt64(byte & 63)) & 1 == 1
}

/// A whole, non-empty token.
func isToken(_ bytes: Span<UInt8>) -> Bool {
    for at in 0..<bytes.count where !isToken(bytes[at]) { return false }
    return !bytes.isEmpty
}

/// Space or tab: optional whitespace (RFC 9110 section 5.6.3).
@inline(__always) func isBlank(_ byte: UInt8) -> Bool { byte == 0x20 || byte == 0x09 }

@inline(__always) func isDigit(_ byte: UInt8) -> Bool { byte &- 0x30 < 10 }

/// Where the token that begins at `start` ends: at the first byte that is no `tchar`, at `end` at the latest.
func tokenEnd(_ bytes: Span<UInt8>, from start: Int, to end: Int) -> Int {
    precondition(end <= bytes.count && start >= 0)
    return unsafe bytes.withUnsafeBytes { bytes in
        var at = start
        while at < end, unsafe isToken(bytes[at]) { at &+= 1 }
        return at
    }
}

/// Compares without regard to the case of A–Z. `text` is made of letters, digits and signs below `@`.
func equalsIgnoringCase(_ bytes: Span<UInt8>, _ text: StaticString) -> Bool {
    let count = text.utf8CodeUnitCount
    guard bytes.count == count else { return false }
    let text = unsafe UnsafeRawBufferPointer(start: text.utf8Start, count: count)
    return unsafe bytes.withUnsafeBytes { bytes in
        var at = 0
        while at &+ 8 <= count {
            let ours = unsafe text.loadUnaligned(fromByteOffset: at, as: UInt64.self)
            let differs = unsafe bytes.loadUnaligned(fromByteOffset: at, as: UInt64.self) ^ ours
            // Only the bit of the case may differ, and only where ours is a letter: those alone have the bit 0x40.
            if differs & ~(ours >> 1 & 0x2020_2020_2020_2020) != 0 { return false }
            at &+= 8
        }
        while at < count {
            if unsafe lowercase(bytes[at]) != lowercase(text[at]) { return false }
            at &+= 1
        }
        return true
    }
}

/// `range` without the blanks at both its ends.
func trimBlanks(_ bytes: Span<UInt8>, _ range: Range<Int>) -> Range<Int> {
    var start = range.lowerBound
    var end = range.upperBound
    while start < end, isBlank(bytes[start]) { start += 1 }
    while end > start, isBlank(bytes[end - 1]) { end -= 1 }
    return start..<end
}

/// Calls `body` with each element of a comma-separated list (RFC 9110 section 5.6.1), blanks trimmed; empty elements are passed over.
func forEachListElement(_ bytes: Span<UInt8>, _ range: Range<Int>, _ body: (Span<UInt8>) throws(ProtocolFault) -> Void) throws(ProtocolFault) {
    var start = range.lowerBound
    while start < range.upperBound {
        var end = start
        while end < range.upperBound, bytes[end] != UInt8(ascii: ",") { end += 1 }
        let element = trimBlanks(bytes, start..<end)
        if !element.isEmpty { try body(bytes.extracting(element)) }
        start = end + 1
    }
}

/// Where the first byte below 0x20, or 0x7F, lies in `start..<end`; `end` where there is none.
func firstControl(_ bytes: Span<UInt8>, from start: Int, to end: Int) -> Int {
    precondition(end <= bytes.count && start >= 0)
    return unsafe bytes.withUnsafeBytes { bytes in
        var at = start
        while at &+ 8 <= end {
            let word = UInt64(littleEndian: unsafe bytes.loadUnaligned(fromByteOffset: at, as: UInt64.self))
            // The high bit of a byte comes out set where the byte is below 0x20, or is 0x7F. A borrow can set it falsely only above a
            // byte where it is truly set, so the lowest one is always right.
            let belowSpace = (word &- 0x2020_2020_2020_2020) & ~word
            let delete = word ^ 0x7F7F_7F7F_7F7F_7F7F
            let isDelete = (delete &- 0x0101_0101_0101_0101) & ~delete
            let found = (belowSpace | isDelete) & 0x8080_8080_8080_8080
            if found != 0 { return at &+ found.trailingZeroBitCount / 8 }
            at &+= 8
        }
        while at < end {
            let byte = unsafe bytes[at]
            if byte < 0x20 || byte == 0x7F { return at }
            at &+= 1
        }
        return at
    }
}
