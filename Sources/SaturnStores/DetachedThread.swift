import Glibc
import SaturnCore

/// Threads of our own, that nobody waits for: where there is none to be had, that is said, and not tried again for ever.
enum DetachedThread {
    private final class Box: Sendable {
        let body: @Sendable () -> Void

        init(_ body: @escaping @Sendable () -> Void) {
            self.body = body
        }
    }

    static func start(_ body: @escaping @Sendable () -> Void) throws {
        var thread = pthread_t()
        let box = Unmanaged.passRetained(Box(body))
        let error = pthread_create(
            &thread, nil,
            { @Sendable argument in
                if let argument { Unmanaged<Box>.fromOpaque(argument).takeRetainedValue().body() }
                return nil
            }, box.toOpaque())
        guard error == 0 else {
            box.release()
            throw Failure.noThread(String(cString: strerror(error)))
        }
        pthread_detach(thread)
    }
}
