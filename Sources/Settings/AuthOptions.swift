public import Bytes
public import HTTP

/// `auth`: the one origin to which WeCom returns people.
public struct AuthOptions: Equatable, Sendable {
    public enum LoginPage: String, Sendable {
        /// A page with the WeCom panel and a button per connection.
        case panel
        /// Straight to the only connection.
        case redirect
        /// Our own QR code first, for browsers in `scanFrom`.
        case scan
    }
    public var origin: Origin
    /// Names such as `WW_verify_YpAqDE4xoAPsmGSK.txt`; the body is the 16 characters.
    public var ownershipFiles: [String] = []
    public var loginPage = LoginPage.panel
    /// Networks whose browsers may log in by our own QR code.
    public var scanFrom: [IPNetwork] = []
    public init(origin: Origin) {
        self.origin = origin
    }
}
