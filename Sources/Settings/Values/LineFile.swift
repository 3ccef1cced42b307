import Glibc

/// Files of lines that are larger than memory.
enum LineFile {
    /// Longer lines are no records.
    static let lineLimit = 1 << 20

    /// Hands over each line of a file, without its end; nil for one of more than `lineLimit` bytes. `-` is standard input.
    static func read(_ path: String, _ each: (ArraySlice<UInt8>?) -> Void) throws(TextFile.Failure) {
        let descriptor = path == "-" ? 0 : try TextFile.open(path)
        defer { if descriptor != 0 { close(descriptor) } }
        var rest: [UInt8] = []
        var isTooLong = false
        while true {
            let chunk = try TextFile.chunk(descriptor)
            if chunk.isEmpty { break }
            var start = chunk.startIndex
            while let end = chunk[start...].firstIndex(of: 0x0A) {
                if isTooLong {
                    each(nil)
                } else if rest.isEmpty {
                    each(chunk[start..<end])
                } else {
                    rest += chunk[start..<end]
                    each(rest[...])
                }
                rest.removeAll(keepingCapacity: true)
                isTooLong = false
                start = end + 1
            }
            if isTooLong { continue }
            rest += chunk[start...]
            isTooLong = rest.count > lineLimit
            if isTooLong { rest = [] }
        }
        if isTooLong { each(nil) } else if !rest.isEmpty { each(rest[...]) }
    }
}
