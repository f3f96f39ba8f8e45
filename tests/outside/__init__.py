"""The whole seen from outside: what it says about itself, what it refuses, what it gives away."""
