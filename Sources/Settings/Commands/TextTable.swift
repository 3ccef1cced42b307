/// Lines of columns, as commands print them: a line of names, then a line each, two blanks between columns and none at a line's end.
public enum TextTable {
    /// - Parameters:
    ///   - rows: the names first; all of the same length. Whatever is in them, a terminal only shows it.
    ///   - numbers: columns that stand to the right.
    public static func lines(_ rows: [[String]], numbers: Set<Int> = []) -> [String] {
        let rows = rows.map { $0.map(printable) }
        let widths = (rows.first ?? []).indices.map { column in rows.map { width($0[column]) }.max() ?? 0 }
        return rows.map { row in
            var line = ""
            for (column, text) in row.enumerated() {
                let gap = String(repeating: " ", count: widths[column] - width(text))
                line += column == 0 ? "" : "  "
                line += numbers.contains(column) ? gap + text : column == row.count - 1 ? text : text + gap
            }
            return line
        }
    }

    /// Without what a terminal would act on, or what would turn a line around: browsers and people call themselves anything.
    public static func printable(_ text: String) -> String {
        String(String.UnicodeScalarView(text.unicodeScalars.map { scalar in
            switch scalar.value {
            case 0..<0x20, 0x7F...0x9F, 0x200B...0x200F, 0x2028...0x202E, 0x2066...0x2069: "?"
            default: scalar
            }
        }))
    }

    /// On a terminal Chinese characters are two columns wide.
    private static func width(_ text: String) -> Int { text.unicodeScalars.reduce(0) { $0 + ($1.value >= 0x1100 ? 2 : 1) } }
}
