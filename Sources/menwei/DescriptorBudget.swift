import Glibc
import Proxy

/// How the process's descriptors are shared out.
enum DescriptorBudget {
    /// The limits of the clients' side: a quarter of all descriptors, but not more than 4096, is kept from it, for upstreams, the store, WeCom and
    /// the operations listener. A gateway that its clients can keep from asking the upstream, or from telling how it is, serves nobody.
    static var limits: ServerLimits {
        var limits = ServerLimits()
        limits.descriptors = clients(of: descriptors())
        return limits
    }

    static func clients(of all: Int32) -> Int32 { all - min(all / 4, 4096) }

    /// As many as this process may have open.
    private static func descriptors() -> Int32 {
        var limit = rlimit()
        guard unsafe getrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit) == 0 else { return 1024 }
        return Int32(clamping: limit.rlim_cur)
    }
}
