import FuzzDriver
import Settings

@_cdecl("LLVMFuzzerTestOneInput") func one(_ data: UnsafePointer<UInt8>?, _ count: Int) -> CInt { examine(data, count, fuzzConfiguration) }

@main enum ConfigurationFuzz {
    static func main() { fuzz(one) }
}
