import Access

/// What tells this process from every other gateway.
enum Instance {
    /// Its name in `Via`: one for all workers, and over reloads.
    static let via = ViaName(token: .random(in: 0 ... .max))
}
