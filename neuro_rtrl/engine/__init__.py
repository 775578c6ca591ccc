"""The run: the loop, the learner, the recorder. Rules, tasks and optimizers come in as values."""
