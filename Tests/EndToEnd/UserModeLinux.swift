import Glibc
import Testing

/// A Linux kernel as a program, with the files of this machine: for what the kernel of this machine does otherwise.
enum UserModeLinux {
    static let reasonToSkip: Comment =
        "SKIPPED: linux.uml (package user-mode-linux) is not there, or the user is not root: control groups of version 2 are NOT TESTED"
    static let isPossible = getuid() == 0 && access("/usr/bin/linux.uml", X_OK) == 0

    /// Runs lines of a shell as its first process, with the second version of control groups and an empty disk at `/mnt`,
    /// and returns what they print.
    static func run(_ lines: String, in session: Session) throws -> String {
        try session.write(
            "init.sh",
            """
            #!/bin/sh
            export PATH=/usr/sbin:/usr/bin:/sbin:/bin HOME=/mnt
            mount -t proc proc /proc
            mount -t sysfs sysfs /sys
            mount -t tmpfs tmpfs /mnt
            mount -t cgroup2 none /sys/fs/cgroup
            cd /mnt
            \(lines)
            echo o > /proc/sysrq-trigger
            sleep 60
            """, executable: true)
        session.makeFolder("kernel")
        let kernel = try session.shell(
            "timeout -k 5 150 linux.uml rootfstype=hostfs rootflags=/ rw mem=1200M quiet loglevel=1 uml_dir=kernel "
                + "init='\(session.path("init.sh"))' con=null con0=null,fd:1 < /dev/null")
        // Its console is a terminal.
        return kernel.out.replacing("\r\n", with: "\n")
    }
}
