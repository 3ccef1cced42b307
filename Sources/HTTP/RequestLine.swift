/// `method SP request-target SP HTTP-version` (RFC 9112 section 3), every blank exactly one space.
struct RequestLine {
    /// The forms of a target (RFC 9112 section 3.2). The authority form belongs to CONNECT alone and never gets this far.
    enum Form {
        /// Path and query lie in `target`.
        case origin
        /// `*`, with OPTIONS only.
        case asterisk
        /// A URI: `authority` is its own; `target` is what follows, which may lack the first `/`.
        case absolute(authority: Range<Int>)
    }

    var method: Method
    var methodBytes: Range<Int>
    var form: Form
    var target: Range<Int>
    var version: HTTPVersion

    init(_ input: Span<UInt8>, _ line: Range<Int>, targetLimit: Int) throws(ProtocolFault) {
        let methodEnd = Self.firstSpace(input, line)
        methodBytes = line.lowerBound..<methodEnd
        guard let method = Method(token: input.extracting(methodBytes)) else {
            throw methodBytes.count > 32 ? ProtocolFault("long-method", status: 501) : ProtocolFault("method")
        }
        self.method = method
        guard methodEnd < line.upperBound else { throw ProtocolFault("request-line") }
        let targetEnd = Self.firstSpace(input, methodEnd + 1..<line.upperBound)
        target = methodEnd + 1..<targetEnd
        guard targetEnd < line.upperBound, !target.isEmpty else { throw ProtocolFault("request-line") }
        version = try HTTPVersion(line: input.extracting(targetEnd + 1..<line.upperBound))
        guard target.count <= targetLimit else { throw ProtocolFault("long-target", status: 414) }
        for at in target where input[at] &- 0x21 > 0x5D { throw ProtocolFault("target-byte") }
        form = .origin
        if !isForbidden { try readForm(input) }
    }

    /// CONNECT and TRACE are for nobody here, whatever their target.
    var isForbidden: Bool { method == .connect || method == .trace }

    /// Whether the front of a line that is too long at least begins as a request.
    static func beginsWithMethod(_ input: Span<UInt8>) -> Bool {
        let end = firstSpace(input, 0..<min(input.count, 33))
        return end < min(input.count, 33) && Method(token: input.extracting(0..<end)) != nil
    }

    private mutating func readForm(_ input: Span<UInt8>) throws(ProtocolFault) {
        if input[target.lowerBound] == UInt8(ascii: "/") { return }
        if target.count == 1, input[target.lowerBound] == UInt8(ascii: "*"), method == .options {
            form = .asterisk
            return
        }
        let start: Int
        if target.count > 7, equalsIgnoringCase(input.extracting(target.prefix(7)), "http://") {
            start = target.lowerBound + 7
        } else if target.count > 8, equalsIgnoringCase(input.extracting(target.prefix(8)), "https://") {
            start = target.lowerBound + 8
        } else {
            throw ProtocolFault("target-form")
        }
        var end = start
        while end < target.upperBound, input[end] != UInt8(ascii: "/"), input[end] != UInt8(ascii: "?") { end += 1 }
        guard Authority(input.extracting(start..<end)) != nil else { throw ProtocolFault("target-authority") }
        form = .absolute(authority: start..<end)
        target = end..<target.upperBound
    }

    private static func firstSpace(_ input: Span<UInt8>, _ range: Range<Int>) -> Int {
        var at = range.lowerBound
        while at < range.upperBound, input[at] != 0x20 { at &+= 1 }
        return at
    }
}

extension HTTPVersion {
    /// `HTTP/1.1` or `HTTP/1.0`, to the letter. Another version that is well-formed is 505.
    init(line text: Span<UInt8>) throws(ProtocolFault) {
        guard text.count == 8, text[6] == UInt8(ascii: "."), isDigit(text[5]), isDigit(text[7]) else { throw ProtocolFault("version") }
        let name: StaticString = "HTTP/"
        for at in 0..<5 where unsafe text[at] != name.utf8Start[at] { throw ProtocolFault("version") }
        switch (text[5], text[7]) {
        case (UInt8(ascii: "1"), UInt8(ascii: "1")): self = .http11
        case (UInt8(ascii: "1"), UInt8(ascii: "0")): self = .http10
        default: throw ProtocolFault("version", status: 505)
        }
    }
}
