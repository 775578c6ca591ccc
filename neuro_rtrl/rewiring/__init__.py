"""How synapses come and go while a network learns: one file each."""
