import Access
import Crypto
import FoundationEssentials

/// What is known of a person beside the names by which they are found: sealed, and bound to the account or person that it tells of.
struct SealedAccountDetails: Codable {
    private var name: String?
    private var email: String?
    private var mobile: String?

    static func seal(_ details: AccountDetails, with key: SealingKey, context: String) throws(StoreFailure) -> [UInt8] {
        var sealed = SealedAccountDetails()
        if !details.name.isEmpty { sealed.name = details.name }
        if !details.email.isEmpty { sealed.email = details.email }
        if !details.mobile.isEmpty { sealed.mobile = details.mobile }
        do { return try key.seal(Array(JSONEncoder().encode(sealed)), context: context) } catch {
            throw StoreFailure(.unreachable, "an account's details could not be sealed")
        }
    }

    /// Nil where this is another key's, or was tampered with.
    static func open(_ sealed: [UInt8], with key: SealingKey, context: String) -> AccountDetails? {
        guard let plain = key.open(sealed, context: context), let details = try? JSONDecoder().decode(SealedAccountDetails.self, from: Data(plain)) else {
            return nil
        }
        return AccountDetails(name: details.name ?? "", email: details.email ?? "", mobile: details.mobile ?? "")
    }
}
