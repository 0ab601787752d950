"""A Kubernetes cluster of one node on loopback: etcd, the servers that kubernetes-build.sh has built, containerd.

kubernetes-cluster.py FOLDER SERVERS

Says "ready" when pods can run, and keeps all of it in FOLDER: `kubeconfig`, logs, images. Ends all that it has started, pods
too, on SIGTERM or when whoever has started it is gone. Needs root.
"""

import ctypes
import hashlib
import json
import os
import signal
import socket
import subprocess
import sys
import tarfile
import time
from io import BytesIO

FOLDER, SERVERS = os.path.abspath(sys.argv[1]), os.path.abspath(sys.argv[2])
CONTEXT = "saturn-test"
TOKENS = {"admin": "system:masters", "reader": "readers", "sweeper": "sweepers", "confidant": "confidants"}
# What README asks for, and no more; and that with secrets.
SWEEPS = [("batch", "jobs", "create list delete"), ("", "pods", "get list delete"), ("", "pods/exec", "create")]
ROLES = {"sweeper": SWEEPS, "confidant": SWEEPS + [("", "secrets", "get list create patch delete")]}
LIBRARIES = ["/bin/bash", "/bin/dash", "/bin/tar", "/bin/dd"]
PATIENCE = 120


def path(name):
    return os.path.join(FOLDER, name)


def write(name, text):
    os.makedirs(os.path.dirname(path(name)), exist_ok=True)
    with open(path(name), "w") as file:
        file.write(text)
    return path(name)


def free_port():
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return one.getsockname()[1]


class Cluster:
    def __init__(self):
        self.programs = []
        self.ports = {name: free_port() for name in
                      ["etcd", "peer", "api", "manager", "scheduler", "kubelet", "health", "stream"]}

    def start(self, name, *words):
        with open(path(f"{name}.log"), "ab") as log:
            program = subprocess.Popen(
                words, stdin=subprocess.DEVNULL, stdout=log, stderr=log, cwd=FOLDER, start_new_session=True)
        self.programs.append((name, program))

    def server(self, name, *flags):
        self.start(name, f"{SERVERS}/{name}", "--v=0", *flags)

    def url(self, name, scheme="https"):
        return f"{scheme}://127.0.0.1:{self.ports[name]}"

    # Its parts

    def etcd(self):
        self.start(
            "etcd", "etcd", "--unsafe-no-fsync", "--data-dir", path("etcd"), "--logger=zap", "--log-level=error",
            "--listen-client-urls", self.url("etcd", "http"), "--advertise-client-urls", self.url("etcd", "http"),
            "--listen-peer-urls", self.url("peer", "http"), "--initial-advertise-peer-urls", self.url("peer", "http"),
            "--initial-cluster", f"default={self.url('peer', 'http')}")

    def api(self):
        key = path("service.key")
        subprocess.run(["openssl", "genrsa", "-out", key, "2048"], check=True, capture_output=True)
        tokens = write("tokens", "".join(f"{name}-token,{name},{name},{group}\n" for name, group in TOKENS.items()))
        self.server(
            "kube-apiserver", "--etcd-servers", self.url("etcd", "http"), "--token-auth-file", tokens,
            "--authorization-mode=RBAC", "--service-account-issuer=https://saturn.test",
            f"--service-account-key-file={key}", f"--service-account-signing-key-file={key}",
            "--disable-admission-plugins=ServiceAccount", "--feature-gates=TTLAfterFinished=true",
            "--kubelet-preferred-address-types=Hostname", "--bind-address=127.0.0.1", "--advertise-address=127.0.0.1",
            f"--secure-port={self.ports['api']}", "--service-cluster-ip-range=10.222.0.0/16", "--allow-privileged=true",
            "--cert-dir", path("certificates"))

    def kubeconfig(self, name, user, server=None):
        cluster = {"server": server or self.url("api"), "insecure-skip-tls-verify": True}
        return write(name, json.dumps({
            "apiVersion": "v1", "kind": "Config", "current-context": CONTEXT,
            "clusters": [{"name": CONTEXT, "cluster": cluster}],
            "users": [{"name": user, "user": {"token": f"{user}-token"}}],
            "contexts": [{"name": CONTEXT, "context": {"cluster": CONTEXT, "user": user, "namespace": "default"}}]}))

    def allow(self, user, rules):
        group, named = "rbac.authorization.k8s.io", {"name": user, "namespace": "default"}
        items = [
            {"kind": "Role", "rules": [
                {"apiGroups": [api], "resources": [what], "verbs": verbs.split()} for api, what, verbs in rules]},
            {"kind": "RoleBinding", "subjects": [{"kind": "User", "name": user, "apiGroup": group}],
             "roleRef": {"kind": "Role", "name": user, "apiGroup": group}}]
        items = [{"apiVersion": f"{group}/v1", "metadata": named, **item} for item in items]
        done = self.kubectl("create", "-f", "-", input=json.dumps(
            {"apiVersion": "v1", "kind": "List", "items": items}).encode())
        if done.returncode:
            raise SystemExit(f"no role for {user}: {done.stderr.decode()}")

    def controllers(self):
        common = ["--kubeconfig", path("kubeconfig"), "--leader-elect=false", "--port=0", "--bind-address=127.0.0.1",
                  "--authentication-skip-lookup", "--feature-gates=TTLAfterFinished=true"]
        self.server(
            "kube-controller-manager", *common, "--controllers=*,bootstrapsigner,tokencleaner",
            f"--secure-port={self.ports['manager']}", "--cert-dir", path("manager"), "--kube-api-qps=200",
            "--kube-api-burst=400", "--concurrent-ttl-after-finished-syncs=1")
        self.server(
            "kube-scheduler", *common, f"--secure-port={self.ports['scheduler']}", "--cert-dir", path("scheduler"))

    def containerd(self):
        write("cni/00-none.conflist", json.dumps({
            "cniVersion": "0.4.0", "name": "none", "plugins": [{"type": "loopback"}]}))
        self.socket = path("containerd.sock")
        config = write("containerd.toml", f"""
version = 2
root = "{path('containerd')}"
state = "{path('containerd-state')}"
[grpc]
  address = "{self.socket}"
[plugins."io.containerd.grpc.v1.cri"]
  restrict_oom_score_adj = true
  sandbox_image = "local/pause:1"
  stream_server_address = "127.0.0.1"
  stream_server_port = "{self.ports['stream']}"
  [plugins."io.containerd.grpc.v1.cri".cni]
    bin_dir = "{path('cni-bin')}"
    conf_dir = "{path('cni')}"
  [plugins."io.containerd.grpc.v1.cri".containerd.runtimes.runc]
    runtime_type = "io.containerd.runc.v2"
    [plugins."io.containerd.grpc.v1.cri".containerd.runtimes.runc.options]
      SystemdCgroup = false
""")
        self.start("containerd", "containerd", "--config", config, "--log-level", "error")
        self.wait("containerd", lambda: self.ctr("version").returncode == 0)
        for name in ["pause:1", "busybox:1", "tools:1"]:
            done = self.ctr("-n", "k8s.io", "images", "import", "-", input=image(f"local/{name}", name != "pause:1",
                                                                                   name == "tools:1"))
            if done.returncode:
                raise SystemExit(f"cannot import {name}: {done.stderr.decode()}")

    def ctr(self, *words, **more):
        return subprocess.run(["ctr", "-a", self.socket, *words], capture_output=True, **more)

    def kubelet(self):
        config = write("kubelet.json", json.dumps({
            "apiVersion": "kubelet.config.k8s.io/v1beta1", "kind": "KubeletConfiguration", "cgroupDriver": "cgroupfs",
            "cgroupsPerQOS": False, "enforceNodeAllocatable": [], "failSwapOn": False, "makeIPTablesUtilChains": False,
            "address": "127.0.0.1", "port": self.ports["kubelet"], "healthzBindAddress": "127.0.0.1",
            "healthzPort": self.ports["health"], "maxPods": 110, "registryPullQPS": 0, "eventRecordQPS": 0,
            "kubeAPIQPS": 100, "kubeAPIBurst": 200, "resolvConf": "",
            "authentication": {"anonymous": {"enabled": True}, "webhook": {"enabled": False}},
            "authorization": {"mode": "AlwaysAllow"},
            "evictionHard": {"memory.available": "50Mi", "nodefs.available": "100Mi", "imagefs.available": "100Mi"}}))
        self.server(
            "kubelet", "--kubeconfig", path("kubeconfig"), "--config", config, "--container-runtime=remote",
            f"--container-runtime-endpoint=unix://{self.socket}", "--hostname-override=localhost",
            "--root-dir", path("kubelet"), "--cert-dir", path("kubelet/pki"))

    # From the first to the last

    def run(self):
        self.etcd()
        self.kubeconfig("kubeconfig", "admin")
        for user in ["reader", "nobody", *ROLES]:
            self.kubeconfig(f"{user}.kubeconfig", user)
        self.kubeconfig("away.kubeconfig", "admin", f"https://127.0.0.1:{free_port()}")
        self.api()
        self.containerd()
        self.wait("kube-apiserver", lambda: self.kubectl("get", "--raw", "/readyz").returncode == 0)
        for user, rules in ROLES.items():
            self.allow(user, rules)
        self.controllers()
        self.kubelet()
        self.wait("kubelet", self.is_ready)
        print("ready", flush=True)

    def is_ready(self):
        node = self.kubectl("get", "node", "localhost", "-o", "json")
        if node.returncode:
            return False
        conditions = json.loads(node.stdout)["status"]["conditions"]
        return any(one["type"] == "Ready" and one["status"] == "True" for one in conditions)

    def kubectl(self, *words, **more):
        return subprocess.run(
            ["kubectl", "--kubeconfig", path("kubeconfig"), "--request-timeout=10s", *words], capture_output=True,
            env={**os.environ, "HOME": FOLDER}, **more)

    def wait(self, name, is_done):
        end = time.monotonic() + PATIENCE
        while not is_done():
            ended = [name for name, program in self.programs if program.poll() is not None]
            if ended or time.monotonic() > end:
                name = ended[0] if ended else name
                with open(path(f"{name}.log"), errors="replace") as log:
                    raise SystemExit(f"{name} {'has ended' if ended else 'does not come up'}: {log.read()[-2000:]}")
            time.sleep(0.2)

    def reap(self):
        own = {program.pid for _, program in self.programs}
        while True:
            try:
                ended = os.waitid(os.P_ALL, 0, os.WEXITED | os.WNOHANG | os.WNOWAIT)
            except ChildProcessError:
                return
            if ended is None or ended.si_pid in own:
                return
            os.waitpid(ended.si_pid, 0)

    def stop(self):
        """All of it: a shim outlives its containerd, and a container its shim; both name this folder."""
        for name, program in reversed(self.programs):
            program.kill()
        for name, program in self.programs:
            program.wait()
        for _ in range(50):
            self.programs = []
            self.reap()
            left = [pid for pid in own_processes() if pid != os.getpid()]
            if not left:
                break
            for pid in left:
                try:
                    os.kill(pid, signal.SIGKILL)
                except ProcessLookupError:
                    pass
            time.sleep(0.1)
        with open("/proc/self/mounts") as mounts:
            own = [line.split()[1] for line in mounts if line.split()[1].startswith(FOLDER + "/")]
        for mount in reversed(own):
            subprocess.run(["umount", "-l", mount], capture_output=True)


def own_processes():
    """Shims of this folder's containerd, and what is in a container of theirs, by its cgroup."""
    shims, others = [], []
    names = set(os.listdir(path("containerd-state/io.containerd.runtime.v2.task/k8s.io"))
                if os.path.isdir(path("containerd-state/io.containerd.runtime.v2.task/k8s.io")) else [])
    for pid in filter(str.isdigit, os.listdir("/proc")):
        try:
            with open(f"/proc/{pid}/cmdline", "rb") as file:
                words = file.read().split(b"\0")
            if b"shim" in words[0] and path("containerd.sock").encode() in words:
                shims.append(int(pid))
                continue
            with open(f"/proc/{pid}/cgroup") as file:
                if any(line.strip().rpartition("/")[2] in names for line in file):
                    others.append(int(pid))
        except OSError:
            pass
    return others or shims


def image(name, has_tools, has_more):
    """A tar of an image of one layer: nothing but busybox, or also bash, dash, dd and tar as they are here."""
    layer = BytesIO()
    with tarfile.open(fileobj=layer, mode="w") as tar:
        def add_file(source, target):
            entry = tar.gettarinfo(os.path.realpath(source), target)
            with open(source, "rb") as file:
                tar.addfile(entry, file)

        def add(target, kind, link="", mode=0o755):
            entry = tarfile.TarInfo(target)
            entry.type, entry.linkname, entry.mode = kind, link, mode
            tar.addfile(entry)

        add("tmp", tarfile.DIRTYPE, mode=0o1777)
        add_file("/bin/busybox", "bin/busybox")
        if has_tools:
            own = {os.path.basename(one) for one in [*LIBRARIES, "sh"] if has_more}
            for applet in subprocess.run(["busybox", "--list"], capture_output=True, text=True).stdout.split():
                if applet not in own | {"busybox"}:
                    add(f"bin/{applet}", tarfile.SYMTYPE, "busybox")
        if has_more:
            needed = set()
            add("bin/sh", tarfile.SYMTYPE, "dash")
            for program in LIBRARIES:
                add_file(program, program[1:])
                words = subprocess.run(["ldd", program], capture_output=True, text=True).stdout.split()
                needed |= {word for word in words if word.startswith("/")}
            for library in sorted(needed):
                add_file(library, library[1:])
    data = layer.getvalue()
    digest = hashlib.sha256(data).hexdigest()
    config = json.dumps({
        "architecture": {"x86_64": "amd64", "aarch64": "arm64"}[os.uname().machine], "os": "linux",
        "config": {"Env": ["PATH=/bin:/usr/bin"], "WorkingDir": "/tmp" if has_tools else "/",
                   "Cmd": ["/bin/busybox", "sleep", "2147483647"]},
        "rootfs": {"type": "layers", "diff_ids": [f"sha256:{digest}"]}}).encode()
    manifest = json.dumps([{"Config": "config.json", "RepoTags": [name], "Layers": ["layer.tar"]}]).encode()
    out = BytesIO()
    with tarfile.open(fileobj=out, mode="w") as tar:
        for file, content in [("config.json", config), ("layer.tar", data), ("manifest.json", manifest)]:
            entry = tarfile.TarInfo(file)
            entry.size = len(content)
            tar.addfile(entry, BytesIO(content))
    return out.getvalue()


def main():
    parent = os.getppid()
    os.makedirs(FOLDER, exist_ok=True)
    # Shims leave their containerd, and would be whose orphans they are elsewhere.
    ctypes.CDLL(None).prctl(36, 1, 0, 0, 0)
    cluster = Cluster()

    def leave(*_):
        raise SystemExit(0)

    signal.signal(signal.SIGTERM, leave)
    signal.signal(signal.SIGINT, leave)
    try:
        cluster.run()
        while os.getppid() == parent:
            cluster.reap()
            time.sleep(0.3)
    finally:
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
        cluster.stop()


main()
