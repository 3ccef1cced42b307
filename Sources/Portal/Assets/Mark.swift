extension Assets {
    /// The mark: a gate with its eaves, two leaves and their rings.
    static let mark = #"""
    <svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 48 48" role="img" aria-label="Menwei">
    <rect width="48" height="48" rx="11" fill="#0d6b57"/>
    <path d="M7 17.2c4.6-.5 8.2-2.2 10.6-5.2h12.8c2.4 3 6 4.7 10.6 5.2v3.1H7z" fill="#fff"/>
    <path d="M11.5 22.6h11.3V38H11.5z" fill="#fff"/>
    <path d="M25.2 22.6h11.3V38H25.2z" fill="#fff"/>
    <circle cx="20" cy="30.2" r="1.7" fill="#0d6b57"/>
    <circle cx="28" cy="30.2" r="1.7" fill="#0d6b57"/>
    </svg>
    """#
}
