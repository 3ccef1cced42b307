/// The named limits of one worker towards the upstreams of one site. Each has a test.
public struct UpstreamLimits: Sendable {
    /// Requests under way at one upstream, each of which may take a connection of its own (WebSockets and event streams for as long as they last).
    public var requests = 4096
    /// Requests that wait for one of them to end, for as long as a connection may take (`Timeouts.connect`).
    public var waiting = 1024
    var ejection = PassiveEjection.Limits()

    public init() {}
}
