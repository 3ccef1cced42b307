extension ConfigurationReader {
    /// `accounts`: only its defaults are available, so nothing is kept of it.
    func readAccounts(_ node: YAMLNode) {
        let keys: [Key] = [
            "mode", .later("match", off: .emptyList), .later("bind", off: .text("never")), .later("store", off: .null),
        ]
        let section = Section(node, "\"accounts\"", keys: keys, findings)
        _ = section?.value("mode", Read.word(["open"], later: ["known"], key: "mode"))
    }
}
