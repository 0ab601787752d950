"""What it costs to start a program that is linked with this or that library, and does nothing."""

import shlex
import subprocess
from functools import partial
from pathlib import Path

from contestants import Saturn
from measure import Lap, NotDone, Track, tool
from result import Result, scale, sized

# Header, something to call so that the library is linked, and its name for pkg-config.
C = {
    "libyaml": ("yaml.h", "yaml_get_version_string()", "yaml-0.1"),
    "SQLite": ("sqlite3.h", "sqlite3_libversion()", "sqlite3"),
    "libgit2": ("git2.h", "int a, b, c; git_libgit2_version(&a, &b, &c)", "libgit2"),
    "libcurl": ("curl/curl.h", "curl_version()", "libcurl"),
}
SWIFT = {
    "Swift": 'print("hello")',
    "Swift and Foundation": "import Foundation\nprint(FileManager.default.currentDirectoryPath)",
}


def startup(track: Track) -> Result:
    laps, notes = [], []
    folder = track.place.make("libraries")
    builds = {"no library": lambda source: in_c(source, "", "", [])}
    builds |= {name: partial(linked, *library) for name, library in C.items()}
    if scale() == 1:  # this compiler takes longer than all that a small scale measures
        builds |= {name: partial(in_swift, text) for name, text in SWIFT.items()}
    for name, build in builds.items():
        try:
            laps.append(started(name, build(folder / name.replace(" ", "-")), folder))
        except NotDone as missing:
            notes.append(f"Left out: {name}: {missing}.")
    laps.append(started("saturn --version", [Saturn().run[0], "--version"], folder))
    return Result("Start-up by library", track.race(laps, sized(100, least=3)), [], notes, base="no library")


def started(name: str, command: list[str], folder: Path) -> Lap:
    return Lap(name, command, folder, 1, check=lambda output: None)


def linked(header: str, call: str, package: str, program: Path) -> list[str]:
    flags = subprocess.run([tool("pkg-config"), "--cflags", "--libs", package], capture_output=True, text=True)
    if flags.returncode != 0:
        raise NotDone(f"pkg-config does not know {package}")
    return in_c(program, f"#include <{header}>\n", f"{call};", shlex.split(flags.stdout))


def in_c(program: Path, include: str, call: str, flags: list[str]) -> list[str]:
    source = program.with_suffix(".c")
    source.write_text(f"{include}int main(void) {{ {call} return 0; }}\n")
    return compiled([tool("cc"), "-O1", str(source), "-o", str(program), *flags], program)


def in_swift(text: str, program: Path) -> list[str]:
    source = program.with_suffix(".swift")
    source.write_text(text + "\n")
    return compiled([tool("swiftc"), "-O", "-static-stdlib", str(source), "-o", str(program)], program)


def compiled(command: list[str], program: Path) -> list[str]:
    """Compiles; the command that starts what came out."""
    done = subprocess.run(command, cwd=program.parent, capture_output=True, text=True)
    if done.returncode != 0:
        raise NotDone(f"it does not compile: {done.stderr.strip()[-300:]}")
    return [str(program)]
