/// Why a client's connection was ended before it could ask for anything.
public enum ConnectionRefusal: Int, CaseIterable, Sendable {
    /// The worker has as many as it may have, and none of them is idle.
    case total
    /// The client's address has as many as it may have.
    case address
    /// Too many handshakes are under way, and this one takes long or came last.
    case handshakes
    /// The descriptors that are left are for others than clients.
    case descriptors
    /// A balancer sent no PROXY header, or something else than one.
    case proxyHeader

    /// The label's value.
    public var name: String {
        switch self {
        case .total: "total"
        case .address: "address"
        case .handshakes: "handshakes"
        case .descriptors: "descriptors"
        case .proxyHeader: "proxy_header"
        }
    }
}
