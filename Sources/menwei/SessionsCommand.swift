import Access
import Bytes
import Crypto
import FoundationEssentials
import Settings
import Storage

/// `menwei sessions`: looks into the store beside the gateway. A gateway that runs hears of what was ended here by its next poll.
struct SessionsCommand {
    private let store: SQLiteStore

    static func run(_ request: SessionsRequest) -> CommandOutcome {
        let loaded = Configuration.load(file: request.config, hooks: .ofProcess())
        guard let configuration = loaded.configuration else { return loaded.checkOutcome }
        guard case .sqlite(let path) = configuration.sessions.store else {
            return failure("sessions.store is memory: only the gateway itself can see its sessions; ask for sqlite:PATH there")
        }
        // Nothing is made here that a gateway did not make: a new key would not open what the store holds.
        guard FileManager.default.fileExists(atPath: path) else { return failure("\(path): no gateway has made this store yet") }
        let store: SQLiteStore
        do throws(KeyFolderFault) {
            let folder = KeyFolder(path: configuration.signing.keys)
            guard let keys = try folder.readIfComplete(lifetime: configuration.signing.lifetime) else {
                return failure("\(configuration.signing.keys): the keys that open the store are not there")
            }
            do throws(StoreFailure) {
                store = try SQLiteStore(path: path, sealing: keys.sealing, limits: configuration.sessions.limits, upgrades: false) { Output.error("menwei sessions: \($0.detail)") }
            } catch { return failure("\(path): \(error.detail)") }
        } catch { return failure("\(error.path): \(error.message)") }
        let command = SessionsCommand(store: store)
        return LoopTask.run("sessions") {
            let outcome = await command.outcome(request.action, now: Shared.now())
            await store.close()
            return outcome
        }
    }

    private static func failure(_ message: String) -> CommandOutcome { CommandOutcome(errors: ["menwei sessions: " + message], status: 1) }

    private func outcome(_ action: SessionsRequest.Action, now: WallTime) async -> CommandOutcome {
        do throws(StoreFailure) {
            switch action {
            case .list(let user, let json):
                let sessions = try await store.list(account: user?.lowercased(), now: now)
                return CommandOutcome(output: json ? sessions.map(SessionText.json) : SessionText.table(sessions), status: 0)
            case .revoke(.sid(let sid)):
                let ended = try await store.end(.sid(sid), now: now)
                return ended.isEmpty ? Self.failure("there is no live session \"\(TextTable.printable(sid))\"") : CommandOutcome(output: ended, status: 0)
            case .revoke(.user(let account)): return CommandOutcome(output: try await store.end(.account(account.lowercased()), now: now), status: 0)
            case .revoke(.all): return CommandOutcome(output: try await store.end(.all, now: now), status: 0)
            }
        } catch { return Self.failure(error.detail) }
    }
}

/// Sessions as lines.
enum SessionText {
    private static let columns = ["sid", "account", "connection", "created", "last_seen", "expires", "address", "user_agent", "hosts"]

    private static func values(_ session: SessionRecord) -> [String] {
        let times = [session.created, session.lastSeen, session.expires].map { RFC3339.format($0) }
        return [session.sid, session.member.account, session.member.connection] + times + [session.address, session.userAgent]
    }

    /// One object; `hosts` is a list.
    static func json(_ session: SessionRecord) -> String {
        let texts = values(session).map(quote) + ["[" + session.hosts.map(quote).joined(separator: ",") + "]"]
        return "{" + zip(columns, texts).map { "\"\($0)\":\($1)" }.joined(separator: ",") + "}"
    }

    private static func quote(_ text: String) -> String {
        let encoder = JSONEncoder()
        encoder.outputFormatting = .withoutEscapingSlashes
        // A text is always JSON.
        return (try? encoder.encode(text)).map { String(decoding: $0, as: UTF8.self) } ?? "null"
    }

    /// What is empty is `-`.
    static func table(_ sessions: [SessionRecord]) -> [String] {
        TextTable.lines([columns] + sessions.map { (values($0) + [$0.hosts.joined(separator: ",")]).map { $0.isEmpty ? "-" : $0 } })
    }
}
