import EventLoop

/// Calls over libcurl: one thread with one multi handle, shared by all workers. Connections are kept and used again; HTTP/1.1 and HTTP/2;
/// the environment's proxy (`https_proxy`, `no_proxy`) is honoured; certificates are verified.
public final class CurlCaller: HTTPCaller {
    public struct Options: Sendable {
        /// A file of PEM certificates to trust beside the system's directory, in place of its bundle file.
        public var additionalCA: String?
        /// The largest body of an answer, in bytes.
        public var bodyLimit = 8 << 20
        /// The largest header of an answer, in bytes.
        public var headerLimit = 64 << 10
        /// How many calls may be without an answer at a time.
        public var callLimit = 4096
        /// How many connections may be open to one host.
        public var connectionsPerHost = 32
        /// Whether the environment's proxy is used.
        public var usesEnvironmentProxy = true
        /// For the simulator, which calls gateways under test; never for WeCom.
        public var acceptsAnyCertificate = false
        public var userAgent = "menwei"
        public init() {}
    }

    private let queue: CallQueue

    /// Starts the thread. Fails with `aborted` where the system gives no thread or descriptors.
    public init(_ options: Options = Options()) throws(OutboundFailure) {
        guard let pipe = WakePipe() else { throw OutboundFailure(.aborted) }
        let queue = CallQueue(limit: options.callLimit, pipe: pipe)
        do { try NamedThread.start("outbound", { CurlThread.run(queue, options) }) } catch { throw OutboundFailure(.aborted) }
        self.queue = queue
    }

    deinit { queue.close() }

    /// Ends the thread; calls without an answer, and later ones, fail with `aborted`. May be called more than once.
    public func close() { queue.close() }

    public func call(_ request: OutboundRequest) async throws(OutboundFailure) -> OutboundResponse {
        let queue = queue
        return try await withCheckedContinuation { queue.submit(request, $0) }.get()
    }
}
