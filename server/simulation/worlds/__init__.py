"""Worlds that differ in kind: where children live, how they answer, why they leave, who looks."""
