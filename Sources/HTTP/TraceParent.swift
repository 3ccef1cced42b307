/// `traceparent` of W3C Trace Context, levels 1 and 2: `version "-" trace-id "-" parent-id "-" trace-flags`, all of it lower-case hexadecimal.
public enum TraceParent {
    /// Bytes of the four parts that each version has; of version 00 the whole.
    static let length = 55

    /// Where the trace id lies in `arena`, `value` being the field's; nil where the value is not valid: then it must not be passed on, and
    /// neither must `tracestate` (section 3.2.2.5).
    public static func traceID(_ arena: Span<UInt8>, _ value: Range<Int>) -> Range<Int>? {
        guard value.count >= length else { return nil }
        let text = arena.extracting(value)
        guard text[2] == dash, text[35] == dash, text[52] == dash else { return nil }
        guard isHex(text, 0..<2), isHex(text, 3..<35), isHex(text, 36..<52), isHex(text, 53..<55) else { return nil }
        // Version 255 is forbidden; a version of the future may go on behind the parts that are known.
        if text[0] == UInt8(ascii: "f"), text[1] == UInt8(ascii: "f") { return nil }
        if text[0] == zero, text[1] == zero {
            guard text.count == length else { return nil }
        } else if text.count > length, text[length] != dash {
            return nil
        }
        guard !isZero(text, 3..<35), !isZero(text, 36..<52) else { return nil }
        return value.lowerBound + 3..<value.lowerBound + 35
    }

    private static let dash = UInt8(ascii: "-")
    private static let zero = UInt8(ascii: "0")

    private static func isHex(_ text: Span<UInt8>, _ range: Range<Int>) -> Bool {
        for at in range where !isDigit(text[at]) && text[at] &- 0x61 >= 6 { return false }
        return true
    }

    private static func isZero(_ text: Span<UInt8>, _ range: Range<Int>) -> Bool {
        for at in range where text[at] != zero { return false }
        return true
    }
}
