"""On what, and with which versions, it was measured; nothing that names a machine."""

import datetime
import os
import platform
import re
import subprocess
from pathlib import Path

from contestants import Saturn
from measure import NotDone, tool

VERSIONS = ["ninja", "make", "parallel", "doit", "snakemake", "rclone", "git", "cc", "swiftc"]


def facts() -> dict:
    return {
        "date": datetime.datetime.now(datetime.timezone.utc).strftime("%Y-%m-%d"),
        "machine": machine(),
        "versions": {"saturn": saturn()} | {name: found for name in VERSIONS if (found := version(name))},
    }


def machine() -> str:
    cpu = field("/proc/cpuinfo", r"model name\s*: (.*)")
    memory = int(field("/proc/meminfo", r"MemTotal:\s*(\d+)") or 0) * 1024 / 2**30
    system = field("/etc/os-release", r'PRETTY_NAME="?([^"\n]*)')
    kernel = re.match(r"[\d.]*", platform.release())[0]
    return f"{os.cpu_count()} cores ({cpu}), {memory:.0f} GiB of memory, {system}, Linux {kernel}"


def field(path: str, pattern: str) -> str:
    found = re.search(pattern, Path(path).read_text())
    return found[1].strip() if found else "unknown"


def saturn() -> str:
    program = Saturn().run[0]
    commit = first_line(["git", "-C", str(Path(__file__).parent), "rev-parse", "--short=12", "HEAD"])
    return f"{first_line([program, '--version'])} (commit {commit or 'unknown'})"


def version(name: str) -> str:
    """The first number with a dot in what `--version` says; empty when there is no such program."""
    try:
        text = first_line([tool(name), "--version"])
    except NotDone:
        return ""
    found = re.search(r"\d+\.[\d.]*\d|\d{8}", text)
    return found[0] if found else text


def first_line(command: list[str]) -> str:
    done = subprocess.run(command, capture_output=True, text=True, stdin=subprocess.DEVNULL)
    lines = done.stdout.splitlines() if done.returncode == 0 else []
    return lines[0].strip() if lines else ""
