import Bytes
import HTTP

/// The client's side of one exchange, whichever HTTP version carries it. Requests come from it as `head · body · end · reset` (calls on
/// `Exchange`), answers go to it the same way, so that everything behind it is written once.
protocol ClientStream: AnyObject {
    /// The client's connection; nil: the gateway itself is the client.
    var clientConnection: ClientConnection? { get }
    /// Whether the client keeps up with the answer; while not, its upstream is not read. `Exchange.clientDrained` says when it does again.
    var isWritable: Bool { get }
    /// An interim answer (100, 103, …).
    func sendInformational(_ status: UInt16, _ fields: Fields)
    /// The head of the final answer. `fields` holds no framing: the stream adds its version's own from `body`.
    func sendHead(_ head: inout ResponseHead)
    func sendBody(_ bytes: Span<UInt8>)
    /// The answer is complete.
    func sendEnd(_ trailers: Fields?)
    /// Cuts the answer off so that the client sees that it is not whole.
    func abort()
    /// From now on bytes pass both ways as they are (after a 101).
    func becomeTunnel()
    /// The exchange takes the request's body (again).
    func resumeBody()
    /// That many bytes of the body were passed on (HTTP/2 opens its windows by it).
    func bodyPassedOn(_ count: Int)
    /// No more will come through the tunnel to the client.
    func endTunnelOutput()
}
