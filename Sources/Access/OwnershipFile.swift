/// Files such as `WW_verify_YpAqDE4xoAPsmGSK.txt` (WeCom) and `MP_verify_….txt` (WeChat), by which Tencent checks who a domain belongs to.
public enum OwnershipFile {
    /// What is served under a configured name: the 16 characters between prefix and suffix, nothing else.
    public static func content(of name: some StringProtocol) -> [UInt8] {
        // Both prefixes have the same length.
        Array(name.utf8.dropFirst("WW_verify_".utf8.count).dropLast(".txt".utf8.count))
    }
}
