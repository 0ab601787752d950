import Crypto
import Glibc
import SaturnCore

/// What Git LFS stores in git in place of a large file:
///
///     version https://git-lfs.github.com/spec/v1
///     oid sha256:4d7a214614ab2935c943f9e0ff69d22eadbb8f32b1258daaa5e2ca24d17e2393
///     size 12345
///
/// `git lfs clean` would also copy the file into LFS's own store, so it is not run.
struct LargeFilePointer {
    private static let version = "version https://git-lfs.github.com/spec/v1\n"

    let text: [UInt8]

    /// `nil` where LFS stores the file as it is: an empty one, one that is already a pointer (never fetched) or one
    /// that cannot be read.
    init?(ofFileAt path: [UInt8]) {
        let descriptor = path.withCString { open($0, O_RDONLY | O_CLOEXEC | O_NOFOLLOW) }
        guard descriptor >= 0 else { return nil }
        defer { close(descriptor) }
        var hash = SHA256()
        var size = 0
        var isPointer = false
        var chunk = [UInt8](repeating: 0, count: 1 << 18)
        while true {
            let count = read(descriptor, &chunk, chunk.count)
            if count < 0 && errno == EINTR { continue }
            guard count >= 0 else { return nil }
            if count == 0 { break }
            if size == 0 { isPointer = chunk[..<count].starts(with: Self.version.utf8) }
            chunk.withUnsafeBytes { hash.update(bufferPointer: UnsafeRawBufferPointer(rebasing: $0[..<count])) }
            size += count
        }
        if size == 0 || (isPointer && size < 1024) { return nil }
        text = Array("\(Self.version)oid sha256:\(Digest(hash.finalize()))\nsize \(size)\n".utf8)
    }
}
