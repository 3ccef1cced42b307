public import Access

/// `menwei accounts`: what to do with the account table.
public struct AccountsRequest: Equatable, Sendable {
    public enum Action: Equatable, Sendable {
        case list
        /// As comma-separated values.
        case export
        /// From a file; `-` is standard input.
        case `import`(file: String)
        case bind(account: String, Person)
        /// Of one connection, or of all.
        case unbind(account: String, connection: String?)
        /// Makes and prints a one-time binding code.
        case code(account: String)
        case remove(account: String)
    }

    public var config: String
    public var action: Action

    private static let actions = ["list", "export", "import", "bind", "unbind", "code", "remove"]

    init(_ arguments: [String]) throws(UsageFault) {
        var flags = try Flags(arguments, single: ["--config"])
        config = try flags.required("--config")
        var operands = flags.operands[...]
        guard let word = operands.popFirst() else { throw UsageFault(message: "what to do is missing: one of \(Self.actions.joined(separator: ", "))") }
        func operand(_ what: String) throws(UsageFault) -> String {
            guard let text = operands.popFirst(), !text.isEmpty else { throw UsageFault(message: "\(word) needs \(what)") }
            return text
        }
        switch word {
        case "list": action = .list
        case "export": action = .export
        case "import": action = .import(file: try operand("a file"))
        case "bind": action = .bind(account: try Self.name(operand("an account")), try Self.person(operand("CONNECTION/USER")))
        case "unbind": action = .unbind(account: try operand("an account"), connection: operands.popFirst())
        case "code": action = .code(account: try operand("an account"))
        case "remove": action = .remove(account: try operand("an account"))
        default: throw UsageFault(message: "unknown action \(quoted(word))" + Suggestion.hint(for: word, among: Self.actions))
        }
        if let more = operands.first { throw UsageFault(message: "unexpected argument \(quoted(more))") }
    }

    private static func name(_ text: String) throws(UsageFault) -> String {
        guard AccountText.isName(text) else {
            throw UsageFault(message: "an account is 1 to \(AccountText.nameLimit) bytes of visible ASCII and Chinese characters, this is \(quoted(text))")
        }
        return text
    }

    private static func person(_ text: String) throws(UsageFault) -> Person {
        let parts = text.split(separator: "/", maxSplits: 1, omittingEmptySubsequences: false)
        guard parts.count == 2, !parts[0].isEmpty, !parts[1].isEmpty else { throw UsageFault(message: "who is to be bound is written CONNECTION/USER, this is \(quoted(text))") }
        return Person(connection: String(parts[0]), user: String(parts[1]))
    }
}
