import HTTP

/// Judges any bytes as a return address, for the fuzzer and for kept inputs; what is wrong with the answer, or nil. What comes out is looked at by plain means
/// that share nothing with how it was judged.
public func fuzzReturnAddress(_ input: [UInt8]) -> String? {
    guard let text = String(validating: input, as: UTF8.self) else { return nil }
    let given = Origin(host: "app.test")
    let configured: Set<Origin> = [given, Origin(host: "auth.test"), Origin(host: "wiki.test", port: 8443)]
    for allowsPath in [true, false] {
        let address = ReturnAddress(text, givenTo: given, configured: configured, allowsPath: allowsPath)
        if let complaint = complaint(about: address, configured) { return complaint }
        if address.isFallback, address.url != "https://app.test/" { return "it falls back to \(address.url)" }
        if !address.isFallback, !address.url.hasSuffix(text) { return "what was given was changed" }
        if ReturnAddress(address.url, givenTo: given, configured: configured, allowsPath: false) != address, !address.isFallback { return "judged again it is another" }
    }
    return nil
}

private func complaint(about address: ReturnAddress, _ configured: Set<Origin>) -> String? {
    let url = Array(address.url.utf8)
    if url.contains(where: { $0 <= 0x20 || $0 >= 0x7F || $0 == 0x5C }) { return "a byte that some reader would drop or turn" }
    guard configured.contains(address.origin) else { return "an origin that is not configured" }
    // As browsers write an origin, or with the port that they leave out, in any case of letters.
    let begins = [address.origin.text, address.origin.text + ":443"].filter { hasPrefix(url[...], $0) }.map(\.utf8.count)
    guard let rest = begins.map({ url[$0...] }).first(where: { $0.isEmpty || "/?#".utf8.contains($0[$0.startIndex]) }) else { return "it lies elsewhere: \(address.url)" }
    let path = String(decoding: rest.prefix { $0 != 0x3F && $0 != 0x23 }, as: UTF8.self).lowercased()
    if path.contains("/../") || path.hasSuffix("/..") { return "it climbs" }
    if path.drop(while: { $0 == "/" }).hasPrefix(".menwei/"), path != "/.menwei/home" { return "a path of the gateway's own" }
    return nil
}
