"""Generations: one family of learners over the same questions."""
