import Access
import HTTP
import Proxy

/// The plain listeners (`listen.http`): ownership files, the way to https for hosts that we know, and nothing else. No cookie, no proxying.
final class PlainResponder: Responder {
    private let origins: [Origin]
    private let ownershipFiles: Set<String>

    init(origins: [Origin], ownershipFiles: [String]) {
        self.origins = origins
        self.ownershipFiles = Set(ownershipFiles)
    }

    func respond(to request: OwnRequest) async -> OwnResponse {
        guard let asked = Authority.origin(Array(request.authority.utf8)[...]), let origin = origin(for: asked) else { return Self.text(421, Array("421\n".utf8)) }
        let name = request.path.dropFirst()
        if ownershipFiles.contains(String(name)) {
            return Self.text(200, OwnershipFile.content(of: name))
        }
        // Only what may stand in a Location goes into it; everything else is not a target that a browser sends.
        guard request.target.hasPrefix("/"), request.target.utf8.allSatisfy({ $0 > 0x20 && $0 < 0x7F && $0 != 0x5C }) else { return Self.text(400, Array("400\n".utf8)) }
        return OwnResponse(status: 308, fields: [("Location", origin.text + request.target), ("Content-Type", "text/plain")])
    }

    /// The origin of that host: with the port that was named, else the only or the usual one.
    private func origin(for asked: Origin) -> Origin? {
        let same = origins.filter { $0.host == asked.host }
        return same.first { $0.port == asked.port } ?? same.first { $0.port == 443 } ?? same.first
    }

    private static func text(_ status: Int, _ body: [UInt8]) -> OwnResponse {
        OwnResponse(status: status, fields: [("Content-Type", "text/plain"), ("X-Content-Type-Options", "nosniff")], body: body)
    }
}
