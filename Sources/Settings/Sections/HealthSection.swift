import HTTP
import Proxy

extension ConfigurationReader {
    /// `health`; nil where it is null, or faulty (which is reported).
    func readHealth(_ node: YAMLNode) -> SiteOptions.HealthCheck? {
        if node.isNull { return nil }
        let keys: [Key] = ["path", "interval", "unhealthy_after", "healthy_after"]
        guard let section = Section(node, "\"health\"", keys: keys, findings) else { return nil }
        let interval = section.value("interval", Read.duration(.seconds(1)...Duration.seconds(3600)))
        let unhealthyAfter = section.value("unhealthy_after", Read.integer(1...100))
        let healthyAfter = section.value("healthy_after", Read.integer(1...100))
        guard let path = section.required("path", Self.readHealthPath) else { return nil }
        var health = SiteOptions.HealthCheck(path: path)
        health.interval = interval ?? health.interval
        health.unhealthyAfter = unhealthyAfter ?? health.unhealthyAfter
        health.healthyAfter = healthyAfter ?? health.healthyAfter
        return health
    }

    /// What is asked: a path, a query with it where one is wanted.
    private static func readHealthPath(_ node: YAMLNode) throws(Misread) -> String {
        let text = try Read.text(node)
        guard text.hasPrefix("/") else { throw Misread("the path \(quoted(text)): a path begins with \"/\"") }
        guard text.utf8.count <= 2048, (try? CanonicalTarget(Array(text.utf8).span)) != nil else {
            throw Misread("the path \(quoted(text)): no request may have such a path")
        }
        return text
    }
}
