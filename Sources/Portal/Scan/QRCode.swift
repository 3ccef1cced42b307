internal import CQRencode

/// A QR code (ISO/IEC 18004) as its matrix, made by libqrencode.
struct QRCode: Equatable {
    /// Modules of a side: 21…177.
    let width: Int
    /// Row by row, `width` squared of them; true is dark.
    private let modules: [Bool]

    /// The smallest code that holds `text` and can lose 15 % of itself (level M). Nil where the text is empty or longer than 2,331 bytes, or there is no memory.
    init?(_ text: String) {
        let bytes = Array(text.utf8)
        // Owned here, from its making to its end.
        guard let code = unsafe QRcode_encodeData(Int32(bytes.count), bytes, 0, QR_ECLEVEL_M) else { return nil }
        defer { unsafe QRcode_free(code) }
        let width = unsafe Int(code.pointee.width)
        guard let data = unsafe code.pointee.data else { return nil }
        self.width = width
        // The lowest bit is the colour; the others say what the module is for.
        modules = unsafe UnsafeBufferPointer(start: data, count: width * width).map { $0 & 1 == 1 }
    }

    func isDark(x: Int, y: Int) -> Bool { modules[y * width + x] }

    /// Modules that must stay light around it.
    static let quietZone = 4

    /// The dark modules as one path, in units of modules, each run of a row as one rectangle; the quiet zone lies around them.
    var path: String {
        var out = ""
        for y in 0..<width {
            var x = 0
            while x < width {
                guard isDark(x: x, y: y) else {
                    x += 1
                    continue
                }
                let start = x
                while x < width, isDark(x: x, y: y) { x += 1 }
                out += "M\(start + Self.quietZone) \(y + Self.quietZone)h\(x - start)v1h-\(x - start)z"
            }
        }
        return out
    }

    /// A picture of it, dark on light whatever the page's colours are: many readers know no other.
    func picture(label: String) -> HTML {
        let side = width + 2 * Self.quietZone
        return h("svg", [
            .init("xmlns", "http://www.w3.org/2000/svg"), .init("viewBox", "0 0 \(side) \(side)"), .class("code"), .init("role", "img"),
            .init("aria-label", label), .init("shape-rendering", "crispEdges"),
        ],
            h("rect", [.init("width", String(side)), .init("height", String(side)), .init("fill", "#ffffff")]),
            h("path", [.init("d", path), .init("fill", "#000000")]))
    }
}
