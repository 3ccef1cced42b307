/// `field-line = field-name ":" OWS field-value OWS` (RFC 9112 section 5).
enum FieldLine {
    /// Takes apart one line that a `LineScanner` cut. Offsets in the entry count from `base`.
    static func parse(_ input: Span<UInt8>, _ line: Range<Int>, base: Int) throws(ProtocolFault) -> Fields.Entry {
        let colon = tokenEnd(input, from: line.lowerBound, to: line.upperBound)
        guard colon < line.upperBound, input[colon] == UInt8(ascii: ":"), colon > line.lowerBound else {
            throw fault(input, line, stoppedAt: colon)
        }
        let value = trimBlanks(input, colon &+ 1..<line.upperBound)
        let known = KnownField(name: input.extracting(line.lowerBound..<colon))
        switch known {
        case .contentLength, .transferEncoding, .host:
            // A tab is a blank to the standard, and part of the value to some who read after us or before us.
            for at in colon &+ 1..<value.lowerBound where input[at] == 0x09 { throw ProtocolFault("tab-in-framing-field") }
            for at in value.upperBound..<line.upperBound where input[at] == 0x09 { throw ProtocolFault("tab-in-framing-field") }
        default: break
        }
        return Fields.Entry(
            nameStart: line.lowerBound &- base, nameLength: colon &- line.lowerBound, valueStart: value.lowerBound &- base,
            valueLength: value.count, known: known)
    }

    private static func fault(_ input: Span<UInt8>, _ line: Range<Int>, stoppedAt at: Int) -> ProtocolFault {
        if at == line.upperBound { return ProtocolFault("field-without-colon") }
        if isBlank(input[at]) { return ProtocolFault(at == line.lowerBound ? "folded-field" : "blank-in-field-name") }
        return ProtocolFault(input[at] == UInt8(ascii: ":") ? "empty-field-name" : "field-name")
    }
}

extension Fields {
    /// Adds the bytes of a whole block of lines, to which entries already point.
    mutating func adopt(_ block: Span<UInt8>) {
        unsafe block.withUnsafeBytes { unsafe arena.append(contentsOf: $0) }
    }
}
