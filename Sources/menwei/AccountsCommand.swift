import Access
import Crypto
import Glibc
import HTTP
import Settings
import Storage

/// `menwei accounts`: the administrator's hands on the account table. A gateway that runs sees every change at once.
struct AccountsCommand {
    private let configuration: Configuration
    private let store: any AccountStore

    static func run(_ request: AccountsRequest) -> CommandOutcome {
        let loaded = Configuration.load(file: request.config, hooks: .ofProcess())
        guard let configuration = loaded.configuration else { return loaded.checkOutcome }
        guard let file = configuration.accounts.file else {
            return failure("there is no account table: \"sessions.store\" is not sqlite, and \"accounts.store\" is not set")
        }
        if case .bind(_, let person) = request.action, let problem = configuration.problem(of: person) {
            return CommandOutcome(errors: ["menwei accounts: " + problem], status: 2)
        }
        let store: SQLiteStore
        do throws(KeyFolderFault) {
            let keys = try KeyFolder(path: configuration.signing.keys).openOrCreate(lifetime: configuration.signing.lifetime, now: Shared.now())
            do throws(StoreFailure) {
                store = try SQLiteStore(path: file, sealing: keys.sealing, limits: configuration.sessions.limits, upgrades: false)
            } catch { return failure("\(file): \(error.detail)") }
        } catch { return failure("\(error.path): \(error.message)") }
        let command = AccountsCommand(configuration: configuration, store: store)
        return LoopTask.run("accounts") {
            let outcome = await command.outcome(request.action)
            await store.close()
            return outcome
        }
    }

    private static func failure(_ message: String) -> CommandOutcome { CommandOutcome(errors: ["menwei accounts: " + message], status: 1) }

    private func outcome(_ action: AccountsRequest.Action) async -> CommandOutcome {
        do throws(StoreFailure) {
            switch action {
            case .list: return CommandOutcome(output: Self.table(try await store.accounts()), status: 0)
            case .export: return CommandOutcome(output: [AccountSheet.text(try await store.accounts())], status: 0)
            case .import(let file): return try await take(file)
            case .bind(let account, let person): return try await bind(person, account)
            case .unbind(let account, let connection):
                guard let people = try await store.unbind(account, connection: connection, now: Shared.now()) else { return Self.unknown(account) }
                return CommandOutcome(output: people.isEmpty ? ["nobody was bound"] : people.map { "unbound \($0.connection)/\($0.user)" }, status: 0)
            case .code(let account): return try await code(account)
            case .remove(let account):
                guard try await store.remove(account, now: Shared.now()) else { return Self.unknown(account) }
                return CommandOutcome(output: ["removed \(account)"], status: 0)
            }
        } catch { return Self.failure(error.detail) }
    }

    private static func unknown(_ account: String) -> CommandOutcome { failure("the table has no account \"\(account)\"") }

    // MARK: - Reading

    /// What is empty is `-`.
    private static func table(_ accounts: [Account]) -> [String] {
        TextTable.lines([AccountSheet.head] + accounts.flatMap(AccountSheet.rows).map { row in
            [row.account, row.person?.connection ?? "", row.person?.user ?? "", row.details.name, row.details.email, row.details.mobile]
                .map { $0.isEmpty ? "-" : $0 }
        })
    }

    // MARK: - Changing

    private func take(_ file: String) async throws(StoreFailure) -> CommandOutcome {
        guard let bytes = InputFile.read(file, limit: CSVReader.limit + 1) else { return Self.failure("\(file) cannot be read") }
        let sheet = AccountSheet(bytes) { configuration.problem(of: $0) }
        var faults = sheet.faults
        if faults.isEmpty {
            let conflicts = try await store.take(sheet.rows.map(\.row), now: Shared.now())
            faults = conflicts.map { LineFault(line: sheet.rows[$0.row].line, message: "this person is bound to \"\($0.boundTo)\"; unbind them there first") }
        }
        guard faults.isEmpty else {
            return CommandOutcome(errors: faults.map { "\(file):\($0.line): \($0.message)" } + ["menwei accounts: nothing was imported"], status: 1)
        }
        return CommandOutcome(output: ["imported \(sheet.rows.count) rows"], status: 0)
    }

    private func bind(_ person: Person, _ account: String) async throws(StoreFailure) -> CommandOutcome {
        // As the table has it already.
        let known = try await store.accounts().first { $0.key == account.lowercased() }
        let conflicts = try await store.take([AccountRow(known?.name ?? account, person)], now: Shared.now())
        if let other = conflicts.first?.boundTo {
            return Self.failure("\(person.connection)/\(person.user) is bound to \"\(other)\"; unbind them there first")
        }
        return CommandOutcome(output: ["bound \(person.connection)/\(person.user) to \(known?.name ?? account)" + (known == nil ? ", a new account" : "")], status: 0)
    }

    private func code(_ account: String) async throws(StoreFailure) -> CommandOutcome {
        let code: BindingCode
        do { code = try BindingCode { count throws(CryptoFailure) in try Random.bytes(count) } } catch { return Self.failure("no random bits for a code") }
        guard try await store.issue(code, for: account, now: Shared.now()) else { return Self.unknown(account) }
        return CommandOutcome(output: [code.text], errors: ["good once, for 24 hours, at \(configuration.auth.origin.text)"], status: 0)
    }
}

/// A file, or standard input, read whole.
private enum InputFile {
    /// At most `limit` bytes; nil where it cannot be read.
    static func read(_ path: String, limit: Int) -> [UInt8]? {
        let descriptor = path == "-" ? 0 : unsafe Glibc.open(path, O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else { return nil }
        defer { if descriptor > 0 { Glibc.close(descriptor) } }
        var bytes: [UInt8] = []
        while bytes.count < limit {
            var failed = false
            let part = unsafe [UInt8](unsafeUninitializedCapacity: 1 << 16) { buffer, count in
                let read = unsafe Glibc.read(descriptor, buffer.baseAddress, 1 << 16)
                failed = read < 0
                count = max(0, read)
            }
            if failed { return nil }
            if part.isEmpty { return bytes }
            bytes += part
        }
        return bytes
    }
}
