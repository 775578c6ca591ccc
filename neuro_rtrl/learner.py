"""`Learner`: a network, a rule, an optimizer and a loss, by name or as values."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from neuro_rtrl.contracts import Optimizer, Reshaping, Rule
from neuro_rtrl.contracts_influence import Sized
from neuro_rtrl.contracts_rewiring import Rewiring
from neuro_rtrl.engine.build import Built, build
from neuro_rtrl.engine.crew import lanes
from neuro_rtrl.engine.learning import Session
from neuro_rtrl.engine.ledger import Ledger
from neuro_rtrl.engine.monitor import Receive
from neuro_rtrl.engine.observed import Influence, Looks, observe
from neuro_rtrl.engine.passage import Between
from neuro_rtrl.engine.result import Result
from neuro_rtrl.engine.snapshot import Snapshot, put_back, take, trusting_nothing
from neuro_rtrl.engine.stream import numbers, targets_of
from neuro_rtrl.engine.tape import Record, monitored
from neuro_rtrl.errors import DescriptionError, unknown
from neuro_rtrl.learner_options import (
    FiringRate,
    check_both,
    check_options,
    counting,
    guided,
    rewirings,
    with_weights_that_change,
)
from neuro_rtrl.network.describe import Network, Projection
from neuro_rtrl.network.rewired import connected, made_plastic, present
from neuro_rtrl.registry import find


class Learner:
    """A network that learns while it runs.

    Args:
        net: the network; it is built here, later changes to it have no effect.
        rule: name of a file in `rules/` ("rtrl", "bptt"), or a rule.
        optimizer: `Adam(1e-3)`, `Sgd(1e-2)`, or None: gradients only.
        loss: "mse", "sse", "bce" (sigmoid inside) or "cross_entropy" (softmax inside).
        update: "step", "sequence", or a number of steps. With "sequence", `step` only gathers the
            gradient: `run` knows where a sequence ends.
        precision: "float32" or "float64", of the influence matrix (states are always float64).
        batch: lanes of `step`.
        firing_rate: keeps firing rates near a target; with update="sequence".
        feedback: weights through which errors pass to hidden units, for rules with random or
            adaptive feedback: name of a projection from spiking units to readouts -> a number, an
            array (synapses,), a matrix (sources, targets) or a distribution, as in
            `Network.connect`. Other projections have those of the rule.
        average: "steps": the loss of a sequence is the mean over its steps with targets, not the
            sum; with update="sequence".
        rewiring: how synapses come and go: a method (`DeepR(...)`) for all projections that learn,
            or a dict of methods by the names of projections.

    Raises:
        DescriptionError, BuildError: a name, shape or combination that does not work.

    >>> net = Network(dt="1 ms", seed=0)
    >>> x, hidden = net.inputs(2), net.neurons(3, "lif", name="hidden")
    >>> y = net.neurons(1, "leaky_readout")
    >>> first = net.connect(x, hidden, weights=0.6)
    >>> second = net.connect(hidden, y)
    >>> learner = Learner(net, loss="mse")
    >>> learner.step([1, 1], [0.5]).shape
    (1,)
    >>> sorted(learner.gradient)
    ['hidden_leaky_readout', 'input_hidden']
    """

    def __init__(
        self,
        net: Network,
        rule: str | Rule = "rtrl",
        optimizer: Optimizer | None = None,
        loss: str = "mse",
        update: str | int = "step",
        precision: str = "float32",
        batch: int = 1,
        *,
        firing_rate: FiringRate | None = None,
        feedback: Mapping[str, Any] | None = None,
        average: str | None = None,
        rewiring: Rewiring | Mapping[str, Rewiring] | None = None,
    ) -> None:
        chosen = guided(find("rules", rule) if isinstance(rule, str) else rule, feedback)
        check_options(optimizer, average, batch)
        changes = optimizer is not None and update != "sequence"
        chosen = with_weights_that_change(chosen, within_sequences=changes)
        self._net = net
        run = chosen.network(net) if isinstance(chosen, Reshaping) else net
        methods = rewirings(net, rewiring)
        check_both(methods, feedback)
        self._session = Session(
            build(counting(made_plastic(run, list(methods)), firing_rate)),
            chosen,
            optimizer,
            loss,
            update,
            precision,
            batch,
            rate=None if firing_rate is None else (firing_rate.coefficient, firing_rate.target),
            average=average is not None,
            rewiring=methods,
        )
        self._width = sum(p.n for p in self._built.plan.inputs)

    @property
    def _built(self) -> Built:
        return self._session.built

    def step(self, x: Any, target: Any = None) -> np.ndarray:
        """One step: forward, influence, gradient, and an update if one is due.

        Args:
            x: (inputs,), or (batch, inputs) if batch > 1; non-zero entries are events.
            target: (outputs,) or (batch, outputs); None: no error in this step.

        Returns:
            Predictions in the shape of `target`.
        """
        batch, outputs = self._session.batch, self._session.outputs.size
        lead: tuple[int | None, ...] = () if batch == 1 else (batch,)
        inputs = numbers(x, (*lead, self._width), "inputs").reshape(batch, 1, self._width)
        targets = None
        if target is not None:
            shaped = targets_of(target, (*lead, outputs))
            targets = shaped.reshape(batch, 1, outputs)
        made = self._session.steps(inputs, targets).predictions[:, 0]
        return made[0] if batch == 1 else made

    def run(
        self,
        inputs: Any,
        targets: Any = None,
        *,
        record: Record = (),
        spikes: bool = False,
        learn: bool = True,
        between: Between | None = None,
        receive: Receive | None = None,
    ) -> Result:
        """Whole sequences, each from the initial state, updating as `update` says.

        With a number of steps, the end of the sequences is a time to update, too. Afterwards the
        network is in its initial state; `gradient` stays to be read.

        Args:
            inputs: (batch, steps, inputs).
            targets: (batch, steps, outputs), NaN where there is no error; None: no error at all.
            record: states of the first sequence to keep, as "population.state"; or these as keys
                of the numbers of the units.
            spikes: whether to keep the spikes of all sequences (`Result.spikes`).
            learn: False: gradients only, no update.
            between: asked in pauses: (steps of all sequences that are done) -> steps until the
                next. From what `state` gives then, the same call goes on.
            receive: is given `Records` of the first sequence as they come; the result has none.
        """
        array = numbers(inputs, (None, None, self._width), "inputs")
        if array.shape[0] == 0:
            raise DescriptionError(
                "an empty batch", given=array.shape, expected="at least one sequence"
            )
        shape = (*array.shape[:2], self._session.outputs.size)
        wanted = None if targets is None else targets_of(targets, shape)
        places = monitored(self._built, record, {})
        traced = np.concatenate([np.zeros(0, np.int64), *places.values()])
        return self._session.sequences(array, wanted, traced, spikes, learn, between, receive)

    def influence(
        self,
        inputs: Any,
        targets: Any = None,
        *,
        units: Mapping[str, Any],
        every: int = 1,
        own: bool = False,
    ) -> dict[str, Influence]:
        """Rows of the influence matrix in one sequence, from the initial state; nothing changes.

        Args:
            inputs: (steps, inputs).
            targets: (steps, outputs), for rules to which they matter; None: none.
            units: population -> numbers of the units whose rows are looked at.
            every: steps from one look to the next.
            own: only the units' own parameters: their eligibility traces.

        Returns:
            Population -> the entries that are not zero.

        Raises:
            DescriptionError: there are no such units, or arrays of wrong shapes.
            BuildError: the rule keeps no rows.
        """
        array = numbers(inputs, (None, self._width), "inputs")[None]
        shape = (array.shape[1], self._session.outputs.size)
        wanted = None if targets is None else targets_of(targets, shape)[None]
        session, looks = self._session, Looks(units, every, own)
        name = session.rule.name
        return observe(self._built, session.lane(0), name, looks, array, wanted, **session.options)

    def reset(self) -> None:
        """States, queue and influence back to the start; parameters stay."""
        self._session.restart()

    def state(self) -> Snapshot:
        """Everything that changes while it learns, to go on from (`restore`); not a copy.

        Raises:
            RunFileError: the optimizer or the rule keeps something that is no array or number.
        """
        return take(self._session)

    def restore(self, state: Snapshot) -> None:
        """Go on from the state of another learner that was made in the same way.

        Raises:
            RunFileError: it was made in another way.
        """
        self.make_ready(state)
        put_back(self._session, state)

    def make_ready(self, state: Snapshot, place: str = "") -> None:
        """Make the wiring and the lanes of a learner whose state, at `place`, will be put back."""
        with trusting_nothing():
            self._session.make_ready(state, place)

    def most_bytes(self, batch: int = 1, steps: int = 1) -> tuple[int, bool]:
        """Bytes that the influence of `batch` sequences of `steps` may grow to, or what stands for
        it (0: nothing does); and whether all of it is taken at once."""
        session, rule = self._session, self._session.rule
        if not isinstance(rule, Sized):
            return 0, False
        bytes_ = rule.most_bytes(self._built, session.shared, session.precision, steps)
        return lanes(session, batch, steps) * bytes_, rule.at_once

    @property
    def gradient(self) -> dict[str, np.ndarray]:
        """Name -> gradient of the loss summed since the last update, mean over the batch."""
        names, gradient = self._built.plan.names, self._session.collect()
        return {name: gradient[index] for name, index in names.items()}

    @property
    def parameters(self) -> dict[str, np.ndarray]:
        """Name -> present values of what learns (weights in the order of `.pre`, `.post`)."""
        return {name: self._built.values[index] for name, index in self._built.plan.names.items()}

    def set_parameters(self, values: dict[str, Any]) -> None:
        """Replace values of what learns, by name: all of them, or none if one is refused.

        Raises:
            DescriptionError: an unknown name, or values of the wrong shape.
        """
        names, checked = self._built.plan.names, {}
        for name, value in values.items():
            if name not in names:
                raise unknown("learned parameter", name, names)
            checked[name] = numbers(value, names[name].shape, name)
        for name, array in checked.items():
            self._built.values[names[name]] = array

    @property
    def plastic(self) -> tuple[str, ...]:
        """Names of the projections that are rewired."""
        return () if self._session.plastic is None else self._session.plastic.names

    @property
    def connected(self) -> dict[str, float]:
        """Projection that is rewired -> share of its pairs of units that have a synapse now."""
        return connected(self._built.plan, self.plastic)

    @property
    def network(self) -> Network:
        """A copy of the network with its present wiring and values."""
        return present(self._net, self._built.plan, self._built.values)

    @property
    def projections(self) -> dict[str, Projection]:
        """Name -> present wiring: `.pre`, `.post`, `.weights`, `.delay` (a copy)."""
        return self.network.projections

    @property
    def certificate(self) -> float | None:
        """Bound of the 2-norm of the error of `gradient`; None if the rule has no such bound."""
        return self._session.certificate()

    @property
    def ledger(self) -> Ledger:
        """What the kernels counted so far."""
        return self._session.ledger()

    @property
    def sources(self) -> dict[str, str]:
        """Population -> generated source of its compiled functions."""
        return dict(self._built.sources)
