/// Those who wait, first come, first served: requests for an upstream to be free, say. Leaving from the middle costs no more than from the front.
struct WaitingLine<Guest> {
    /// A place in the line.
    final class Place {
        let guest: Guest
        fileprivate var next: Place?
        fileprivate weak var previous: Place?
        fileprivate var isIn = true
        init(_ guest: Guest) { self.guest = guest }
    }

    private(set) var count = 0
    private(set) var first: Place?
    private weak var last: Place?

    /// All who wait, as a list of its own: they may leave while they are told something.
    var guests: [Guest] {
        var guests: [Guest] = []
        var next = first
        while let place = next {
            guests.append(place.guest)
            next = place.next
        }
        return guests
    }

    mutating func join(_ guest: Guest) -> Place {
        let place = Place(guest)
        place.previous = last
        if let last { last.next = place } else { first = place }
        last = place
        count += 1
        return place
    }

    /// False where it had left before.
    @discardableResult mutating func leave(_ place: Place) -> Bool {
        if !place.isIn { return false }
        place.isIn = false
        if let previous = place.previous { previous.next = place.next } else { first = place.next }
        if let next = place.next { next.previous = place.previous } else { last = place.previous }
        place.next = nil
        count -= 1
        return true
    }
}
