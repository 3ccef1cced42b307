/// Prometheus text format 0.0.4.
struct PrometheusText {
    private(set) var text = ""

    enum Kind: String {
        case counter, gauge, histogram
    }

    mutating func family(_ name: String, _ kind: Kind, _ help: String) {
        text += "# HELP \(name) \(help)\n# TYPE \(name) \(kind.rawValue)\n"
    }

    mutating func sample(_ name: String, _ value: some BinaryInteger) { sample(name, [], text: String(value)) }

    mutating func sample(_ name: String, _ labels: [(String, String)], _ value: some BinaryInteger) { sample(name, labels, text: String(value)) }

    mutating func sample(_ name: String, _ labels: [(String, String)] = [], text value: String) {
        text += name
        if !labels.isEmpty {
            text += "{"
            for (i, label) in labels.enumerated() {
                if i > 0 { text += "," }
                text += label.0 + "=\"" + Self.escape(label.1) + "\""
            }
            text += "}"
        }
        text += " " + value + "\n"
    }

    /// Backslash, quotation mark and line feed are escaped; other control characters, which no label of ours has, become spaces.
    static func escape(_ value: String) -> String {
        var out = ""
        for scalar in value.unicodeScalars {
            switch scalar {
            case "\\": out += "\\\\"
            case "\"": out += "\\\""
            case "\n": out += "\\n"
            case _ where scalar.value < 0x20 || scalar.value == 0x7F: out += " "
            default: out.unicodeScalars.append(scalar)
            }
        }
        return out
    }

    /// Nanoseconds as seconds, exactly.
    static func seconds(_ nanoseconds: UInt64) -> String {
        let whole = nanoseconds / 1_000_000_000
        var fraction = String(nanoseconds % 1_000_000_000)
        fraction = String(repeating: "0", count: 9 - fraction.count) + fraction
        while fraction.hasSuffix("0") { fraction.removeLast() }
        return fraction.isEmpty ? "\(whole)" : "\(whole).\(fraction)"
    }
}
