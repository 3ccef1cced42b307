// swift-tools-version: 6.2
import PackageDescription

// One list of switches for every room: warnings are errors, unsafe code is marked as such,
// imports show where a name comes from.
let checked: [SwiftSetting] = [
    .enableUpcomingFeature("InternalImportsByDefault"),
    .enableUpcomingFeature("MemberImportVisibility"),
    .enableUpcomingFeature("NonisolatedNonsendingByDefault"),
    .enableUpcomingFeature("ExistentialAny"),
    .enableExperimentalFeature("Lifetimes"),
    .treatAllWarnings(as: .error),
]
let strict = checked + [.strictMemorySafety()]

/// A room of the house. Its dependencies point down only (see Sources/README.md).
func room(_ name: String, _ dependencies: [Target.Dependency], resources: [Resource]? = nil) -> Target {
    .target(name: name, dependencies: dependencies, exclude: [], resources: resources, swiftSettings: strict)
}

/// A door to a C library: a module map, and `static inline` wrappers for what Swift cannot see.
func door(_ name: String, links libraries: [String] = []) -> Target {
    .target(name: name, linkerSettings: libraries.map { .linkedLibrary($0) })
}

func tests(of name: String, _ more: [Target.Dependency] = []) -> Target {
    .testTarget(
        name: name + "Tests", dependencies: [.init(stringLiteral: name)] + more,
        swiftSettings: checked)
}

/// What `menwei version` says it was built from.
let commit = Context.gitInformation.map { String($0.currentCommit.prefix(12)) + ($0.hasUncommittedChanges ? "+" : "") } ?? "unknown"

let package = Package(
    name: "menwei",
    targets: [
        // 0: the C doors
        .target(name: "CLinux", cSettings: [.define("MENWEI_COMMIT", to: "\"\(commit)\"")]),
        door("COpenSSL", links: ["ssl", "crypto"]),
        door("CNghttp2", links: ["nghttp2"]),
        door("CSQLite", links: ["sqlite3"]),
        door("CYAML", links: ["yaml"]),
        door("CCurl", links: ["curl"]),
        door("CExpat", links: ["expat"]),
        door("CQRencode", links: ["qrencode"]),
        // 1
        room("Bytes", []),
        // 2
        room("Telemetry", ["Bytes", "CLinux"]),
        room("Crypto", ["Bytes", "COpenSSL"]),
        room("HTTP", ["Bytes", "CNghttp2"]),
        room("EventLoop", ["Bytes", "CLinux"]),
        // 3
        room("TLS", ["EventLoop", "Bytes", "COpenSSL"]),
        room("Access", ["HTTP", "Crypto", "Bytes"]),
        room("WeCom", ["Crypto", "Bytes", "CExpat"]),
        room("Outbound", ["EventLoop", "Bytes", "CCurl"]),
        room("Storage", ["Access", "Crypto", "Bytes", "EventLoop", "CSQLite", "CLinux"]),
        // 4
        room("Proxy", ["EventLoop", "TLS", "HTTP", "Access", "Telemetry", "Crypto", "Bytes"]),
        // 5
        room("Portal", ["Proxy", "WeCom", "Outbound", "Access", "HTTP", "Crypto", "Telemetry", "EventLoop", "Bytes", "CQRencode"]),
        room("Simulator", ["Proxy", "Outbound", "HTTP", "Crypto", "Bytes"]),
        // 6
        room("Settings", ["Proxy", "WeCom", "Access", "TLS", "HTTP", "Crypto", "Bytes", "CYAML", "CLinux"]),
        // 7
        .executableTarget(
            name: "menwei",
            dependencies: [
                "Settings", "Simulator", "Portal", "Proxy", "WeCom", "Outbound", "Storage", "Access", "TLS", "HTTP", "Crypto",
                "EventLoop", "Telemetry", "Bytes", "CLinux", "CNghttp2", "CSQLite", "CYAML", "CCurl", "CExpat", "CQRencode", "COpenSSL",
            ],
            swiftSettings: strict),

        tests(of: "Bytes"),
        tests(of: "Telemetry", ["Bytes"]),
        tests(of: "Crypto", ["Bytes"]),
        tests(of: "HTTP", ["Bytes", "CNghttp2"]),
        tests(of: "EventLoop", ["Bytes", "CLinux"]),
        tests(of: "TLS", ["Bytes", "EventLoop", "COpenSSL"]),
        tests(of: "Access", ["HTTP", "Crypto", "Bytes"]),
        tests(of: "WeCom", ["Bytes", "Crypto"]),
        tests(of: "Outbound", ["Bytes", "EventLoop"]),
        tests(of: "Storage", ["Access", "Bytes", "Crypto"]),
        tests(of: "Proxy", ["HTTP", "Access", "Bytes", "EventLoop", "Telemetry", "Crypto", "TLS"]),
        tests(of: "Portal", ["Access", "HTTP", "Bytes", "WeCom", "Proxy", "Storage", "Outbound", "EventLoop"]),
        tests(of: "Simulator", ["Bytes", "Crypto", "Proxy", "HTTP"]),
        tests(of: "Settings", ["Bytes", "HTTP", "Access", "Proxy", "WeCom"]),
    ]
)

// The fuzzers (Tests/Fuzz/run.sh) need a runtime of their own, and lld. With MENWEI_FUZZ set the package is nothing but them.
if Context.environment["MENWEI_FUZZ"] != nil {
    func fuzzer(_ name: String, _ checks: Target.Dependency) -> Target {
        .executableTarget(
            name: name + "Fuzz", dependencies: [checks, "FuzzDriver"], path: "Tests/Fuzz/" + name,
            swiftSettings: [.unsafeFlags(["-sanitize=fuzzer,address", "-parse-as-library"])],
            linkerSettings: [.unsafeFlags(["-sanitize=fuzzer,address", "-use-ld=lld"])])
    }
    package.targets.removeAll { $0.type == .test || $0.type == .executable }
    for target in package.targets { target.swiftSettings?.append(.unsafeFlags(["-sanitize=fuzzer,address"])) }
    package.targets += [
        .target(name: "FuzzDriver", path: "Tests/Fuzz/Driver"),
        .target(name: "AccessChecks", dependencies: ["Access"], path: "Tests/AccessTests/Checks"),
        .target(name: "HTTPChecks", dependencies: ["HTTP"], path: "Tests/HTTPTests/Checks"),
        fuzzer("RequestParser", "HTTPChecks"), fuzzer("ResponseParser", "HTTPChecks"),
        fuzzer("Target", "HTTPChecks"), fuzzer("HTTP2Frames", "HTTPChecks"), fuzzer("Cookies", "HTTPChecks"), fuzzer("Configuration", "Settings"),
        fuzzer("WebSocketFrames", "Proxy"), fuzzer("WebSocketHandshake", "HTTPChecks"), fuzzer("ProxyProtocol", "Proxy"), fuzzer("Callback", "WeCom"), fuzzer("ReturnAddress", "Access"),
        fuzzer("AccountSheet", "AccessChecks"),
    ]
}
