import Engines
import Testing

/// The engines on which a run's end and its life without saturn are the same.
enum TestEngine: CaseIterable {
    case dask, ray, r, kubernetes

    /// Why they cannot be tested here.
    static let missing = [DaskCluster.missing, RayCluster.missing, RPrograms.missing].compactMap { $0 }

    /// Kubernetes is built once per machine, and only where somebody wants it; `KubernetesTests` say when it is not there.
    static let allCases: [TestEngine] = [dask, ray, r] + (KubernetesCluster.missing == nil ? [kubernetes] : [])
    /// Those that have workers which can die under a task.
    static let withWorkers = [dask, ray, r]

    func stage(_ tasks: String = "[]") throws -> EngineStage {
        switch self {
        case .dask: try DaskStage(tasks: tasks)
        case .ray: try RayStage(tasks: tasks)
        case .r: try RStage(tasks: tasks)
        case .kubernetes: try KubernetesStage(tasks: tasks)
        }
    }

    /// What is said of a task whose worker has died.
    var lostWorker: String {
        switch self {
        case .dask: "lost: worker tcp://"
        case .ray: "lost: worker 127.0.0.1 (process "
        case .r: "lost: the R worker on localhost died"
        case .kubernetes: "lost: pod "
        }
    }

    /// A setting with which the engine has places for four tasks.
    var fourAtOnce: String {
        switch self {
        case .ray: "num_cpus: 4"
        case .kubernetes: "max_in_flight: 4"
        case .dask, .r: ""
        }
    }
}
