import CYAML

/// One step of a YAML stream.
enum YAMLEvent {
    case streamStart, streamEnd, documentStart, documentEnd, sequenceEnd, mappingEnd
    case alias(String)
    case scalar(YAMLScalar, Properties)
    case sequenceStart(Properties)
    case mappingStart(Properties)

    struct Properties {
        var anchor: String?
        var isTagged: Bool
    }
}

/// Why the text is not read as YAML, and where.
struct YAMLFault: Error, Equatable {
    var mark: Mark
    var message: String
}

/// libyaml's parser as a sequence of events. It owns the parser and the copy of the text that the parser points into.
@safe final class YAMLEvents {
    private let parser: UnsafeMutablePointer<yaml_parser_t>
    private let text: UnsafeMutableBufferPointer<UInt8>

    /// `bytes` must be UTF-8; the caller has checked that.
    init(_ bytes: [UInt8]) throws(YAMLFault) {
        unsafe text = .allocate(capacity: max(bytes.count, 1))
        _ = unsafe text.initialize(from: bytes)
        unsafe parser = .allocate(capacity: 1)
        unsafe parser.initialize(to: yaml_parser_t())
        guard unsafe yaml_parser_initialize(parser) == 1 else { throw YAMLFault(mark: .start, message: "out of memory") }
        unsafe yaml_parser_set_encoding(parser, YAML_UTF8_ENCODING)
        unsafe yaml_parser_set_input_string(parser, text.baseAddress, bytes.count)
    }

    deinit {
        unsafe yaml_parser_delete(parser)
        unsafe parser.deallocate()
        unsafe text.deallocate()
    }

    /// The next event and where it begins.
    func next() throws(YAMLFault) -> (event: YAMLEvent, mark: Mark) {
        var raw = unsafe yaml_event_t()
        guard unsafe yaml_parser_parse(parser, &raw) == 1 else { throw problem() }
        defer { unsafe yaml_event_delete(&raw) }
        return (unsafe Self.event(raw), unsafe Self.mark(raw.start_mark))
    }

    private static func event(_ raw: yaml_event_t) -> YAMLEvent {
        switch unsafe raw.type {
        case YAML_STREAM_START_EVENT: return .streamStart
        case YAML_DOCUMENT_START_EVENT: return .documentStart
        case YAML_DOCUMENT_END_EVENT: return .documentEnd
        case YAML_ALIAS_EVENT: return unsafe .alias(string(raw.data.alias.anchor) ?? "")
        case YAML_SCALAR_EVENT:
            let scalar = unsafe raw.data.scalar
            let bytes = unsafe UnsafeBufferPointer(start: scalar.value, count: scalar.length)
            let value = unsafe YAMLScalar(text: String(decoding: bytes, as: UTF8.self), isPlain: scalar.style == YAML_PLAIN_SCALAR_STYLE)
            return unsafe .scalar(value, properties(scalar.anchor, scalar.tag))
        case YAML_SEQUENCE_START_EVENT: return unsafe .sequenceStart(properties(raw.data.sequence_start.anchor, raw.data.sequence_start.tag))
        case YAML_SEQUENCE_END_EVENT: return .sequenceEnd
        case YAML_MAPPING_START_EVENT: return unsafe .mappingStart(properties(raw.data.mapping_start.anchor, raw.data.mapping_start.tag))
        case YAML_MAPPING_END_EVENT: return .mappingEnd
        default: return .streamEnd
        }
    }

    private static func properties(_ anchor: UnsafeMutablePointer<UInt8>?, _ tag: UnsafeMutablePointer<UInt8>?) -> YAMLEvent.Properties {
        unsafe .init(anchor: string(anchor), isTagged: tag != nil)
    }

    private static func string(_ pointer: UnsafeMutablePointer<UInt8>?) -> String? {
        guard let pointer = unsafe pointer else { return nil }
        return unsafe String(cString: pointer)
    }

    private static func mark(_ raw: yaml_mark_t) -> Mark { Mark(line: Int(raw.line) + 1, column: Int(raw.column) + 1) }

    private static let hints = [
        ("cannot start any token", "a tab? lines are indented with blanks"),
        ("mapping values are not allowed", "a text that ends in \":\" or holds \": \" needs quotes"),
        ("did not find expected node content", "a text that holds [ or ], such as \"[::]:443\", needs quotes"),
    ]

    private func problem() -> YAMLFault {
        let state = unsafe parser.pointee
        guard let text = unsafe state.problem else { return YAMLFault(mark: .start, message: "not valid YAML") }
        var message = unsafe "not valid YAML: " + String(cString: text)
        if let context = unsafe state.context { message += unsafe " " + String(cString: context) }
        // What people wrote who got this.
        for (words, hint) in Self.hints where message.contains(words) { message += " (\(hint))" }
        return unsafe YAMLFault(mark: Self.mark(state.problem_mark), message: message)
    }
}
