/// Reads any bytes as a configuration, for the fuzzer and for kept inputs; what is wrong with the answer, or nil. Of this machine only those
/// files and variables are asked for that the text names.
public func fuzzConfiguration(_ bytes: [UInt8]) -> String? {
    let result = Configuration.parse(bytes, file: "/nonexistent/menwei.yaml")
    if (result.configuration == nil) == result.faults.isEmpty { return "neither a configuration nor a fault, or both" }
    if result.messages.contains(where: { $0.utf8.contains(0x0A) }) { return "a message of several lines" }
    return nil
}
