"""The page of rules: `python -m benchmarks rules` writes docs/rules.md, its pictures and records.

All rules on one network (`rules.toml`, by `nr.compare`), and the width of the surrogate under
exact RTRL. What the page says of each rule comes from the rule's file: the statement of its
exactness, and its docstring, with the lines "cost" and "memory".
"""

from __future__ import annotations

import ast
import json
import re
import tempfile
import textwrap
from concurrent.futures import Executor, ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np

import neuro_rtrl as nr
from neuro_rtrl import registry
from neuro_rtrl.compare_gradient import cosine
from neuro_rtrl.experiment_text import load_experiment, make_network, make_task

EXPERIMENT = Path(__file__).parent / "rules.toml"
ROOT = Path(__file__).parent.parent
SEEDS = 1
WIDTH_SEEDS = 3
WIDTHS = (2.0, 1.0, 0.7, 0.5, 0.35, 0.25, 0.15, 0.1, 0.05, 0.02)
USUAL = 1.0
AREA = 0.3  # height x width of every triangle
POPULATIONS = ("first", "second")

# Further members of families, so that the page shows what their number buys.
MEMBERS = (
    "snap-2", "snap-3", "snap-active-1", "snap-active-3", "tbptt-50", "ok-1",
    "random-paths-1", "random-paths-16", "rtrl-tolerance-1e-2",
    "rtrl-tolerance-1e-1", "eprop-random", "rflo-symmetric",
)  # fmt: skip

Row = dict[str, Any]


def measured_rules() -> list[str]:
    """One rule of each file, and the further members of the families that there are."""
    known = registry.files("rules")
    more = [name for name in MEMBERS if family_of(name) in known]
    return [*known, *more]


def family_of(rule: str) -> str:
    """The file's name of a rule: the longest that its name begins with."""
    names = [n for n in registry.files("rules") if rule == n or rule.startswith(f"{n}-")]
    return max(names, key=len, default="")


def measure_rules(
    folder: Path,
    seeds: int = SEEDS,
    settings: tuple[str, ...] = (),
    executor: Executor | None = None,
) -> list[Row]:
    """A row for each rule, means over seeds (`nr.compare`)."""
    found = nr.compare(
        EXPERIMENT, measured_rules(), seeds=seeds, overrides=settings, out=folder / "rules",
        executor=executor, say=print,
    )  # fmt: skip
    return sorted(found["rules"], key=lambda one: (family_of(one["rule"]), one["rule"]))


def of_width(width: float, settings: tuple[str, ...] = ()) -> list[str]:
    """The overrides that give every spiking unit a triangle of this half-width."""
    values = {"width": width, "height": AREA / width}
    pairs = [(p, key, value) for p in POPULATIONS for key, value in values.items()]
    return [*settings, *(f"populations.{p}.surrogate.{key}={value}" for p, key, value in pairs)]


def measure_widths(
    folder: Path,
    widths: tuple[float, ...] = WIDTHS,
    seeds: int = WIDTH_SEEDS,
    settings: tuple[str, ...] = (),
) -> list[Row]:
    """Cost and score after training with exact RTRL, and the first gradient's cosine to USUAL."""
    first = load_experiment(EXPERIMENT).seed
    usual = [_gradient(USUAL, first + i, settings) for i in range(seeds)]
    rows = []
    for width in widths:
        with ThreadPoolExecutor(1) as here:
            found = nr.compare(
                EXPERIMENT, "rtrl", seeds=seeds, overrides=of_width(width, settings), probes=0,
                out=folder / f"width-{width}", executor=here,
            )  # fmt: skip
        one = found["rules"][0]
        pairs = [(_gradient(width, first + i, settings), usual[i]) for i in range(seeds)]
        live = [g[1] for g, _ in pairs]
        cosines = [cosine(g[0], u[0]) for g, u in pairs]
        rows.append(
            {
                "width": width,
                "live": float(np.mean(live)),
                "cosine": float(np.mean(cosines)),
                "cosines": cosines,
                "scores": [row["score"] for row in found["rows"]],
                "multiply_adds_per_step": one["multiply_adds_per_step"],
                "score": one["score"],
                "score_spread": one["score_spread"],
                "seconds": one["seconds"],
            }
        )
        print(f"half-width {width}: cosine {rows[-1]['cosine']:.3f}, score {one['score']:.3f}")
    return rows


def _gradient(width: float, seed: int, settings: tuple[str, ...]) -> tuple[np.ndarray, float]:
    """Exact gradient of hidden parameters at the initial weights; fraction of live unit-steps."""
    text = load_experiment(EXPERIMENT, [*of_width(width, settings), f"network.seed={seed}"])
    network, task = make_network(text), make_task(text)
    learner = nr.Learner(network, update="sequence", precision="float64")
    trial = task.train(0)
    learner.run(trial.inputs, trial.targets)
    hidden = [k for k, p in network.projections.items() if p.target.name in POPULATIONS]
    flat = np.concatenate([learner.gradient[name] for name in hidden])
    return flat, float(learner.ledger.densities["rows"])


def measure(folder: Path | None = None) -> Row:
    """All records of the page; a folder is gone on with, as `nr.compare` does."""
    with tempfile.TemporaryDirectory() as temporary:
        place = Path(temporary) if folder is None else folder
        return {"rules": measure_rules(place), "widths": measure_widths(place)}


def docstring(rule: str) -> str:
    """The module docstring of a rule's file."""
    text = registry.files("rules")[rule].read_text(encoding="utf-8")
    return ast.get_docstring(ast.parse(text)) or ""


def stated(rule: str, what: str) -> str:
    """What a rule's docstring says in its line "cost ..." or "memory ...", or ""."""
    found = re.search(rf"^    {what}\s{{2,}}(.+(?:\n {{12,}}.+)*)", docstring(rule), re.MULTILINE)
    return " ".join(found[1].split()) if found else ""


def section(rule: str) -> str:
    """What the page says of one rule: all of it from the rule's file."""
    value, text = registry.find("rules", rule), docstring(rule)
    summary, _, rest = text.partition("\n\n")
    file = registry.files("rules")[rule]
    lines = [
        f"### {rule}",
        " ".join(summary.split()),
        f"**Exactness**{f' (of {value.name})' * (value.name != rule)}: {value.exactness}.",
        f"**Multiply-adds a step**: {stated(rule, 'cost') or 'counted by the ledger'}; "
        f"**memory**: {stated(rule, 'memory') or 'counted by the ledger'}.",
        _as_markdown(rest),
        f"[`rules/{file.name}`](../neuro_rtrl/rules/{file.name})",
    ]
    return "\n\n".join(line for line in lines if line)


def _as_markdown(text: str) -> str:
    """A docstring without its lines of cost; signs that Markdown would eat are kept."""
    kept = re.sub(r"^    (cost|memory)\s{2,}.+(?:\n {12,}.+)*\n?", "", text, flags=re.MULTILINE)
    parts = []
    for part in re.split(r"\n\s*\n", kept.strip("\n")):
        code = all(line.startswith("    ") for line in part.splitlines())
        if code and part:
            parts.append(f"```\n{textwrap.dedent(part)}\n```")
        elif part.strip():
            # An indented line within a paragraph is a formula, too.
            blocks = re.split(r"((?:^    .*\n?)+)", part, flags=re.MULTILINE)
            parts += [
                f"```\n{textwrap.dedent(b).rstrip()}\n```" if b.startswith("    ") else _escaped(b)
                for b in blocks
                if b.strip()
            ]
    return "\n\n".join(parts)


def _escaped(text: str) -> str:
    """Signs that Markdown would take for its own, outside of code."""
    parts = re.split(r"(`[^`]*`)", text.strip())
    return "".join(p if p.startswith("`") else re.sub(r"([*<~|])", r"\\\1", p) for p in parts)


def table_of_rules(rows: list[Row]) -> str:
    """The measured rules as Markdown."""
    head = (
        "rule", "cosine", "of hidden units", "norm ratio", "bias (by chance)", "variance", "score",
        "multiply-adds a step", "memory, KiB", "seconds",
    )  # fmt: skip
    body = []
    for row in rows:
        if row["loss"] is None:
            body.append([row["rule"], *[""] * (len(head) - 2), f"failed: {row['error']}"[:80]])
            continue
        noise = f" ({row['bias_noise']:.2g})" if row["bias_noise"] > 1e-6 else ""
        body.append(
            [
                row["rule"],
                f"{row['cosine']:.4f}",
                f"{row['cosine_hidden']:.4f}",
                f"{row['norm_ratio']:.3g}",
                f"{row['bias']:.2g}{noise}",
                f"{row['variance'] if row['variance'] > 1e-20 else 0:.2g}",
                f"{row['score']:.3f}",
                f"{row['multiply_adds_per_step']:,.0f}",
                f"{row['peak_bytes'] / 1024:,.0f}",
                f"{row['seconds']:.2f}",
            ]
        )
    return _markdown(head, body)


def table_of_widths(rows: list[Row]) -> str:
    """The measured widths as Markdown."""
    head = ("half-width", "live unit-steps", "multiply-adds a step", "cosine to width 1", "score")
    body = [
        [
            f"{row['width']:g}",
            f"{row['live']:.1%}",
            f"{row['multiply_adds_per_step']:,.0f}",
            f"{row['cosine']:.3f}",
            f"{row['score']:.3f} ± {row['score_spread']:.3f}",
        ]
        for row in rows
    ]
    return _markdown(head, body)


def _markdown(head: tuple[str, ...], body: list[list[str]]) -> str:
    lines = [head, ["---"] * len(head), *body]
    return "\n".join(f"| {' | '.join(cells)} |" for cells in lines)


def page(records: Row) -> str:
    """The whole page."""
    template = (Path(__file__).parent / "rules_page.md").read_text(encoding="utf-8")
    sections = "\n\n".join(section(rule) for rule in registry.files("rules"))
    return (
        template.replace("@RULES@", table_of_rules(records["rules"]))
        .replace("@WIDTHS@", table_of_widths(records["widths"]))
        .replace("@SEEDS@", str(WIDTH_SEEDS))
        .replace("@SECTIONS@", sections)
    )


def write(records: Row | None, docs: Path = ROOT / "docs") -> list[Path]:
    """Page and pictures into a folder; without records, the text alone from those of last time."""
    from benchmarks.rules_figures import draw_rules, draw_widths

    kept = docs / "rules.json"
    written = [docs / "rules.md"]
    if records is None:
        records = json.loads(kept.read_text(encoding="utf-8"))
    else:
        kept.write_text(json.dumps(records, indent=1) + "\n", encoding="utf-8")
        families = {row["rule"]: family_of(row["rule"]) for row in records["rules"]}
        written += [kept, draw_rules(records["rules"], families, docs / "rules.png")]
        written += [draw_widths(records["widths"], docs / "surrogate_width.png")]
    written[0].write_text(page(records), encoding="utf-8")
    return written
