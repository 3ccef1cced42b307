import Access
import Bytes
import Crypto
import FoundationEssentials

/// What the directory tells of a member, and how they logged in: sealed in the store, bound to the session and to the names that stand beside
/// it in the clear, so that who may write to the file still cannot turn one session into another person's.
struct SealedDetails: Codable {
    private var corp: String
    private var name: String
    private var email: String
    private var mobile: String
    private var departments: [Int]
    private var tags: [Int]
    private var authTime: Int64
    private var amr: [String]
    /// Missing in what older versions sealed: there was no account table.
    private var isInTable: Bool?

    private init(_ record: SessionRecord) {
        let member = record.member
        (corp, name, email, mobile) = (member.corp, member.name, member.email, member.mobile)
        (departments, tags) = (member.departments, member.tags)
        (authTime, amr) = (record.authTime.milliseconds, record.amr)
        isInTable = member.isInTable ? true : nil
    }

    static func seal(_ record: SessionRecord, with key: SealingKey) throws(StoreFailure) -> [UInt8] {
        do {
            return try key.seal(Array(JSONEncoder().encode(SealedDetails(record))), context: context(record))
        } catch { throw StoreFailure(.unreachable, "a session's details could not be sealed") }
    }

    /// Completes `record` with what was sealed for it; nil where this is another key's, or was tampered with.
    static func open(_ sealed: [UInt8], into record: SessionRecord, with key: SealingKey) -> SessionRecord? {
        guard let plain = key.open(sealed, context: context(record)),
            let details = try? JSONDecoder().decode(SealedDetails.self, from: Data(plain))
        else { return nil }
        var out = record
        out.member.corp = details.corp
        out.member.name = details.name
        out.member.email = details.email
        out.member.mobile = details.mobile
        out.member.departments = details.departments
        out.member.tags = details.tags
        out.member.isInTable = details.isInTable == true
        out.authTime = WallTime(milliseconds: details.authTime)
        out.amr = details.amr
        return out
    }

    private static func context(_ record: SessionRecord) -> String {
        let names = [record.sid, record.member.connection, record.member.user, record.member.account]
        return "menwei session " + names.map { "\($0.utf8.count):\($0)" }.joined(separator: ",")
    }
}
