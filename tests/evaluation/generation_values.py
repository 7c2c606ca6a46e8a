"""How well the generation family predicts values on real data, beside what the READMEs report."""
