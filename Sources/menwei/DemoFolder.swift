import Glibc

/// A folder of the demo's own, gone when it ends.
struct DemoFolder {
    let path: String

    init() throws {
        let parent = unsafe getenv("TMPDIR").map { unsafe String(cString: $0) } ?? "/tmp"
        var template = Array((parent + "/menwei-demo-XXXXXX").utf8CString)
        guard unsafe mkdtemp(&template) != nil else { throw StartFault(message: "\(parent): no folder can be made there") }
        path = String(decoding: template.dropLast().map { UInt8(bitPattern: $0) }, as: UTF8.self)
    }

    func makeFolder(_ name: String) throws {
        if unsafe mkdir(path + "/" + name, 0o700) != 0 { throw StartFault(message: "\(path)/\(name): cannot be made") }
    }

    func write(_ name: String, _ bytes: [UInt8]) throws {
        let descriptor = unsafe open(path + "/" + name, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0o600)
        guard descriptor >= 0 else { throw StartFault(message: "\(path)/\(name): cannot be written") }
        defer { close(descriptor) }
        let wrote = unsafe bytes.withUnsafeBytes { unsafe Glibc.write(descriptor, $0.baseAddress, $0.count) }
        if wrote != bytes.count { throw StartFault(message: "\(path)/\(name): cannot be written") }
    }

    /// Removes what the demo put there: files, and one level of folders.
    func remove() { Self.remove(path, depth: 2) }

    private static func remove(_ path: String, depth: Int) {
        guard depth > 0, let folder = unsafe opendir(path) else { return }
        var names: [String] = []
        while let entry = unsafe readdir(folder) {
            let name = unsafe withUnsafeBytes(of: &entry.pointee.d_name) { unsafe String(decoding: $0.prefix { $0 != 0 }, as: UTF8.self) }
            if name != "." && name != ".." { names.append(name) }
        }
        unsafe closedir(folder)
        for name in names where unsafe unlink(path + "/" + name) != 0 { remove(path + "/" + name, depth: depth - 1) }
        _ = unsafe rmdir(path)
    }
}
