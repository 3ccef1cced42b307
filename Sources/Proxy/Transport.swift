import Bytes
import EventLoop
import TLS

/// A socket to a client or an upstream, with TLS over it or bare: the same few calls for both.
struct Transport: ~Copyable {
    let socket: Descriptor
    let tls: TLSStream?

    init(_ socket: consuming Descriptor, tls context: TLSContext?) throws(TLSError) {
        self.socket = socket
        if let context {
            guard let stream = TLSStream(server: context, over: self.socket) else { throw TLSError(.context, "no memory for a connection") }
            tls = stream
        } else {
            tls = nil
        }
    }

    init(_ socket: consuming Descriptor, towards context: TLSClientContext?) throws(TLSError) {
        self.socket = socket
        if let context {
            guard let stream = TLSStream(client: context, over: self.socket) else { throw TLSError(.context, "no memory for a connection") }
            tls = stream
        } else {
            tls = nil
        }
    }

    func read(into queue: inout ByteQueue, minimum: Int) -> Transfer {
        tls?.read(into: &queue, minimum: minimum) ?? Sockets.read(socket, into: &queue, minimum: minimum)
    }

    func write(_ bytes: Span<UInt8>) -> Transfer {
        tls?.write(bytes) ?? Sockets.write(socket, bytes)
    }

    /// Whether decrypted or undecrypted bytes wait inside TLS, of which the socket's readiness says nothing.
    var hasPending: Bool { tls?.hasPending ?? false }

    /// Lets the peer see that what it got is not all.
    func resetOnClose() { Sockets.resetOnClose(socket) }

    /// Whether nothing lies there to be read, not even an end. What TLS itself has to say (tickets) counts as nothing.
    var isQuiet: Bool {
        if Sockets.isQuiet(socket) && !hasPending { return true }
        guard let tls else { return false }
        var none = ByteQueue()
        return tls.read(into: &none, minimum: 1 << 10) == .wouldBlock
    }

    /// Says that no more will come: close_notify, then FIN.
    func shutdownWrite() {
        tls?.shutdown()
        Sockets.shutdownWrite(socket)
    }
}
