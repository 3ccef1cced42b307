/// The status codes that have a counter of their own; all others share one for each hundred, so that no upstream can make labels without end.
enum StatusCodes {
    static let own: [UInt16] = [
        101, 200, 201, 202, 204, 206, 207, 301, 302, 303, 304, 307, 308, 400, 401, 403, 404, 405, 406, 408, 409, 410, 412, 413, 414, 415, 416,
        417, 418, 421, 422, 423, 425, 426, 428, 429, 431, 451, 500, 501, 502, 503, 504, 505,
    ]
    /// Labels by place: first the codes of `own`, then `0` (no answer went out), `1xx` … `5xx`, and `other`.
    static let labels: [String] = own.map { String($0) } + ["0", "1xx", "2xx", "3xx", "4xx", "5xx", "other"]
    static var count: Int { labels.count }

    /// The place of every code below 600.
    static let places: [UInt8] = {
        let hundreds = own.count
        var places = (0..<600).map { UInt8(hundreds + 1 + ($0 / 100 == 0 ? 5 : $0 / 100 - 1)) }
        for (place, code) in own.enumerated() { places[Int(code)] = UInt8(place) }
        places[0] = UInt8(hundreds)
        return places
    }()

    static func place(_ status: UInt16) -> Int { status < 600 ? Int(places[Int(status)]) : count - 1 }
}
