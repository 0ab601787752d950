// swift-tools-version: 6.2
import PackageDescription

// Our own targets: Swift 6 mode, every warning an error, imports internal unless they say otherwise.
let strict: [SwiftSetting] = [
    .swiftLanguageMode(.v6),
    .treatAllWarnings(as: .error),
    .enableUpcomingFeature("InternalImportsByDefault"),
    .enableUpcomingFeature("ExistentialAny"),
]

let crypto = Target.Dependency.product(name: "Crypto", package: "swift-crypto")
let grdb = Target.Dependency.product(name: "GRDB", package: "GRDB.swift")
let arguments = Target.Dependency.product(name: "ArgumentParser", package: "swift-argument-parser")

/// Everything but the executable and the command line: what the library product `Saturn` offers.
let library = [
    "SaturnCore", "SaturnRunFile", "SaturnGit", "SaturnLedger", "SaturnExecutors", "SaturnStores", "SaturnEngine",
]

func inner(_ name: String, _ dependencies: [Target.Dependency]) -> Target {
    .target(name: name, dependencies: ["SaturnCore"] + dependencies, swiftSettings: strict)
}

func tests(_ name: String, _ dependencies: [Target.Dependency]) -> Target {
    .testTarget(
        name: name, dependencies: ["SaturnCore", "SaturnTesting"] + dependencies, path: "Tests/\(name)",
        swiftSettings: strict)
}

let package = Package(
    name: "saturn",
    products: [
        .executable(name: "saturn", targets: ["saturn"]),
        .library(name: "Saturn", targets: library),
        .library(name: "SaturnTesting", targets: ["SaturnTesting"]),
    ],
    dependencies: [
        .package(url: "https://github.com/apple/swift-argument-parser", from: "1.8.2"),
        .package(url: "https://github.com/apple/swift-crypto", from: "4.5.2"),
        .package(url: "https://github.com/groue/GRDB.swift", from: "7.10.0"),
    ],
    targets: [
        // Both without pkg-config, whose flags come first: it would link the shared libyaml where the Makefile wants the
        // static one, and libgit2, which is loaded only where there is a repository.
        .systemLibrary(name: "CLibYAML", providers: [.apt(["libyaml-dev"])]),
        .target(name: "CLibGit2"),
        .target(name: "CLibCurl"),
        .target(name: "CLibPCRE2"),
        .target(name: "CSystem"),
        .target(name: "SaturnCore", dependencies: [crypto], swiftSettings: strict),
        inner("SaturnRunFile", ["CLibYAML"]),
        inner("SaturnGit", ["CLibGit2", "CSystem", crypto]),
        inner("SaturnLedger", [grdb]),
        .target(
            name: "SaturnExecutors", dependencies: ["SaturnCore", "CSystem"],
            resources: [
                "spawner.py", "report.py", "agent.py", "books.py", "bridge.py", "engine.py", "own_cluster.py",
                "dask_cluster.py", "dask_bridge.py", "ray_kept.py", "ray_cluster.py", "ray_ticket.py", "ray_bridge.py",
                "r_files.R", "r_processes.R", "r_mask.R", "r_worker.R", "r_attempt.R", "r_foreman.R", "r_books.R",
                "r_engine.R", "r_bridge.R", "pod_task.sh", "pod_keeper.sh", "pod_fetch.sh",
            ].map { .embedInCode("Resources/\($0)") }, swiftSettings: strict),
        inner("SaturnStores", ["CLibCurl", "CSystem", crypto]),
        inner("SaturnEngine", ["CSystem", crypto]),
        inner("SaturnTesting", []),
        .target(
            name: "Engines", dependencies: ["SaturnTesting"], path: "Tests/Engines",
            exclude: [
                "fault-proxy.py", "metadata-server.py", "loopback.py", "ray-head.py", "requirements.txt",
                "kubernetes-build.sh", "kubernetes-cluster.py",
            ],
            swiftSettings: strict),
        .target(
            name: "SaturnCommands",
            dependencies: library.map { .init(stringLiteral: $0) } + ["CLibPCRE2", "CSystem", arguments],
            swiftSettings: strict),
        .executableTarget(name: "saturn", dependencies: ["SaturnCommands"], swiftSettings: strict),
        .executableTarget(
            name: "ModelHistories",
            dependencies: [
                "SaturnCore", "SaturnEngine", "SaturnGit", "SaturnLedger", "SaturnRunFile", "SaturnStores",
                "SaturnTesting",
            ],
            path: "Tests/ModelHistories", swiftSettings: strict),
        tests("SaturnCoreTests", []),
        tests("SaturnRunFileTests", ["SaturnRunFile"]),
        tests("SaturnGitTests", ["SaturnGit"]),
        tests("SaturnLedgerTests", ["SaturnLedger"]),
        tests("SaturnExecutorsTests", ["Engines", "SaturnExecutors"]),
        tests("SaturnStoresTests", ["Engines", "SaturnStores", "CSystem"]),
        tests(
            "SaturnEngineTests", ["SaturnEngine", "SaturnGit", "SaturnLedger", "SaturnRunFile", "SaturnStores"]),
        tests("SaturnCommandsTests", ["SaturnCommands"]),
        tests("EndToEnd", ["Engines"]),
    ]
)
