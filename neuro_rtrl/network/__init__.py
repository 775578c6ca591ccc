"""Description to arrays: populations, projections, and what is built from them."""
