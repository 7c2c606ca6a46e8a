"""What is learned, and the one lifecycle.

Reading order: `learner` (the contract), the simplest module of `catalog`, `evaluation`,
`lifecycle`, `worker`.
"""
