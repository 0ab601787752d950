"""docs/benchmarks.md, of what the workloads found out."""

import json
import os
import re
from pathlib import Path

import plot
from facts import facts

DOCS = Path(__file__).parents[2] / "docs"
TEMPLATE = Path(__file__).parent / "page.md"


def main() -> None:
    documents = [json.loads((folder / "result.json").read_text()) for folder in needed()]
    DOCS.mkdir(exist_ok=True)
    (DOCS / "benchmarks.svg").write_text(plot.svg(documents))
    (DOCS / "benchmarks.md").write_text(page(documents))
    print(goals(documents))


def needed() -> list[Path]:
    """The results folders of the tasks that this one needs, in the order of the run file."""
    lines = Path(os.environ["SATURN_NEEDS"]).read_text().splitlines()
    return [Path(line.split("\t")[1]) for line in lines]


def page(documents: list[dict]) -> str:
    values = {
        "heading": heading(documents),
        "goals": goals(documents),
        "tables": "\n\n".join(section(document) for document in documents),
    }
    return TEMPLATE.read_text().format(**values, **conditions(documents))


def heading(documents: list[dict]) -> str:
    scales = sorted({document["scale"] for document in documents})
    if scales == [1]:
        return "# Benchmarks"
    return f"# Benchmarks at scale {', '.join(f'{scale:g}' for scale in scales)}: too small to say anything"


def conditions(documents: list[dict]) -> dict[str, str]:
    known = facts()
    loads = [document["load"] for document in documents]
    versions = [f"{name} {version}" for name, version in known["versions"].items()]
    return {
        "date": known["date"],
        "machine": known["machine"],
        "versions": ", ".join(versions),
        "load": f"{min(loads):.1f} to {max(loads):.1f}",
    }


def goals(documents: list[dict]) -> str:
    lines = ["| | measured | goal | |", "| --- | --- | --- | --- |"]
    for document in documents:
        for goal in document["goals"]:
            digits = ".0f" if goal["unit"] == "MB" else ".2f"
            met = "met" if goal["met"] else "**missed**"
            lines.append(f"| {goal['what']} | {goal['value']:{digits}} {goal['unit']} | ≤ {goal['limit']:.3g} | {met} |")
    return "\n".join(lines)


def section(document: dict) -> str:
    notes = "".join(f"\n{note}\n" for note in document["notes"])
    return f"### {document['title']}\n\n{table(document)}\n{notes}".rstrip()


def table(document: dict) -> str:
    head = ["", "command", "CPU", "min – max", "per task", f"× {document['base']}", "elapsed", "peak", "rounds"]
    lines = [head, ["---"] * len(head)] + [row(one) for one in document["series"]]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)


def row(one: dict) -> list[str]:
    peak = f"{one['peak'] / 1e6:.1f} MB" if one["peak"] else "–"
    # The folder has another name each time.
    command = "`" + re.sub(r"/\S*/saturn-bench-[^/]+/", "", one["command"]).replace("|", "\\|") + "`"
    cpu = one["cpu"]
    if cpu is None:
        return [one["name"], command, "–", "–", "–", "–", "–", peak, "1"]
    return [
        one["name"],
        command,
        duration(cpu["median"]),
        f"{duration(cpu['min'])} – {duration(cpu['max'])}",
        duration(cpu["median"] / one["tasks"]) if one["tasks"] > 1 else "–",
        f"{one['ratio']:.2f}" if one["ratio"] else "–",
        duration(one["wall"]["median"]),
        peak,
        str(one["rounds"]),
    ]


def duration(seconds: float) -> str:
    for unit, factor in [("s", 1), ("ms", 1e3)]:
        if seconds * factor >= 1:
            return f"{seconds * factor:.3g} {unit}"
    return f"{seconds * 1e6:.3g} µs"
