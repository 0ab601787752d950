"""Contestants that take milliseconds per task and more: they are compared at a smaller size."""

from pathlib import Path

from contestants import Contestant
from measure import expect, tool


class Parallel(Contestant):
    """GNU parallel, which keeps every task's output in a folder, and a log by which it resumes."""

    name = "parallel"

    def __init__(self) -> None:
        options = ["--will-cite", "-j2", "--results", "out", "--joblog", "log", "--resume"]
        self.run = [tool("parallel"), *options, "true", "::::", "numbers"]

    def write(self, folder: Path, commands: list[str]) -> None:
        (folder / "numbers").write_text("".join(f"{i}\n" for i in range(len(commands))))

    def check(self, output: Path, folder: Path, ran: int, tasks: int) -> None:
        # What is run again is logged again.
        logged = len((folder / "log").read_text().splitlines()) - 1
        kept = sum(1 for _ in (folder / "out").glob("*/*/stdout"))
        expect(logged == tasks == kept, self.name, f"{ran} of {tasks} tasks", output)


class Doit(Contestant):
    name = "doit"

    def __init__(self) -> None:
        self.run = [tool("doit"), "-n", "2"]

    def write(self, folder: Path, commands: list[str]) -> None:
        lines = [
            "from doit.tools import config_changed",
            "def task_t():",
            f"    for i in range({len(commands)}):",
            "        yield {'name': str(i), 'actions': ['true'], 'uptodate': [config_changed('true')]}",
        ]
        (folder / "dodo.py").write_text("\n".join(lines) + "\n")

    def check(self, output: Path, folder: Path, ran: int, tasks: int) -> None:
        lines = output.read_text().splitlines()
        done = sum(line.startswith(".  t:") for line in lines)
        spared = sum(line.startswith("-- t:") for line in lines)
        expect((done, spared) == (ran, tasks - ran), self.name, f"{ran} of {tasks} tasks", output)


class Snakemake(Contestant):
    name = "snakemake"

    def __init__(self) -> None:
        self.run = [tool("snakemake"), "--cores", "2"]

    def write(self, folder: Path, commands: list[str]) -> None:
        lines = [
            "rule all:",
            f"    input: expand('out/t{{i}}', i=range({len(commands)}))",
            "rule t:",
            "    output: touch('out/t{i}')",
            "    shell: 'true'",
        ]
        (folder / "Snakefile").write_text("\n".join(lines) + "\n")

    def check(self, output: Path, folder: Path, ran: int, tasks: int) -> None:
        steps = ran + 1  # the rule that wants them all
        wanted = f"{steps} of {steps} steps (100%) done" if ran else "Nothing to be done"
        made = sum(1 for _ in (folder / "out").iterdir())
        expect(wanted in output.read_text() and made == tasks, self.name, f"{ran} of {tasks} tasks", output)
