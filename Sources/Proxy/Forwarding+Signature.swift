import Access
import Bytes
import Crypto
import EventLoop
import HTTP

/// `identity.signature: rfc9421`: a signature over what the upstream will see of a request. Each is signed, of nobody too, so that the upstream can tell
/// what came through the gateway; whether it names anybody is for the assertion to say, which is covered where there is one.
extension Gateway {
    /// Writes `Signature-Input` and `Signature`. False where nothing can be signed: then the request must not go on.
    func writeSignature(of exchange: Exchange, _ head: borrowing RequestHead, _ block: IdentityBlock?, overHTTP2: Bool, into out: inout ByteQueue) -> Bool {
        guard let nonce = try? Random.identifier() else { return false }
        let arena = head.fields.arena.span
        let member = exchange.relay?.member
        let isTLS = member?.address.scheme == .https
        signatureBase.begin()
        // Over HTTP/2 a WebSocket is asked for with CONNECT (RFC 8441).
        if overHTTP2, head.isWebSocket {
            signatureBase.cover("@method", Array("CONNECT".utf8).span)
        } else {
            signatureBase.cover("@method", arena.extracting(head.methodBytes))
        }
        if let host = member?.hostHeader {
            signatureBase.cover(authority: Array(host.utf8).span, isTLS: isTLS)
        } else {
            signatureBase.cover(authority: arena.extracting(head.authority), isTLS: isTLS)
        }
        let target = exchange.target.forwarded
        signatureBase.cover(target: target.span, pathLength: exchange.target.forwardedPathLength)
        if let block {
            let bytes = block.bytes
            signatureBase.cover("x-menwei-assertion", bytes.span.extracting(block.assertion))
        }
        signatureBase.cover("content-digest", in: head.fields) { entry in
            if case .keep = hygiene.verdict(entry, in: head.fields) { true } else { false }
        }
        signatureBase.endComponents()
        let minter = identity.minter
        signatureBase.parameter("created", loop.wall.seconds)
        signatureBase.parameter("keyid", minter.kid)
        signatureBase.parameter("alg", "\(minter.algorithm.httpName)")
        signatureBase.parameter("nonce", nonce)
        signatureBase.end()
        do throws(AssertionFailure) { try minter.sign(signatureBase, into: &out) } catch { return false }
        return true
    }
}
