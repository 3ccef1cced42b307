import Glibc

@_silgen_name("LLVMFuzzerRunDriver") private func runDriver(
    _ count: UnsafeMutablePointer<CInt>, _ arguments: UnsafeMutablePointer<UnsafeMutablePointer<UnsafeMutablePointer<CChar>?>>,
    _ one: @convention(c) (UnsafePointer<UInt8>?, Int) -> CInt
) -> CInt

/// Hands the process to libFuzzer, which calls `one` with every input it thinks of. The package manager gives each program an entry point
/// of its own name, so libFuzzer's `main` is never linked and its driver is called instead.
public func fuzz(_ one: @convention(c) (UnsafePointer<UInt8>?, Int) -> CInt) -> Never {
    var count = CommandLine.argc
    var arguments = CommandLine.unsafeArgv
    exit(runDriver(&count, &arguments, one))
}

/// The bytes of one input, and an end to the process where there is something to complain of.
public func examine(_ data: UnsafePointer<UInt8>?, _ count: Int, _ check: ([UInt8]) -> String?) -> CInt {
    if let complaint = check(Array(UnsafeBufferPointer(start: data, count: count))) { preconditionFailure(complaint) }
    return 0
}
