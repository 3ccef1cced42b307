internal import Access
internal import Bytes
internal import HTTP
internal import Proxy

/// A form post as the store keeps it, sealed: what was sent, where to, and whose it is. It goes back to that member, in that browser, at that address.
struct StoredForm: Equatable {
    /// The origin and the raw target that it was sent to.
    var origin: String
    var target: String
    /// The member whose session was over.
    var connection: String
    var user: String
    /// Hex SHA-256 of the try cookie at that origin's host.
    var browser: String
    var form: KeptForm

    /// 10 minutes
    static let life = Duration.seconds(10 * 60)

    var encoded: [UInt8] {
        FieldList.encode([origin, target, connection, user, browser, form.contentType, form.referer ?? ""]) + form.body
    }

    init?(_ bytes: [UInt8]) {
        guard let (fields, body) = FieldList.read(bytes, count: 7) else { return nil }
        (origin, target, connection, user, browser) = (fields[0], fields[1], fields[2], fields[3], fields[4])
        form = KeptForm(contentType: fields[5], referer: fields[6].isEmpty ? nil : fields[6], body: Array(body))
    }

    /// Nil where the request has no readable content type.
    init?(_ request: OwnRequest, origin: Origin, owner: FormOwner, browser: String) {
        guard let entry = request.fields.first(.contentType), let type = String(validating: request.fields.value(entry), as: UTF8.self) else { return nil }
        self.origin = origin.text
        target = request.target
        connection = owner.connection
        user = owner.user
        self.browser = browser
        form = KeptForm(contentType: type, referer: request.fields.text(.referer).flatMap { Self.isPlain($0) ? $0 : nil }, body: request.body)
    }

    /// Whether it is that member's: user ids are compared as WeCom compares them.
    func belongs(to member: Member) -> Bool {
        connection == member.connection && user.lowercased() == member.user.lowercased()
    }

    private static func isPlain(_ text: String) -> Bool {
        text.utf8.count <= 4096 && text.utf8.allSatisfy { (0x21...0x7E).contains($0) }
    }
}
