/// How much of a message may come before its body, and after it.
public struct HeadLimits: Equatable, Sendable {
    /// Bytes of the start line and all field lines, line ends and the empty line included; 431 beyond it.
    public var headBytes: Int
    /// Field lines; 431 beyond it.
    public var fields: Int
    /// Bytes of the request target; 414 beyond it.
    public var targetBytes: Int
    /// Bytes of the trailer section of a chunked body, the empty line included.
    public var trailerBytes: Int
    /// Field lines of the trailer section.
    public var trailerFields: Int

    public init(headBytes: Int, fields: Int, targetBytes: Int, trailerBytes: Int = 8 << 10, trailerFields: Int = 64) {
        self.headBytes = headBytes
        self.fields = fields
        self.targetBytes = targetBytes
        self.trailerBytes = trailerBytes
        self.trailerFields = trailerFields
    }

    /// What a client may send: 32 KiB, 200 fields, a target of 16 KiB.
    public static let request = HeadLimits(headBytes: 32 << 10, fields: 200, targetBytes: 16 << 10)
    /// What an upstream may answer: 64 KiB, 500 fields.
    public static let response = HeadLimits(headBytes: 64 << 10, fields: 500, targetBytes: 0)
}
