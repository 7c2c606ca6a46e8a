"""Rows in, rows out: the only package that speaks SQL, and the PostgreSQL it speaks it to."""
