"""The picture of the sweeps: seconds above, memory below, an axis a column."""

from __future__ import annotations

from pathlib import Path

import matplotlib

matplotlib.use("Agg")
from matplotlib import pyplot as plt

from benchmarks import sweeps
from benchmarks.record import Record

LOOKS = {
    sweeps.RTRL: ("C3", "o", 2.4),
    sweeps.FROM_END: ("C3", "o", 0.9),
    sweeps.EPROP: ("C1", "o", 1.4),
    sweeps.DENSE: ("0.35", "s", 1.2),
    sweeps.LIVE: ("0.6", "s", 1.2),
    sweeps.BPTT: ("C0", "^", 1.4),
    sweeps.NEST: ("C2", "v", 1.4),
}
TIME = "ms_per_step_median"
ROWS = {TIME: "ms per step", "peak_mb": "peak memory, MB"}
NAMES = {
    sweeps.RTRL: "exact rtrl (ours, carried)",
    sweeps.FROM_END: "the same, read from the end",
    sweeps.EPROP: "eprop (ours)",
}


def draw(records: list[Record], path: Path) -> Path:
    """Lines of all programs; where `rtrl` crosses another in time is dotted."""
    axes_of = list(dict.fromkeys(r.details["sweep"] for r in records))
    columns = len(axes_of)
    size = (3.9 * columns, 6.6)
    figure, axes = plt.subplots(2, columns, figsize=size, squeeze=False, sharex="col", sharey="row")
    for column, sweep in enumerate(axes_of):
        mine = [r for r in records if r.details["sweep"] == sweep]
        for row, (key, label) in enumerate(ROWS.items()):
            panel(axes[row, column], mine, key)
            if column == 0:
                axes[row, column].set_ylabel(label)
        axes[1, column].set_xlabel(sweeps.LABELS[sweep])
    handles, labels = axes[0, 0].get_legend_handles_labels()
    figure.legend(handles, labels, loc="upper center", ncols=4, frameon=False, fontsize=10)
    figure.tight_layout(rect=(0, 0, 1, 0.92))
    path.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(path, dpi=110)
    plt.close(figure)
    return path


def panel(axis: plt.Axes, records: list[Record], key: str) -> None:
    """One quantity along one axis; memory of a megabyte or so is beyond what can be told."""
    for who, (colour, marker, width) in LOOKS.items():
        x, y = sweeps.line(records, who, key)
        label = NAMES.get(who, who)
        axis.plot(x, y, marker=marker, color=colour, lw=width, markersize=4, label=label)
    axis.set(xscale="log", yscale="log")
    axis.grid(True, which="major", lw=0.4, alpha=0.5)
    places_of = sorted({r.details["at"] for r in records})
    axis.set_xticks(places_of, [f"{at:.2g}" if at < 1 else f"{at:.0f}" for at in places_of])
    axis.minorticks_off()
    if key != TIME:
        axis.set_ylim(bottom=0.1)
        return
    level = 0.02
    for who, places in sweeps.crossings(records, key).items():
        for at in places:
            axis.axvline(at, color=LOOKS[who][0], ls=":", lw=1.3)
            text = f" {at:.2g}" if at < 1 else f" {at:.0f}"
            axis.text(
                at, level, text, color=LOOKS[who][0], fontsize=8,
                transform=axis.get_xaxis_transform(),
            )  # fmt: skip
            level += 0.05
