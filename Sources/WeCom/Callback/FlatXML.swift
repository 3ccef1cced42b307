import CExpat

/// The XML of WeCom's callbacks: a root whose children are the members. It is read by expat as UTF-8, whatever it says of itself; a document type, and
/// with it every entity but XML's own five, is refused, and so is whatever is larger than such a message can be.
@safe final class FlatXML {
    /// 64 KiB
    static let byteLimit = 64 << 10
    /// Extended attributes of a member (`ExtAttr`) are the deepest that WeCom nests: 5.
    static let depthLimit = 12
    static let elementLimit = 4096

    private let parser: OpaquePointer
    private var depth = 0
    private var elements = 0
    private var name = ""
    private var text: [UInt8] = []
    private var found: [FlatMessage.Member] = []

    /// The children of the root with their own text, in order; nil where `bytes` are not such a document.
    static func members(of bytes: [UInt8]) -> [FlatMessage.Member]? {
        guard (1...byteLimit).contains(bytes.count), let reader = FlatXML() else { return nil }
        return reader.read(bytes)
    }

    private init?() {
        guard let made = unsafe XML_ParserCreate("UTF-8") else { return nil }
        unsafe parser = made
        unsafe XML_SetStartDoctypeDeclHandler(made) { data, _, _, _, _ in unsafe FlatXML.reader(data)?.stop() }
        unsafe XML_SetElementHandler(
            made, { data, name, _ in if let name = unsafe name { unsafe FlatXML.reader(data)?.begin(name) } }, { data, _ in unsafe FlatXML.reader(data)?.end() })
        unsafe XML_SetCharacterDataHandler(made) { data, bytes, count in
            unsafe FlatXML.reader(data)?.add(UnsafeBufferPointer(start: bytes, count: Int(count)))
        }
    }

    deinit { unsafe XML_ParserFree(parser) }

    private func read(_ bytes: [UInt8]) -> [FlatMessage.Member]? {
        // Not retained: the handlers run inside of this call only.
        unsafe XML_SetUserData(parser, Unmanaged.passUnretained(self).toOpaque())
        let isWhole = unsafe bytes.withUnsafeBufferPointer { bytes in
            unsafe bytes.withMemoryRebound(to: CChar.self) { unsafe menwei_XML_parse_all(parser, $0.baseAddress, Int32($0.count)) == 1 }
        }
        return isWhole ? found : nil
    }

    private static func reader(_ data: UnsafeMutableRawPointer?) -> FlatXML? {
        unsafe data.map { unsafe Unmanaged<FlatXML>.fromOpaque($0).takeUnretainedValue() }
    }

    /// The document is refused; no handler is called any more.
    private func stop() { unsafe menwei_XML_stop(parser) }

    private func begin(_ name: UnsafePointer<CChar>) {
        depth += 1
        elements += 1
        if depth > Self.depthLimit || elements > Self.elementLimit { return stop() }
        guard depth == 2 else { return }
        unsafe self.name = String(cString: name)
        text = []
    }

    private func add(_ bytes: UnsafeBufferPointer<CChar>) {
        guard depth == 2 else { return }
        for unsafe byte in unsafe bytes { text.append(UInt8(bitPattern: byte)) }
    }

    private func end() {
        if depth == 2 { found.append(FlatMessage.Member(name: name, value: String(decoding: text, as: UTF8.self))) }
        depth -= 1
    }
}
