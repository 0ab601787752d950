import Glibc

/// What the file system said, and of which file.
struct FileProblem: Error {
    var path: String
    var number: Int32
    var text: String

    init(_ path: String, _ number: Int32 = errno) {
        self.path = path
        self.number = number
        text = String(cString: strerror(number))
    }

    /// Something has the name, and is not what it should be.
    init(_ path: String, is text: String) {
        self.init(path, EINVAL)
        self.text = text
    }
}
