"""OSTL: online spatio-temporal learning: time within layers, space between them.

Bohnstingl, Wozniak, Pantazi & Eleftheriou 2022 (IEEE TNNLS, arXiv 2007.12723), eqs. 6-12. A layer
(a population) keeps the influence of its own parameters over time, exactly; the influence of other
layers is kept from one arrival to the next only, so that errors pass through layers at once, and
what these layers remember of it is dropped:

    P_k[own layer]   <- D_k P_k + immediate part + sum_l B w q_l
    P_k[other layer] <-                            sum_l B w q_l

    cost    as rtrl; the rows of another layer end with the step in which they arrived
    memory  at most n d p numbers, those of other layers for a step only
"""

from __future__ import annotations

from neuro_rtrl.engine.lanes import RowsRule
from neuro_rtrl.network.layers import keep_own_layer, layers

RULE = RowsRule(
    name="ostl",
    exactness=(
        "drops what a layer remembers of the influence of other layers; exact with one layer of"
        " units and readouts without memory (the model readout)"
    ),
    pattern=layers,
    keep=keep_own_layer,
)
