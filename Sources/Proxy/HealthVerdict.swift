/// What checks in a row say of an upstream.
struct HealthVerdict {
    let unhealthyAfter: Int
    let healthyAfter: Int
    private(set) var isWell: Bool
    /// Checks in a row that spoke against `isWell`.
    private var against = 0

    /// `isWell`: until a series of checks says otherwise.
    init(_ options: SiteOptions.HealthCheck, isWell: Bool = true) {
        self.isWell = isWell
        unhealthyAfter = options.unhealthyAfter
        healthyAfter = options.healthyAfter
    }

    /// A check ended. True where it changed the verdict.
    mutating func note(succeeded: Bool) -> Bool {
        if succeeded == isWell {
            against = 0
            return false
        }
        against += 1
        if against < (isWell ? unhealthyAfter : healthyAfter) { return false }
        isWell.toggle()
        against = 0
        return true
    }
}
