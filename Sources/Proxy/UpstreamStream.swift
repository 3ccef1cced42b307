import Bytes
import HTTP

/// The upstream's side of one exchange, whichever HTTP version carries it: a whole `UpstreamConnection` for a while, or one stream of many. Requests go to it
/// as head, body, end; answers come from it as calls of its `Relay`: `upstreamHead`, `upstreamBody`, `upstreamEnd`, or `upstreamFailed`. So `Relay` is written once.
protocol UpstreamStream: AnyObject {
    /// Serves `relay` from now on, and writes the head of its request. False where the request must not go on.
    func begin(_ relay: Relay, _ exchange: Exchange, to site: Site, by gateway: Gateway) -> Bool
    func sendBody(_ bytes: Span<UInt8>)
    /// The request is complete.
    func sendEnd(of exchange: Exchange, by gateway: Gateway)
    /// Whether a byte of the request may have gone out.
    var hasWritten: Bool { get }
    /// Whether more may be added. Who is told no is called (`Relay.upstreamDrained`) when it may.
    var isWritable: Bool { get }
    /// Reads on, or waits because the client does not keep up.
    func setWantsInput(_ wanted: Bool)
    /// Arms the one time limit; `Relay.upstreamLimitPassed` is called when it passes.
    func armLimit(_ nanoseconds: UInt64)
    /// No more will be sent through the tunnel.
    func endTunnelOutput()
    /// The exchange is through. `isWhole`: in both directions, and nothing forbids that the connection serves others.
    func release(isWhole: Bool)
    /// Ends it at once: nobody waits for the answer any more.
    func close()
    /// The same, so that the upstream sees that what it got is not all.
    func abort()
}
