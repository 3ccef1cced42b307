/// A configuration text as a tree: one document, anchors and `<<` resolved, every key at most once.
///
/// Limits: 1 MiB of text, 32 levels, 50 000 values with every alias counted as often as it stands for something; so a
/// text of nested aliases is a fault before it grows.
struct YAMLDocument {
    static let maximumBytes = 1 << 20
    static let maximumDepth = 32
    static let maximumNodes = 50_000

    /// Nil where the text holds no document, or an empty one.
    let root: YAMLNode?
    /// Keys given twice, and what cannot be merged, in the order of the text. The tree is usable all the same.
    let faults: [YAMLFault]

    /// Throws where the text is no YAML at all.
    init(_ bytes: [UInt8]) throws(YAMLFault) {
        guard bytes.count <= Self.maximumBytes else {
            throw YAMLFault(mark: .start, message: "the file is larger than 1 MiB")
        }
        var bytes = bytes
        if bytes.starts(with: [0xEF, 0xBB, 0xBF]) { bytes.removeFirst(3) }
        if let fault = TextCheck.firstFault(in: bytes) { throw fault }
        var composer = YAMLComposer(events: try YAMLEvents(bytes))
        root = try composer.document()
        faults = composer.faults
    }
}

/// Finds what no text file should hold, before libyaml sees it, so that the place can be told.
enum TextCheck {
    static func firstFault(in bytes: [UInt8]) -> YAMLFault? {
        var decoder = UTF8()
        var input = bytes.makeIterator()
        var mark = Mark.start
        while true {
            switch decoder.decode(&input) {
            case .emptyInput: return nil
            case .error: return YAMLFault(mark: mark, message: "not valid UTF-8; save the file as UTF-8")
            case .scalarValue(let scalar):
                switch scalar.value {
                case 0x0A: mark = Mark(line: mark.line + 1, column: 0)
                case 0x09, 0x0D, 0x85: break
                case 0..<0x20, 0x7F..<0xA0, 0xFEFF, 0xFFFE, 0xFFFF:
                    return YAMLFault(mark: mark, message: "a control character (U+" + hex(scalar.value) + ") cannot stand here")
                default: break
                }
                mark.column += 1
            }
        }
    }

    private static func hex(_ value: UInt32) -> String {
        let digits = String(value, radix: 16, uppercase: true)
        return String(repeating: "0", count: max(0, 4 - digits.count)) + digits
    }
}
