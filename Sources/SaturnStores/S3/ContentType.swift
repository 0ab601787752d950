/// What a browser or a script is told a result is, by its name.
enum ContentType {
    private static let known = [
        "json": "application/json", "jsonl": "application/x-ndjson", "csv": "text/csv",
        "tsv": "text/tab-separated-values",
        "txt": "text/plain", "log": "text/plain", "md": "text/markdown", "html": "text/html", "xml": "application/xml",
        "yaml": "application/yaml", "yml": "application/yaml", "png": "image/png", "jpg": "image/jpeg",
        "jpeg": "image/jpeg", "svg": "image/svg+xml", "gif": "image/gif", "pdf": "application/pdf",
        "gz": "application/gzip", "zip": "application/zip", "tar": "application/x-tar",
    ]

    static func of(_ path: String) -> String {
        guard let dot = path.lastIndex(of: ".") else { return "application/octet-stream" }
        return known[path[path.index(after: dot)...].lowercased()] ?? "application/octet-stream"
    }
}
