/// How long sessions live (README, *Configure*, `sessions`).
public struct SessionLimits: Equatable, Sendable {
    /// Without a request at any host.
    public var idle: Duration
    /// From the login on, whatever happens.
    public var lifetime: Duration

    public init(idle: Duration = .seconds(12 * 3600), lifetime: Duration = .seconds(7 * 86400)) {
        self.idle = idle
        self.lifetime = lifetime
    }
}
