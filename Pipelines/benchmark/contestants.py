"""Who is compared: for each, how N commands are written down, run, planned, and how to see that they were done."""

import os
import re
import subprocess
from pathlib import Path

from measure import expect, tool


class Contestant:
    """A program that runs commands. Each is given a list of commands, task 0, 1, 2 …, in a folder of its own."""

    name: str
    run: list[str]
    dry: list[str]

    def write(self, folder: Path, commands: list[str]) -> None:
        """Writes down what is to be run."""
        raise NotImplementedError

    def settle(self, folder: Path, tasks: int) -> None:
        """Makes what the commands were to make, where they only say so: `true` makes nothing."""

    def check(self, output: Path, folder: Path, ran: int, tasks: int) -> None:
        """Raises unless, by what it said and left, `ran` of `tasks` commands were run and the others spared."""
        raise NotImplementedError

    def check_dry(self, output: Path, folder: Path, ran: int, tasks: int) -> None:
        self.check(output, folder, ran, tasks)


def task(index: int) -> str:
    return f"t{index:06}"


class Saturn(Contestant):
    def __init__(self, git: bool = False) -> None:
        built = Path(__file__).parents[2] / ".build/release/saturn"
        program = os.path.realpath(os.environ.get("BENCH_SATURN") or built)
        self.name = "saturn in git" if git else "saturn"
        self.git = git
        self.run = [program, "run"]
        self.dry = [program, "plan"]

    def write(self, folder: Path, commands: list[str]) -> None:
        lines = ["name: bench", "executor: {class_spec: Multiprocessing, jobs: 2}", "tasks:"]
        lines += [f'  - {{name: {task(i)}, command: "{command}"}}' for i, command in enumerate(commands)]
        file = folder / "run.yaml"
        file.write_text("\n".join(lines) + "\n")
        if self.git and not (folder / ".git").exists():
            os.utime(file, (1_000_000_000, 1_000_000_000))  # else git would read it again each time, being so young
            commit(folder)

    def check(self, output: Path, folder: Path, ran: int, tasks: int) -> None:
        parts = [(ran, "succeeded"), (tasks - ran, "up to date")]
        said = ", ".join(f"{count} {word}" for count, word in parts if count)
        expect(f"\nbench: {said} (" in "\n" + output.read_text(), self.name, f"{ran} of {tasks} tasks", output)
        if ran == tasks:
            results = folder / "results/bench"
            complete = sum(is_complete(results / task(i)) for i in range(tasks))
            expect(complete == tasks, self.name, f"{tasks - complete} of {tasks} results", output)

    def check_dry(self, output: Path, folder: Path, ran: int, tasks: int) -> None:
        parts = [(ran, "run", "new"), (tasks - ran, "reuse", "up to date")]
        text = output.read_text()
        done = all(re.search(rf"^  {action} +{count}  {why} ", text, re.M) for count, action, why in parts if count)
        expect(done, self.name, f"a plan to run {ran} of {tasks}", output)


def is_complete(folder: Path) -> bool:
    """Whether a task's folder has its log, events, status and results/."""
    return (
        (folder / "status").read_text().strip() == "success"
        and (folder / "log").exists()
        and (folder / "events").stat().st_size > 0
        and (folder / "results").is_dir()
    )


def commit(folder: Path) -> None:
    (folder / ".gitignore").write_text("results/\n")
    os.utime(folder / ".gitignore", (1_000_000_000, 1_000_000_000))
    who = ["-c", "user.name=bench", "-c", "user.email=bench@example.org", "-c", "commit.gpgsign=false"]
    for arguments in [["init", "-q"], ["add", "-A"], [*who, "commit", "-q", "-m", "begin"]]:
        subprocess.run(["git", *arguments], cwd=folder, check=True)


class Ninja(Contestant):
    name = "ninja"

    def __init__(self) -> None:
        self.run = [tool("ninja"), "-j2"]
        self.dry = [tool("ninja"), "-n"]

    def write(self, folder: Path, commands: list[str]) -> None:
        lines = ["rule r", "  command = true $arguments"]
        for i, command in enumerate(commands):
            lines.append(f"build out/{task(i)}: r")
            if command != "true":
                lines.append(f"  arguments = {command.removeprefix('true ')}")
        (folder / "build.ninja").write_text("\n".join(lines) + "\n")

    def settle(self, folder: Path, tasks: int) -> None:
        touch_outputs(folder, tasks)

    def check(self, output: Path, folder: Path, ran: int, tasks: int) -> None:
        wanted = f"[{ran}/{ran}] " if ran else "ninja: no work to do."
        expect(wanted in tail_line(output), self.name, f"{ran} of {tasks} tasks", output)


class Make(Contestant):
    name = "make"

    def __init__(self) -> None:
        self.run = [tool("make"), "-j2"]
        self.dry = [tool("make"), "-n"]

    def write(self, folder: Path, commands: list[str]) -> None:
        names = [f"out/{task(i)}" for i in range(len(commands))]
        lines = ["all: " + " ".join(names)]
        # With the semicolon it is run by a shell, as the others do; without, make executes it itself.
        lines += [f"{name}:\n\t{command};" for name, command in zip(names, commands)]
        (folder / "Makefile").write_text("\n".join(lines) + "\n")

    def settle(self, folder: Path, tasks: int) -> None:
        touch_outputs(folder, tasks)

    def check(self, output: Path, folder: Path, ran: int, tasks: int) -> None:
        lines = output.read_text().splitlines()
        done = lines.count("true;") == ran if ran else lines == ["make: Nothing to be done for 'all'."]
        expect(done, self.name, f"{ran} of {tasks} tasks", output)


def touch_outputs(folder: Path, tasks: int) -> None:
    (folder / "out").mkdir(exist_ok=True)
    for i in range(tasks):
        (folder / "out" / task(i)).touch()


def tail_line(output: Path) -> str:
    lines = output.read_text().splitlines()
    return lines[-1] if lines else ""
