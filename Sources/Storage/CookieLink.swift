import Access
import Crypto

/// What proves that this store gave a cookie to a session at a host: neither a damaged page of the file nor who may write to it leads a cookie to
/// another person's session.
struct CookieLink {
    let sealing: SealingKey

    func bytes(_ cookie: Digest256, _ sid: String, host: String?) throws(StoreFailure) -> [UInt8] {
        let text = cookie.bytes.map { String($0, radix: 16) }.joined(separator: ".") + " " + sid + (host.map { " " + $0 } ?? "")
        do { return try sealing.hash(text, context: "cookie").bytes } catch { throw StoreFailure(.unreachable, "a cookie's link could not be made") }
    }
}
