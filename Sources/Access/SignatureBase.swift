public import HTTP

/// What an HTTP message signature is over (RFC 9421 section 2.5): a line for each covered component and one for the parameters. It says nothing of how it is
/// signed, and keeps its room.
///
/// To be told in this order: `begin`, `cover` for each component, `endComponents`, `parameter` for each, `end`.
public struct SignatureBase: Sendable {
    /// The base; whole after `end`.
    public private(set) var bytes: [UInt8] = []
    /// The signature parameters (section 2.3): `("@method" …);created=…`, the value of the label in `Signature-Input`.
    public private(set) var parameters: [UInt8] = []

    public init() {}

    public mutating func begin() {
        bytes.removeAll(keepingCapacity: true)
        parameters.removeAll(keepingCapacity: true)
        parameters.append(UInt8(ascii: "("))
    }

    /// A component: a field's name in lower case, or a derived one with its `@`, and its value (sections 2.1 and 2.2).
    public mutating func cover(_ name: StaticString, _ value: Span<UInt8>) {
        coverName(name)
        append(value)
        bytes.append(0x0A)
    }

    /// `@authority`: in lower case, without the port that is the scheme's own (section 2.2.3).
    public mutating func cover(authority: Span<UInt8>, isTLS: Bool) {
        coverName("@authority")
        let start = bytes.count
        append(authority)
        for at in start..<bytes.count { bytes[at] = lowercase(bytes[at]) }
        let port: StaticString = isTLS ? ":443" : ":80"
        let digits = port.utf8CodeUnitCount
        if bytes.count - start > digits, unsafe bytes.suffix(digits).elementsEqual(UnsafeBufferPointer(start: port.utf8Start, count: digits)) {
            bytes.removeLast(digits)
        }
        bytes.append(0x0A)
    }

    /// `@path` and `@query` of a target in origin form (sections 2.2.6 and 2.2.7): the path as it is written, the query with its `?`, which stands alone
    /// where there is none.
    /// - Parameter pathLength: how many bytes of `target` are the path.
    public mutating func cover(target: Span<UInt8>, pathLength: Int) {
        cover("@path", target.extracting(0..<pathLength))
        coverName("@query")
        if pathLength == target.count { bytes.append(UInt8(ascii: "?")) } else { append(target.extracting(pathLength..<target.count)) }
        bytes.append(0x0A)
    }

    /// A field that may stand there several times (section 2.1): the values with `, ` between them. Nothing where it does not stand there.
    public mutating func cover(_ name: StaticString, in fields: borrowing Fields, where isSent: (Fields.Entry) -> Bool) {
        var hasBegun = false
        for entry in fields.entries where entry.name.count == name.utf8CodeUnitCount && isSent(entry) {
            guard unsafe fields.arena[entry.name].elementsEqual(UnsafeBufferPointer(start: name.utf8Start, count: entry.name.count), by: { lowercase($0) == $1 })
            else { continue }
            if hasBegun { bytes.append(contentsOf: ", ".utf8) } else { coverName(name) }
            bytes.append(contentsOf: trim(fields.value(entry)))
            hasBegun = true
        }
        if hasBegun { bytes.append(0x0A) }
    }

    public mutating func endComponents() { parameters.append(UInt8(ascii: ")")) }

    public mutating func parameter(_ name: StaticString, _ value: Int64) {
        parameterName(name)
        parameters.append(contentsOf: String(value).utf8)
    }

    /// - Parameter value: visible ASCII and blanks; a String of structured fields (RFC 8941 section 3.3.3).
    public mutating func parameter(_ name: StaticString, _ value: String) {
        parameterName(name)
        parameters.append(UInt8(ascii: "\""))
        for byte in value.utf8 {
            if byte == UInt8(ascii: "\"") || byte == UInt8(ascii: "\\") { parameters.append(UInt8(ascii: "\\")) }
            parameters.append(byte)
        }
        parameters.append(UInt8(ascii: "\""))
    }

    public mutating func end() {
        bytes.append(contentsOf: "\"@signature-params\": ".utf8)
        bytes.append(contentsOf: parameters)
    }

    private mutating func coverName(_ name: StaticString) {
        if parameters.count > 1 { parameters.append(0x20) }
        let start = parameters.count
        parameters.append(UInt8(ascii: "\""))
        name.withUTF8Buffer { unsafe parameters.append(contentsOf: $0) }
        parameters.append(UInt8(ascii: "\""))
        bytes.append(contentsOf: parameters[start...])
        bytes.append(contentsOf: ": ".utf8)
    }

    private mutating func parameterName(_ name: StaticString) {
        parameters.append(UInt8(ascii: ";"))
        name.withUTF8Buffer { unsafe parameters.append(contentsOf: $0) }
        parameters.append(UInt8(ascii: "="))
    }

    private mutating func append(_ value: Span<UInt8>) {
        unsafe value.withUnsafeBufferPointer { unsafe bytes.append(contentsOf: $0) }
    }
}
