"""What a comparison has to do: which rules and seeds, and what is done already.

Finished jobs are files `jobs/RULE_seedN.json` in its folder, each written at once, with a
fingerprint of the experiment: a folder goes on only with the experiment it was begun with.
"""

from __future__ import annotations

import copy
import hashlib
import json
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from neuro_rtrl import registry
from neuro_rtrl.compare_job import Job
from neuro_rtrl.contracts import Rule
from neuro_rtrl.engine.provenance import version
from neuro_rtrl.errors import DescriptionError, RunFileError, unknown
from neuro_rtrl.experiment_text import Experiment
from neuro_rtrl.outputs import write_json

JOBS = "jobs"
ALL = "all"

Rules = str | Iterable[str | Rule]


def chosen_rules(rules: Rules) -> dict[str, str | Rule]:
    """Rule's own name -> what to hand to a learner, in order; "all" is one of every file.

    Raises:
        DescriptionError: a name is unknown (the nearest is suggested), or there are none.

    >>> list(chosen_rules("rtrl, snap")), list(chosen_rules(["eprop"]))
    (['rtrl', 'snap-1'], ['eprop'])
    """
    given = rules.split(",") if isinstance(rules, str) else list(rules)
    found: dict[str, str | Rule] = {}
    for rule in given:
        if not isinstance(rule, str):
            found[rule.name] = rule
            continue
        name = rule.strip()
        known = list(registry.files("rules"))
        for one in known if name == ALL else [name]:
            found[registry.find("rules", one, where="--rules").name] = one
    if not found:
        raise DescriptionError(
            "no rules to compare", where="--rules", given=repr(rules), expected="names, or 'all'"
        )
    return found


def check_numbers(seeds: int, probes: int, workers: int | None) -> None:
    """Refuses counts that are out of range."""
    for name, value, least in (("seeds", seeds, 1), ("probes", probes, 0), ("jobs", workers, 1)):
        if value is not None and (isinstance(value, bool) or value < least):
            raise DescriptionError(
                "the count is out of range",
                where=f"--{name}",
                given=value,
                expected=f"a whole number from {least}",
            )


def check_reference(name: str) -> None:
    """Refuses a reference that is no exact rule."""
    rule = registry.find("rules", name, where="--reference")
    if not rule.exactness.startswith("drops nothing"):
        exact = [
            n
            for n in registry.files("rules")
            if registry.find("rules", n).exactness.startswith("drops nothing")
        ]
        raise unknown("exact rule", name, exact, where="--reference")


def make_jobs(
    experiment: Experiment,
    rules: Mapping[str, str | Rule],
    seeds: Sequence[int],
    probes: int,
    reference: str,
    board: Path,
) -> list[Job]:
    """One for each rule and seed; the rules of one seed follow each other, so that all advance."""
    jobs = []
    for seed in seeds:
        values = copy.deepcopy(dict(experiment.values))
        values["network"] = {**values.get("network", {}), "seed": seed}
        jobs += [
            Job(name, rule, seed, values, str(experiment.file), probes, reference, str(board))
            for name, rule in rules.items()
        ]
    return jobs


def fingerprint(experiment: Experiment, probes: int, reference: str) -> str:
    """A hash of all that a result depends on, rule and seed aside.

    Args:
        experiment: its text, and the texts of its models.
        probes, reference: how gradients are compared.
    """
    values = copy.deepcopy(dict(experiment.values))
    values.get("network", {}).pop("seed", None)
    values.get("learning", {}).pop("rule", None)
    for section in ("record", "summary", "reference"):
        values.pop(section, None)
    models = {p.name: p.model.source for p in experiment.populations if p.model is not None}
    all_of_it = [values, experiment.record.test_every, models, probes, reference]
    text = json.dumps([*all_of_it, version("neuro_rtrl")], sort_keys=True, default=str)
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def finished(folder: Path, mark: str, force: bool) -> dict[str, dict[str, Any]]:
    """Key of each finished job -> its row; `force` removes them all instead.

    Raises:
        RunFileError: the folder belongs to another experiment.
    """
    rows: dict[str, dict[str, Any]] = {}
    for file in sorted((folder / JOBS).glob("*.json")):
        if force:
            file.unlink()
            continue
        try:
            held = json.loads(file.read_text(encoding="utf-8"))
            found, rows[file.stem] = held["fingerprint"], held["row"]
        except (OSError, ValueError, KeyError, TypeError):
            continue  # a file that cannot be read is a job that is not done
        if found != mark:
            raise RunFileError(
                "the folder holds a comparison of another experiment, or of other settings",
                where=str(folder),
                given=f"{file.name} with fingerprint {found}",
                expected=f"fingerprint {mark}",
                remedy="Choose another folder with --out, undo the change, or start anew with"
                " --force.",
            )
    return rows


def keep(folder: Path, mark: str, job: Job, row: Mapping[str, Any]) -> None:
    """Writes a finished job's file; it is there whole, or not at all."""
    place = folder / JOBS
    part = place / f".{job.key}"
    write_json(part, {"fingerprint": mark, "row": dict(row)})
    part.replace(place / f"{job.key}.json")
