"""The reference solutions at full budget: what ``bsds train`` runs."""
