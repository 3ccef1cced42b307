/// Something wrong with the configuration, or worth a warning, and where it stands.
public struct Fault: Equatable, Sendable {
    /// As it was named on the command line.
    public var file: String
    /// From 1.
    public var line: Int
    /// From 1, in characters.
    public var column: Int
    public var message: String

    public init(file: String, line: Int, column: Int, message: String) {
        self.file = file
        self.line = line
        self.column = column
        self.message = message
    }

    /// `FILE:LINE:COLUMN: message`
    public var faultLine: String { "\(file):\(line):\(column): \(message)" }
    /// `FILE:LINE:COLUMN: warning: message`
    public var warningLine: String { "\(file):\(line):\(column): warning: \(message)" }
}

/// All that one reading of a configuration finds: it never stops at the first fault.
final class Findings {
    /// More than this many would help nobody.
    static let maximum = 200

    let file: String
    private var faultSet: Set<Place> = []
    private var warningSet: Set<Place> = []

    private struct Place: Hashable {
        var mark: Mark
        var message: String
    }

    init(file: String) {
        self.file = file
    }

    // What an alias repeats is found once: a set.
    func fault(_ mark: Mark, _ message: String) {
        if faultSet.count < Self.maximum { faultSet.insert(Place(mark: mark, message: message)) }
    }

    func warn(_ mark: Mark, _ message: String) {
        if warningSet.count < Self.maximum { warningSet.insert(Place(mark: mark, message: message)) }
    }

    var isFull: Bool { faultSet.count >= Self.maximum }
    var isFlawless: Bool { faultSet.isEmpty }

    /// In the order of the file.
    var faults: [Fault] { sorted(faultSet) }
    var warnings: [Fault] { sorted(warningSet) }

    private func sorted(_ places: Set<Place>) -> [Fault] {
        places.sorted { $0.mark == $1.mark ? $0.message < $1.message : $0.mark < $1.mark }
            .map { Fault(file: file, line: $0.mark.line, column: $0.mark.column, message: $0.message) }
    }
}
