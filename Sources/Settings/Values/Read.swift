/// Readers of single values, for `Section.value` and `Section.list`.
enum Read {
    static func scalar(_ node: YAMLNode, _ wanted: String) throws(Misread) -> YAMLScalar {
        guard case .scalar(let scalar) = node.content, scalar.kind != .null else {
            throw Misread("expected \(wanted), this is \(node.kindName)")
        }
        return scalar
    }

    /// Text that is not empty.
    static func text(_ node: YAMLNode) throws(Misread) -> String {
        let scalar = try scalar(node, "text")
        guard scalar.kind == .text else { throw Misread("expected text, this is \(node.kindName); put it in quotes") }
        guard !scalar.text.isEmpty else { throw Misread("expected text, this is empty") }
        // Written as escapes in quotes; a path would end at U+0000, a record at a line break.
        guard !scalar.text.unicodeScalars.contains(where: { $0.value < 0x20 || (0x7F...0x9F).contains($0.value) }) else {
            throw Misread("expected text without control characters")
        }
        return scalar.text
    }

    /// Text, or a number taken as it is written: user ids are often numbers.
    static func name(_ node: YAMLNode) throws(Misread) -> String {
        let scalar = try scalar(node, "text")
        if scalar.kind == .integer { return scalar.text }
        return try text(node)
    }

    static func boolean(_ node: YAMLNode) throws(Misread) -> Bool {
        let scalar = try scalar(node, "true or false")
        guard case .boolean(let value) = scalar.kind else {
            throw Misread("expected true or false, this is \(scalar.kind == .text ? quoted(scalar.text) : node.kindName)")
        }
        return value
    }

    /// A number between the bounds, quoted or not.
    static func integer(_ range: ClosedRange<Int>) -> Section.Reader<Int> {
        { (node: YAMLNode) throws(Misread) -> Int in
            let scalar = try scalar(node, "a number")
            let isNumber = scalar.kind == .integer || (scalar.kind == .text && YAMLScalar(text: scalar.text, isPlain: true).kind == .integer)
            guard isNumber else { throw Misread("expected a whole number, this is \(quoted(scalar.text))") }
            guard let value = NumberText.integer(scalar.text), range.contains(value) else {
                throw Misread("expected a number from \(range.lowerBound) to \(range.upperBound), this is \(quoted(scalar.text))")
            }
            return value
        }
    }

    /// One word of a list; `later` ones are faults that say so.
    static func word(_ known: [String], later: [String] = [], key: String) -> Section.Reader<String> {
        { (node: YAMLNode) throws(Misread) -> String in
            let text = try scalar(node, "one of " + known.joined(separator: ", ")).text
            if known.contains(text) { return text }
            if later.contains(text) { throw .notYet("\(key): \(text)") }
            let wanted = known.count == 1 ? "\"\(known[0])\"" : "one of " + known.joined(separator: ", ")
            throw Misread("\"\(key)\" must be \(wanted), this is \(quoted(text))" + Suggestion.hint(for: text, among: known))
        }
    }

    static func duration(_ range: ClosedRange<Duration>) -> Section.Reader<Duration> {
        { (node: YAMLNode) throws(Misread) -> Duration in
            let text = try scalar(node, "a duration").text
            guard let value = DurationText.parse(text) else {
                throw Misread("expected a duration such as 90s, 15m, 12h or 7d, this is \(quoted(text))")
            }
            guard range.contains(value) else {
                throw Misread("expected a duration from \(DurationText.format(range.lowerBound)) to \(DurationText.format(range.upperBound)), this is \(quoted(text))")
            }
            return value
        }
    }

    static func size(_ node: YAMLNode) throws(Misread) -> UInt64 {
        let text = try scalar(node, "a size").text
        guard let value = SizeText.parse(text) else {
            throw Misread("expected a size such as 64KiB, 10MiB or a number of bytes, this is \(quoted(text))")
        }
        return value
    }

    static func address(_ node: YAMLNode) throws(Misread) -> ListenAddress {
        let text = try scalar(node, "an address").text
        switch ListenAddress.parse(text) {
        case .success(let address): return address
        case .failure(let problem): throw Misread(problem.message)
        }
    }
}
