/// The cryptographic library refused, or had no entropy. Whatever needed it must not go on.
public struct CryptoFailure: Error, Equatable, Sendable {
    /// What was being done: a fixed phrase, never a value.
    public var what: String
    public init(_ what: String) { self.what = what }
}
