"""Measures one workload, or makes the page of all of them; Pipelines/benchmark.yaml says which in which order.

    python3 -B benchmark cold
    python3 -B benchmark page
"""

import json
import os
import signal
import sys
from pathlib import Path

import page
from measure import NotDone, Track
from place import Place, Unfit
from result import sized
from workloads import ROOM, SIZE, WORKLOADS


def measure(name: str) -> None:
    tasks = sized(ROOM.get(name, 10_000))
    with Place(tasks, sized(SIZE.get(name, 0), least=0)) as place:
        result = WORKLOADS[name](Track(place))
    document = result.document()
    file = Path(os.environ["SATURN_RESULTS_DIR"]) / "result.json"
    file.write_text(json.dumps(document, indent=1) + "\n")
    print(page.table(document))
    for note in result.notes:
        print(f"note: {note}", file=sys.stderr)


def main() -> None:
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # so that the trees go
    if len(sys.argv) != 2 or sys.argv[1] not in [*WORKLOADS, "page"]:
        sys.exit(f"usage: python3 -B benchmark {'|'.join(WORKLOADS)}|page")
    try:
        page.main() if sys.argv[1] == "page" else measure(sys.argv[1])
    except (NotDone, Unfit) as problem:
        sys.exit(f"error: {problem}")


main()
