# ---
# jupyter:
#   jupytext:
#     text_representation:
#       extension: .py
#       format_name: percent
# ---

# %% [markdown]
# # How does the surrogate's width trade cost against the gradient?
#
# The units that cost something in a step are those whose psi is not zero. A narrow triangle makes
# learning cheap; but its gradient is another one. Here one network, one input, five half-widths.

# %%
import numpy as np

import neuro_rtrl as nr

rng = np.random.default_rng(0)
inputs = (rng.random((1, 300, 40)) < 0.05).astype(float)
targets = np.sin(np.linspace(0, 12, 300)).reshape(1, 300, 1)


def learner(width: float) -> nr.Learner:
    """The network with a triangle of this half-width; psi has the same area for all of them."""
    net = nr.Network(dt="1 ms", seed=2)
    x = net.inputs(40)
    hidden = net.neurons(60, "lif", surrogate={"width": width, "height": 0.3 / width})
    y = net.neurons(1, "leaky_readout")
    net.connect(x, hidden, weights="normal(0.2, 0.5)")
    net.connect(hidden, hidden, density=0.2, weights="normal(0, 0.3)", delay="1 ms")
    net.connect(hidden, y)
    return nr.Learner(net, update="sequence")


# %% [markdown]
# The cosine is taken to the gradient of the usual half-width, 1 (the threshold), over the weights
# *into* hidden units: the readout's own weights never pass a surrogate.


# %%
def flat(width: float) -> tuple[np.ndarray, nr.Learner]:
    """The gradient as one vector, and the learner that made it."""
    made = learner(width)
    made.run(inputs, targets)
    return np.concatenate([made.gradient[name] for name in ("input_lif", "lif_lif")]), made


usual, _ = flat(1.0)
rows = []
for width in (1.0, 0.5, 0.3, 0.1, 0.03):
    gradient, made = flat(width)
    cosine = gradient @ usual / np.linalg.norm(gradient) / np.linalg.norm(usual)
    ledger = made.ledger
    rows.append((width, ledger.densities["rows"], ledger.multiply_adds / ledger.steps, cosine))
    print(
        "half-width {:5.2f}: live {:.3f}, multiply-adds a step {:9.0f}, cosine {:.3f}".format(
            *rows[-1]
        )
    )

# %% [markdown]
# Cost falls with the width; so does the likeness of the gradient.

# %%
assert rows[0][2] > rows[-1][2]
assert rows[0][3] > 0.999
